/* script_results: GET /scriptResults, GET /scriptResults/{id}. */
#include "bridge/core/mem.h"
#include "server/lookup.h"
#include "server/rights.h"
#include "server/server.h"

#define RESULT_COLUMNS                                                                             \
    "SELECT row, id, script_id, name, contact_id, originalcontact_id,"                             \
    " modified_ms AS modificationtime FROM script_results WHERE row > 0"

#define STATEMENT_MAX 2048

/* A result is seen by who sees its contact. */
static void where_seen(const struct lookup *l, struct buf *sql)
{
    if (!rights_limited(l->x->user->rights, RIGHTS_SCRIPT_RESULTS))
        return;
    buf_put_text(sql, " AND EXISTS (SELECT 1 FROM contacts c"
                      " WHERE c.id = script_results.contact_id");
    rights_where(l->x->user->rights, RIGHTS_SCRIPT_RESULTS, "c.queue_id", "c.agent_id", sql);
    buf_put_char(sql, ')');
}

/* ---- questions and answers ---- */

struct result_parts {
    struct sqlite *db;
    const struct sqlite_query *q; /* stands at the result */
    const struct sqlite_query *question;
};

static void write_answers(void *ctx, struct represent *r, const struct cmi_field *field)
{
    const struct result_parts *parts = ctx;
    struct sqlite_query q =
        sqlite_query(parts->db, "SELECT id, answerdata, ordinal FROM script_answers"
                                " WHERE result = ? AND question = ? ORDER BY position");
    struct represent_plan plan = {0};
    struct guid id = {{0}};

    (void)sqlite_guid(parts->q, 1, &id);
    sqlite_bind_guid(&q, &id);
    sqlite_bind_int(&q, sqlite_int(parts->question, 0));
    represent_plan(&plan, field->shape, CMI_SINGLE, &q);
    while (sqlite_row(&q))
        represent_row(r, &plan, &q);
}

static void write_questions(void *ctx, struct represent *r, const struct cmi_field *field)
{
    struct result_parts *parts = ctx;
    struct sqlite_query q =
        sqlite_query(parts->db, "SELECT position, id, data, controltype, datatype, ordinal"
                                " FROM script_questions WHERE result = ? ORDER BY position");
    struct represent_plan plan = {.list = write_answers, .ctx = ctx};
    struct guid id = {{0}};

    (void)sqlite_guid(parts->q, 1, &id);
    sqlite_bind_guid(&q, &id);
    represent_plan(&plan, field->shape, CMI_SINGLE, &q);
    parts->question = &q;
    while (sqlite_row(&q))
        represent_row(r, &plan, &q);
    parts->question = NULL;
}

/* ---- GET ---- */

struct result_filter {
    bool has_contact;
    bool has_original;
    struct guid contact;
    struct guid original;
};

static void fill_list(struct lookup *l, struct sqlite *db)
{
    const struct result_filter *filter = l->ctx;
    struct result_parts parts = {.db = db};
    struct represent_plan plan = {.list = write_questions, .ctx = &parts};
    struct sqlite_query q;
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, RESULT_COLUMNS);
    if (filter->has_contact)
        buf_put_text(&sql, " AND contact_id = ?");
    if (filter->has_original)
        buf_put_text(&sql, " AND originalcontact_id = ?");
    where_seen(l, &sql);
    buf_put_text(&sql, " AND row < ? ORDER BY row DESC LIMIT ?");
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    if (filter->has_contact)
        sqlite_bind_guid(&q, &filter->contact);
    if (filter->has_original)
        sqlite_bind_guid(&q, &filter->original);
    rights_bind(l->x->user->rights, RIGHTS_SCRIPT_RESULTS, true, &q);
    sqlite_bind_int(&q, lookup_behind(l, db, "script_results").above);
    sqlite_bind_int(&q, l->page.limit + 1);
    parts.q = &q;
    lookup_write_list(l, &plan, &cmi_script_result, &q);
}

static bool guid_param(struct exchange *x, const char *name, struct guid *out, bool *given)
{
    struct view text = exchange_param(x, name, given);

    return !*given || lookup_guid(x, text, out);
}

static void list_results(struct exchange *x)
{
    struct result_filter *filter = mem_zeroed(1, sizeof *filter);

    if (guid_param(x, "contact_id", &filter->contact, &filter->has_contact) &&
        guid_param(x, "originalcontact_id", &filter->original, &filter->has_original))
        lookup_list(x, "/scriptResults", fill_list, filter, mem_free);
    else
        mem_free(filter);
}

static void fill_one(struct lookup *l, struct sqlite *db)
{
    struct result_parts parts = {.db = db};
    struct represent_plan plan = {.list = write_questions, .ctx = &parts};
    struct sqlite_query q;
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, RESULT_COLUMNS " AND id = ?");
    where_seen(l, &sql);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_guid(&q, &l->id);
    rights_bind(l->x->user->rights, RIGHTS_SCRIPT_RESULTS, true, &q);
    parts.q = &q;
    lookup_write_one(l, &plan, &cmi_script_result, &q);
}

static void get_result(struct exchange *x)
{
    lookup_one(x, fill_one, NULL);
}

static const char *const list_params[] = {"contact_id", "originalcontact_id", NULL};

const struct route script_result_routes[] = {
    {"GET", "/scriptResults", ROUTE_LIST, list_params, list_results},
    {"GET", "/scriptResults/{id}", 0, NULL, get_result},
    {NULL, NULL, 0, NULL, NULL},
};
