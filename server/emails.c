/* emails: GET /emails, GET /emails/{id}. An email is its contact, and what server/email.h keeps
 * beside it; how it goes is what the leg says that it was transferred to last. */
#include "server/filter.h"
#include "server/history_schema.h"
#include "server/lookup.h"
#include "server/rights.h"
#include "server/server.h"
#include "server/visible.h"

#include <string.h>

#define STATEMENT_MAX 4096

/* SQL: of c, a leg with an email of its own, the place of the latest EMAIL leg that it was
 * transferred to, by LEG_LATEST's rule; its own if to none. A leg that was told an email of its own
 * is another one's. */
#define FOLLOWS(leg)                                                                               \
    leg ".previous_id = legs.id AND " leg ".row > 0 AND +" leg ".group_id = legs.of"               \
        " AND NOT EXISTS (SELECT 1 FROM emails o WHERE o.id = " leg ".id"                          \
        " AND o.id <> legs.email AND o.content IS NOT NULL)"
#define NEXT_LEG  FOLLOWS("n")
#define LATER_LEG FOLLOWS("s")
#define EMAIL_LATEST                                                                               \
    "(WITH RECURSIVE legs (id, place, channel, email, of) AS ("                                    \
    "SELECT c.id, c.row, c.channel, c.id, c.group_id UNION"                                        \
    " SELECT n.id, n.row, n.channel, legs.email, legs.of FROM legs CROSS JOIN contacts n"          \
    " WHERE " NEXT_LEG ") SELECT place FROM legs WHERE channel = 'EMAIL' OR id = email"            \
    " ORDER BY EXISTS (SELECT 1 FROM contacts s WHERE +s.channel = 'EMAIL' AND " LATER_LEG "),"    \
    " place DESC LIMIT 1)"

/* How it goes is what l, the latest leg, says; the rest what c does, the email's own. The status is
 * an open set (contract 8): as it was given, unless it is one of a contact's that the contact has
 * left since. Who wrote and to whom is what the contact says, where nothing else was.
 */
#define EMAIL_COLUMNS                                                                              \
    "SELECT c.row, c.id AS id, c.queue_id AS \"from_queue.id\", c.queue_name AS"                   \
    " \"from_queue.name\", ifnull(e.channel_type, 'email') AS channel_type,"                       \
    " ifnull(e.channel_sub_type, CASE c.type WHEN 'EmailOut' THEN 'outbound' ELSE 'inbound' END)"  \
    " AS channel_sub_type, c.type AS type, c.type_details AS typeDetails,"                         \
    " CASE WHEN e.status IS NULL OR (lower(e.status) <> lower(l.status) AND lower(e.status) IN"    \
    " ('pending', 'inqueue', 'inprocess', 'handled', 'abandoned')) THEN l.status ELSE e.status"    \
    " END AS status, l.status_details AS statusDetails, e.case_id AS case_id, e.cid AS cid,"       \
    " c.subject AS title, e.content AS content, e.remarks AS remarks, c.source AS originator,"     \
    " c.destination AS destination, e.from_name AS \"from_address.name\","                         \
    " ifnull(e.from_address, c.source) AS \"from_address.address\", l.agent_id AS agentId,"        \
    " l.agent_name AS agentName, c.arrival_ms AS date_created"
/* Not shown before all is known that the interface requires. */
#define EMAIL_SHOWN                                                                                \
    " CROSS JOIN contacts l ON l.row = " EMAIL_LATEST                                              \
    " WHERE c.row > 0 AND c.queue_id IS NOT NULL AND c.subject IS NOT NULL AND e.content IS NOT"   \
    " NULL"

/* ---- its lists ---- */

struct email_parts {
    struct sqlite *db;
    const struct sqlite_query *q; /* stands at the email */
};

static void write_addresses(struct represent *r, const struct email_parts *parts,
                            const struct cmi_field *field)
{
    struct view kind = view_of(field->name);
    struct sqlite_query q =
        sqlite_query(parts->db, "SELECT name, address FROM email_addresses"
                                " WHERE email = ? AND kind = ? ORDER BY position");
    struct represent_plan plan = {0};
    struct guid id = {{0}};
    bool any = false;

    (void)sqlite_guid(parts->q, 1, &id);
    sqlite_bind_guid(&q, &id);
    sqlite_bind_text(&q, view_cut(&kind, '_'));
    represent_plan(&plan, field->shape, CMI_SINGLE, &q);
    while (sqlite_row(&q)) {
        represent_row(r, &plan, &q);
        any = true;
    }
    if (any || (field->use & CMI_LEAN) != 0)
        return;
    q = sqlite_query(parts->db, "SELECT destination AS address FROM contacts WHERE id = ?");
    sqlite_bind_guid(&q, &id);
    represent_plan(&plan, field->shape, CMI_SINGLE, &q);
    while (sqlite_row(&q))
        represent_row(r, &plan, &q);
}

static void write_attachments(struct represent *r, const struct email_parts *parts,
                              const struct cmi_field *field)
{
    struct sqlite_query q =
        sqlite_query(parts->db, "SELECT id, filename, mime_type, size, originator"
                                " FROM email_attachments WHERE email = ? ORDER BY position");
    struct represent_plan plan = {0};
    struct guid id = {{0}};

    (void)sqlite_guid(parts->q, 1, &id);
    sqlite_bind_guid(&q, &id);
    represent_plan(&plan, field->shape, CMI_SINGLE, &q);
    while (sqlite_row(&q))
        represent_row(r, &plan, &q);
}

static void write_parts(void *ctx, struct represent *r, const struct cmi_field *field)
{
    if (strcmp(field->name, "attachments") == 0)
        write_attachments(r, ctx, field);
    else
        write_addresses(r, ctx, field);
}

/* ---- GET ---- */

/* By case or by cid the few come from their index; else those that the user sees, where these are
 * few; else all, in order. */
static void put_statement(const struct rights *rights, bool by_case, bool by_cid, bool few,
                          bool goes_on, struct buf *sql)
{
    buf_put_text(sql, EMAIL_COLUMNS);
    if (by_case || by_cid)
        buf_put_text(sql, " FROM emails e CROSS JOIN contacts c ON c.id = e.id" EMAIL_SHOWN);
    else
        buf_printf(sql, " FROM contacts c%s CROSS JOIN emails e ON e.id = c.id" EMAIL_SHOWN,
                   few ? " NOT INDEXED" : "");
    buf_put_text(sql, " AND c.channel = 'EMAIL'");
    if (by_case)
        buf_put_text(sql, " AND e.case_id IS NOT NULL AND " SQL_TRIMMED("e.case_id") " = ?");
    if (by_cid)
        buf_put_text(sql, " AND e.cid IS NOT NULL AND " SQL_TRIMMED("e.cid") " = ?");
    if (few)
        visible_where_group("c.row", sql);
    else
        rights_where_group(rights, RIGHTS_EMAILS, "c.group_id", sql);
    if (goes_on)
        buf_put_text(sql, " AND c.row < ?");
    buf_put_text(sql, " ORDER BY c.row DESC LIMIT ?");
}

static void fill_list(struct lookup *l, struct sqlite *db)
{
    bool by_case = false;
    bool by_cid = false;
    struct view case_id = view_trim(exchange_param(l->x, "case_id", &by_case));
    struct view cid = view_trim(exchange_param(l->x, "cid", &by_cid));
    const struct rights *rights = l->x->user->rights;
    struct email_parts parts = {.db = db};
    struct represent_plan plan = {.list = write_parts, .ctx = &parts};
    struct sqlite_query q;
    struct buf sql;
    bool few;

    buf_init(&sql, STATEMENT_MAX);
    few = !by_case && !by_cid && visible_are_few(rights, RIGHTS_EMAILS, db, l->x->wall_ms);
    put_statement(rights, by_case, by_cid, few, l->page.goes_on, &sql);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    if (by_case)
        sqlite_bind_text(&q, case_id);
    if (by_cid)
        sqlite_bind_text(&q, cid);
    rights_bind(rights, RIGHTS_EMAILS, true, &q);
    if (l->page.goes_on)
        sqlite_bind_int(&q, lookup_behind(l, db, "contacts").above);
    sqlite_bind_int(&q, l->page.limit + 1);
    parts.q = &q;
    lookup_write_list(l, &plan, &cmi_email, &q);
}

static const char *const list_params[] = {"case_id", "cid", NULL};

static void list_emails(struct exchange *x)
{
    if (filter_plain(x, list_params))
        lookup_list(x, "/emails", fill_list, NULL, NULL);
}

static void fill_one(struct lookup *l, struct sqlite *db)
{
    const struct rights *rights = l->x->user->rights;
    struct email_parts parts = {.db = db};
    struct represent_plan plan = {.list = write_parts, .ctx = &parts};
    struct sqlite_query q;
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, EMAIL_COLUMNS
                 " FROM emails e CROSS JOIN contacts c ON c.id = e.id" EMAIL_SHOWN " AND e.id = ?");
    rights_where_group(rights, RIGHTS_EMAILS, "c.group_id", &sql);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_guid(&q, &l->id);
    rights_bind(rights, RIGHTS_EMAILS, true, &q);
    parts.q = &q;
    lookup_write_one(l, &plan, &cmi_email, &q);
}

static void get_email(struct exchange *x)
{
    lookup_one(x, fill_one, NULL);
}

const struct route email_routes[] = {
    {"GET", "/emails", ROUTE_LIST, list_params, list_emails},
    {"GET", "/emails/{id}", 0, NULL, get_email},
    {NULL, NULL, 0, NULL, NULL},
};
