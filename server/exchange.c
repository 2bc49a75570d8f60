#include "server/exchange.h"

#include "bridge/core/one_line.h"
#include "server/pending.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define VALUES_MAX     (5 << 20) /* bytes of all header values of an answer; a Link may have most */
#define LOCATION_MAX   256
#define RETRY_AFTER_S  "1"
#define ERROR_TEXT_MAX 1024

static struct pending *pending_of(struct exchange *x)
{
    return (struct pending *)(void *)x;
}

bool exchange_is_same(const struct exchange *x, struct view digest)
{
    return view_is(digest, x->digest) || view_is(digest, x->unkeyed);
}

void exchange_header(struct exchange *x, const char *name, struct view value)
{
    struct pending *p = pending_of(x);

    assert(p->header_count < PENDING_HEADERS_MAX - 1); /* one is for Content-Type */
    if (p->values.max == 0)
        buf_init(&p->values, VALUES_MAX);
    buf_put(&p->values, value);
    assert(!p->values.full); /* the longest is a Link: a target and a token, both bounded */
    p->headers[p->header_count] = (struct http_field){view_of(name), {NULL, value.n}};
    p->value_ends[p->header_count++] = p->values.n;
}

bool exchange_holds(struct exchange *x, size_t bytes)
{
    struct pending *p = pending_of(x);

    if (http_visit_holds(p->visit, bytes))
        return true;
    p->header_count = p->headers_kept; /* a Link is not for this */
    p->values.n = p->headers_kept > 0 ? p->value_ends[p->headers_kept - 1] : 0;
    exchange_error(x, 503, HTTP_SERVER_FULL);
    return false;
}

void exchange_answer(struct exchange *x, int status, const char *content_type, struct view body)
{
    struct pending *p = pending_of(x);

    /* What a write has done is said in any case. */
    if (status == 200 && strcmp(x->method, "GET") == 0 && !exchange_holds(x, body.n))
        return;
    for (size_t i = 0; i < p->header_count; i++)
        p->headers[i].value.p = p->values.p + p->value_ends[i] - p->headers[i].value.n;
    if (content_type != NULL)
        p->headers[p->header_count++] =
            (struct http_field){VIEW("Content-Type"), view_of(content_type)};
    http_visit_answer(p->visit, status, p->headers, p->header_count, body);
    pending_done(p, status);
}

void exchange_created(struct exchange *x, const char *collection, const struct guid *id)
{
    char hex[GUID_TEXT_MAX];
    char location[LOCATION_MAX];
    int n = 0;

    guid_hex(id, hex);
    n = snprintf(location, sizeof location, "/RI/cmi/%s/%s", collection, hex);
    assert(n > 0 && (size_t)n < sizeof location);
    exchange_header(x, "Location", (struct view){location, (size_t)n});
    exchange_answer(x, 201, "text/html", view_of(hex));
}

void exchange_error(struct exchange *x, int status, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    size_t n = 0;
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text - 1, format, args); /* a longer sentence is cut */
    va_end(args);
    n = one_line(text, strlen(text));
    text[n++] = '\n';
    if (status == 503)
        exchange_header(x, "Retry-After", VIEW(RETRY_AFTER_S));
    exchange_answer(x, status, "text/plain", (struct view){text, n});
}

void exchange_fault(struct exchange *x, const struct fault *f)
{
    switch (f->cls) {
    case FAULT_REJECT:
        exchange_error(x, 400, "%s", f->text);
        return;
    case FAULT_RETRY:
        exchange_error(x, 503, "%s", f->text);
        return;
    case FAULT_NONE:
    case FAULT_STOP:
    case FAULT_BUG:
        break;
    }
    exchange_error(x, 500, "%s", f->text);
}

struct view exchange_param(const struct exchange *x, const char *name, bool *found)
{
    for (size_t i = 0; i < x->param_count; i++)
        if (view_is(x->params[i].name, name)) {
            *found = true;
            return x->params[i].value;
        }
    *found = false;
    return VIEW_NONE;
}
