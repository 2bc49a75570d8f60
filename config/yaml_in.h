/*
 * yaml_in: a bounded, plain subset of YAML as a list of paths and values (libyaml).
 *
 * One document of nested maps, lists of texts, and texts. Anchors, aliases, tags and a second
 * document are refused; so is a key given twice. "a: {b: x}" and "a.b: x" are the same path, but
 * not to yaml_read_names, for files whose keys are names that may hold dots.
 */
#ifndef CONFIG_YAML_IN_H
#define CONFIG_YAML_IN_H

#include "bridge/core/buf.h"
#include "bridge/core/view.h"

#define YAML_BYTES_MAX (8 << 20)
#define YAML_NODES_MAX 100000
#define YAML_DEPTH_MAX 8      /* of maps and lists */
#define YAML_KEY_MAX   128    /* bytes of one key */
#define YAML_PATH_MAX  512    /* bytes of a path, with the NUL */
#define YAML_BETWEEN   '\x1f' /* is in no key */

enum yaml_kind {
    YAML_TEXT,
    YAML_NULL, /* nothing after the colon, or ~ or null without quotes */
    YAML_MAP,
    YAML_LIST,
    YAML_ALIAS, /* refused, and what it stands for is not known */
};

struct yaml_node {
    char *path;    /* "targets.main.url", "kafka.topics[0]"; the root has none and is no node */
    size_t key_at; /* where in path the last key begins; an item has its list's */
    enum yaml_kind kind;
    char *text;    /* YAML_TEXT: the value, NUL-terminated, without NUL inside; else NULL */
    unsigned line; /* of the key; of an item its own */
};

struct yaml_doc {
    struct yaml_node *nodes; /* in the order of the text; a map stands before what is in it */
    size_t count;
    size_t cap;
    bool cut;     /* nodes are missing: the reading ended early, or a key could not be read */
    bool aliases; /* there is a YAML_ALIAS among the nodes */
};

/* Appends "NAME:LINE: sentence\n" to mistakes for each thing wrong. False if there was any; `out`
 * holds what was read, and is to be yaml_doc_done either way. */
bool yaml_read(struct view bytes, const char *name, struct yaml_doc *out,
               struct buf *mistakes) MUST_CHECK;
/* The same, with YAML_BETWEEN in the paths where the former has a dot. */
bool yaml_read_names(struct view bytes, const char *name, struct yaml_doc *out,
                     struct buf *mistakes) MUST_CHECK;
void yaml_doc_done(struct yaml_doc *d);

#endif
