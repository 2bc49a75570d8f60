#include "bridge/io/msgpack_in.h"

#include "bridge/core/datetime.h"
#include "bridge/core/msgpack_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MSGPACK_EMBED_STACK_SIZE TOKEN_DEPTH_MAX
#include <msgpack/unpack.h>
#include <msgpack/unpack_define.h>

#define NUMBER_MAX 32 /* bytes of a number's text, with the NUL */

struct level {
    uint32_t left; /* items to come; of a map, pairs */
    bool map;
    bool value_next; /* in a map: its key was there */
};

struct msgpack_in {
    struct token_sink to;
    struct fault *fault;
    bool refused; /* the sink has filled it */
    struct level levels[TOKEN_DEPTH_MAX];
    unsigned depth;
};

static int give(struct msgpack_in *m, const struct token *t)
{
    m->refused = !m->to.take(m->to.ctx, t, m->fault);
    return m->refused ? -1 : 0;
}

/* A value is whole: closes what ends with it. */
static int value_ended(struct msgpack_in *m)
{
    while (m->depth > 0) {
        struct level *level = &m->levels[m->depth - 1];

        level->value_next = false;
        if (level->left > 0 && --level->left > 0)
            return 0;
        m->depth--;
        if (give(m, &(struct token){.kind = level->map ? TOKEN_OBJECT_END : TOKEN_ARRAY_END}) < 0)
            return -1;
    }
    return 0;
}

static int give_value(struct msgpack_in *m, const struct token *t)
{
    return give(m, t) < 0 ? -1 : value_ended(m);
}

static int give_integer(struct msgpack_in *m, int64_t n)
{
    char text[NUMBER_MAX];
    int len = snprintf(text, sizeof text, "%" PRId64, n);

    return give_value(
        m, &(struct token){.kind = TOKEN_INTEGER, .text = {text, (size_t)len}, .integer = n});
}

static int give_unsigned(struct msgpack_in *m, uint64_t n)
{
    char text[NUMBER_MAX];
    int len;

    if (n <= INT64_MAX)
        return give_integer(m, (int64_t)n);
    len = snprintf(text, sizeof text, "%" PRIu64, n);
    return give_value(m, &(struct token){.kind = TOKEN_NUMBER, .text = {text, (size_t)len}});
}

/* As few digits as read back as the same, of those that a type needs at least. The process keeps
 * the C locale, so the point is a point. */
static int give_double(struct msgpack_in *m, double n)
{
    char text[NUMBER_MAX + 2];

    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, NUMBER_MAX, "%.*g", digits, n);
        if (strtod(text, NULL) == n)
            break;
    }
    if (strpbrk(text, ".e") == NULL)
        memcpy(text + strlen(text), ".0", 3);
    return give_value(m, &(struct token){.kind = TOKEN_NUMBER, .text = view_of(text)});
}

static int give_float(struct msgpack_in *m, float n)
{
    char text[NUMBER_MAX + 2];

    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, NUMBER_MAX, "%.*g", digits, (double)n);
        if (strtof(text, NULL) == n)
            break;
    }
    if (strpbrk(text, ".e") == NULL)
        memcpy(text + strlen(text), ".0", 3);
    return give_value(m, &(struct token){.kind = TOKEN_NUMBER, .text = view_of(text)});
}

static int open_level(struct msgpack_in *m, bool map, uint32_t count)
{
    if (give(m, &(struct token){.kind = map ? TOKEN_OBJECT : TOKEN_ARRAY}) < 0)
        return -1;
    m->levels[m->depth++] = (struct level){.left = count, .map = map};
    return count > 0 ? 0 : value_ended(m);
}

static int give_text(struct msgpack_in *m, const char *p, size_t n)
{
    struct level *level = m->depth > 0 ? &m->levels[m->depth - 1] : NULL;
    struct token t = {.kind = TOKEN_STRING, .text = {n > 0 ? p : NULL, n}};

    if (level == NULL || !level->map || level->value_next)
        return give_value(m, &t);
    level->value_next = true;
    t.kind = TOKEN_KEY;
    return give(m, &t);
}

/* msgpack_scan lets none through. */
static int refuse_bytes(const struct msgpack_in *m, const char *p, size_t n)
{
    (void)m;
    (void)p;
    (void)n;
    return -1;
}

static int give_timestamp(struct msgpack_in *m, const char *p, size_t n)
{
    char text[DATETIME_TEXT_MAX];
    int64_t ms;

    /* The first byte is the extension's type; msgpack_scan has passed both. */
    if (!msgpack_timestamp((struct view){p + 1, n - 1}, &ms))
        return -1;
    datetime_format(ms, text);
    return give_value(m, &(struct token){.kind = TOKEN_STRING, .text = view_of(text)});
}

/* What the template asks for. It wants an object per value; a byte does. */

typedef char nothing;

#define msgpack_unpack_struct(name)    struct parser##name
#define msgpack_unpack_func(ret, name) static inline ret parser##name
#define msgpack_unpack_callback(name)  take##name
#define msgpack_unpack_object          nothing
#define msgpack_unpack_user            struct msgpack_in

static inline nothing take_root(struct msgpack_in *m)
{
    (void)m;
    return 0;
}

#define TAKES(name, type, give_it)                                                                 \
    static inline int take_##name(struct msgpack_in *m, type v, nothing *o)                        \
    {                                                                                              \
        *o = 0;                                                                                    \
        return give_it(m, v);                                                                      \
    }
#define TAKES_KIND(name, ...)                                                                      \
    static inline int take_##name(struct msgpack_in *m, nothing *o)                                \
    {                                                                                              \
        *o = 0;                                                                                    \
        return give_value(m, &(struct token){__VA_ARGS__});                                        \
    }
#define TAKES_BYTES(name, body)                                                                    \
    static inline int take_##name(struct msgpack_in *m, const char *base, const char *p,           \
                                  unsigned n, nothing *o)                                          \
    {                                                                                              \
        (void)base;                                                                                \
        *o = 0;                                                                                    \
        return body;                                                                               \
    }

TAKES(uint8, uint8_t, give_integer)
TAKES(uint16, uint16_t, give_integer)
TAKES(uint32, uint32_t, give_integer)
TAKES(uint64, uint64_t, give_unsigned)
TAKES(int8, int8_t, give_integer)
TAKES(int16, int16_t, give_integer)
TAKES(int32, int32_t, give_integer)
TAKES(int64, int64_t, give_integer)
TAKES(float, float, give_float)
TAKES(double, double, give_double)
TAKES_KIND(nil, .kind = TOKEN_NULL)
TAKES_KIND(true, .kind = TOKEN_BOOL, .boolean = true)
TAKES_KIND(false, .kind = TOKEN_BOOL, .boolean = false)
TAKES_BYTES(str, give_text(m, p, n))
TAKES_BYTES(bin, refuse_bytes(m, p, n))
TAKES_BYTES(ext, give_timestamp(m, p, n))

static inline int take_array(struct msgpack_in *m, unsigned count, nothing *o)
{
    *o = 0;
    return open_level(m, false, count);
}

static inline int take_map(struct msgpack_in *m, unsigned count, nothing *o)
{
    *o = 0;
    return open_level(m, true, count);
}

static inline int take_array_item(struct msgpack_in *m, nothing *c, nothing o)
{
    (void)m;
    (void)c;
    (void)o;
    return 0;
}

static inline int take_map_item(struct msgpack_in *m, nothing *c, nothing k, nothing v)
{
    (void)m;
    (void)c;
    (void)k;
    (void)v;
    return 0;
}

#include <msgpack/unpack_template.h>

bool msgpack_in_read(struct view bytes, struct token_sink to, struct fault *f)
{
    struct parser_context parser;
    size_t at = 0;

    if (!msgpack_scan_all(bytes, f))
        return false;
    parser_init(&parser);
    parser.user = (struct msgpack_in){.to = to, .fault = f};
    if (parser_execute(&parser, bytes.p, bytes.n, &at) > 0)
        return true;
    if (!parser.user.refused)
        return fault_set(f, FAULT_BUG, "msgpack-c refused what passed msgpack_scan");
    return false;
}
