#include "server/rights.h"

#include "bridge/core/mem.h"
#include "server/sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct guids {
    struct guid *items; /* ordered, once settled */
    size_t count;
    struct buf json; /* ["0A…","0B…"]: the parameter of an SQL condition */
};

struct scope {
    unsigned methods;
    bool limited;
    struct guids queues;
    struct guids agents;
    char **numbers; /* of callback queues */
    size_t number_count;
    uint64_t mark; /* of queues and agents */
};

struct rights {
    struct scope scopes[RIGHTS_RESOURCES];
    struct guids served;
    struct guid self;
    bool everything;
    bool settled;
};

static const char *const names[] = {
    [RIGHTS_EMAILS] = "emails",       [RIGHTS_SCRIPT_RESULTS] = "scriptResults",
    [RIGHTS_CHATS] = "chats",         [RIGHTS_CALL_RECORDINGS] = "callRecordings",
    [RIGHTS_CALLBACKS] = "callbacks", [RIGHTS_CONTACTS] = "contacts",
    [RIGHTS_MESSAGES] = "messages",   [RIGHTS_CONSENTS] = "customerConsents",
    [RIGHTS_INGEST] = "ingest",       [RIGHTS_RESOURCES] = NULL,
};

const char *rights_resource_name(enum rights_resource r)
{
    return r < RIGHTS_RESOURCES ? names[r] : NULL;
}

enum rights_resource rights_resource_of(struct view path)
{
    struct view rest = view_skip(path, path.n > 0 && path.p[0] == '/' ? 1 : 0);
    struct view first = view_cut(&rest, '/');

    for (unsigned i = 0; i < RIGHTS_RESOURCES; i++)
        if (view_is(first, names[i]))
            return (enum rights_resource)i;
    return view_is(first, "openapi.json") ? RIGHTS_ANYBODY : RIGHTS_OTHER;
}

unsigned rights_method_of(struct view method)
{
    static const struct {
        const char *name;
        unsigned method;
    } methods[] = {{"GET", RIGHTS_GET},
                   {"HEAD", RIGHTS_GET},
                   {"POST", RIGHTS_POST},
                   {"PUT", RIGHTS_PUT},
                   {"DELETE", RIGHTS_DELETE}};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (view_is(method, methods[i].name))
            return methods[i].method;
    return 0;
}

/* ---- sets of GUIDs ---- */

static void guids_add(struct guids *g, const struct guid *one)
{
    g->items = mem_resize(g->items, g->count + 1, sizeof *g->items);
    g->items[g->count++] = *one;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct guid));
}

static bool guids_has(const struct guids *g, const struct guid *one)
{
    return one != NULL && g->count > 0 &&
           bsearch(one, g->items, g->count, sizeof *g->items, by_bytes) != NULL;
}

static void guids_settle(struct guids *g)
{
    char hex[GUID_TEXT_MAX];

    if (g->count > 0)
        qsort(g->items, g->count, sizeof *g->items, by_bytes);
    buf_init(&g->json, g->count * (GUID_HEX_LEN + 3) + 2);
    buf_put_char(&g->json, '[');
    for (size_t i = 0; i < g->count; i++) {
        guid_hex(&g->items[i], hex);
        buf_printf(&g->json, "%s\"%s\"", i > 0 ? "," : "", hex);
    }
    buf_put_char(&g->json, ']');
    assert(!g->json.full);
}

static void guids_done(struct guids *g)
{
    mem_free(g->items);
    buf_done(&g->json);
}

/* ---- making ---- */

struct rights *rights_new(const struct guid *self)
{
    struct rights *r = mem_zeroed(1, sizeof *r);

    r->self = *self;
    return r;
}

void rights_free(struct rights *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < RIGHTS_RESOURCES; i++) {
        struct scope *s = &r->scopes[i];

        guids_done(&s->queues);
        guids_done(&s->agents);
        for (size_t n = 0; n < s->number_count; n++)
            mem_free(s->numbers[n]);
        mem_free(s->numbers);
    }
    guids_done(&r->served);
    mem_free(r);
}

static struct scope *scope_of(struct rights *r, enum rights_resource resource)
{
    assert(!r->settled && resource < RIGHTS_RESOURCES);
    return &r->scopes[resource];
}

void rights_allow(struct rights *r, enum rights_resource resource, unsigned methods)
{
    scope_of(r, resource)->methods |= methods;
}

void rights_allow_everything(struct rights *r)
{
    for (unsigned i = 0; i < RIGHTS_RESOURCES; i++)
        rights_allow(r, (enum rights_resource)i, RIGHTS_ALL);
    r->everything = true;
}

void rights_limit(struct rights *r, enum rights_resource resource)
{
    scope_of(r, resource)->limited = true;
}

void rights_show_queue(struct rights *r, enum rights_resource resource, const struct guid *queue)
{
    rights_limit(r, resource);
    guids_add(&scope_of(r, resource)->queues, queue);
}

void rights_show_number(struct rights *r, enum rights_resource resource, struct view number)
{
    struct scope *s = scope_of(r, resource);

    rights_limit(r, resource);
    s->numbers = mem_resize(s->numbers, s->number_count + 1, sizeof *s->numbers);
    s->numbers[s->number_count++] = mem_text(number.p, number.n);
}

void rights_show_agent(struct rights *r, enum rights_resource resource, const struct guid *agent)
{
    rights_limit(r, resource);
    guids_add(&scope_of(r, resource)->agents, agent);
}

void rights_serve_queue(struct rights *r, const struct guid *queue)
{
    assert(!r->settled);
    guids_add(&r->served, queue);
}

/* FNV-1a. */
static uint64_t hash_of(uint64_t h, struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        h = (h ^ (uint8_t)v.p[i]) * UINT64_C(1099511628211);
    return h;
}

void rights_settle(struct rights *r)
{
    for (size_t i = 0; i < RIGHTS_RESOURCES; i++) {
        guids_add(&r->scopes[i].agents, &r->self);
        guids_settle(&r->scopes[i].queues);
        guids_settle(&r->scopes[i].agents);
        r->scopes[i].mark =
            hash_of(hash_of(UINT64_C(14695981039346656037), buf_view(&r->scopes[i].queues.json)),
                    buf_view(&r->scopes[i].agents.json));
    }
    guids_settle(&r->served);
    r->settled = true;
}

/* ---- asking ---- */

bool rights_may(const struct rights *r, enum rights_resource resource, unsigned method)
{
    if (r == NULL || resource == RIGHTS_ANYBODY)
        return true;
    if (resource >= RIGHTS_RESOURCES)
        return r->everything;
    /* Who deletes a consent must see it, too. */
    if (method == RIGHTS_DELETE && resource == RIGHTS_CONSENTS)
        method |= RIGHTS_GET;
    return method != 0 && (r->scopes[resource].methods & method) == method;
}

bool rights_limited(const struct rights *r, enum rights_resource resource)
{
    return r != NULL && (resource >= RIGHTS_RESOURCES || r->scopes[resource].limited);
}

bool rights_see(const struct rights *r, enum rights_resource resource, const struct guid *queue,
                const struct guid *agent)
{
    if (!rights_limited(r, resource))
        return true;
    assert(r->settled && resource < RIGHTS_RESOURCES);
    return guids_has(&r->scopes[resource].queues, queue) ||
           guids_has(&r->scopes[resource].agents, agent);
}

bool rights_see_number(const struct rights *r, enum rights_resource resource, struct view number)
{
    if (!rights_limited(r, resource))
        return true;
    assert(resource < RIGHTS_RESOURCES);
    for (size_t i = 0; i < r->scopes[resource].number_count; i++)
        if (view_is(number, r->scopes[resource].numbers[i]))
            return true;
    return false;
}

bool rights_serves(const struct rights *r, const struct guid *queue)
{
    return r == NULL || guids_has(&r->served, queue);
}

/* ---- SQL ---- */

#define IS_IN "hex(%s) IN (SELECT value FROM json_each(?))"

void rights_where(const struct rights *r, enum rights_resource resource, const char *queue,
                  const char *agent, struct buf *sql)
{
    if (!rights_limited(r, resource))
        return;
    buf_printf(sql, " AND (" IS_IN, queue);
    if (agent != NULL)
        buf_printf(sql, " OR " IS_IN, agent);
    buf_put_char(sql, ')');
}

void rights_sets(const struct rights *r, enum rights_resource resource, struct view *queues,
                 struct view *agents)
{
    assert(r->settled && resource < RIGHTS_RESOURCES);
    *queues = buf_view(&r->scopes[resource].queues.json);
    *agents = buf_view(&r->scopes[resource].agents.json);
}

uint64_t rights_mark(const struct rights *r, enum rights_resource resource)
{
    assert(r->settled && resource < RIGHTS_RESOURCES);
    return r->scopes[resource].mark;
}

void rights_bind(const struct rights *r, enum rights_resource resource, bool has_agent,
                 struct sqlite_query *q)
{
    struct view queues;
    struct view agents;

    if (!rights_limited(r, resource))
        return;
    rights_sets(r, resource, &queues, &agents);
    sqlite_bind_text(q, queues);
    if (has_agent)
        sqlite_bind_text(q, agents);
}

void rights_where_group(const struct rights *r, enum rights_resource resource, const char *group,
                        struct buf *sql)
{
    if (!rights_limited(r, resource))
        return;
    buf_printf(sql,
               " AND EXISTS (SELECT 1 FROM contacts g WHERE g.group_id = %s AND g.row > 0"
               " AND (" IS_IN " OR " IS_IN "))",
               group, "g.queue_id", "g.agent_id");
}

void rights_where_served(const struct rights *r, const char *queue, struct buf *sql)
{
    if (r != NULL)
        buf_printf(sql, " AND (" IS_IN ")", queue);
}

void rights_bind_served(const struct rights *r, struct sqlite_query *q)
{
    if (r != NULL)
        sqlite_bind_text(q, buf_view(&r->served.json));
}
