#include "bridge/core/json_pick.h"

static struct view skip_blank(struct view v)
{
    while (v.n > 0 && (v.p[0] == ' ' || v.p[0] == '\t' || v.p[0] == '\n' || v.p[0] == '\r'))
        v = view_skip(v, 1);
    return v;
}

/* The length of a string, quotes included, at the start of v. */
static size_t string_length(struct view v)
{
    size_t i = 1;

    while (i < v.n && v.p[i] != '"')
        i += v.p[i] == '\\' ? 2 : 1;
    return i < v.n ? i + 1 : v.n;
}

static size_t value_length(struct view v)
{
    size_t i = 0;
    unsigned depth = 0;

    if (v.n > 0 && v.p[0] == '"')
        return string_length(v);
    for (; i < v.n; i++) {
        char c = v.p[i];

        if (c == '"') {
            i += string_length(view_skip(v, i)) - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return i;
            if (--depth == 0)
                return i + 1;
        } else if (depth == 0 && (c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            return i;
        }
    }
    return i;
}

static struct view take(struct json_pick *p, size_t n)
{
    struct view taken = {p->rest.p, n};

    p->rest = skip_blank(view_skip(p->rest, n));
    return taken;
}

bool json_pick_open(struct json_pick *p, struct view value, char kind)
{
    value = skip_blank(value);
    if (value.n == 0 || value.p[0] != kind)
        return false;
    p->rest = skip_blank(view_skip(value, 1));
    return true;
}

bool json_pick_next(struct json_pick *p, struct view *key, struct view *value)
{
    *key = VIEW_NONE;
    if (p->rest.n == 0 || p->rest.p[0] == '}' || p->rest.p[0] == ']')
        return false;
    *value = take(p, value_length(p->rest));
    if (p->rest.n > 0 && p->rest.p[0] == ':') {
        *key = *value;
        (void)take(p, 1);
        *value = take(p, value_length(p->rest));
    }
    if (p->rest.n > 0 && p->rest.p[0] == ',')
        (void)take(p, 1);
    return true;
}

static unsigned hex4(const char *p)
{
    unsigned n = 0;

    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];

        n = n << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n;
}

static void put_code_point(struct buf *to, unsigned c)
{
    if (c < 0x80) {
        buf_put_char(to, (char)c);
    } else if (c < 0x800) {
        buf_put_char(to, (char)(0xc0 | c >> 6));
        buf_put_char(to, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_put_char(to, (char)(0xe0 | c >> 12));
        buf_put_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_put_char(to, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_put_char(to, (char)(0xf0 | c >> 18));
        buf_put_char(to, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_put_char(to, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_put_char(to, (char)(0x80 | (c & 0x3f)));
    }
}

/* Appends what the escape at v stands for; returns its length. */
static size_t unescape(struct view v, struct buf *to)
{
    static const char from[] = "\"\\/bfnrt";
    static const char into[] = "\"\\/\b\f\n\r\t";
    unsigned c;

    for (size_t i = 0; from[i] != '\0'; i++)
        if (v.p[1] == from[i]) {
            buf_put_char(to, into[i]);
            return 2;
        }
    c = hex4(v.p + 2);
    if (c < 0xd800 || c > 0xdbff) {
        put_code_point(to, c);
        return 6;
    }
    put_code_point(to, 0x10000 + ((c - 0xd800) << 10) + (hex4(v.p + 8) - 0xdc00));
    return 12;
}

bool json_pick_text(struct view value, struct buf *to, struct view *text)
{
    size_t start = to->n;

    if (value.n < 2 || value.p[0] != '"')
        return false;
    value = (struct view){value.p + 1, value.n - 2};
    if (!view_has(value, '\\')) {
        *text = value;
        return true;
    }
    /* What is unescaped is never longer: with the room had at once, views into `to` stay. */
    if (buf_room(to, value.n) == NULL)
        return false;
    for (size_t i = 0; i < value.n;) {
        if (value.p[i] == '\\') {
            i += unescape(view_skip(value, i), to);
        } else {
            buf_put_char(to, value.p[i]);
            i++;
        }
    }
    *text = (struct view){to->p + start, to->n - start};
    return true;
}
