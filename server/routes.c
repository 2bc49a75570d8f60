#include "server/routes.h"

#include "bridge/core/percent.h"

#include <assert.h>
#include <string.h>

#define LITERAL_MAX 64 /* bytes of a literal segment */

void routes_add(struct routes *r, const char *base, const struct route *rows)
{
    for (; rows->method != NULL; rows++) {
        assert(r->count < ROUTES_MAX);
        r->entries[r->count++] =
            (struct route_entry){.base = view_of(base),
                                 .path = view_of(rows->path),
                                 .lead = strcspn(rows->path, "{"),
                                 .route = rows,
                                 .resource = rights_resource_of(view_of(rows->path)),
                                 .method = rights_method_of(view_of(rows->method))};
    }
}

/* A literal may come percent-encoded: /RI/%63mi is /RI/cmi. */
static bool literal_is(struct view encoded, struct view literal)
{
    char text[LITERAL_MAX];
    struct view decoded = VIEW_NONE;
    struct fault f = {0};

    if (view_eq(encoded, literal))
        return true;
    return encoded.n <= sizeof text && view_has(encoded, '%') &&
           percent_decode_segment(encoded, text, &decoded, &f) && view_eq(decoded, literal);
}

/* Both begin with '/' or are empty; a segment lies between two. */
static bool match(struct view *path, struct view pattern, struct view *id)
{
    while (pattern.n > 0) {
        struct view want = VIEW_NONE;
        struct view have = VIEW_NONE;

        if (path->n == 0 || path->p[0] != '/')
            return false;
        pattern = view_skip(pattern, 1);
        *path = view_skip(*path, 1);
        while (want.n < pattern.n && pattern.p[want.n] != '/')
            want.n++;
        while (have.n < path->n && path->p[have.n] != '/')
            have.n++;
        want.p = pattern.p;
        have.p = path->p;
        if (want.n > 0 && want.p[0] == '{') {
            if (have.n == 0)
                return false;
            *id = have;
        } else if (!literal_is(have, want)) {
            return false;
        }
        pattern = view_skip(pattern, want.n);
        *path = view_skip(*path, have.n);
    }
    return true;
}

static bool entry_matches(const struct route_entry *e, struct view path, struct view *id)
{
    struct view rest = path;

    if (view_starts(path, e->base)) /* as nearly everybody sends it: nothing is encoded */
        rest = view_skip(path, e->base.n);
    else if (!match(&rest, e->base, id))
        return false;
    return match(&rest, e->path, id) && rest.n == 0;
}

/* Where nothing is encoded most rows are left out by one look. */
static bool may_match(const struct route_entry *e, struct view path)
{
    return path.n >= e->base.n + e->lead && memcmp(path.p + e->base.n, e->path.p, e->lead) == 0;
}

enum routes_found routes_find(struct routes *r, struct view method, struct view path,
                              struct route_entry **entry, struct view *id)
{
    struct view wanted = view_is(method, "HEAD") ? VIEW("GET") : method;
    enum routes_found found = ROUTES_NO_PATH;
    bool plain = !view_has(path, '%');

    for (size_t i = 0; i < r->count; i++) {
        struct route_entry *e = &r->entries[i];
        struct view e_id = VIEW_NONE;

        if ((plain && !may_match(e, path)) || !entry_matches(e, path, &e_id))
            continue;
        *entry = e;
        *id = e_id;
        if (view_is(wanted, e->route->method))
            return ROUTES_FOUND;
        found = ROUTES_NO_METHOD;
    }
    return found;
}

void routes_allow(struct routes *r, struct view path, struct buf *to)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    bool allowed[sizeof methods / sizeof methods[0]] = {false};

    for (size_t i = 0; i < r->count; i++) {
        struct view id = VIEW_NONE;
        bool here = view_is(path, "*") || entry_matches(&r->entries[i], path, &id);

        for (size_t m = 0; here && m < sizeof methods / sizeof methods[0]; m++)
            allowed[m] = allowed[m] || strcmp(methods[m], r->entries[i].route->method) == 0;
    }
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++)
        if (allowed[m])
            buf_printf(to, "%s, ", m == 0 ? "GET, HEAD" : methods[m]);
    buf_put_text(to, "OPTIONS");
}
