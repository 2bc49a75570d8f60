#include "bridge/core/json_out.h"

#include <assert.h>

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

static void quoted(struct buf *to, struct view v)
{
    size_t done = 0;

    (void)buf_put_char(to, '"');
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if (i > done)
            (void)buf_put(to, (struct view){v.p + done, i - done});
        escaped(to, c);
        done = i + 1;
    }
    if (v.n > done)
        (void)buf_put(to, (struct view){v.p + done, v.n - done});
    (void)buf_put_char(to, '"');
}

void json_key_view(struct json_out *j, struct view key)
{
    assert(j->object[j->depth] && !j->after_key);
    if (j->comma[j->depth])
        (void)buf_put_char(j->to, ',');
    j->comma[j->depth] = true;
    quoted(j->to, key);
    (void)buf_put_char(j->to, ':');
    j->after_key = true;
}

void json_key(struct json_out *j, const char *key)
{
    json_key_view(j, view_of(key));
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
