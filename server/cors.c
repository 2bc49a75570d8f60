#include "server/cors.h"

#include "bridge/core/mem.h"

#include <string.h>

#define HEADERS_MAX 512
#define LEAVE_S     "600" /* how long a browser may remember its leave */

struct cors {
    struct buf headers; /* that a page may send */
    char **origins;
    size_t count;
};

struct cors *cors_new(void)
{
    struct cors *c = mem_zeroed(1, sizeof *c);

    buf_init(&c->headers, HEADERS_MAX);
    buf_put_text(&c->headers, "Accept, Authorization, Content-Type, Idempotency-Key, traceparent");
    return c;
}

void cors_free(struct cors *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->count; i++)
        mem_free(c->origins[i]);
    mem_free(c->origins);
    buf_done(&c->headers);
    mem_free(c);
}

void cors_allow(struct cors *c, const char *origin)
{
    c->origins = mem_resize(c->origins, c->count + 1, sizeof *c->origins);
    c->origins[c->count++] = mem_text(origin, strlen(origin));
}

void cors_allow_header(struct cors *c, const char *name)
{
    buf_printf(&c->headers, ", %s", name);
}

static bool is_allowed(const struct cors *c, struct view origin)
{
    for (size_t i = 0; i < c->count; i++)
        if (view_eq_nocase(origin, view_of(c->origins[i])))
            return true;
    return false;
}

void cors_answer(const struct cors *c, struct pending *p, struct view allowed_methods)
{
    const struct http_request *r = p->request;
    size_t count = 0;
    struct view origin = VIEW_NONE;

    if (c->count == 0)
        return;
    exchange_header(&p->x, "Vary", VIEW("Origin")); /* whatever it is this time */
    origin = http_field_find(r->headers, r->header_count, "Origin", &count);
    if (count != 1 || !is_allowed(c, origin))
        return;
    exchange_header(&p->x, "Access-Control-Allow-Origin", origin);
    exchange_header(&p->x, "Access-Control-Expose-Headers", VIEW("Location, Link, Retry-After"));
    (void)http_field_find(r->headers, r->header_count, "Access-Control-Request-Method", &count);
    if (count == 0 || !view_is(r->method, "OPTIONS"))
        return;
    exchange_header(&p->x, "Access-Control-Allow-Methods", allowed_methods);
    exchange_header(&p->x, "Access-Control-Allow-Headers", buf_view(&c->headers));
    exchange_header(&p->x, "Access-Control-Max-Age", VIEW(LEAVE_S));
}
