#include "server/contact_query.h"

#include "server/contact_sql.h"
#include "server/rights.h"
#include "server/search.h"
#include "server/sqlite.h"
#include "server/translations.h"
#include "server/visible.h"

const char contact_columns[] =
    "c.id AS id, c.group_text AS contactGroupId, c.channel AS channel, c.type AS type,"
    " c.type_details AS typeDetails, c.subtype AS subtype, c.status AS status,"
    " c.status_details AS statusDetails, c.source AS source, c.destination AS destination,"
    " c.agent_id AS agentId, c.agent_name AS agentName, c.queue_id AS queueId,"
    " c.queue_name AS queueName, c.arrival_ms AS arrivalTime, c.disconnect_ms AS disconnectTime,"
    " " CONTACT_TOTAL " AS totalDuration, c.record AS record, c.script AS script,"
    " c.subject AS subject, c.required_id AS \"requiredAgent.id\","
    " c.required_name AS \"requiredAgent.name\", c.required_type AS \"requiredAgent.type\","
    " c.required_until_ms AS \"requiredAgent.expirationTime\"";
const char contact_statistics[] =
    ", " CONTACT_CONNECT " AS connectTime, " CONTACT_WAITING
    " AS waitingDuration, " CONTACT_HANDLING " AS handlingDuration, " CONTACT_WRAP_UP
    " AS wrapUpTotalDuration";

void contact_query_init(struct contact_query *c)
{
    contact_search_init(&c->search);
    where_init(&c->tail);
    c->translations = NULL;
    c->few = false;
}

void contact_query_done(struct contact_query *c)
{
    contact_search_done(&c->search);
    where_done(&c->tail);
}

bool contact_query_statistics(const struct exchange *x, bool *statistics, struct fault *f)
{
    bool given = false;
    struct view value = exchange_param(x, "statistics", &given);

    *statistics = view_eq_nocase(value, VIEW("true"));
    return !given || *statistics || view_eq_nocase(value, VIEW("false")) ||
           fault_set(f, FAULT_REJECT, "statistics is neither true nor false");
}

static bool read_search(struct contact_query *c, const struct exchange *x, struct fault *f)
{
    c->search.from = contact_sort_is_at_place(&c->sort) && !c->sort.descending;
    c->search.to = contact_sort_is_at_place(&c->sort) && c->sort.descending;
    return contact_search_read(&c->search, x, f);
}

bool contact_query_read(struct contact_query *c, const struct exchange *x, struct fault *f)
{
    return page_read(x, PAGE_LIMIT_DEFAULT, false, &c->page, f) &&
           contact_sort_read(&c->sort, x, &c->page, f) && read_search(c, x, f) &&
           contact_query_statistics(x, &c->statistics, f);
}

void contact_query_sight(struct contact_query *c, const struct exchange *x, struct sqlite *db)
{
    struct fault ignored; /* it could be read before */
    bool few =
        !c->search.narrow && visible_are_few(x->user->rights, RIGHTS_CONTACTS, db, x->wall_ms);

    if (few == c->few)
        return;
    c->few = few;
    contact_search_done(&c->search);
    contact_search_init(&c->search);
    c->search.by_row = few;
    (void)!read_search(c, x, &ignored);
}

const struct contact_part contact_query_all = {{0, INT64_MAX}, {0, INT64_MAX}, {0, INT64_MAX}};

/* Both ?1 and ?2 stand in it, and ?8 where any of those before is needed: so the next `?` has the
 * number after them in any case. */
static void put_select(struct contact_query *c, struct where *w)
{
    where_put(w, "SELECT c.row, ");
    where_put(w, contact_sort_key(&c->sort));
    where_put(w, ", ");
    where_put(w, contact_columns);
    where_put(w, c->statistics ? contact_statistics : "");
    where_put(w, " FROM ");
    if (c->search.leads != NULL) {
        where_put(w, c->search.leads);
        where_put(w, " d CROSS JOIN contacts c ON c.row = d.rowid");
        c->sort.place = "d.rowid";
    } else {
        where_put(w, c->few ? "contacts c NOT INDEXED" : "contacts c");
        c->sort.place = "c.row";
    }
    where_put(w,
              c->search.gathers != 0 ? " WHERE ?2 >= 0 AND ?8 >= 0 AND " : " WHERE ?2 >= 0 AND ");
    where_put(w, c->search.from ? "+" : "");
    where_put(w, c->sort.place);
    where_put(w, c->search.gathers != 0 ? " > ?3" : " > 0");
}

/* The first and the last row of what the contacts from one place to another have. false: they have
 * more than is looked at. */
static bool rows_of(struct sqlite *db, const char *sql, const int64_t places[2], int64_t rows[2])
{
    struct sqlite_query q = sqlite_query(db, sql);
    bool all = false;

    sqlite_bind_int(&q, places[0]);
    sqlite_bind_int(&q, places[1]);
    sqlite_bind_int(&q, CONTACT_NEWEST_LINES);
    if (sqlite_row(&q)) {
        rows[0] = sqlite_int(&q, 0);
        rows[1] = sqlite_int(&q, 1); /* both 0 where there is none, as no row is */
        all = sqlite_int(&q, 2) < CONTACT_NEWEST_LINES;
    }
    sqlite_end(&q);
    return all;
}

bool contact_query_newest(struct contact_query *c, struct sqlite *db, struct contact_part *part)
{
    static const char emails[] =
        "SELECT min(row), max(row), count(*) FROM (SELECT e.row FROM "
        "contacts c CROSS JOIN contacts k"
        " ON k.group_id = c.group_id CROSS JOIN emails e ON e.id = k.id"
        " WHERE c.row > ? AND c.row < ? AND +c.channel IN ('CHAT', 'EMAIL') LIMIT ?)";
    static const char lines[] =
        "SELECT min(row), max(row), count(*) FROM (SELECT m.row FROM contacts c"
        " CROSS JOIN chat_messages m ON m.chat = c.group_id"
        " WHERE c.row > ? AND c.row < ? AND +c.channel IN ('CHAT', 'EMAIL') LIMIT ?)";
    int64_t to = INT64_MAX;
    int64_t count = CONTACT_NEWEST * (c->page.limit + 1);
    struct sqlite_query q;

    *part = contact_query_all;
    if (c->few || c->search.gathers == 0 || c->search.timed || c->sort.key != NULL ||
        !c->sort.descending)
        return false;
    if (count > CONTACT_NEWEST_MAX)
        count = CONTACT_NEWEST_MAX;
    if (count <= c->page.limit)
        return false;
    contact_sort_find(&c->sort, db);
    if (c->sort.goes_on)
        to = c->sort.after;
    q = sqlite_query(db, "SELECT row FROM contacts WHERE row > 0 AND row < ?"
                         " ORDER BY row DESC LIMIT 1 OFFSET ?");
    sqlite_bind_int(&q, to);
    sqlite_bind_int(&q, count);
    if (!sqlite_row(&q))
        return false; /* that few are searched at once */
    part->places[0] = sqlite_int(&q, 0);
    part->places[1] = to;
    sqlite_end(&q);
    return ((c->search.gathers & CONTACT_GATHERS_EMAILS) == 0 ||
            rows_of(db, emails, part->places, part->emails)) &&
           ((c->search.gathers & CONTACT_GATHERS_LINES) == 0 ||
            rows_of(db, lines, part->places, part->lines));
}

static void bind_part(const struct contact_part *part, struct sqlite_query *q)
{
    sqlite_bind_int(q, part->places[0]);
    sqlite_bind_int(q, part->places[1]);
    sqlite_bind_int(q, part->emails[0]);
    sqlite_bind_int(q, part->emails[1]);
    sqlite_bind_int(q, part->lines[0]);
    sqlite_bind_int(q, part->lines[1]);
}

struct sqlite_query contact_query_open(struct contact_query *c, const struct exchange *x,
                                       int64_t wrapup_max_ms, const struct contact_part *part,
                                       struct sqlite *db)
{
    const struct rights *rights = x->user->rights;
    struct sqlite_query q;
    struct where head;

    where_init(&head);
    where_clear(&c->tail); /* a read may be begun anew */
    put_select(c, &head);
    contact_sort_find(&c->sort, db);
    contact_sort_after(&c->sort, &c->tail);
    contact_sort_order(&c->sort, &c->tail);
    where_put(&c->tail, " LIMIT ?");
    where_int(&c->tail, c->page.limit + 1);
    where_put(&head, buf_text(&c->search.w.sql));
    if (c->few)
        visible_where(c->search.leads != NULL ? "+d.rowid" : "c.row", &head.sql);
    else
        rights_where(rights, RIGHTS_CONTACTS, "c.queue_id", "c.agent_id", &head.sql);
    if (c->search.pickable)
        rights_where_served(rights, "c.queue_id", &head.sql);
    where_put(&head, buf_text(&c->tail.sql));
    search_language(db, c->sort.locale);
    search_translations(db, c->sort.translated ? c->translations : NULL, translations_language(x));
    q = sqlite_query(db, buf_text(&head.sql));
    sqlite_bind_int(&q, c->sort.now_ms);
    sqlite_bind_int(&q, wrapup_max_ms);
    if (c->search.gathers != 0)
        bind_part(part, &q);
    where_bind(&c->search.w, &q);
    rights_bind(rights, RIGHTS_CONTACTS, true, &q);
    if (c->search.pickable)
        rights_bind_served(rights, &q);
    where_bind(&c->tail, &q);
    where_done(&head);
    return q;
}
