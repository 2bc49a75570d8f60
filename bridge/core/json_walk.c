#include "bridge/core/json_walk.h"

#include "bridge/core/utf8.h"

static struct view skip_blanks(struct view v)
{
    size_t n = 0;

    while (n < v.n && (v.p[n] == ' ' || v.p[n] == '\n' || v.p[n] == '\r' || v.p[n] == '\t'))
        n++;
    return view_skip(v, n);
}

static size_t string_length(struct view v)
{
    size_t n = 1;

    while (n < v.n && v.p[n] != '"')
        n += v.p[n] == '\\' ? 2 : 1;
    return n < v.n ? n + 1 : v.n;
}

/* Brackets of both kinds are counted as one kind: json_scan has seen that they fit. */
static size_t value_length(struct view v)
{
    size_t depth = 0;
    size_t n = 0;

    while (n < v.n) {
        char c = v.p[n];

        if (c == '"') {
            n += string_length(view_skip(v, n));
            if (depth == 0)
                return n;
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        if (depth == 0 && view_has(VIEW(",]} \t\r\n"), c))
            return n;
        n++;
        if ((c == '}' || c == ']') && --depth == 0)
            return n;
    }
    return v.n;
}

/* Takes the first n bytes and the blanks behind them off *rest. */
static struct view take(struct view *rest, size_t n)
{
    struct view taken = {rest->p, n};

    *rest = skip_blanks(view_skip(*rest, n));
    return taken;
}

bool json_walk_init(struct json_walk *w, struct view value)
{
    value = skip_blanks(value);
    if (value.n == 0 || (value.p[0] != '{' && value.p[0] != '['))
        return false;
    *w = (struct json_walk){.rest = value, .object = value.p[0] == '{'};
    return true;
}

bool json_walk_next(struct json_walk *w, struct view *key, struct view *value)
{
    if (w->rest.n == 0 || w->rest.p[0] == '}' || w->rest.p[0] == ']')
        return false;
    (void)take(&w->rest, 1); /* the opening bracket, or a comma */
    *key = VIEW_NONE;
    if (w->object) {
        if (w->rest.n == 0 || w->rest.p[0] != '"')
            return false;
        *key = take(&w->rest, string_length(w->rest));
        (void)take(&w->rest, w->rest.n > 0 ? 1 : 0); /* the colon */
    }
    if (w->rest.n == 0 || w->rest.p[0] == '}' || w->rest.p[0] == ']')
        return false;
    *value = take(&w->rest, value_length(w->rest));
    return true;
}

static unsigned hex_unit(const char *p)
{
    unsigned unit = 0;

    for (size_t i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];

        unit = unit << 4 | (c <= '9' ? c - '0' : (c | 0x20U) - 'a' + 10);
    }
    return unit;
}

static bool put_code_point(struct buf *to, unsigned c)
{
    char utf8[4] = {0};
    size_t n = utf8_write(c, utf8);

    return buf_put(to, (struct view){utf8, n});
}

/* One escape at the start of *rest, taken off it. */
static bool unescape(struct view *rest, struct buf *to)
{
    static const char signs[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    unsigned unit;

    if (rest->n >= 6 && rest->p[1] == 'u') {
        unit = hex_unit(rest->p + 2);
        *rest = view_skip(*rest, 6);
        if (unit >= 0xd800 && unit <= 0xdbff && rest->n >= 6) {
            unit = 0x10000 + ((unit - 0xd800) << 10) + (hex_unit(rest->p + 2) - 0xdc00);
            *rest = view_skip(*rest, 6);
        }
        return put_code_point(to, unit);
    }
    for (size_t i = 0; rest->n >= 2 && signs[i] != '\0'; i++) {
        if (rest->p[1] != signs[i])
            continue;
        *rest = view_skip(*rest, 2);
        return buf_put_char(to, meant[i]);
    }
    return false;
}

bool json_walk_text(struct view raw, struct buf *to, struct view *text)
{
    struct view rest;
    size_t before = to->n;

    if (raw.n < 2 || raw.p[0] != '"' || raw.p[raw.n - 1] != '"')
        return false;
    rest = (struct view){raw.p + 1, raw.n - 2};
    if (!view_has(rest, '\\')) {
        *text = rest;
        return true;
    }
    while (rest.n > 0) {
        size_t plain = 0;

        while (plain < rest.n && rest.p[plain] != '\\')
            plain++;
        if (!buf_put(to, (struct view){rest.p, plain}))
            return false;
        rest = view_skip(rest, plain);
        if (rest.n > 0 && !unescape(&rest, to))
            return false;
    }
    *text = (struct view){to->p + before, to->n - before};
    return true;
}
