#include "bridge/core/http_rules.h"

#include "bridge/core/ascii.h"
#include "bridge/core/num.h"

#include <string.h>

static bool is_token(struct view v)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];

        if (!ascii_is_alnum(c) && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return v.n > 0;
}

static bool is_target(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] <= ' ' || v.p[i] > '~' || v.p[i] == '#')
            return false;
    return v.n > 0;
}

static bool is_value(struct view v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];

        if ((c < ' ' && c != '\t') || c == 127)
            return false;
    }
    return true;
}

struct view http_field_find(const struct http_field *headers, size_t header_count, const char *name,
                            size_t *count)
{
    struct view first = VIEW_NONE;

    *count = 0;
    for (size_t i = 0; i < header_count; i++)
        if (view_eq_nocase(headers[i].name, view_of(name)) && (*count)++ == 0)
            first = headers[i].value;
    return first;
}

static int refuse(struct fault *f, int status, const char *why)
{
    fault_set(f, FAULT_REJECT, "%s", why);
    return status;
}

/* origin-form, absolute-form (RFC 9112, 3.2.2: every server must take it) or "*". */
static bool split_target(struct view target, struct http_framing *out)
{
    struct view rest = target;

    if (view_starts_nocase(rest, VIEW("http://")) || view_starts_nocase(rest, VIEW("https://"))) {
        rest = view_skip(rest, rest.p[4] == ':' ? 7 : 8);
        while (rest.n > 0 && rest.p[0] != '/' && rest.p[0] != '?')
            rest = view_skip(rest, 1);
        if (rest.n == 0 || rest.p[0] != '/')
            return false;
    } else if (rest.p[0] != '/' && !view_is(rest, "*")) {
        return false;
    }
    out->path = view_cut(&rest, '?');
    out->query = rest;
    return true;
}

static int check_headers(const struct http_head *h, struct fault *f)
{
    size_t bytes = h->target.n;

    if (h->header_count > HTTP_RULES_HEADERS_MAX)
        return refuse(f, 431, "there are too many header fields; the maximum is 64");
    for (size_t i = 0; i < h->header_count; i++) {
        bytes += h->headers[i].name.n + h->headers[i].value.n;
        if (!is_token(h->headers[i].name))
            return refuse(f, 400, "a header field's name holds a byte that no name may hold");
        if (!is_value(h->headers[i].value))
            return refuse(f, 400, "a header field's value holds a control byte");
    }
    if (bytes > h->max_bytes)
        return refuse(f, 431, "the header fields are too large");
    return 0;
}

/* A request line with single blanks, and lines that end with CRLF: a folded line, a NUL (where a
 * library ends its texts), a bare LF do not add up. */
static bool adds_up(const struct http_head *h)
{
    size_t bytes = h->method.n + 1 + h->target.n + 1 + h->version.n + 2 + 2;

    for (size_t i = 0; i < h->header_count; i++) {
        struct view name = h->headers[i].name;
        struct view value = h->headers[i].value;
        uintptr_t colon = (uintptr_t)name.p + name.n;

        if ((uintptr_t)value.p <= colon || (uintptr_t)value.p - colon > h->came_bytes)
            return false;
        bytes += name.n + ((uintptr_t)value.p - colon) + value.n + 2;
    }
    return bytes == h->came_bytes;
}

static int check_framing(const struct http_head *h, struct http_framing *out, struct fault *f)
{
    size_t lengths = 0;
    size_t codings = 0;
    size_t expects = 0;
    struct view length = http_field_find(h->headers, h->header_count, "Content-Length", &lengths);
    struct view coding =
        http_field_find(h->headers, h->header_count, "Transfer-Encoding", &codings);
    struct view expect = http_field_find(h->headers, h->header_count, "Expect", &expects);

    if (lengths > 1)
        return refuse(f, 400, "there are two Content-Length header fields");
    if (codings > 1)
        return refuse(f, 400, "there are two Transfer-Encoding header fields");
    if (lengths > 0 && codings > 0)
        return refuse(f, 400, "there are both Content-Length and Transfer-Encoding");
    if (lengths > 0 && !num_in(length, 0, INT64_MAX, &out->length))
        return refuse(f, 400, "Content-Length is no number of bytes");
    if (codings > 0 && !view_is(h->version, "HTTP/1.1"))
        return refuse(f, 400, "Transfer-Encoding came with HTTP/1.0");
    if (codings > 0 && !view_eq_nocase(coding, VIEW("chunked")))
        return refuse(f, 400, "Transfer-Encoding is not 'chunked'");
    out->has_length = lengths > 0;
    out->chunked = codings > 0;
    out->expects_continue = expects > 0 && view_eq_nocase(expect, VIEW("100-continue"));
    return 0;
}

int http_rules_check(const struct http_head *h, struct http_framing *out, struct fault *f)
{
    size_t hosts = 0;
    int status = 0;

    *out = (struct http_framing){.path = VIEW_NONE};
    if (!view_is(h->version, "HTTP/1.1") && !view_is(h->version, "HTTP/1.0"))
        return view_starts(h->version, VIEW("HTTP/"))
                   ? refuse(f, 505, "the version is not HTTP/1.1 or HTTP/1.0")
                   : refuse(f, 400, "the request line has no HTTP version");
    if (h->method.n > HTTP_RULES_METHOD_MAX || !is_token(h->method))
        return refuse(f, 400, "the method is no method");
    if (h->target.n > HTTP_RULES_TARGET_MAX)
        return refuse(f, 414, "the request's target is too long; the maximum is 8 KiB");
    if (!is_target(h->target) || !split_target(h->target, out))
        return refuse(f, 400, "the request's target is malformed");
    if ((status = check_headers(h, f)) != 0)
        return status;
    if (h->came_bytes > 0 && !adds_up(h))
        return refuse(
            f, 400, "the head holds a folded line, a NUL, a line without CRLF, or blanks too many");
    (void)http_field_find(h->headers, h->header_count, "Host", &hosts);
    if (hosts > 1)
        return refuse(f, 400, "there are two Host header fields");
    if (hosts == 0 && view_is(h->version, "HTTP/1.1"))
        return refuse(f, 400, "there is no Host header field");
    return check_framing(h, out, f);
}
