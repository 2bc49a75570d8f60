#include "bridge/run/schedule_state.h"

#include "bridge/core/datetime.h"
#include "bridge/core/json_out.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define UNREPORTED_MAX 1000 /* outcomes of a shard on their way to Kafka at once */
#define OTHERS_MS      5000 /* another process empties the shard: to be looked at again after */
#define ID_MAX         (SCHEDULE_EVENT_ID_MAX + 16)
#define SUBJECT_MAX    4096

/*
 * A shard's outbox is read a piece at a time. What was read is told to Kafka; when all of it has
 * its delivery report, the next reading takes it off. If one has failed, all of it is told again,
 * under the same ids. A reading costs as much of one entry as of many: so a shard has one in
 * SCHEDULE_RELAY_EACH_MS, unless there is more than it brought, and readings of several shards are
 * made in the same turn.
 */
struct relay_entry {
    struct schedule_event event; /* its blob is `blob` */
    char *blob;                  /* owned */
    struct view rest;            /* SETTLED: what of the blob is not told yet */
    unsigned told;               /* of its settlements */
};

/* ---- what an outcome looks like ---- */

static void put_text(struct json_out *j, const char *key, struct view text)
{
    if (text.n == 0)
        return;
    json_key(j, key);
    json_string(j, text);
}

static void put_number(struct json_out *j, const char *key, int64_t n)
{
    json_key(j, key);
    json_int(j, n);
}

static void put_flag(struct json_out *j, const char *key, bool set)
{
    json_key(j, key);
    json_bool(j, set);
}

static void put_time(struct json_out *j, const char *key, int64_t ms)
{
    char text[DATETIME_TEXT_MAX];

    if (ms <= 0)
        return;
    datetime_format(ms, text);
    json_key(j, key);
    json_text(j, text);
}

static const char *type_of_settlement(const struct settlement *t)
{
    switch (t->state) {
    case SETTLEMENT_HANDLED:
        return "message.destination.handled";
    case SETTLEMENT_AGAIN:
        return "message.destination.retryscheduled";
    case SETTLEMENT_FAILED:
    case SETTLEMENT_UNKNOWN:
        return "message.destination.failed";
    case SETTLEMENT_DELIVERED:
    case SETTLEMENT_LATE:
        return "message.delivery.updated";
    }
    return "message.destination.failed";
}

static void put_settlement(struct json_out *j, const struct schedule_event *e,
                           const struct settlement *t)
{
    json_object(j);
    put_text(j, "message", view_of(e->message));
    put_number(j, "destination", (int64_t)e->slice * SLICE_DESTINATIONS_MAX + t->index);
    put_text(j, "address", t->address);
    put_text(j, "state", view_of(settlement_state_name(t->state)));
    if (t->attempt > 0) /* a receipt does not say which one it is of */
        put_number(j, "attempt", t->attempt);
    put_text(j, "reason", t->reason);
    put_text(j, "providerId", t->provider_id);
    put_time(j, "time", t->at_ms);
    put_time(j, "retryTime", t->retry_at_ms);
    if (e->overtaken)
        put_flag(j, "overtaken", true);
    put_flag(j, "possible_duplicate", t->possible_duplicate);
    json_object_end(j);
}

static const char *type_of_event(const struct schedule_event *e)
{
    switch (e->type) {
    case SCHEDULE_EVENT_SETTLED: /* what it completes */
    case SCHEDULE_EVENT_COMPLETED:
        return "message.completed";
    case SCHEDULE_EVENT_CANCELLED:
        return "message.cancelled";
    case SCHEDULE_EVENT_CALLED:
        return "callback.attempted";
    case SCHEDULE_EVENT_CALLED_LAST:
        return e->result == CALLBACK_SUCCESSFUL || e->result == CALLBACK_HANDLED
                   ? "callback.completed"
                   : "callback.exhausted";
    case SCHEDULE_EVENT_WITHDRAWN:
        return "consent.overtaken";
    case SCHEDULE_EVENT_RECEIPT:
        break;
    }
    return "message.delivery.updated";
}

static bool is_call(const struct schedule_event *e)
{
    return e->type == SCHEDULE_EVENT_CALLED || e->type == SCHEDULE_EVENT_CALLED_LAST;
}

/* What had been handed over when a consent was withdrawn. */
static void put_withdrawn(struct json_out *j, struct view blob)
{
    struct view usage = view_cut(&blob, '\0');
    struct view address = view_cut(&blob, '\0');

    json_object(j);
    put_text(j, "usage", view_cut(&usage, '_'));
    put_text(j, "address", address);
    json_key(j, "destinations");
    json_array(j);
    while (blob.n > 0) {
        struct view one = view_cut(&blob, ' ');
        struct view message = view_cut(&one, '/');
        int64_t destination = 0;

        json_object(j);
        put_text(j, "message", message);
        if (num_int(one, &destination))
            put_number(j, "destination", destination);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

/* What it is about: the key under which its outcomes keep their order. */
static struct view key_of(const struct schedule_event *e)
{
    struct view blob = e->blob;

    return e->type == SCHEDULE_EVENT_WITHDRAWN ? view_cut(&blob, '\0') : view_of(e->message);
}

static void put_event(struct json_out *j, const struct schedule_event *e)
{
    if (e->type == SCHEDULE_EVENT_WITHDRAWN) {
        put_withdrawn(j, e->blob);
        return;
    }
    json_object(j);
    put_text(j, is_call(e) ? "callback" : "message", view_of(e->message));
    if (is_call(e)) {
        put_text(j, "lastResult", view_of(callback_result_name(e->result)));
        put_number(j, "failures", e->failures);
        put_number(j, "maxCalls", e->max_calls);
        if (e->type == SCHEDULE_EVENT_CALLED)
            put_time(j, "nextCallTime", e->next_call_ms);
        put_text(j, "reason", e->blob);
        put_flag(j, "possible_duplicate", e->possible_duplicate);
    } else {
        put_number(j, "added", e->added);
        put_number(j, "handled", e->ok);
        put_number(j, "failed", e->dead);
        put_number(j, "cancelled", e->cancelled);
        put_number(j, "inFlight", e->out);
    }
    json_object_end(j);
}

/* ---- telling ---- */

static bool produce(struct schedule *s, unsigned shard, const struct schedule_event *e,
                    const char *type, const char *id, int64_t at_ms)
{
    struct record_header headers[7];
    struct buf subject;
    bool taken;
    char whole_id[ID_MAX + 4]; /* entries of two shards may have one id */
    char time[DATETIME_TEXT_MAX];
    struct fault f = {0};
    struct sink_record r = {
        .token = TOKEN(TOKEN_SHARD, shard),
        .topic = s->conf.outcomes_topic,
        .has_key = true,
        .key = key_of(e),
        .has_value = true,
        .value = buf_view(&s->scratch),
        .headers = headers,
    };

    (void)snprintf(whole_id, sizeof whole_id, "%02u-%s", shard, id);
    buf_init(&subject, SUBJECT_MAX);
    buf_printf(&subject, "%s/%.*s",
               is_call(e)                            ? "callbacks"
               : e->type == SCHEDULE_EVENT_WITHDRAWN ? "customerConsents"
                                                     : "messages",
               VIEW_ARG(r.key));
    datetime_format(at_ms, time);
    headers[r.header_count++] =
        (struct record_header){VIEW("content-type"), VIEW("application/json")};
    headers[r.header_count++] = (struct record_header){VIEW("ce_specversion"), VIEW("1.0")};
    headers[r.header_count++] = (struct record_header){VIEW("ce_id"), view_of(whole_id)};
    headers[r.header_count++] =
        (struct record_header){VIEW("ce_source"), VIEW("cmibridge/schedule")};
    headers[r.header_count++] = (struct record_header){VIEW("ce_type"), view_of(type)};
    headers[r.header_count++] = (struct record_header){VIEW("ce_time"), view_of(time)};
    headers[r.header_count++] = (struct record_header){VIEW("ce_subject"), buf_view(&subject)};
    taken = s->port.sink.produce(s->port.sink.ctx, &r, &f);
    buf_done(&subject);
    if (taken) {
        FAULT_POINT(OUTCOME_PRODUCED);
        s->shards[shard].unreported++;
        stat_add(s->stat_told, 1);
        return true;
    }
    if (f.cls == FAULT_RETRY)
        return false;
    /* The broker would never take it; holding back all that follows would help nobody. */
    notice_say(s->port.log, NOTICE_ERROR, "outcome_lost", NOTICE_TEXT("id", id),
               NOTICE_TEXT("reason", f.text));
    return true;
}

static bool tell_settlements(struct schedule *s, unsigned shard, struct relay_entry *e)
{
    while (e->rest.n > 0) {
        struct view rest = e->rest;
        struct settlement t;
        struct json_out j;
        char id[ID_MAX];

        if (s->shards[shard].unreported >= UNREPORTED_MAX)
            return false;
        if (!settlement_next_event(&rest, &t)) {
            notice_say(s->port.log, NOTICE_ERROR, "outcome_lost", NOTICE_TEXT("id", e->event.id),
                       NOTICE_TEXT("reason", "the outbox's entry can't be read"));
            return true;
        }
        (void)snprintf(id, sizeof id, "%s-%u", e->event.id, e->told);
        buf_clear(&s->scratch);
        json_out_init(&j, &s->scratch);
        put_settlement(&j, &e->event, &t);
        if (!produce(s, shard, &e->event, type_of_settlement(&t), id, t.at_ms))
            return false;
        e->rest = rest;
        e->told++;
    }
    return true;
}

static bool tell(struct schedule *s, unsigned shard, struct relay_entry *e)
{
    bool settlements =
        e->event.type == SCHEDULE_EVENT_SETTLED || e->event.type == SCHEDULE_EVENT_RECEIPT;
    struct json_out j;

    if (settlements && !tell_settlements(s, shard, e))
        return false;
    if (settlements && !e->event.completes)
        return true;
    if (s->shards[shard].unreported >= UNREPORTED_MAX)
        return false;
    buf_clear(&s->scratch);
    json_out_init(&j, &s->scratch);
    put_event(&j, &e->event);
    return produce(s, shard, &e->event, type_of_event(&e->event), e->event.id, e->event.at_ms);
}

/* ---- a shard's outbox ---- */

static void drop_entries(struct shard *sh)
{
    for (size_t i = 0; i < sh->entry_count; i++)
        mem_free(sh->entries[i].blob);
    mem_free(sh->entries);
    sh->entries = NULL;
    sh->entry_count = sh->entry_at = 0;
}

static void begin_again(struct shard *sh)
{
    for (size_t i = 0; i < sh->entry_count; i++) {
        sh->entries[i].rest = sh->entries[i].event.blob;
        sh->entries[i].told = 0;
    }
    sh->entry_at = 0;
    sh->report_failed = false;
}

/* INT64_MAX: when an answer or a report comes. */
static void go_on_at(struct schedule *s, struct shard *sh, int64_t at_ms)
{
    heap_remove(&s->relays, &sh->relay_timer);
    if (at_ms != INT64_MAX)
        heap_put(&s->relays, &sh->relay_timer, at_ms);
}

static bool is_told(const struct schedule *s, const struct shard *sh)
{
    return sh->entry_count > 0 && sh->unreported == 0 && !sh->report_failed &&
           (s->conf.outcomes_topic == NULL || sh->entry_at == sh->entry_count);
}

/* When the shard is read, at or after at_ms: in a turn with others. */
static int64_t reading_ms(const struct schedule *s, const struct shard *sh, int64_t at_ms)
{
    int64_t turns = SCHEDULE_RELAY_EACH_MS / SCHEDULE_RELAY_SOON_MS;
    int64_t turn = (at_ms + SCHEDULE_RELAY_SOON_MS - 1) / SCHEDULE_RELAY_SOON_MS;

    if (s->ending || sh->more)
        return at_ms;
    if (at_ms < sh->read_ms + SCHEDULE_RELAY_EACH_MS) /* in the shard's own one of those */
        turn += ((sh - s->shards) % turns + turns - turn % turns) % turns;
    return turn * SCHEDULE_RELAY_SOON_MS;
}

static void read_outbox(struct schedule *s, unsigned number)
{
    const char *ids[SCHEDULE_OUTBOX_MAX];
    struct shard *sh = &s->shards[number];

    for (size_t i = 0; i < sh->entry_count; i++)
        ids[i] = sh->entries[i].event.id;
    sh->reading = true;
    sh->relay_wanted = false;
    sh->read_ms = schedule_now(s);
    s->port.schedule.read_outbox(s->port.schedule.ctx, number, ids, sh->entry_count);
}

static void go_on(struct schedule *s, unsigned number)
{
    struct shard *sh = &s->shards[number];

    if (sh->report_failed) {
        if (sh->unreported > 0) {
            go_on_at(s, sh, INT64_MAX);
            return;
        }
        begin_again(sh);
        go_on_at(s, sh, schedule_now(s) + SCHEDULE_AGAIN_MS);
        return;
    }
    while (s->conf.outcomes_topic != NULL && sh->entry_at < sh->entry_count) {
        if (!tell(s, number, &sh->entries[sh->entry_at])) {
            go_on_at(s, sh, schedule_now(s) + SCHEDULE_AGAIN_MS);
            return;
        }
        sh->entry_at++;
    }
    go_on_at(s, sh, is_told(s, sh) ? reading_ms(s, sh, schedule_now(s)) : INT64_MAX);
}

void schedule_relay_soon(struct schedule *s, unsigned shard)
{
    struct shard *sh = &s->shards[shard];
    int64_t at = reading_ms(s, sh, schedule_now(s));

    sh->relay_wanted = sh->reading || sh->entry_count > 0;
    if (!sh->relay_wanted && at < sh->relay_timer.at_ms)
        go_on_at(s, sh, at);
}

static struct shard *of_timer(struct heap_item *item)
{
    return (void *)((char *)item - offsetof(struct shard, relay_timer));
}

void schedule_relay_due(struct schedule *s)
{
    int64_t now = schedule_now(s);

    while (schedule_relay_wake_ms(s) <= now) {
        struct shard *sh = of_timer(heap_first(&s->relays));
        unsigned number = (unsigned)(sh - s->shards);

        heap_remove(&s->relays, &sh->relay_timer);
        if (sh->entry_count == 0 || is_told(s, sh))
            read_outbox(s, number);
        else
            go_on(s, number);
    }
}

int64_t schedule_relay_wake_ms(const struct schedule *s)
{
    const struct heap_item *first = heap_first(&s->relays);

    return first == NULL || !schedule_up(s) ? INT64_MAX : first->at_ms;
}

void schedule_relay_init(struct schedule *s)
{
    heap_init(&s->relays);
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        go_on_at(s, &s->shards[i], schedule_now(s) + SCHEDULE_RELAY_SOON_MS);
}

void schedule_outbox(void *schedule, const struct schedule_outbox *o)
{
    struct schedule *s = schedule;
    struct shard *sh = &s->shards[o->shard];
    int64_t now = schedule_now(s);

    assert(sh->reading);
    sh->reading = false;
    if (o->state != SCHEDULE_DONE) {
        go_on_at(s, sh, now + SCHEDULE_AGAIN_MS);
        return;
    }
    drop_entries(sh);
    sh->more = o->more;
    if (o->other || o->count == 0) {
        go_on_at(s, sh,
                 o->other                       ? now + OTHERS_MS
                 : sh->relay_wanted || sh->more ? reading_ms(s, sh, now)
                                                : now + SCHEDULE_RELAY_IDLE_MS);
        return;
    }
    sh->entries = mem_zeroed(o->count, sizeof *sh->entries);
    sh->entry_count = o->count;
    for (size_t i = 0; i < o->count; i++) {
        struct relay_entry *e = &sh->entries[i];

        e->event = o->events[i];
        e->blob = mem_text(e->event.blob.p, e->event.blob.n);
        e->event.blob.p = e->blob;
    }
    begin_again(sh);
    go_on(s, o->shard);
}

void schedule_relay_report(struct schedule *s, uint64_t token_rest, bool delivered)
{
    struct shard *sh = &s->shards[token_rest];

    assert(sh->unreported > 0);
    sh->unreported--;
    if (!delivered)
        sh->report_failed = true;
    if (is_told(s, sh))
        go_on_at(s, sh, reading_ms(s, sh, schedule_now(s)));
    else if (sh->unreported == 0 || sh->entry_at < sh->entry_count)
        go_on_at(s, sh, schedule_now(s));
}

/* Nothing is left for the next reading that might not come. */
void schedule_relay_hurry(struct schedule *s)
{
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        if (is_told(s, &s->shards[i]) && !s->shards[i].reading)
            go_on_at(s, &s->shards[i], schedule_now(s));
}

bool schedule_relay_idle(const struct schedule *s)
{
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        if (s->shards[i].reading || s->shards[i].unreported > 0 ||
            (schedule_up(s) && is_told(s, &s->shards[i])))
            return false;
    return true;
}

void schedule_relay_done(struct schedule *s)
{
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        drop_entries(&s->shards[i]);
    heap_done(&s->relays);
}
