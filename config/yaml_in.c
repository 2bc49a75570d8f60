#include "config/yaml_in.h"

#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct level {
    bool list;
    bool have_key;     /* map: the key was read, its value comes next */
    size_t index;      /* list: of the next item */
    size_t key_line;   /* map: of the key */
    size_t path_bytes; /* of the path of the map or list itself */
    size_t key_at;     /* list: its own, which is that of its items */
};

struct reader {
    struct yaml_doc *out;
    const char *name;
    struct buf *mistakes;
    char between; /* the keys of a path */
    bool bad;
    struct level levels[YAML_DEPTH_MAX];
    size_t depth;
    char path[YAML_PATH_MAX]; /* of the node that comes next */
    size_t path_bytes;
    size_t key_at;
    size_t marked_line; /* the last in which a mark was told */
    unsigned passing;   /* nodes that are read over: the value of a key that can be none, and, */
    size_t passing_in;  /* where that is a map or a list, the key; so many that are open of it */
    bool ended;
};

static bool mistake(struct reader *r, size_t line, const char *sentence)
{
    buf_printf(r->mistakes, "%s:%zu: %s\n", r->name, line, sentence);
    r->bad = true;
    return false;
}

static struct level *top(struct reader *r)
{
    return r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
}

static bool is_null(struct view text, yaml_scalar_style_t style)
{
    return style == YAML_PLAIN_SCALAR_STYLE &&
           (text.n == 0 || view_is(text, "~") || view_eq_nocase(text, VIEW("null")));
}

/* Keeps a node under the current path. */
static bool keep(struct reader *r, enum yaml_kind kind, struct view text, size_t line)
{
    struct yaml_doc *d = r->out;
    const struct level *l = top(r);

    if (d->count == YAML_NODES_MAX)
        return mistake(r, line, "there are more than 100000 settings");
    if (d->count == d->cap) {
        d->cap = d->cap > 0 ? d->cap * 2 : 64;
        d->nodes = mem_resize(d->nodes, d->cap, sizeof *d->nodes);
    }
    d->nodes[d->count++] = (struct yaml_node){
        .path = mem_text(r->path, r->path_bytes),
        .key_at = r->key_at,
        .kind = kind,
        .text = kind == YAML_TEXT ? mem_text(text.p, text.n) : NULL,
        .line = (unsigned)(l != NULL && !l->list ? l->key_line : line),
    };
    return true;
}

/* The value under the current path is over: back to the path of what holds it. */
static void after_value(struct reader *r)
{
    struct level *l = top(r);

    if (l == NULL) {
        r->ended = true;
        return;
    }
    l->have_key = false;
    r->path_bytes = l->path_bytes;
    r->key_at = l->key_at;
}

/* Before a value: in a list it gets its number. */
static bool before_value(struct reader *r, size_t line)
{
    struct level *l = top(r);
    int n;

    if (l == NULL || !l->list)
        return true;
    n = snprintf(r->path + r->path_bytes, sizeof r->path - r->path_bytes, "[%zu]", l->index++);
    if (n < 0 || (size_t)n >= sizeof r->path - r->path_bytes)
        return mistake(r, line, "this name is too long");
    r->path_bytes += (size_t)n;
    return true;
}

/* What belongs to the key is not known. nodes: that are to come of both. */
static bool bad_key(struct reader *r, unsigned nodes, size_t line, const char *sentence)
{
    (void)mistake(r, line, sentence);
    r->out->cut = true;
    r->passing = nodes;
    return true;
}

static bool take_key(struct reader *r, struct level *l, struct view key, size_t line)
{
    size_t dot = r->path_bytes > 0 ? 1 : 0;

    if (key.n == 0)
        return bad_key(r, 1, line, "a key is empty");
    if (key.n > YAML_KEY_MAX || r->path_bytes + dot + key.n >= sizeof r->path)
        return bad_key(r, 1, line, "a key is too long; the maximum is 128 bytes");
    if (view_trim(key).n != key.n)
        return bad_key(r, 1, line, "a key begins or ends with a blank");
    for (size_t i = 0; i < key.n; i++) {
        unsigned char c = (unsigned char)key.p[i];
        bool c1 = c == 0xc2 && i + 1 < key.n && (unsigned char)key.p[i + 1] < 0xa0;

        if (c < ' ' || c == 0x7f || c1 || c == '[' || c == ']')
            return bad_key(r, 1, line, "a key holds a bracket or a control character");
    }
    if (dot > 0)
        r->path[r->path_bytes++] = r->between;
    r->key_at = r->path_bytes;
    memcpy(r->path + r->path_bytes, key.p, key.n);
    r->path_bytes += key.n;
    l->have_key = true;
    l->key_line = line;
    return true;
}

/* One event of what is passed over. */
static bool pass(struct reader *r, const yaml_event_t *e)
{
    if (e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT)
        r->passing_in++;
    else if (e->type == YAML_SEQUENCE_END_EVENT || e->type == YAML_MAPPING_END_EVENT)
        r->passing_in--;
    if (r->passing_in == 0)
        r->passing--;
    return true;
}

static bool take_scalar(struct reader *r, const yaml_event_t *e)
{
    struct view text = {(const char *)e->data.scalar.value, e->data.scalar.length};
    size_t line = e->start_mark.line + 1;
    struct level *l = top(r);
    bool null = is_null(text, e->data.scalar.style);

    if (l == NULL) {
        if (!null)
            return mistake(r, line, "this is no map of settings (key: value)");
        r->ended = true;
        return true;
    }
    if (!l->list && !l->have_key)
        return take_key(r, l, text, line);
    if (view_has(text, '\0'))
        return mistake(r, line, "a value holds a NUL byte");
    if (!before_value(r, line) || !keep(r, null ? YAML_NULL : YAML_TEXT, text, line))
        return false;
    after_value(r);
    return true;
}

static bool open_level(struct reader *r, bool list, size_t line)
{
    struct level *l = top(r);

    if (l == NULL && list)
        return mistake(r, line, "this is a list; a map of settings (key: value) is wanted");
    if (l != NULL && !l->list && !l->have_key) {
        r->passing_in = 1; /* of the key itself; its value comes after it */
        return bad_key(r, 2, line, "a key must be a text");
    }
    if (r->depth == YAML_DEPTH_MAX)
        return mistake(r, line, "maps and lists are nested more than 8 deep");
    if (l != NULL &&
        (!before_value(r, line) || !keep(r, list ? YAML_LIST : YAML_MAP, VIEW_NONE, line)))
        return false;
    r->levels[r->depth++] =
        (struct level){.list = list, .path_bytes = r->path_bytes, .key_at = r->key_at};
    return true;
}

static void close_level(struct reader *r)
{
    r->depth--;
    after_value(r);
}

/* Once a line. What is marked is read on, for its own mistakes. */
static void refuse_mark(struct reader *r, size_t line)
{
    if (r->marked_line != line)
        mistake(r, line,
                "anchors (&), aliases (*) and tags (!) are not taken here; a text that begins so "
                "needs quotes");
    r->marked_line = line;
}

static void look_for_marks(struct reader *r, const yaml_char_t *anchor, const yaml_char_t *tag,
                           size_t line)
{
    if (anchor != NULL || tag != NULL)
        refuse_mark(r, line);
}

/* Of a key that is one, what belongs to it is not known either. */
static bool keep_alias(struct reader *r, size_t line)
{
    const struct level *l = top(r);

    refuse_mark(r, line);
    if (l != NULL && !l->list && !l->have_key) { /* a key: what belongs to it isn't known, either */
        r->out->cut = true;
        r->passing = 1;
        return true;
    }
    if (l == NULL || !before_value(r, line) || !keep(r, YAML_ALIAS, VIEW_NONE, line))
        return false;
    r->out->aliases = true;
    after_value(r);
    return true;
}

static bool take_event(struct reader *r, const yaml_event_t *e)
{
    size_t line = e->start_mark.line + 1;

    if (r->passing > 0)
        return pass(r, e);
    switch (e->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    case YAML_DOCUMENT_START_EVENT:
        return !r->ended || mistake(r, line, "a second document begins here; there may be one");
    case YAML_ALIAS_EVENT:
        return keep_alias(r, line);
    case YAML_SCALAR_EVENT:
        look_for_marks(r, e->data.scalar.anchor, e->data.scalar.tag, line);
        return take_scalar(r, e);
    case YAML_SEQUENCE_START_EVENT:
        look_for_marks(r, e->data.sequence_start.anchor, e->data.sequence_start.tag, line);
        return open_level(r, true, line);
    case YAML_MAPPING_START_EVENT:
        look_for_marks(r, e->data.mapping_start.anchor, e->data.mapping_start.tag, line);
        return open_level(r, false, line);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_level(r);
        return true;
    }
    return true;
}

static int by_path(const void *a, const void *b)
{
    const struct yaml_node *const *x = a;
    const struct yaml_node *const *y = b;
    int order = strcmp((*x)->path, (*y)->path);

    return order != 0 ? order : ((*x)->line > (*y)->line) - ((*x)->line < (*y)->line);
}

/* "a: {b: 1}" with "a: {b: 2}" or "a.b: 2" elsewhere. */
static void refuse_duplicates(struct reader *r)
{
    const struct yaml_doc *d = r->out;
    const struct yaml_node **sorted = mem_zeroed(d->count, sizeof *sorted);

    for (size_t i = 0; i < d->count; i++)
        sorted[i] = &d->nodes[i];
    qsort(sorted, d->count, sizeof *sorted, by_path);
    for (size_t i = 1; i < d->count; i++) {
        if (strcmp(sorted[i - 1]->path, sorted[i]->path) != 0)
            continue;
        buf_printf(r->mistakes, "%s:%u: ", r->name, sorted[i]->line);
        for (const char *c = sorted[i]->path; *c != '\0'; c++)
            buf_put_char(r->mistakes, *c == YAML_BETWEEN ? '.' : *c);
        buf_printf(r->mistakes, " is given twice; first in line %u\n", sorted[i - 1]->line);
        r->bad = true;
    }
    mem_free(sorted);
}

static void read_events(struct reader *r, yaml_parser_t *parser)
{
    for (;;) {
        yaml_event_t event;
        bool last;
        bool ok;

        if (!yaml_parser_parse(parser, &event)) {
            /* Bytes that are no UTF-8 are found before they have a place in a line. */
            const yaml_mark_t *at =
                parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark;

            mistake(r, at->line + 1, parser->problem != NULL ? parser->problem : "this is no YAML");
            r->out->cut = true;
            return;
        }
        last = event.type == YAML_STREAM_END_EVENT;
        ok = take_event(r, &event);
        yaml_event_delete(&event);
        if (!ok)
            r->out->cut = true;
        if (last || !ok)
            return;
    }
}

static bool read_by(char between, struct view bytes, const char *name, struct yaml_doc *out,
                    struct buf *mistakes)
{
    struct reader r = {.between = between, .out = out, .name = name, .mistakes = mistakes};
    yaml_parser_t parser;

    if (view_starts(bytes, UTF8_ORDER_MARK))
        bytes = view_skip(bytes, UTF8_ORDER_MARK.n);
    *out = (struct yaml_doc){0};
    out->cut = true;
    if (bytes.n > YAML_BYTES_MAX)
        return mistake(&r, 1, "the file is larger than 8 MiB");
    if (!yaml_parser_initialize(&parser))
        return mistake(&r, 1, "the YAML reader could not be made: out of memory");
    out->cut = false;
    yaml_parser_set_input_string(&parser, (const unsigned char *)(bytes.n > 0 ? bytes.p : ""),
                                 bytes.n);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    read_events(&r, &parser);
    yaml_parser_delete(&parser);
    refuse_duplicates(&r);
    return !r.bad;
}

bool yaml_read(struct view bytes, const char *name, struct yaml_doc *out, struct buf *mistakes)
{
    return read_by('.', bytes, name, out, mistakes);
}

bool yaml_read_names(struct view bytes, const char *name, struct yaml_doc *out,
                     struct buf *mistakes)
{
    return read_by(YAML_BETWEEN, bytes, name, out, mistakes);
}

void yaml_doc_done(struct yaml_doc *d)
{
    for (size_t i = 0; i < d->count; i++) {
        mem_free(d->nodes[i].path);
        mem_free(d->nodes[i].text);
    }
    mem_free(d->nodes);
    *d = (struct yaml_doc){0};
}
