#include "bridge/core/xml_out.h"

#include "bridge/core/utf8.h"

#include <assert.h>

void xml_out_init(struct xml_out *x, struct buf *to)
{
    *x = (struct xml_out){.to = to};
}

static void tag(struct xml_out *x, const char *begin, const char *name)
{
    buf_put_text(x->to, begin);
    buf_put_text(x->to, name);
    buf_put_char(x->to, '>');
}

void xml_open(struct xml_out *x, const char *name)
{
    assert(x->depth < TOKEN_DEPTH_MAX);
    x->names[x->depth++] = name;
    tag(x, "<", name);
}

void xml_close(struct xml_out *x)
{
    assert(x->depth > 0);
    tag(x, "</", x->names[--x->depth]);
}

/* What stands for the character at the start, NULL: itself. A carriage return that stands for
 * itself would be read as a line feed. */
static const char *escape_of(struct view rest)
{
    unsigned char c = (unsigned char)rest.p[0];

    if (c == '&')
        return "&amp;";
    if (c == '<')
        return "&lt;";
    if (c == '>')
        return "&gt;";
    if (c == '\r')
        return "&#13;";
    if (c < ' ' && c != '\t' && c != '\n')
        return "\xef\xbf\xbd";
    if (view_starts(rest, VIEW("\xef\xbf\xbe")) || view_starts(rest, VIEW("\xef\xbf\xbf")))
        return "\xef\xbf\xbd";
    return NULL;
}

static void put_escaped(struct buf *to, struct view v)
{
    struct view plain = {v.p, 0};

    while (v.n > 0) {
        const char *escape = escape_of(v);
        size_t n = escape == NULL ? 1 : utf8_first(v);

        if (escape == NULL) {
            plain.n += n;
            v = view_skip(v, n);
            continue;
        }
        buf_put(to, plain);
        buf_put_text(to, escape);
        v = view_skip(v, n);
        plain = (struct view){v.p, 0};
    }
    buf_put(to, plain);
}

void xml_text(struct xml_out *x, const char *name, struct view v)
{
    assert(x->depth > 0);
    tag(x, "<", name);
    put_escaped(x->to, v);
    tag(x, "</", name);
}
