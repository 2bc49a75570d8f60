/* contacts: GET /contacts, GET /contacts/{id} (contract 12 to 14, 20). */
#include "bridge/core/mem.h"
#include "server/contact_query.h"
#include "server/lookup.h"
#include "server/rights.h"
#include "server/server.h"

#define STATEMENT_MAX 4096

/* ---- the list ---- */

static void query_free(void *ctx)
{
    contact_query_done(ctx);
    mem_free(ctx);
}

static void list_token(const struct lookup *l, const struct sqlite_query *q, struct buf *to)
{
    const struct contact_query *c = l->ctx;

    contact_sort_token(&c->sort, q, to);
}

static void fill_part(struct lookup *l, struct sqlite *db, const struct contact_part *part)
{
    struct sqlite_query q = contact_query_open(l->ctx, l->x, l->x->server->wrapup_max_ms, part, db);

    lookup_write_page(l, NULL, &cmi_contact, &q, list_token);
    sqlite_end(&q);
}

static void fill_list(struct lookup *l, struct sqlite *db)
{
    struct contact_part part;

    contact_query_sight(l->ctx, l->x, db);
    if (contact_query_newest(l->ctx, db, &part)) {
        fill_part(l, db, &part);
        if (l->more)
            return; /* a whole page of the newest */
        lookup_begin(l);
    }
    fill_part(l, db, &contact_query_all);
}

static void list_contacts(struct exchange *x)
{
    struct contact_query *c = mem_zeroed(1, sizeof *c);
    struct fault f = {0};

    contact_query_init(c);
    c->translations = x->server->translations;
    if (contact_query_read(c, x, &f)) {
        lookup_page(x, "/contacts", &c->page, fill_list, c, query_free);
        return;
    }
    query_free(c);
    exchange_fault(x, &f);
}

/* ---- one ---- */

static void fill_one(struct lookup *l, struct sqlite *db)
{
    const struct rights *rights = l->x->user->rights;
    struct represent_plan plan = {0};
    struct fault ignored; /* the parameter was read before */
    bool statistics = false;
    struct sqlite_query q;
    struct buf sql;

    (void)!contact_query_statistics(l->x, &statistics, &ignored);
    buf_init(&sql, STATEMENT_MAX);
    buf_printf(&sql, "SELECT %s%s FROM contacts c WHERE c.id = ?3 AND c.row > 0", contact_columns,
               statistics ? contact_statistics : "");
    rights_where(rights, RIGHTS_CONTACTS, "c.queue_id", "c.agent_id", &sql);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_int(&q, l->x->wall_ms);
    sqlite_bind_int(&q, l->x->server->wrapup_max_ms);
    sqlite_bind_guid(&q, &l->id);
    rights_bind(rights, RIGHTS_CONTACTS, true, &q);
    lookup_write_one(l, &plan, &cmi_contact, &q);
}

static void get_contact(struct exchange *x)
{
    struct fault f = {0};
    bool statistics = false;

    if (contact_query_statistics(x, &statistics, &f))
        lookup_one(x, fill_one, NULL);
    else
        exchange_fault(x, &f);
}

static const char *const one_params[] = {"statistics", NULL};

const struct route contact_routes[] = {
    {"GET", "/contacts", ROUTE_LIST, contact_search_params, list_contacts},
    {"GET", "/contacts/{id}", 0, one_params, get_contact},
    {NULL, NULL, 0, NULL, NULL},
};
