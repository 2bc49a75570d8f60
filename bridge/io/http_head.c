#include "bridge/io/http_head.h"

#include "bridge/core/num.h"

void http_head_init(struct http_head *h)
{
    *h = (struct http_head){.status = 0};
    buf_init(&h->kept, HTTP_HEAD_MAX);
}

void http_head_done(struct http_head *h)
{
    buf_done(&h->kept);
}

static void forget(struct http_head *h)
{
    for (size_t i = 0; i < HTTP_HEAD_VALUES; i++)
        h->values[i].given = false;
    buf_clear(&h->kept);
    h->whole = false;
    h->status = 0;
}

void http_head_clear(struct http_head *h)
{
    forget(h);
    h->bytes = 0;
}

static struct view without_end(struct view line)
{
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

static bool has_control(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if (((unsigned char)v.p[i] < 0x20 && v.p[i] != '\t') || v.p[i] == 0x7f)
            return true;
    return false;
}

static const char *status_line(struct http_head *h, struct view line)
{
    int64_t status;

    forget(h);
    (void)view_cut(&line, ' ');
    if (!num_in(view_cut(&line, ' '), 100, 599, &status))
        return "the reply's status line has no status from 100 to 599";
    h->status = (int)status;
    return NULL;
}

static void keep(struct http_head *h, struct view name, struct view value)
{
    static const struct view names[HTTP_HEAD_VALUES] = {
        [HTTP_HEAD_RETRY_AFTER] = {"retry-after", 11},
        [HTTP_HEAD_LOCATION] = {"location", 8},
        [HTTP_HEAD_CONTENT_TYPE] = {"content-type", 12},
        [HTTP_HEAD_CONTENT_LENGTH] = {"content-length", 14},
    };

    for (size_t i = 0; i < HTTP_HEAD_VALUES; i++) {
        if (!view_eq_nocase(name, names[i]) || h->values[i].given)
            continue;
        h->values[i].at = h->kept.n;
        h->values[i].n = value.n;
        h->values[i].given = buf_put(&h->kept, value); /* never full: `bytes` has the same limit */
    }
}

const char *http_head_line(struct http_head *h, struct view line)
{
    struct view rest = without_end(line);
    struct view name;

    h->bytes += line.n;
    if (h->bytes > HTTP_HEAD_MAX)
        return "the reply's headers are longer than allowed";
    if (has_control(rest))
        return "a header of the reply holds a control byte";
    if (h->status == 0 && !view_starts(rest, VIEW("HTTP/")))
        return "the reply does not begin with a status line";
    if (h->whole) /* a trailer */
        return NULL;
    if (view_starts(rest, VIEW("HTTP/")))
        return status_line(h, rest);
    if (rest.n == 0) {
        h->whole = h->status >= 200;
        return NULL;
    }
    if (rest.p[0] == ' ' || rest.p[0] == '\t')
        return "a header of the reply goes on in a second line";
    if (!view_has(rest, ':'))
        return "a header of the reply has no colon";
    name = view_cut(&rest, ':');
    rest = view_trim(rest);
    keep(h, name, rest);
    if (view_eq_nocase(name, VIEW("content-length")) &&
        !view_eq(http_head_get(h, HTTP_HEAD_CONTENT_LENGTH), rest))
        return "the reply has two lengths that differ";
    return NULL;
}

struct view http_head_get(const struct http_head *h, enum http_head_value which)
{
    if (!h->values[which].given)
        return VIEW_NONE;
    if (h->values[which].n == 0)
        return VIEW("");
    return (struct view){h->kept.p + h->values[which].at, h->values[which].n};
}
