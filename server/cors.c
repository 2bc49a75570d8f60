#include "server/cors.h"

#include "bridge/core/mem.h"

#include <string.h>

#define HEADERS_MAX 512
#define LEAVE_S     "600" /* how long a browser may remember its leave */

struct cors {
    struct buf headers; /* that a page may send */
    char **origins;
    size_t count;
    bool https;
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

void cors_https(struct cors *c)
{
    c->https = true;
}

static bool is_allowed(const struct cors *c, struct view origin)
{
    for (size_t i = 0; i < c->count; i++)
        if (view_eq_nocase(origin, view_of(c->origins[i])))
            return true;
    return false;
}

size_t cors_fields(const struct cors *c, const struct http_field *headers, size_t header_count,
                   struct http_field out[CORS_FIELDS_MAX])
{
    size_t count = 0;
    struct view origin = http_field_find(headers, header_count, "Origin", &count);

    if (c->count == 0)
        return 0;
    out[0] = (struct http_field){VIEW("Vary"), VIEW("Origin")}; /* whatever it is this time */
    if (count != 1 || !is_allowed(c, origin))
        return 1;
    out[1] = (struct http_field){VIEW("Access-Control-Allow-Origin"), origin};
    out[2] = (struct http_field){VIEW("Access-Control-Expose-Headers"),
                                 VIEW("Location, Link, Retry-After")};
    return 3;
}

static bool is_own(const struct cors *c, struct view origin, struct view host)
{
    struct view scheme = VIEW("https://");

    if (!c->https && !view_starts_nocase(origin, scheme))
        scheme = VIEW("http://");
    return host.n > 0 && view_starts_nocase(origin, scheme) &&
           view_eq_nocase(view_skip(origin, scheme.n), host);
}

bool cors_may_write(const struct cors *c, const struct http_field *headers, size_t header_count)
{
    size_t origins = 0;
    size_t sites = 0;
    size_t hosts = 0;
    struct view origin = http_field_find(headers, header_count, "Origin", &origins);
    struct view site = http_field_find(headers, header_count, "Sec-Fetch-Site", &sites);
    struct view host = http_field_find(headers, header_count, "Host", &hosts);

    if (sites == 1 && view_eq_nocase(site, VIEW("same-origin")))
        return true;
    if (origins == 0) /* "none": the user's own doing, not a page's */
        return sites == 0 || (sites == 1 && view_eq_nocase(site, VIEW("none")));
    return origins == 1 && (is_allowed(c, origin) || (hosts == 1 && is_own(c, origin, host)));
}

bool cors_is_preflight(const struct cors *c, const struct http_request *r)
{
    struct http_field fields[CORS_FIELDS_MAX];
    size_t count = 0;

    (void)http_field_find(r->headers, r->header_count, "Access-Control-Request-Method", &count);
    return count > 0 && view_is(r->method, "OPTIONS") &&
           cors_fields(c, r->headers, r->header_count, fields) == CORS_FIELDS_MAX;
}

void cors_answer(const struct cors *c, struct pending *p, struct view allowed_methods)
{
    const struct http_request *r = p->request;
    struct http_field fields[CORS_FIELDS_MAX];
    size_t count = cors_fields(c, r->headers, r->header_count, fields);

    for (size_t i = 0; i < count; i++)
        exchange_header(&p->x, fields[i].name.p, fields[i].value);
    if (!cors_is_preflight(c, r))
        return;
    exchange_header(&p->x, "Access-Control-Allow-Methods", allowed_methods);
    exchange_header(&p->x, "Access-Control-Allow-Headers", buf_view(&c->headers));
    exchange_header(&p->x, "Access-Control-Max-Age", VIEW(LEAVE_S));
}
