#include "server/ingest.h"

#include "bridge/core/event_body.h"
#include "bridge/core/json_out.h"
#include "bridge/core/mask.h"
#include "bridge/core/mem.h"
#include "bridge/core/utf8.h"
#include "bridge/io/crypto.h"
#include "bridge/io/json_in.h"
#include "server/erased.h"
#include "server/erased_kin.h"
#include "server/erased_reading.h"
#include "server/exchange.h"
#include "server/history.h"
#include "server/leg.h"
#include "server/server.h"
#include "server/sqlite.h"

#include <assert.h>
#include <string.h>

#define ANSWER_MAX (INGEST_EVENTS_MAX * 2048 * 2) /* id, source and sentence of each, escaped */

static const struct ingest_kind *const kinds[] = {ingest_contact_kinds, ingest_chat_kinds,
                                                  ingest_email_kinds, ingest_call_kinds};

struct ingest {
    struct history_job job;
    struct exchange *x;
    struct arena arena;
    struct ingest_event *first;
    struct ingest_event *last;
    size_t count;
    int hidden;
};

struct guid ingest_guid(struct view source, const char *collection, struct view name)
{
    struct buf text;
    struct guid g;

    if (guid_parse(name, &g))
        return g;
    if (strcmp(collection, "chats") == 0 || strcmp(collection, "emails") == 0)
        collection = "contacts";
    buf_init(&text, name.n + 64);
    buf_printf(&text, "%s/", collection);
    buf_put(&text, name);
    g = crypto_guid_of(source, buf_view(&text));
    buf_done(&text);
    return g;
}

bool ingest_check(struct ingest_event *e, struct view data, struct cmi_visitor visitor,
                  struct fault *f)
{
    struct erased_reading reading;
    bool ok;

    visitor = erased_reading_begin(&reading, e->people, ERASED_NOTED, visitor);
    ok = event_body_check(e->type, json_in_read, data, &e->time_ms, visitor, f);
    e->erased = reading.named;
    erased_reading_end(&reading);
    return ok;
}

static void add_about(struct ingest_event *e, const struct guid *id, bool both)
{
    assert(e->about_count < INGEST_ABOUT_MAX);
    e->about[e->about_count++] = (struct ingest_about){*id, both};
}

void ingest_about(struct ingest_event *e, const struct guid *id)
{
    add_about(e, id, false);
}

void ingest_group(struct ingest_event *e, const struct cmi_value *v, struct leg_change *c,
                  struct arena *texts)
{
    struct guid group;

    if (v->null) {
        leg_change_set(c, LEG_SETS_GROUP, cell_null);
    } else if (v->named) {
        group = ingest_guid(e->source, "contacts", v->text);
        leg_change_group(c, &group, arena_take(texts, 1, LEG_GROUP_MAX));
        ingest_one_with(e, &group);
    } else {
        leg_change_set(c, LEG_SETS_GROUP, cell_text(arena_view(texts, v->text)));
        if (guid_parse(v->text, &group))
            ingest_one_with(e, &group);
    }
}

void ingest_one_with(struct ingest_event *e, const struct guid *id)
{
    add_about(e, id, true);
}

/* ---- read, on the loop ---- */

static const struct ingest_kind *kind_of(const char *type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (const struct ingest_kind *k = kinds[i]; k->type != NULL; k++)
            if (strcmp(k->type, type) == 0)
                return k;
    return NULL;
}

static enum age_of age_of(const struct event_type *type)
{
    for (unsigned i = AGE_OF_CHATS; i < AGE_KINDS; i++)
        if (strcmp(type->collection, age_name(i)) == 0)
            return i;
    return AGE_OF_ANY_CONTACT; /* until its data says more */
}

static bool understand(struct ingest_event *e, const struct cloudevent *ce, struct arena *a,
                       struct fault *f)
{
    char shown[64];
    struct view rest;

    e->type = event_type_find(ce->type, VIEW(""));
    e->kind = e->type == NULL ? NULL : kind_of(e->type->name);
    if (e->kind == NULL)
        return fault_set(f, FAULT_REJECT, "type '%s' is not one that the history takes",
                         mask_sentence(ce->type, shown, sizeof shown));
    if (!event_type_subject(e->type, ce->subject, &rest, f) ||
        !merge_stamp(e->time_ms, e->time_ns, ce->sequence, ce->id, ce->source, &e->stamp, f))
        return false;
    if (ce->content != CLOUDEVENT_JSON)
        return fault_set(f, FAULT_REJECT, "data must be JSON");
    if (!ce->has_data && e->type->required[0] != NULL)
        return fault_set(f, FAULT_REJECT, "data is missing");
    e->subject = ingest_guid(ce->source, e->type->collection, rest);
    e->age = age_of(e->type);
    return e->kind->read(e, ce->has_data ? ce->data : VIEW("{}"), a, f);
}

void ingest_read(struct ingest_event *e, struct view json, int64_t now_ms,
                 const struct erased *people, struct arena *a, struct buf *text)
{
    struct cloudevent ce = {0};
    bool ok;

    *e = (struct ingest_event){.people = people};
    ok = cloudevent_of_json(json, &ce, text, &e->fault);
    e->id = arena_view(a, ce.id);
    e->source = arena_view(a, ce.source);
    if (!ok)
        return;
    e->since_ms = e->time_ms = ce.has_time ? ce.time_ms : now_ms;
    e->time_ns = ce.time_ns;
    if (!understand(e, &ce, a, &e->fault) && e->type != NULL)
        fault_add(&e->fault, "%s", e->type->name);
}

static void add_event(struct ingest *in, struct view json, struct buf *text)
{
    struct ingest_event *e = arena_take(&in->arena, 1, sizeof *e);

    ingest_read(e, json, in->x->wall_ms, history_erased(in->x->server->history), &in->arena, text);
    e->expired = e->since_ms < age_cut(&in->x->server->ages, e->age, in->x->wall_ms);
    if (in->last != NULL)
        in->last->next = e;
    else
        in->first = e;
    in->last = e;
    in->count++;
}

/* false: the batch as a whole can't be read; answered. */
static bool read_batch(struct ingest *in)
{
    struct exchange *x = in->x;
    struct cloudevent_batch batch = {.rest = x->body};
    struct fault f = {0};
    struct view json;
    struct buf text;

    buf_init(&text, 2 * x->body.n); /* of the longest event: its attributes and its data */
    while (in->count <= INGEST_EVENTS_MAX && cloudevent_next(&batch, &json, &f))
        add_event(in, json, &text);
    buf_done(&text);
    if (f.cls != FAULT_NONE) {
        exchange_fault(x, &f);
        return false;
    }
    if (in->count > INGEST_EVENTS_MAX) {
        exchange_error(x, 413, "the batch has more than %d events", INGEST_EVENTS_MAX);
        return false;
    }
    return true;
}

/* ---- stored, on the writer's thread ---- */

/* What the file has of people who were erased, bounded; the rest goes later. */
static void take_rest(struct erased *erased, struct sqlite *db, int *hidden)
{
    struct history_removed removed = {0};
    struct allowance left = allowance_of(ERASED_KIN_ROWS_MAX, NULL, 0);

    (void)erased_kin_step(erased, db, &left, &removed);
    *hidden += removed.hidden;
}

static bool has_erased(const struct ingest_event *e, const struct erased *erased, struct sqlite *db)
{
    bool has = erased_has_thing(erased, db, &e->subject) ||
               (e->before != NULL && erased_has_thing(erased, db, e->before));

    for (unsigned i = 0; i < e->about_count; i++)
        has = has || erased_has_thing(erased, db, &e->about[i].id);
    return has;
}

void ingest_apply(struct ingest_event *e, struct erased *erased, struct sqlite *db, int *hidden)
{
    e->erased = e->erased || has_erased(e, erased, db);
    if (!e->erased) {
        e->kind->apply(e, db, hidden);
        return;
    }
    erased_kin_add(erased, db, &e->subject);
    for (unsigned i = 0; i < e->about_count; i++)
        if (e->about[i].both)
            erased_kin_add(erased, db, &e->about[i].id);
    take_rest(erased, db, hidden);
    if (e->before != NULL && !e->expired && !erased_has_thing(erased, db, e->before))
        e->kind->apply(e, db, hidden);
}

/* A bad event does not take the others; a failing file does. */
static bool apply(struct ingest *in, struct ingest_event *e, struct sqlite *db, struct fault *f)
{
    struct erased *erased = history_erased(in->x->server->history);
    int hidden = 0;

    sqlite_do(db, "SAVEPOINT event");
    ingest_apply(e, erased, db, &hidden);
    if (!sqlite_check(db, &e->fault)) {
        if (e->fault.cls == FAULT_RETRY || e->fault.cls == FAULT_STOP) {
            *f = e->fault;
            return false;
        }
        sqlite_do(db, "ROLLBACK TO event");
        hidden = 0;
    }
    sqlite_do(db, "RELEASE event");
    in->hidden += hidden;
    return sqlite_check(db, f);
}

static bool run(struct history_job *job, struct sqlite *db, struct fault *f)
{
    struct ingest *in = (struct ingest *)job;

    for (struct ingest_event *e = in->first; e != NULL; e = e->next)
        if (e->fault.cls == FAULT_NONE && (!e->expired || e->erased) && !apply(in, e, db, f))
            return fault_add(f, "%s", e->type->name);
    take_rest(history_erased(in->x->server->history), db, &in->hidden);
    return sqlite_check(db, f);
}

/* ---- answered, on the loop ---- */

/* A sentence that was cut may end within a character. */
static struct view sentence(const struct fault *f)
{
    struct view text = view_of(f->text);

    while (!utf8_valid(text))
        text.n--;
    return text;
}

static int status_of(const struct ingest_event *e)
{
    if (e->fault.cls == FAULT_NONE)
        return 204;
    return e->fault.cls == FAULT_REJECT ? 400 : 500;
}

static void write_answer(const struct ingest *in, struct buf *to)
{
    struct json_out j;

    json_out_init(&j, to);
    json_array(&j);
    for (const struct ingest_event *e = in->first; e != NULL; e = e->next) {
        bool ok = e->fault.cls == FAULT_NONE;

        json_object(&j);
        json_key(&j, "id");
        json_string(&j, e->id);
        json_key(&j, "source");
        json_string(&j, e->source);
        json_key(&j, "status");
        json_int(&j, status_of(e));
        if (!ok) {
            json_key(&j, "error");
            json_string(&j, sentence(&e->fault));
        }
        json_object_end(&j);
    }
    json_array_end(&j);
}

static void count(const struct ingest *in)
{
    struct stats *stats = in->x->server->stats;
    int64_t applied = 0;
    int64_t refused = 0;
    int64_t expired = 0;
    int64_t erased = 0;

    for (const struct ingest_event *e = in->first; e != NULL; e = e->next) {
        if (e->fault.cls != FAULT_NONE)
            refused++;
        else if (e->erased)
            erased++;
        else if (e->expired)
            expired++;
        else
            applied++;
    }
    stat_add(stats_get(stats, STAT_COUNTER, "cmibridge_ingest_events_total", "result=\"expired\"",
                       "Events given to the contact history."),
             expired);
    stat_add(stats_get(stats, STAT_COUNTER, "cmibridge_ingest_events_total", "result=\"erased\"",
                       "Events given to the contact history."),
             erased);
    stat_add(stats_get(stats, STAT_COUNTER, "cmibridge_ingest_events_total", "result=\"applied\"",
                       "Events given to the contact history."),
             applied);
    stat_add(stats_get(stats, STAT_COUNTER, "cmibridge_ingest_events_total", "result=\"refused\"",
                       "Events given to the contact history."),
             refused);
    history_count_hidden(in->x->server->history, in->hidden);
}

static void ingest_free(struct ingest *in)
{
    arena_done(&in->arena);
    mem_free(in);
}

static void done(struct history_job *job, const struct fault *f)
{
    struct ingest *in = (struct ingest *)job;
    struct buf answer;

    if (f != NULL) {
        exchange_fault(in->x, f);
        ingest_free(in);
        return;
    }
    count(in);
    buf_init(&answer, ANSWER_MAX);
    write_answer(in, &answer);
    exchange_answer(in->x, 200, "application/json", buf_view(&answer));
    buf_done(&answer);
    ingest_free(in);
}

static void post_ingest(struct exchange *x)
{
    struct ingest *in = mem_zeroed(1, sizeof *in);
    struct fault f;

    in->x = x;
    in->job.run = run;
    in->job.done = done;
    arena_init(&in->arena);
    if (!read_batch(in)) {
        ingest_free(in);
        return;
    }
    if (history_write(x->server->history, &in->job, &f))
        return;
    ingest_free(in);
    exchange_fault(x, &f);
}

const struct route ingest_routes[] = {
    {"POST", "/ingest", ROUTE_BODY_BATCH, NULL, post_ingest},
    {NULL, NULL, 0, NULL, NULL},
};
