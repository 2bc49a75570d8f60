/*
 * cmi_decode: tokens in, checked properties out, by the table of cmi_fields.h.
 *
 * Usage:
 *     cmi_decode_init(&d, &cmi_callback, CMI_POST, visitor);
 *     a reader feeds cmi_decode_sink(&d);
 *     cmi_decode_end(&d, &fault);
 *
 * The first broken rule ends the reading with a FAULT_REJECT that names the field by its path, what
 * is wrong and what is allowed: "maxRetryCount is 11; the maximum is 10",
 * "destinations[3].address is missing", "lastResult is 'GONE'; allowed are SUCCESSFUL, BUSY, …".
 * The value of a CMI_PRIVATE field is never quoted, long digits in others are masked. Fields
 * unknown to the shape are read over; known ones without the given use, too, but a body must give
 * them in their type (contract 7; CMI_ANYHOW says which not even that). A field given twice is
 * refused, under either spelling, and any other key, too, however deep it stands; null is as
 * absent, except with CMI_INGEST, where it is handed on (contract 4: null removes). Text that holds
 * U+0000 is refused.
 *
 * With CMI_INGEST only the inside of objects and lists is checked for what is missing; what an
 * event must give says event_types.h. What it derives may be anything (contract 4).
 */
#ifndef BRIDGE_CORE_CMI_DECODE_H
#define BRIDGE_CORE_CMI_DECODE_H

#include "bridge/core/cmi_fields.h"
#include "bridge/core/guid.h"
#include "bridge/core/keys_once.h"
#include "bridge/core/token.h"

struct cmi_value {
    bool null;
    bool named;       /* CMI_NAMES in an ingest event, not GUID-shaped: text is as given */
    struct view text; /* CMI_STRING: the text; CMI_NUMBER: as written; CMI_GUID: 32 upper hex, or as
                         given where the field says so; CMI_TIME: as given */
    int64_t integer;  /* CMI_INTEGER */
    bool boolean;     /* CMI_BOOL */
    int64_t time_ms;  /* CMI_TIME: since 1970, UTC */
    uint32_t time_ns; /* after that, at most DATETIME_FINER_MAX_NS: never shown, for order only */
};

/* What the decoder calls, in the order of the input. Any of them may be NULL. `begin` and `end`
 * enclose an object or one item of a list (for a list: once per item, index counting from 0).
 * `list` comes at a list's end, empty ones too. The list's length is not limited here: nothing of
 * it is kept. Views hold during the call. Returning false with a fault ends the reading. */
struct cmi_visitor {
    void *ctx;
    bool (*begin)(void *ctx, const struct cmi_field *field, size_t index, struct fault *f);
    bool (*value)(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                  struct fault *f);
    bool (*end)(void *ctx, const struct cmi_field *field, struct fault *f);
    bool (*list)(void *ctx, const struct cmi_field *field, size_t count, struct fault *f);
};

#define CMI_DECODE_DEPTH 8  /* deepest nesting of objects and lists in the tables, with room */
#define CMI_FIELDS_MAX   64 /* fields of one shape */
#define CMI_SCALAR_MAX   (1 << 20) /* bytes of one string value */
#define CMI_NAME_MAX     256       /* bytes of a producer's own name where a GUID may stand */

struct cmi_decode_level {
    const struct cmi_shape *shape; /* of the object, or of the list's items */
    const struct cmi_field *field; /* that opened this level; NULL at the root */
    const struct cmi_field *key;   /* the field whose value comes next; NULL: read over */
    uint64_t given;                /* bit i: fields[i] was given … */
    uint64_t filled;               /* … and not null */
    size_t index;                  /* in a list: items so far */
    bool unread;                   /* only the type of the key's value matters */
    unsigned char state;           /* private to cmi_decode.c */
};

struct cmi_decode {
    const struct cmi_shape *shape;
    enum cmi_use use; /* CMI_POST, CMI_PUT or CMI_INGEST */
    struct cmi_visitor visitor;
    struct cmi_decode_level levels[CMI_DECODE_DEPTH];
    unsigned depth;
    unsigned skipping; /* >0: inside a value that is read over, so deep */
    bool finished;
    char guid[GUID_TEXT_MAX];
    struct keys_once keys; /* that are in no table; last, since it is not cleared */
};

void cmi_decode_init(struct cmi_decode *d, const struct cmi_shape *shape, enum cmi_use use,
                     struct cmi_visitor visitor);
struct token_sink cmi_decode_sink(struct cmi_decode *d);
/* After the last token: was the value whole, and was everything there that must be? */
bool cmi_decode_end(const struct cmi_decode *d, struct fault *f) MUST_CHECK;

#endif
