/* remarks: GET, POST and PUT /contacts/{id}/remarks (contract 21). The id is the contactGroupId.
 * Remarks of a phone call or chat are kept beside it; an email's are a property of the email. */
#include "bridge/core/cmi_rules.h"
#include "bridge/core/mem.h"
#include "server/email.h"
#include "server/erased.h"
#include "server/history.h"
#include "server/idempotency.h"
#include "server/leg.h"
#include "server/lookup.h"
#include "server/rights.h"
#include "server/server.h"
#include "server/sqlite.h"

#include <string.h>

#define STATEMENT_MAX 1024

/* ---- GET ---- */

#define REMARKS_SELECT                                                                             \
    "SELECT text FROM remarks WHERE group_id = ?1"                                                 \
    "  AND EXISTS (SELECT 1 FROM contacts WHERE group_id = ?1 AND row > 0)"                        \
    " UNION ALL "                                                                                  \
    "SELECT e.remarks FROM contacts c JOIN emails e ON e.id = c.id"                                \
    "  WHERE c.group_id = ?1 AND c.row > 0 AND e.remarks IS NOT NULL"                              \
    " LIMIT 1"

static bool find(struct sqlite *db, const struct guid *group, struct buf *to)
{
    struct sqlite_query q = sqlite_query(db, REMARKS_SELECT);
    bool found;

    sqlite_bind_guid(&q, group);
    found = sqlite_row(&q);
    if (found && to != NULL)
        buf_put(to, sqlite_text(&q, 0));
    sqlite_end(&q);
    return found;
}

/* Does the user see any leg of it? */
static bool sees(struct sqlite *db, const struct guid *group, const struct exchange_user *user)
{
    struct sqlite_query q;
    struct buf sql;
    bool seen;

    if (!rights_limited(user->rights, RIGHTS_CONTACTS))
        return true;
    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, "SELECT 1 FROM contacts WHERE group_id = ? AND row > 0");
    rights_where(user->rights, RIGHTS_CONTACTS, "queue_id", "agent_id", &sql);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_guid(&q, group);
    rights_bind(user->rights, RIGHTS_CONTACTS, true, &q);
    seen = sqlite_row(&q);
    sqlite_end(&q);
    return seen;
}

static void fill(struct lookup *l, struct sqlite *db)
{
    l->found = sees(db, &l->id, l->x->user) && find(db, &l->id, &l->body);
}

static void get_remarks(struct exchange *x)
{
    lookup_one(x, fill, "text/plain; charset=utf-8");
}

/* ---- POST and PUT ---- */

enum refusal { NONE, OTHER_BODY, NO_CONTACT, NOT_RESPONSIBLE, HAS_OWN, HAS_SOME, HAS_NONE };

static const struct {
    int status;
    const char *text;
} refusals[] = {
    [OTHER_BODY] = {422, "this Idempotency-Key was used with another request"},
    [NO_CONTACT] = {404, "HTTP 404 Not Found"},
    [NOT_RESPONSIBLE] = {403, "only the agent of the contact may write its remarks"},
    [HAS_OWN] = {409,
                 "remarks are added to phone calls only; PUT changes those of an email or chat"},
    [HAS_SOME] = {409, "the phone call has remarks already; PUT changes them"},
    [HAS_NONE] = {404, "HTTP 404 Not Found"},
};

struct remarks_write {
    struct history_job job;
    struct exchange *x;
    struct guid group;
    struct buf without; /* the text, where it mentioned people who were erased */
    struct view text;
    bool adds;
    enum refusal refusal;
};

/* The latest leg of the group. */
struct latest {
    struct guid id;
    bool phone;
    bool email;
    bool has_agent;
    struct guid agent;
};

static bool find_latest(struct sqlite *db, const struct guid *group, struct latest *out)
{
    struct sqlite_query q =
        sqlite_query(db, "SELECT id, channel, agent_id FROM contacts WHERE row = " LEG_LATEST("?"));
    bool found;

    sqlite_bind_guid(&q, group);
    found = sqlite_row(&q) && sqlite_guid(&q, 0, &out->id);
    if (found) {
        out->phone = view_is(sqlite_text(&q, 1), "PHONE");
        out->email = view_is(sqlite_text(&q, 1), "EMAIL");
        out->has_agent = sqlite_guid(&q, 2, &out->agent);
    }
    sqlite_end(&q);
    return found;
}

static enum refusal judge(const struct remarks_write *w, struct sqlite *db,
                          const struct latest *latest)
{
    const struct exchange_user *user = w->x->user;

    if (!user->act_for && !user->remarks_any &&
        !(latest->has_agent && guid_eq(&latest->agent, &user->id)))
        return NOT_RESPONSIBLE;
    if (w->adds && !latest->phone)
        return HAS_OWN;
    if (latest->phone && find(db, &w->group, NULL) == w->adds)
        return w->adds ? HAS_SOME : HAS_NONE;
    return NONE;
}

static bool has_beside(const struct remarks_write *w, struct sqlite *db)
{
    struct sqlite_query q = sqlite_query(db, "SELECT 1 FROM remarks WHERE group_id = ?");
    bool found;

    sqlite_bind_guid(&q, &w->group);
    found = sqlite_row(&q);
    sqlite_end(&q);
    return found;
}

static void store_beside(const struct remarks_write *w, struct sqlite *db)
{
    struct sqlite_query q =
        sqlite_query(db, "INSERT INTO remarks (group_id, text, at_ms) VALUES (?, ?, ?)"
                         " ON CONFLICT (group_id) DO UPDATE SET"
                         " text = excluded.text, at_ms = excluded.at_ms");

    sqlite_bind_guid(&q, &w->group);
    sqlite_bind_text(&q, w->text);
    sqlite_bind_int(&q, w->x->wall_ms);
    sqlite_run(&q);
}

/* The group's own email, if the group is one; else its latest leg's, which a transfer made. */
static struct guid email_of(const struct remarks_write *w, struct sqlite *db,
                            const struct latest *latest)
{
    struct guid id = latest->id;
    struct sqlite_query q =
        sqlite_query(db, "SELECT e.id FROM contacts c JOIN emails e ON e.id = c.id"
                         " WHERE c.group_id = ? AND c.row > 0 ORDER BY c.row LIMIT 1");

    sqlite_bind_guid(&q, &w->group);
    if (sqlite_row(&q))
        (void)sqlite_guid(&q, 0, &id);
    sqlite_end(&q);
    return id;
}

static bool store_in_email(const struct remarks_write *w, struct sqlite *db,
                           const struct latest *latest, struct fault *f)
{
    struct email_change *c = mem_zeroed(1, sizeof *c);
    struct guid id = email_of(w, db, latest);
    struct merge_stamp stamp;
    bool ok = merge_stamp(w->x->wall_ms, 0, VIEW(""), view_of(w->x->key_hash), VIEW(""), &stamp, f);

    if (ok) {
        c->sets = UINT32_C(1) << EMAIL_SETS_REMARKS;
        c->cells[EMAIL_REMARKS] = cell_text(w->text);
        email_overwrite(db, &id, c, &stamp);
    }
    mem_free(c);
    return ok;
}

static bool run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct remarks_write *w = (struct remarks_write *)job;
    struct latest latest = {0};

    switch (idempotency_look(db, w->x)) {
    case IDEMPOTENCY_DONE:
        return sqlite_check(db, f);
    case IDEMPOTENCY_OTHER:
        w->refusal = OTHER_BODY;
        return sqlite_check(db, f);
    case IDEMPOTENCY_NEW:
        break;
    }
    w->refusal = find_latest(db, &w->group, &latest) && sees(db, &w->group, w->x->user)
                     ? judge(w, db, &latest)
                     : NO_CONTACT;
    if (w->refusal != NONE)
        return sqlite_check(db, f);
    if (!latest.email || has_beside(w, db)) /* of the call that it was before: those are shown */
        store_beside(w, db);
    if (latest.email && !store_in_email(w, db, &latest, f))
        return false;
    idempotency_keep(db, w->x);
    return sqlite_check(db, f);
}

static void write_free(struct remarks_write *w)
{
    buf_done(&w->without);
    mem_free(w);
}

static void done(struct history_job *job, const struct fault *f)
{
    struct remarks_write *w = (struct remarks_write *)job;
    struct exchange *x = w->x;

    if (f != NULL)
        exchange_fault(x, f);
    else if (w->refusal != NONE)
        exchange_error(x, refusals[w->refusal].status, "%s", refusals[w->refusal].text);
    else
        exchange_answer(x, 204, NULL, VIEW_NONE);
    write_free(w);
}

static void answer(struct exchange *x)
{
    exchange_answer(x, 204, NULL, VIEW_NONE);
}

static void write_remarks(struct exchange *x, bool adds)
{
    struct remarks_write *w;
    struct guid group;
    struct fault f;

    if (!lookup_guid(x, x->id, &group))
        return;
    if (!cmi_check_remarks(x->body, &f)) {
        idempotency_refuse(x, &f, answer);
        return;
    }
    w = mem_zeroed(1, sizeof *w);
    w->x = x;
    w->group = group;
    buf_init(&w->without, 2 * x->body.n);
    w->text = x->body;
    if (erased_without(history_erased(x->server->history), x->body, &w->without))
        w->text = buf_view(&w->without);
    w->adds = adds;
    w->job.run = run;
    w->job.done = done;
    if (history_write(x->server->history, &w->job, &f))
        return;
    write_free(w);
    exchange_fault(x, &f);
}

static void post_remarks(struct exchange *x)
{
    write_remarks(x, true);
}

static void put_remarks(struct exchange *x)
{
    write_remarks(x, false);
}

const struct route remarks_routes[] = {
    {"GET", "/contacts/{id}/remarks", ROUTE_TEXT_ANSWER, NULL, get_remarks},
    {"POST", "/contacts/{id}/remarks", ROUTE_BODY_TEXT, NULL, post_remarks},
    {"PUT", "/contacts/{id}/remarks", ROUTE_BODY_TEXT, NULL, put_remarks},
    {NULL, NULL, 0, NULL, NULL},
};
