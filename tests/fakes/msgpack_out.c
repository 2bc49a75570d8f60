#include "tests/fakes/msgpack_out.h"

#include <stdlib.h>
#include <string.h>

static void put_bytes(struct buf *to, uint64_t n, unsigned bytes)
{
    while (bytes-- > 0)
        (void)buf_put_char(to, (char)(n >> (8 * bytes) & 0xff));
}

static void put_head(struct buf *to, unsigned first, uint64_t n, unsigned bytes)
{
    (void)buf_put_char(to, (char)first);
    put_bytes(to, n, bytes);
}

static void integer(struct buf *to, int64_t n)
{
    if (n >= -32 && n <= 127)
        (void)buf_put_char(to, (char)n);
    else if (n >= INT8_MIN && n < 0)
        put_head(to, 0xd0, (uint64_t)n, 1);
    else if (n >= INT16_MIN && n < 0)
        put_head(to, 0xd1, (uint64_t)n, 2);
    else if (n >= INT32_MIN && n < 0)
        put_head(to, 0xd2, (uint64_t)n, 4);
    else if (n < 0)
        put_head(to, 0xd3, (uint64_t)n, 8);
    else if (n <= UINT8_MAX)
        put_head(to, 0xcc, (uint64_t)n, 1);
    else if (n <= UINT16_MAX)
        put_head(to, 0xcd, (uint64_t)n, 2);
    else if (n <= UINT32_MAX)
        put_head(to, 0xce, (uint64_t)n, 4);
    else
        put_head(to, 0xcf, (uint64_t)n, 8);
}

static void number(struct buf *to, struct view text)
{
    char copy[64] = "";
    uint64_t bits;
    double n;

    memcpy(copy, text.p, text.n < sizeof copy ? text.n : sizeof copy - 1);
    n = strtod(copy, NULL);
    memcpy(&bits, &n, sizeof bits);
    put_head(to, 0xcb, bits, 8);
}

static void string(struct buf *to, struct view v)
{
    if (v.n <= 31)
        (void)buf_put_char(to, (char)(0xa0 | v.n));
    else if (v.n <= UINT8_MAX)
        put_head(to, 0xd9, v.n, 1);
    else if (v.n <= UINT16_MAX)
        put_head(to, 0xda, v.n, 2);
    else
        put_head(to, 0xdb, v.n, 4);
    (void)buf_put(to, v);
}

static void open_level(struct msgpack_out *m, unsigned first)
{
    (void)buf_put_char(m->to, (char)first);
    m->count_at[m->depth] = m->to->n;
    m->counts[m->depth++] = 0;
    put_bytes(m->to, 0, 4);
}

static void close_level(struct msgpack_out *m)
{
    uint32_t n = m->counts[--m->depth];

    for (unsigned i = 0; i < 4; i++)
        m->to->p[m->count_at[m->depth] + i] = (char)(n >> (24 - 8 * i) & 0xff);
}

static bool take(void *ctx, const struct token *t, struct fault *f)
{
    struct msgpack_out *m = ctx;
    bool ends = t->kind == TOKEN_OBJECT_END || t->kind == TOKEN_ARRAY_END;

    (void)f;
    /* A key counts its pair; in an array each value counts. */
    if (m->depth > 0 && !ends &&
        (t->kind == TOKEN_KEY || (unsigned char)m->to->p[m->count_at[m->depth - 1] - 1] == 0xdd))
        m->counts[m->depth - 1]++;
    switch (t->kind) {
    case TOKEN_OBJECT:
        open_level(m, 0xdf);
        break;
    case TOKEN_ARRAY:
        open_level(m, 0xdd);
        break;
    case TOKEN_OBJECT_END:
    case TOKEN_ARRAY_END:
        close_level(m);
        break;
    case TOKEN_KEY:
    case TOKEN_STRING:
        string(m->to, t->text);
        break;
    case TOKEN_INTEGER:
        integer(m->to, t->integer);
        break;
    case TOKEN_NUMBER:
        number(m->to, t->text);
        break;
    case TOKEN_BOOL:
        (void)buf_put_char(m->to, (char)(t->boolean ? 0xc3 : 0xc2));
        break;
    case TOKEN_NULL:
        (void)buf_put_char(m->to, (char)0xc0);
        break;
    }
    return true;
}

void msgpack_out_init(struct msgpack_out *m, struct buf *to)
{
    *m = (struct msgpack_out){.to = to};
}

struct token_sink msgpack_out_sink(struct msgpack_out *m)
{
    return (struct token_sink){take, m};
}
