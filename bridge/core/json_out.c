#include "bridge/core/json_out.h"

#include <assert.h>
#include <string.h>

void json_out_init(struct json_out *j, struct buf *to)
{
    *j = (struct json_out){.to = to};
}

/* In front of every value: a comma where one is due, and what can't be JSON stops here. */
static void value(struct json_out *j)
{
    if (j->object[j->depth]) {
        assert(j->after_key && "a value in an object stands behind its key");
        j->after_key = false;
        return;
    }
    if (j->comma[j->depth]) {
        assert(j->depth > 0 && "one value only");
        (void)buf_put_char(j->to, ',');
    }
    j->comma[j->depth] = true;
}

static void open_level(struct json_out *j, bool object)
{
    value(j);
    assert(j->depth < TOKEN_DEPTH_MAX);
    j->depth++;
    j->comma[j->depth] = false;
    j->object[j->depth] = object;
    (void)buf_put_char(j->to, object ? '{' : '[');
}

static void close_level(struct json_out *j, bool object)
{
    assert(j->depth > 0 && j->object[j->depth] == object && !j->after_key);
    j->depth--;
    (void)buf_put_char(j->to, object ? '}' : ']');
}

void json_object(struct json_out *j)
{
    open_level(j, true);
}

void json_object_end(struct json_out *j)
{
    close_level(j, true);
}

void json_array(struct json_out *j)
{
    open_level(j, false);
}

void json_array_end(struct json_out *j)
{
    close_level(j, false);
}

static void escaped(struct buf *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    switch (c) {
    case '"':
        (void)buf_put(to, VIEW("\\\""));
        break;
    case '\\':
        (void)buf_put(to, VIEW("\\\\"));
        break;
    case '\b':
        (void)buf_put(to, VIEW("\\b"));
        break;
    case '\f':
        (void)buf_put(to, VIEW("\\f"));
        break;
    case '\n':
        (void)buf_put(to, VIEW("\\n"));
        break;
    case '\r':
        (void)buf_put(to, VIEW("\\r"));
        break;
    case '\t':
        (void)buf_put(to, VIEW("\\t"));
        break;
    default:
        (void)buf_put(to, VIEW("\\u00"));
        (void)buf_put_char(to, hex[c >> 4]);
        (void)buf_put_char(to, hex[c & 15]);
    }
}

/* Is there any byte among eight that JSON escapes? A byte less than n is one from which n can't be
 * taken without a borrow; one that is n gives 0 when n is taken away bit by bit. */
static bool escapes_in(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t tops = UINT64_C(0x8080808080808080);
    uint64_t quote = w ^ ones * '"';
    uint64_t slash = w ^ ones * '\\';

    return ((((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) &
            tops) != 0;
}

static uint64_t eight(const char *first_four, const char *last_four)
{
    uint32_t halves[2];
    uint64_t w;

    memcpy(&halves[0], first_four, 4);
    memcpy(&halves[1], last_four, 4);
    memcpy(&w, halves, sizeof w);
    return w;
}

/* Bytes from p on that stand in JSON as they are. The last eight are looked at whole, though some
 * of them were before; of four to seven the first and the last four. */
static size_t plain_run(const char *p, size_t n)
{
    size_t i = 0;

    while (n - i >= 8 && !escapes_in(eight(p + i, p + i + 4)))
        i += 8;
    if (n >= 4 && n - i < 8 &&
        !escapes_in(n >= 8 ? eight(p + n - 8, p + n - 4) : eight(p, p + n - 4)))
        return n;
    while (i < n && (unsigned char)p[i] >= 0x20 && p[i] != '"' && p[i] != '\\')
        i++;
    return i;
}

static void quoted_with_escapes(struct buf *to, struct view v)
{
    (void)buf_put_char(to, '"');
    while (v.n > 0) {
        size_t run = plain_run(v.p, v.n);

        (void)buf_put(to, (struct view){v.p, run});
        if (run < v.n)
            escaped(to, (unsigned char)v.p[run++]);
        v = view_skip(v, run);
    }
    (void)buf_put_char(to, '"');
}

/* Nothing in v needs an escape. */
static void quoted_plain(struct buf *to, struct view v)
{
    char *at = buf_room(to, v.n + 2);

    if (at == NULL)
        return;
    *at = '"';
    if (v.n > 0)
        memcpy(at + 1, v.p, v.n);
    at[v.n + 1] = '"';
    buf_grew(to, v.n + 2);
}

static void quoted(struct buf *to, struct view v)
{
    if (plain_run(v.p, v.n) < v.n)
        quoted_with_escapes(to, v);
    else
        quoted_plain(to, v);
}

/* In front of every key. */
static void key_due(struct json_out *j)
{
    assert(j->object[j->depth] && !j->after_key);
    if (j->comma[j->depth])
        (void)buf_put_char(j->to, ',');
    j->comma[j->depth] = true;
    j->after_key = true;
}

void json_key_view(struct json_out *j, struct view key)
{
    key_due(j);
    quoted(j->to, key);
    (void)buf_put_char(j->to, ':');
}

void json_key(struct json_out *j, const char *key)
{
    key_due(j);
    quoted_plain(j->to, view_of(key));
    (void)buf_put_char(j->to, ':');
}

void json_string(struct json_out *j, struct view v)
{
    value(j);
    quoted(j->to, v);
}

void json_text(struct json_out *j, const char *text)
{
    json_string(j, view_of(text));
}

void json_int(struct json_out *j, int64_t n)
{
    value(j);
    (void)buf_put_int(j->to, n);
}

void json_number(struct json_out *j, struct view as_written)
{
    value(j);
    (void)buf_put(j->to, as_written);
}

void json_bool(struct json_out *j, bool v)
{
    value(j);
    (void)buf_put(j->to, v ? VIEW("true") : VIEW("false"));
}

void json_null(struct json_out *j)
{
    value(j);
    (void)buf_put(j->to, VIEW("null"));
}

void json_raw(struct json_out *j, struct view json)
{
    value(j);
    (void)buf_put(j->to, json);
}

/* `,"key":` and where n bytes of its value have room, for the caller to count in. NULL: no room. */
static char *member(struct json_out *j, struct view key, size_t n)
{
    size_t comma = j->comma[j->depth] ? 1 : 0;
    size_t head = comma + key.n + 3;
    char *at = buf_room(j->to, head + n);

    assert(j->object[j->depth] && !j->after_key && key.p != NULL);
    j->comma[j->depth] = true;
    if (at == NULL)
        return NULL;
    *at = ',';
    at += comma;
    *at++ = '"';
    memcpy(at, key.p, key.n);
    at += key.n;
    *at++ = '"';
    *at++ = ':';
    buf_grew(j->to, head);
    return at;
}

void json_raw_member(struct json_out *j, const char *key, struct view json)
{
    char *at = member(j, view_of(key), json.n);

    if (at == NULL)
        return;
    memcpy(at, json.p, json.n);
    buf_grew(j->to, json.n);
}

void json_plain_member(struct json_out *j, const char *key, struct view v)
{
    char *at = member(j, view_of(key), v.n + 2);

    if (at == NULL)
        return;
    *at = '"';
    if (v.n > 0)
        memcpy(at + 1, v.p, v.n);
    at[v.n + 1] = '"';
    buf_grew(j->to, v.n + 2);
}

void json_string_member(struct json_out *j, const char *key, struct view v)
{
    if (plain_run(v.p, v.n) == v.n)
        json_plain_member(j, key, v);
    else if (member(j, view_of(key), 0) != NULL)
        quoted_with_escapes(j->to, v);
}

static bool take(void *ctx, const struct token *t, struct fault *f)
{
    struct json_out *j = ctx;

    switch (t->kind) {
    case TOKEN_OBJECT:
        json_object(j);
        break;
    case TOKEN_OBJECT_END:
        json_object_end(j);
        break;
    case TOKEN_ARRAY:
        json_array(j);
        break;
    case TOKEN_ARRAY_END:
        json_array_end(j);
        break;
    case TOKEN_KEY:
        json_key_view(j, t->text);
        break;
    case TOKEN_STRING:
        json_string(j, t->text);
        break;
    case TOKEN_INTEGER:
        json_int(j, t->integer);
        break;
    case TOKEN_NUMBER:
        json_number(j, t->text);
        break;
    case TOKEN_BOOL:
        json_bool(j, t->boolean);
        break;
    case TOKEN_NULL:
        json_null(j);
        break;
    }
    if (j->to->full)
        return fault_set(f, FAULT_REJECT, "as JSON it is longer than %zu bytes", j->to->max);
    return true;
}

struct token_sink json_out_sink(struct json_out *j)
{
    return (struct token_sink){take, j};
}
