#include "bridge/io/http_request.h"

#include <string.h>

void http_request_init(struct http_request *r)
{
    buf_init(&r->text, HTTP_REQUEST_HEAD_MAX);
}

void http_request_done(struct http_request *r)
{
    buf_done(&r->text);
}

/* RFC 9110, 5.6.2. */
static bool is_token(struct view v)
{
    for (size_t i = 0; i < v.n; i++) {
        char c = v.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
            return false;
    }
    return v.n > 0;
}

bool http_request_check_header(struct view name, struct view value, struct fault *f)
{
    /* They say where a request ends and who reads it: the shell's alone. */
    static const char *const taken[] = {"Content-Length", "Transfer-Encoding", "Host", "Connection",
                                        "Expect",         "Upgrade",           "TE",   "Trailer"};

    if (!is_token(name))
        return fault_set(f, FAULT_REJECT, "a header's name is empty or holds a byte it may not");
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (view_eq_nocase(name, view_of(taken[i])))
            return fault_set(f, FAULT_REJECT, "the header %s can't be given", taken[i]);
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < 0x20 && value.p[i] != '\t') || value.p[i] == 0x7f)
            return fault_set(f, FAULT_REJECT, "the header %.*s holds a control character",
                             VIEW_ARG(name));
    return true;
}

static bool check_path(struct view path, struct fault *f)
{
    if (path.n > 0 && path.p[0] != '/')
        return fault_set(f, FAULT_REJECT, "the request's path does not begin with '/'");
    for (size_t i = 0; i < path.n; i++)
        if (path.p[i] <= 0x20 || path.p[i] >= 0x7f || path.p[i] == '#')
            return fault_set(f, FAULT_REJECT,
                             "the request's path holds a byte that must be escaped");
    return true;
}

/* The buffer may still move: `starts` holds where the lines begin. */
static size_t put_line(struct buf *to, struct view name, struct view value)
{
    size_t start = to->n;

    buf_put(to, name);
    buf_put(to, value);
    buf_put_char(to, '\0');
    return start;
}

/* To libcurl "Name;" is an empty value, and "Name:" asks for no such header. */
static size_t put_header(struct buf *to, struct view name, struct view value)
{
    size_t start = to->n;

    value = view_trim(value);
    buf_put(to, name);
    (void)put_line(to, value.n > 0 ? VIEW(": ") : VIEW(";"), value);
    return start;
}

bool http_request_set(struct http_request *r, const char *base, const char *own,
                      const struct http_call *call, struct fault *f)
{
    size_t starts[HTTP_REQUEST_LINES];
    bool has_type = false;
    size_t n = 0;

    if (call->header_count > HTTP_HEADERS_MAX)
        return fault_set(f, FAULT_REJECT, "there are %zu headers; at most %d can be sent",
                         call->header_count, HTTP_HEADERS_MAX);
    if (!check_path(call->path, f))
        return false;
    buf_clear(&r->text);
    (void)put_line(&r->text, view_of(base), call->path);
    starts[n++] = put_line(&r->text, VIEW("Expect:"), VIEW_NONE); /* never wait for a 100 */
    /* As an option libcurl would format it anew for each request, twice. */
    starts[n++] = put_line(&r->text, VIEW("User-Agent: cmibridge/" CMIBRIDGE_VERSION), VIEW_NONE);
    for (size_t i = 0; i < call->header_count; i++) {
        const struct http_header *h = &call->headers[i];

        if (!http_request_check_header(h->name, h->value, f))
            return false;
        has_type = has_type || view_eq_nocase(h->name, VIEW("Content-Type"));
        starts[n++] = put_header(&r->text, h->name, h->value);
    }
    if (!has_type) /* libcurl would say it is a form's */
        starts[n++] = put_line(&r->text, VIEW("Content-Type:"), VIEW_NONE);
    if (own != NULL)
        starts[n++] = put_line(&r->text, view_of(own), VIEW_NONE);
    if (r->text.full)
        return fault_set(f, FAULT_REJECT, "the request's head is longer than %d bytes",
                         HTTP_REQUEST_HEAD_MAX);
    r->target = r->text.p;
    for (size_t i = 0; i < n; i++)
        r->lines[i] =
            (struct curl_slist){r->text.p + starts[i], i + 1 < n ? &r->lines[i + 1] : NULL};
    return true;
}
