/* chats: POST /chats, GET /chats, GET /chats/{id} (contract 19). A chat is its CHAT contacts: what
 * it was made with comes from the first of them, how it goes from the latest. The group may have
 * legs of other channels, before and after. */
#include "bridge/core/arena.h"
#include "bridge/core/mem.h"
#include "bridge/core/trigram.h"
#include "bridge/core/utf8.h"
#include "server/body.h"
#include "server/chat_send.h"
#include "server/filter.h"
#include "server/history.h"
#include "server/history_schema.h"
#include "server/idempotency.h"
#include "server/leg.h"
#include "server/lookup.h"
#include "server/queues.h"
#include "server/rights.h"
#include "server/server.h"
#include "server/sight.h"
#include "server/sqlite.h"
#include "server/transcript.h"
#include "server/visible.h"

#include <string.h>

#define STATEMENT_MAX 4096

/* ---- POST ----
 *
 * What goes out is put into the schedule first and on record then: so no chat is listed as sent
 * that is not, and what was queued under an Idempotency-Key is on record once the request is
 * repeated. */

struct chat_post {
    struct history_job job;
    struct exchange *x;
    struct arena texts;
    bool outbound;
    struct view sub_type;
    struct view originator;
    struct view destination;
    struct view title;
    struct guid queue_id;
    const struct chat_queue *queue;
    struct transcript transcript;   /* lines as given: newest first */
    const struct cmi_field *inside; /* the object that is being read */
    bool refused;                   /* the key was used with another body */
    bool there;                     /* it was put on record, under the same key */
};

/* What has no way out is not said to be sent. */
static bool check_outbound(const struct chat_post *post, struct fault *f)
{
    const struct chat_queue *q = post->queue;

    if (q->via == NULL)
        return fault_set(f, FAULT_REJECT,
                         "from_queue: '%s' can't send a chatout: chats.queues.%s.via is not set",
                         q->name, q->entry != NULL ? q->entry : "*");
    return chat_send_check(&post->transcript, post->destination, f);
}

static bool post_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct chat_post *post = ctx;

    (void)index;
    post->inside = field;
    if (strcmp(field->name, "participants") == 0)
        return transcript_add_participant(&post->transcript, &post->texts, f);
    if (strcmp(field->name, "messages") == 0)
        return transcript_add_line(&post->transcript, &post->texts, f);
    return true;
}

static bool post_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct chat_post *post = ctx;

    post->inside = NULL;
    return strcmp(field->name, "participants") != 0 ||
           transcript_check_participant(&post->transcript, f);
}

static void post_take(struct chat_post *post, const char *name, const struct cmi_value *v)
{
    if (strcmp(name, "channel_type") == 0)
        post->outbound = view_is(v->text, "chatout");
    else if (strcmp(name, "channel_sub_type") == 0)
        post->sub_type = arena_view(&post->texts, v->text);
    else if (strcmp(name, "originator") == 0)
        post->originator = arena_view(&post->texts, v->text);
    else if (strcmp(name, "destination") == 0)
        post->destination = arena_view(&post->texts, v->text);
    else if (strcmp(name, "title") == 0)
        post->title = arena_view(&post->texts, v->text);
}

static bool post_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                       struct fault *f)
{
    struct chat_post *post = ctx;

    if (post->inside == NULL)
        post_take(post, field->name, v);
    else if (strcmp(post->inside->name, "from_queue") == 0 && strcmp(field->name, "id") == 0)
        return guid_parse(v->text, &post->queue_id) ||
               fault_set(f, FAULT_BUG, "from_queue.id is no GUID");
    else if (strcmp(post->inside->name, "participants") == 0)
        transcript_participant_set(post->transcript.last_participant, &post->texts, field->name, v);
    else if (strcmp(post->inside->name, "messages") == 0)
        transcript_line_set(post->transcript.last_line, &post->texts, field->name, v);
    return true;
}

/* The first leg. Any event of the chat is later than its making, whatever its clock says. */
static void store_leg(const struct chat_post *post, struct sqlite *db)
{
    const struct exchange *x = post->x;
    const struct merge_stamp origin = merge_stamp_origin();
    struct leg *leg = leg_load(db, &x->new_id);
    struct leg_change c = {0};
    char group[GUID_TEXT_MAX];

    guid_hyphen(&x->new_id, group);
    leg_change_set(&c, LEG_SETS_GROUP, cell_text(view_of(group)));
    leg_change_set(&c, LEG_SETS_CHANNEL, cell_text(VIEW("CHAT")));
    leg_change_set(&c, LEG_SETS_TYPE, cell_text(view_of(post->outbound ? "ChatOut" : "ChatIn")));
    leg_change_set(&c, LEG_SETS_SUBTYPE, cell_text(post->sub_type));
    leg_change_set(&c, LEG_SETS_SOURCE, cell_text(post->originator));
    leg_change_set(&c, LEG_SETS_DESTINATION, cell_text(post->destination));
    leg_change_set(&c, LEG_SETS_SUBJECT, cell_text(post->title));
    leg_change_set(&c, LEG_SETS_QUEUE_ID, cell_guid(&post->queue->id));
    leg_change_set(&c, LEG_SETS_QUEUE_NAME, cell_text(view_of(post->queue->name)));
    leg_change_set(&c, LEG_SETS_ARRIVAL, cell_int(x->wall_ms));
    leg_change_phase(&c, post->outbound ? LEG_TOLD : LEG_RECEIVED);
    if (post->outbound) { /* it is nobody's to handle */
        leg_change_more(&c, LEG_SETS_STATUS, 1, cell_text(VIEW("Handled")));
        leg_change_set(&c, LEG_SETS_STATUS_DETAILS, cell_text(VIEW("Sent")));
        leg_change_set(&c, LEG_SETS_DISCONNECT, cell_int(x->wall_ms));
    }
    leg_apply(leg, &c, &origin);
    if (x->digest[0] != '\0')
        row_set(&leg->r, LEG_DIGEST, (struct cell){CELL_BLOB, 0, view_of(x->digest)});
    (void)leg_save(leg, db);
    leg_free(leg);
}

/* Was there such a request before? A chat is its own record (D2). */
static void look(struct chat_post *post, struct sqlite *db)
{
    const struct exchange *x = post->x;
    struct sqlite_query q;

    switch (idempotency_look(db, x)) {
    case IDEMPOTENCY_DONE: /* also where the chat is gone since, erased or of age */
        post->there = true;
        return;
    case IDEMPOTENCY_OTHER:
        post->refused = true;
        return;
    case IDEMPOTENCY_NEW:
        break;
    }
    q = sqlite_query(db, "SELECT digest FROM contacts WHERE id = ?");
    sqlite_bind_guid(&q, &x->new_id);
    post->there = sqlite_row(&q);
    post->refused = post->there && !exchange_is_same(x, sqlite_text(&q, 0));
    sqlite_end(&q);
}

static bool look_run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct chat_post *post = (struct chat_post *)job;

    post->refused = post->there = false; /* a read may be begun anew */
    look(post, db);
    return sqlite_check(db, f);
}

static bool store_run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct chat_post *post = (struct chat_post *)job;

    look(post, db);
    if (!post->refused && !post->there) {
        store_leg(post, db);
        transcript_store(&post->transcript, db, &post->x->new_id, post->x->wall_ms);
        idempotency_keep(db, post->x);
    }
    return sqlite_check(db, f);
}

static void post_free(struct chat_post *post)
{
    arena_done(&post->texts);
    mem_free(post);
}

static bool post_read(struct chat_post *post, struct fault *f)
{
    const struct exchange *x = post->x;
    struct cmi_visitor visitor = {
        .ctx = post, .begin = post_begin, .value = post_value, .end = post_end};
    char queue[GUID_TEXT_MAX];

    if (!body_check(x, &cmi_chat, CMI_POST, visitor, f))
        return false;
    post->queue = queues_chat_by_id(x->server->queues, &post->queue_id);
    if (post->queue == NULL || !sight_of_chat_queue(x, RIGHTS_CHATS, post->queue)) {
        guid_hex(&post->queue_id, queue);
        return fault_set(f, FAULT_REJECT, "Chat queue not found: '%s'", queue);
    }
    return !post->outbound || check_outbound(post, f);
}

static void answer(struct exchange *x)
{
    exchange_created(x, "chats", &x->new_id);
}

/* f: nothing is on record, and why. */
static void end(struct chat_post *post, const struct fault *f)
{
    struct exchange *x = post->x;

    if (f != NULL)
        exchange_fault(x, f);
    else if (post->refused)
        effect_refuse(x, EFFECT_OTHER_BODY, NULL);
    else
        answer(x);
    post_free(post);
}

static void stored(struct history_job *job, const struct fault *f)
{
    end((struct chat_post *)job, f);
}

static void store(struct chat_post *post)
{
    struct fault f;

    post->job.run = store_run;
    post->job.done = stored;
    if (!history_write(post->x->server->history, &post->job, &f))
        end(post, &f);
}

/* Read anew: somebody may have been erased meanwhile. false: answered. */
static bool read_again(struct chat_post *post)
{
    struct fault f;

    arena_done(&post->texts);
    *post = (struct chat_post){.x = post->x};
    arena_init(&post->texts);
    if (post_read(post, &f))
        return true;
    end(post, &f);
    return false;
}

static void on_sent(void *owner, enum effect_outcome outcome, const struct fault *f)
{
    struct chat_post *post = owner;

    if (outcome != EFFECT_DONE) {
        effect_refuse(post->x, outcome, f);
        post_free(post);
        return;
    }
    if (read_again(post))
        store(post);
}

static void looked(struct history_job *job, const struct fault *f)
{
    struct chat_post *post = (struct chat_post *)job;

    if (f != NULL || post->refused || post->there)
        end(post, f);
    else if (read_again(post))
        chat_send(post->x, post->queue, post->destination, &post->transcript, on_sent, post);
}

static void post_chat(struct exchange *x)
{
    struct chat_post *post = mem_zeroed(1, sizeof *post);
    struct fault f;

    post->x = x;
    arena_init(&post->texts);
    if (!post_read(post, &f)) {
        post_free(post);
        idempotency_refuse(x, &f, answer);
    } else if (!post->outbound) {
        store(post);
    } else {
        post->job.run = look_run;
        post->job.done = looked;
        if (!history_read(x->server->history, &post->job, &f))
            end(post, &f);
    }
}

/* ---- GET ---- */

/* As it is shown, and so as it is found. */
#define SUB_TYPE "ifnull(f.subtype, 'text')"

/* f: the first CHAT leg, l: the latest. Which index finds the first legs is said, since SQLite
 * would walk all chats for a few. */
#define CHAT_SELECT(from)                                                                          \
    "SELECT f.row, f.id AS leg, f.group_id AS id,"                                                 \
    " CASE f.type WHEN 'ChatOut' THEN 'chatout' ELSE 'chat' END AS channel_type,"                  \
    " " SUB_TYPE " AS channel_sub_type, f.type AS type,"                                           \
    " f.type_details AS typeDetails, l.status AS status, l.status_details AS statusDetails,"       \
    " f.source AS originator, f.destination AS destination, ifnull(f.subject, '') AS title,"       \
    " f.arrival_ms AS date_created, f.queue_id AS \"from_queue.id\","                              \
    " f.queue_name AS \"from_queue.name\", l.agent_id AS agentId, l.agent_name AS agentName"       \
    " FROM " from " CROSS JOIN contacts l ON l.row = " LEG_LATEST_CHAT(                            \
        "f.group_id") " WHERE f.channel = 'CHAT' AND f.leads = 1"
#define CHATS_BY(index) "contacts f INDEXED BY " index

/* What the parameters of the list ask for. An address comes as given and with a blank read as the
 * '+' that a client forgot to encode (contract 13). The first one given decides on the index. */
static const struct {
    const char *name;
    const char *shown;    /* the column */
    const char *lower;    /* what the index stands on; it knows capitals of ASCII only */
    const char *trigrams; /* the column of address_words; NULL: it is no address */
    const char *select;
} filters[] = {
    {"originator", "f.source", SQL_BARE("f.source"), "source",
     CHAT_SELECT(CHATS_BY("chats_by_source"))},
    {"destination", "f.destination", SQL_BARE("f.destination"), "destination",
     CHAT_SELECT(CHATS_BY("chats_by_destination"))},
    {"channel_sub_type", SUB_TYPE, "lower(" SUB_TYPE ")", NULL, CHAT_SELECT(CHATS_BY("chats"))},
};
#define CHAT_FILTERS (sizeof filters / sizeof *filters)

/* False: no blank stands in front of a digit. */
static bool with_plus(struct view given, char out[EXCHANGE_SEGMENT_MAX], struct view *plus)
{
    struct view v = view_trim(given);

    if (given.n == 0 || given.p[0] != ' ' || v.n == 0 || v.p[0] < '0' || v.p[0] > '9' ||
        v.n >= EXCHANGE_SEGMENT_MAX)
        return false;
    out[0] = '+';
    memcpy(out + 1, v.p, v.n);
    *plus = (struct view){out, v.n + 1};
    return true;
}

struct chat_filter {
    bool given;
    bool has_plus;
    bool ascii;
    struct view value;
    struct view plus;
    char room[EXCHANGE_SEGMENT_MAX];
};

static void read_filters(const struct exchange *x, struct chat_filter asked[CHAT_FILTERS])
{
    for (size_t i = 0; i < CHAT_FILTERS; i++) {
        struct view given = exchange_param(x, filters[i].name, &asked[i].given);

        asked[i].value = view_trim(given);
        asked[i].has_plus = with_plus(given, asked[i].room, &asked[i].plus);
        asked[i].ascii = utf8_count(asked[i].value) == asked[i].value.n;
    }
}

static bool by_address(const struct chat_filter asked[CHAT_FILTERS])
{
    bool any = false;

    for (size_t i = 0; i < CHAT_FILTERS; i++)
        any = any || (asked[i].given && filters[i].trigrams != NULL);
    return any;
}

/* What finds the chats: those few that the user sees; or what was asked for. Trigrams, where there
 * is nothing better: the expression for them is put. */
static const char *select_by(const struct chat_filter asked[CHAT_FILTERS], bool few,
                             struct buf *trigrams)
{
    if (few)
        return CHAT_SELECT("contacts f NOT INDEXED");
    for (size_t i = 0; i < CHAT_FILTERS; i++)
        if (asked[i].given && asked[i].ascii)
            return filters[i].select;
    for (size_t i = 0; i < CHAT_FILTERS; i++) {
        if (!asked[i].given || filters[i].trigrams == NULL)
            continue;
        buf_printf(trigrams, "%s : ", filters[i].trigrams);
        if (trigram_expression(asked[i].value, trigrams))
            return CHAT_SELECT(
                "address_words d CROSS JOIN contacts f ON f.row = d.rowid") " AND d.address_words "
                                                                            "MATCH ?";
        buf_clear(trigrams);
    }
    return CHAT_SELECT(CHATS_BY("chats"));
}

/* One value is compared by =, so that the index gives the order, too. */
static void put_filter(size_t i, const struct chat_filter *asked, struct buf *sql)
{
    const char *shown = filters[i].shown;

    if (!asked->given)
        return;
    if (asked->ascii)
        buf_printf(sql, " AND %s%s", filters[i].lower,
                   asked->has_plus ? " IN (lower(?), lower(?))" : " = lower(?)");
    else if (asked->has_plus)
        buf_printf(sql, " AND (cmi_same(?, %s) OR cmi_same(?, %s))", shown, shown);
    else
        buf_printf(sql, " AND cmi_same(?, %s)", shown);
}

static void fill_list(struct lookup *l, struct sqlite *db)
{
    const struct rights *rights = l->x->user->rights;
    struct chat_filter asked[CHAT_FILTERS];
    struct sqlite_query q;
    struct buf trigrams;
    struct buf sql;
    bool few;

    read_filters(l->x, asked);
    buf_init(&trigrams, STATEMENT_MAX);
    buf_init(&sql, STATEMENT_MAX);
    few = !by_address(asked) && visible_are_few(rights, RIGHTS_CHATS, db, l->x->wall_ms);
    buf_put_text(&sql, select_by(asked, few, &trigrams));
    for (size_t i = 0; i < CHAT_FILTERS; i++)
        put_filter(i, &asked[i], &sql);
    if (few)
        visible_where_group("f.row", &sql);
    else
        rights_where_group(rights, RIGHTS_CHATS, "f.group_id", &sql);
    buf_printf(&sql, "%s ORDER BY f.row DESC LIMIT ?", l->page.goes_on ? " AND f.row < ?" : "");
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    if (trigrams.n > 0)
        sqlite_bind_text(&q, buf_view(&trigrams));
    for (size_t i = 0; i < CHAT_FILTERS; i++) {
        if (asked[i].given)
            sqlite_bind_text(&q, asked[i].value);
        if (asked[i].given && asked[i].has_plus)
            sqlite_bind_text(&q, asked[i].plus);
    }
    rights_bind(rights, RIGHTS_CHATS, true, &q);
    if (l->page.goes_on)
        sqlite_bind_int(&q, lookup_behind(l, db, "contacts").above);
    sqlite_bind_int(&q, l->page.limit + 1);
    lookup_write_list(l, NULL, &cmi_chat, &q);
    buf_done(&trigrams);
}

struct chat_parts {
    struct sqlite *db;
    const struct guid *id;
};

static void fill_parts(void *ctx, struct represent *r, const struct cmi_field *field)
{
    const struct chat_parts *parts = ctx;

    if (strcmp(field->name, "participants") == 0)
        transcript_write_participants(r, parts->db, parts->id);
    else
        transcript_write_lines(r, parts->db, parts->id);
}

static void fill_one(struct lookup *l, struct sqlite *db)
{
    struct chat_parts parts = {db, &l->id};
    struct represent_plan plan = {.list = fill_parts, .ctx = &parts};
    const struct rights *rights = l->x->user->rights;
    struct sqlite_query q;
    struct buf sql;

    buf_init(&sql, STATEMENT_MAX);
    buf_put_text(&sql, CHAT_SELECT(CHATS_BY("contacts_of_group")) " AND f.group_id = ?");
    rights_where_group(rights, RIGHTS_CHATS, "f.group_id", &sql);
    q = sqlite_query(db, buf_text(&sql));
    buf_done(&sql);
    sqlite_bind_guid(&q, &l->id);
    rights_bind(rights, RIGHTS_CHATS, true, &q);
    lookup_write_one(l, &plan, &cmi_chat, &q);
}

static const char *const list_params[] = {"originator", "destination", "channel_sub_type", NULL};

static void list_chats(struct exchange *x)
{
    if (filter_plain(x, list_params))
        lookup_list(x, "/chats", fill_list, NULL, NULL);
}

static void get_chat(struct exchange *x)
{
    lookup_one(x, fill_one, NULL);
}

const struct route chat_routes[] = {
    {"GET", "/chats", ROUTE_LIST, list_params, list_chats},
    {"POST", "/chats", ROUTE_BODY_FIELDS, NULL, post_chat},
    {"GET", "/chats/{id}", 0, NULL, get_chat},
    {NULL, NULL, 0, NULL, NULL},
};
