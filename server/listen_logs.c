/* listen_logs: callRecordings and who listened to them (contract 22). */
#include "bridge/core/arena.h"
#include "bridge/core/mem.h"
#include "server/body.h"
#include "server/filter.h"
#include "server/idempotency.h"
#include "server/lookup.h"
#include "server/place.h"
#include "server/rights.h"
#include "server/row.h"
#include "server/server.h"
#include "server/sqlite.h"

#include <stdio.h>
#include <string.h>

#define STATEMENT_MAX 2048

/* ---- whose recordings these are ---- */

/* A recording is seen by who sees its owner, a queue or a user, or the contact that it is of. */
static void where_seen(const struct exchange *x, struct buf *sql)
{
    if (!rights_limited(x->user->rights, RIGHTS_CALL_RECORDINGS))
        return;
    buf_put_text(sql, " AND EXISTS (SELECT 1 FROM ("
                      "SELECT CASE owner_type WHEN 'queue' THEN owner_id END AS queue,"
                      " CASE owner_type WHEN 'user' THEN owner_id END AS agent"
                      " UNION ALL SELECT queue_id, agent_id FROM contacts"
                      " WHERE contacts.id = call_recordings.contact_id) WHERE 1");
    rights_where(x->user->rights, RIGHTS_CALL_RECORDINGS, "queue", "agent", sql);
    buf_put_char(sql, ')');
}

static void bind_seen(const struct exchange *x, struct sqlite_query *q)
{
    rights_bind(x->user->rights, RIGHTS_CALL_RECORDINGS, true, q);
}

static bool is_seen(const struct exchange *x, struct sqlite *db, const struct guid *id)
{
    struct sqlite_query q;
    struct buf sql;
    bool seen;

    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, "SELECT 1 FROM call_recordings WHERE id = ?");
    where_seen(x, &sql);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_guid(&q, id);
    bind_seen(x, &q);
    seen = sqlite_row(&q);
    sqlite_end(&q);
    return seen;
}

/* ---- POST /callRecordings/{id}/listenLog ---- */

struct log_post {
    struct history_job job;
    struct exchange *x;
    struct arena texts;
    struct guid recording;
    bool names_user; /* the body does */
    bool has_user_guid;
    struct guid user_guid;
    struct view user_id; /* p NULL: not known */
    struct view user_name;
    struct view description;
    struct view session;
    int64_t at_ms;
    bool refused;
    bool not_found;
};

static bool post_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                       struct fault *f)
{
    struct log_post *post = ctx;
    const char *name = field->name;

    if (strcmp(name, "description") == 0)
        post->description = arena_view(&post->texts, v->text);
    else if (strcmp(name, "userSessionId") == 0)
        post->session = arena_view(&post->texts, v->text);
    else if (strcmp(name, "user_guid") == 0)
        post->names_user = post->has_user_guid = guid_parse(v->text, &post->user_guid);
    else if (strcmp(name, "user_id") == 0)
        post->user_id = arena_view(&post->texts, v->text);
    else if (strcmp(name, "user_name") == 0)
        post->user_name = arena_view(&post->texts, v->text);
    else if (strcmp(name, "time_stamp") == 0) {
        post->at_ms = v->time_ms;
        return history_time_allows(name, v->time_ms, f);
    }
    return true;
}

/* The signed-on user; one who may act for others is believed who it was (contract 4). */
static void settle_user(struct log_post *post)
{
    const struct exchange_user *user = post->x->user;

    post->names_user = post->has_user_guid || post->user_id.p != NULL || post->user_name.p != NULL;
    if (post->names_user && user->act_for)
        return;
    post->has_user_guid = true;
    post->user_guid = user->id;
    post->user_id = view_of(user->login);
    post->user_name = view_of(user->name);
}

static void bind_or_null(struct sqlite_query *q, struct view v)
{
    if (v.p == NULL)
        sqlite_bind_null(q);
    else
        sqlite_bind_text(q, v);
}

static const struct row_table logs = {.name = "listen_logs"};

static void store(const struct log_post *post, struct sqlite *db)
{
    const struct exchange *x = post->x;
    int64_t place = place_take(db, &logs, post->at_ms, &x->new_id);
    struct sqlite_query q =
        sqlite_query(db, "INSERT INTO listen_logs (row, id, recording, user_guid, user_id,"
                         " user_name, description, session, at_ms, digest)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");

    sqlite_bind_int(&q, place);
    sqlite_bind_guid(&q, &x->new_id);
    sqlite_bind_guid(&q, &post->recording);
    if (post->has_user_guid)
        sqlite_bind_guid(&q, &post->user_guid);
    else
        sqlite_bind_null(&q);
    bind_or_null(&q, post->user_id);
    bind_or_null(&q, post->user_name);
    sqlite_bind_text(&q, post->description);
    sqlite_bind_text(&q, post->session);
    sqlite_bind_int(&q, post->at_ms);
    sqlite_bind_blob(&q, view_of(x->digest));
    sqlite_run(&q);
}

static bool post_run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct log_post *post = (struct log_post *)job;
    struct sqlite_query q;
    bool before;

    switch (idempotency_look(db, post->x)) {
    case IDEMPOTENCY_DONE: /* also where the recording is gone since, erased or of age */
        return sqlite_check(db, f);
    case IDEMPOTENCY_OTHER:
        post->refused = true;
        return sqlite_check(db, f);
    case IDEMPOTENCY_NEW:
        break;
    }
    q = sqlite_query(db, "SELECT digest FROM listen_logs WHERE id = ?");
    sqlite_bind_guid(&q, &post->x->new_id);
    before = sqlite_row(&q);
    if (before) /* the same key: the log is its own record (D2) */
        post->refused = !exchange_is_same(post->x, sqlite_text(&q, 0));
    sqlite_end(&q);
    if (before)
        return sqlite_check(db, f);
    post->not_found = !is_seen(post->x, db, &post->recording);
    if (!post->not_found) {
        store(post, db);
        idempotency_keep(db, post->x);
    }
    return sqlite_check(db, f);
}

static void post_free(struct log_post *post)
{
    arena_done(&post->texts);
    mem_free(post);
}

static void answer(struct exchange *x)
{
    struct guid recording;
    char collection[96];
    char hex[GUID_TEXT_MAX];

    if (!lookup_guid(x, x->id, &recording))
        return;
    guid_hex(&recording, hex);
    snprintf(collection, sizeof collection, "callRecordings/%s/listenLog", hex);
    exchange_created(x, collection, &x->new_id);
}

static void post_done(struct history_job *job, const struct fault *f)
{
    struct log_post *post = (struct log_post *)job;
    struct exchange *x = post->x;

    if (f != NULL) {
        exchange_fault(x, f);
    } else if (post->refused) {
        exchange_error(x, 422, "this Idempotency-Key was used with another request");
    } else if (post->not_found) {
        lookup_not_found(x);
    } else {
        answer(x);
    }
    post_free(post);
}

static void post_log(struct exchange *x)
{
    struct log_post *post;
    struct guid recording;
    struct fault f;

    if (!lookup_guid(x, x->id, &recording))
        return;
    post = mem_zeroed(1, sizeof *post);
    post->x = x;
    post->job.run = post_run;
    post->job.done = post_done;
    post->recording = recording;
    post->at_ms = x->wall_ms;
    arena_init(&post->texts);
    if (!body_check(x, &cmi_listen_log, CMI_POST,
                    (struct cmi_visitor){.ctx = post, .value = post_value}, &f)) {
        post_free(post);
        idempotency_refuse(x, &f, answer);
        return;
    }
    settle_user(post);
    if (history_write(x->server->history, &post->job, &f))
        return;
    post_free(post);
    exchange_fault(x, &f);
}

/* ---- GET …/listenLog ---- */

#define LOG_SELECT                                                                                 \
    "SELECT row, id, user_guid, user_id, user_name, description, session AS userSessionId,"        \
    " at_ms AS time_stamp FROM listen_logs WHERE recording = ?"

static void fill_logs(struct lookup *l, struct sqlite *db)
{
    struct sqlite_query q;

    l->found = is_seen(l->x, db, &l->id);
    if (!l->found)
        return;
    q = sqlite_query(db, LOG_SELECT " AND row > ? ORDER BY row LIMIT ?");
    sqlite_bind_guid(&q, &l->id);
    sqlite_bind_int(&q, lookup_behind(l, db, logs.name).below);
    sqlite_bind_int(&q, l->page.limit + 1);
    lookup_write_list(l, NULL, &cmi_listen_log, &q);
}

static void list_logs(struct exchange *x)
{
    lookup_list(x, "/callRecordings/{id}/listenLog", fill_logs, NULL, NULL);
}

/* ---- GET /callRecordings ---- */

#define RECORDING_SELECT                                                                           \
    "SELECT row, id, call_id, contact_id, owner_id, owner_type, owner_name, file_name, file_path," \
    " created_ms AS creation_time FROM call_recordings WHERE"

struct recording_filter {
    bool has_call;
    struct guid call;
    bool has_contact;
    struct guid contact;
    int64_t above; /* places between these two */
    int64_t below;
};

static void fill_recordings(struct lookup *l, struct sqlite *db)
{
    const struct recording_filter *filter = l->ctx;
    const int64_t above = lookup_behind(l, db, "call_recordings").above;
    struct sqlite_query q;
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, RECORDING_SELECT " row > ? AND row < ?");
    if (filter->has_call)
        buf_put_text(&sql, " AND call_id = ?");
    if (filter->has_contact)
        buf_put_text(&sql, " AND contact_id = ?");
    where_seen(l->x, &sql);
    buf_put_text(&sql, " ORDER BY row DESC LIMIT ?");
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_int(&q, filter->above);
    sqlite_bind_int(&q, above < filter->below ? above : filter->below);
    if (filter->has_call)
        sqlite_bind_guid(&q, &filter->call);
    if (filter->has_contact)
        sqlite_bind_guid(&q, &filter->contact);
    bind_seen(l->x, &q);
    sqlite_bind_int(&q, l->page.limit + 1);
    lookup_write_list(l, NULL, &cmi_call_recording, &q);
}

static bool guid_param(struct exchange *x, const char *name, struct guid *out, bool *given)
{
    struct view text = exchange_param(x, name, given);

    return !*given || lookup_guid(x, text, out);
}

/* Places of the things strictly after start and before end (contract 12). */
static bool times(struct exchange *x, struct recording_filter *filter)
{
    int64_t start_ms = 0;
    int64_t end_ms = 0;
    bool has_start;
    bool has_end;

    if (!filter_time(x, "start_time", &start_ms, &has_start) ||
        !filter_time(x, "end_time", &end_ms, &has_end))
        return false;
    filter->above = has_start ? place_after(start_ms) : -1;
    filter->below = has_end ? place_before(end_ms) : INT64_MAX;
    return true;
}

static void list_recordings(struct exchange *x)
{
    struct recording_filter *filter = mem_zeroed(1, sizeof *filter);

    if (guid_param(x, "call_id", &filter->call, &filter->has_call) &&
        guid_param(x, "contact_id", &filter->contact, &filter->has_contact) && times(x, filter))
        lookup_list(x, "/callRecordings", fill_recordings, filter, mem_free);
    else
        mem_free(filter);
}

struct recording_parts {
    struct sqlite *db;
    const struct guid *id;
};

static void fill_log(void *ctx, struct represent *r, const struct cmi_field *field)
{
    const struct recording_parts *parts = ctx;
    struct sqlite_query q = sqlite_query(parts->db, LOG_SELECT " ORDER BY row");
    struct represent_plan plan = {0};

    sqlite_bind_guid(&q, parts->id);
    represent_plan(&plan, field->shape, CMI_SINGLE, &q);
    while (sqlite_row(&q))
        represent_row(r, &plan, &q);
}

static void fill_recording(struct lookup *l, struct sqlite *db)
{
    struct recording_parts parts = {db, &l->id};
    struct represent_plan plan = {.list = fill_log, .ctx = &parts};
    struct sqlite_query q;
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, RECORDING_SELECT " id = ?");
    where_seen(l->x, &sql);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_guid(&q, &l->id);
    bind_seen(l->x, &q);
    lookup_write_one(l, &plan, &cmi_call_recording, &q);
}

static void get_recording(struct exchange *x)
{
    lookup_one(x, fill_recording, NULL);
}

static const char *const list_params[] = {"call_id", "contact_id", "start_time", "end_time", NULL};

const struct route recording_routes[] = {
    {"GET", "/callRecordings", ROUTE_LIST, list_params, list_recordings},
    {"GET", "/callRecordings/{id}", 0, NULL, get_recording},
    {"GET", "/callRecordings/{id}/listenLog", ROUTE_LIST, NULL, list_logs},
    {"POST", "/callRecordings/{id}/listenLog", ROUTE_BODY_FIELDS, NULL, post_log},
    {NULL, NULL, 0, NULL, NULL},
};
