/* contacts: GET /contacts, GET /contacts/{id} (contract 12 to 14, 20). */
#include "bridge/core/mem.h"
#include "server/contact_search.h"
#include "server/contact_sort.h"
#include "server/contact_sql.h"
#include "server/lookup.h"
#include "server/rights.h"
#include "server/search.h"
#include "server/server.h"

#define STATEMENT_MAX 4096

/* ?1 and ?2: contact_sql.h. */
#define CONTACT_COLUMNS                                                                            \
    "c.id AS id, c.group_text AS contactGroupId, c.channel AS channel, c.type AS type,"            \
    " c.type_details AS typeDetails, c.subtype AS subtype, c.status AS status,"                    \
    " c.status_details AS statusDetails, c.source AS source, c.destination AS destination,"        \
    " c.agent_id AS agentId, c.agent_name AS agentName, c.queue_id AS queueId,"                    \
    " c.queue_name AS queueName, c.arrival_ms AS arrivalTime, c.disconnect_ms AS disconnectTime,"  \
    " " CONTACT_TOTAL " AS totalDuration, c.record AS record, c.script AS script,"                 \
    " c.subject AS subject, c.required_id AS \"requiredAgent.id\","                                \
    " c.required_name AS \"requiredAgent.name\", c.required_type AS \"requiredAgent.type\","       \
    " c.required_until_ms AS \"requiredAgent.expirationTime\""
#define CONTACT_STATISTICS                                                                         \
    ", c.connect_ms AS connectTime, " CONTACT_WAITING " AS waitingDuration, " CONTACT_HANDLING     \
    " AS handlingDuration, " CONTACT_WRAP_UP " AS wrapUpTotalDuration"

static bool read_statistics(struct exchange *x, bool *statistics)
{
    bool given = false;
    struct view value = exchange_param(x, "statistics", &given);

    *statistics = view_eq_nocase(value, VIEW("true"));
    if (!given || *statistics || view_eq_nocase(value, VIEW("false")))
        return true;
    exchange_error(x, 400, "statistics is neither true nor false");
    return false;
}

/* ---- the list ---- */

struct contact_list {
    struct contact_search search;
    struct contact_sort sort;
    bool statistics;
    int64_t limit;
};

static void list_free(void *ctx)
{
    struct contact_list *list = ctx;

    contact_search_done(&list->search);
    mem_free(list);
}

static void put_statement(struct contact_list *list, struct where *w)
{
    where_put(w, "SELECT c.row, ");
    where_put(w, contact_sort_key(&list->sort));
    where_put(w, ", " CONTACT_COLUMNS);
    if (list->statistics)
        where_put(w, CONTACT_STATISTICS);
    where_put(w, " FROM "); /* ?2 stands below, so that the next `?` is the third in any case */
    if (list->search.leads != NULL) {
        where_put(w, list->search.leads);
        where_put(w, " d CROSS JOIN contacts c ON c.row = d.rowid WHERE ?2 >= 0 AND d.rowid > 0");
        list->sort.place = "d.rowid";
    } else {
        where_put(w, "contacts c WHERE ?2 >= 0 AND c.row > 0");
    }
}

static void list_token(const struct lookup *l, const struct sqlite_query *q, struct buf *to)
{
    const struct contact_list *list = l->ctx;

    contact_sort_token(&list->sort, q, to);
}

static void fill_list(struct lookup *l, struct sqlite *db)
{
    struct contact_list *list = l->ctx;
    const struct rights *rights = l->x->user->rights;
    struct sqlite_query q;
    struct where head;
    struct where tail;

    where_init(&head);
    where_init(&tail);
    put_statement(list, &head);
    contact_sort_after(&list->sort, &tail);
    contact_sort_order(&list->sort, &tail);
    where_put(&tail, " LIMIT ?");
    where_int(&tail, l->page.limit + 1);
    where_put(&head, buf_text(&list->search.w.sql));
    rights_where(rights, RIGHTS_CONTACTS, "c.queue_id", "c.agent_id", &head.sql);
    if (list->search.pickable)
        rights_where_served(rights, "c.queue_id", &head.sql);
    where_put(&head, buf_text(&tail.sql));
    search_language(db, list->sort.locale);
    q = sqlite_query(db, buf_text(&head.sql));
    sqlite_bind_int(&q, list->sort.now_ms);
    sqlite_bind_int(&q, l->x->server->wrapup_max_ms);
    where_bind(&list->search.w, &q);
    rights_bind(rights, RIGHTS_CONTACTS, true, &q);
    if (list->search.pickable)
        rights_bind_served(rights, &q);
    where_bind(&tail, &q);
    lookup_write_page(l, NULL, &cmi_contact, &q, list_token);
    sqlite_end(&q);
    where_done(&head);
    where_done(&tail);
}

static void list_contacts(struct exchange *x)
{
    struct contact_list *list = mem_zeroed(1, sizeof *list);
    struct page page;
    struct fault f = {0};

    contact_search_init(&list->search);
    if (!page_read(x, PAGE_LIMIT_DEFAULT, false, &page, &f) ||
        !contact_sort_read(&list->sort, x, &page, &f))
        exchange_fault(x, &f);
    else if (contact_search_read(&list->search, x) && read_statistics(x, &list->statistics)) {
        lookup_page(x, "/contacts", &page, fill_list, list, list_free);
        return;
    }
    list_free(list);
}

/* ---- one ---- */

#define CONTACT_ONE(columns) "SELECT " columns " FROM contacts c WHERE c.id = ?3 AND c.row > 0"

static void fill_one(struct lookup *l, struct sqlite *db)
{
    bool given = false;
    bool statistics = view_eq_nocase(exchange_param(l->x, "statistics", &given), VIEW("true"));
    const struct rights *rights = l->x->user->rights;
    struct represent_plan plan = {0};
    struct sqlite_query q;
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, statistics ? CONTACT_ONE(CONTACT_COLUMNS CONTACT_STATISTICS)
                                  : CONTACT_ONE(CONTACT_COLUMNS));
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
    bool statistics = false;

    if (read_statistics(x, &statistics))
        lookup_one(x, fill_one, NULL);
}

static const char *const one_params[] = {"statistics", NULL};

const struct route contact_routes[] = {
    {"GET", "/contacts", ROUTE_LIST, contact_search_params, list_contacts},
    {"GET", "/contacts/{id}", 0, one_params, get_contact},
    {NULL, NULL, 0, NULL, NULL},
};
