#include "bridge/run/consume_state.h"

#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>

#define CONSUME_WATCH_MS 1000
#define GENERATION_MAX   INT32_MAX /* a token's highest bit marks a batch */

int64_t consume_now(const struct consume *c)
{
    return c->port.clock.mono_ms(c->port.clock.ctx);
}

uint64_t consume_random(const struct consume *c)
{
    return c->port.clock.random(c->port.clock.ctx);
}

void consume_fail(struct consume *c, const struct fault *f)
{
    if (c->failure.cls != FAULT_NONE)
        return;
    c->failure = *f;
    notice_say(c->port.log, NOTICE_ERROR, "consume_stopped", NOTICE_TEXT("reason", f->text));
}

/* ---- deliveries ---- */

static struct delivery *of_lane(struct lane_item *item)
{
    return (void *)((char *)item - offsetof(struct delivery, lane));
}

const struct delivery *consume_first(const struct delivery *d)
{
    return of_lane(lanes_front(&d->lane));
}

static struct delivery *of_timer(struct heap_item *item)
{
    return (void *)((char *)item - offsetof(struct delivery, timer));
}

uint64_t consume_token(const struct delivery *d)
{
    return (uint64_t)d->generation << 32 | d->index;
}

struct delivery *consume_find(const struct consume *c, uint64_t token)
{
    uint32_t index = (uint32_t)token;
    struct delivery *d;

    assert(index < c->delivery_count);
    d = c->deliveries[index];
    if (d->generation != token >> 32)
        return NULL;
    assert(d->asked > 0);
    return d;
}

struct delivery *consume_delivery_new(struct consume *c)
{
    struct delivery *d = c->unused;

    if (d != NULL) {
        c->unused = d->next;
        d->next = NULL;
        return d;
    }
    if (c->delivery_count == c->delivery_cap)
        return NULL;
    d = mem_zeroed(1, sizeof *d);
    d->index = (uint32_t)c->delivery_count;
    buf_init(&d->event_text, CONSUME_EVENT_MAX);
    buf_init(&d->converted, CONSUME_EVENT_MAX);
    buf_init(&d->path, 4096);
    c->deliveries[c->delivery_count++] = d;
    return d;
}

static void keep_small(struct buf *b)
{
    if (b->cap > 4096)
        buf_done(b);
    buf_clear(b);
}

/* Its record goes back; the structure is ready for the next one. */
static void release(struct consume *c, struct delivery *d)
{
    struct partition *p = d->partition;
    uint32_t index = d->index;
    uint32_t generation = d->generation;
    struct buf text = d->event_text;
    struct buf converted = d->converted;
    struct buf path = d->path;

    c->port.source.give_back(c->port.source.ctx, d->record.owner);
    keep_small(&text);
    keep_small(&converted);
    keep_small(&path);
    *d = (struct delivery){.index = index, .generation = (generation + 1) & GENERATION_MAX};
    d->event_text = text;
    d->converted = converted;
    d->path = path;
    d->next = c->unused;
    c->unused = d;
    consume_partition_freed(p);
}

/* ---- the door ---- */

static void leave(struct consume *c, struct delivery *d)
{
    heap_remove(&c->timers, &d->timer);
    if (d->state == DELIVERY_READY)
        consume_send_unqueue(d);
}

static void end(struct consume *c, struct delivery *d)
{
    struct lane_item *next = NULL;
    bool starts_next = d->state == DELIVERY_ENDED && !d->partition->draining;

    if (d->lane.lane != NULL)
        next = lanes_leave(c->lanes, &d->lane);
    if (d->state == DELIVERY_ENDED)
        (void)tracker_end(&d->partition->tracker, d->ticket);
    consume_partition_flow(c, d->partition, gate_leave(&c->gate, &d->partition->share, d->bytes));
    if (next != NULL)
        consume_memory_gone(c, d, of_lane(next));
    if (d->asked == 0)
        release(c, d);
    /* What stands behind a dropped one is dropped too, or it would overtake. */
    if (next != NULL && starts_next)
        consume_start(c, of_lane(next));
}

static void enter(struct consume *c, struct delivery *d)
{
    switch (d->state) {
    case DELIVERY_QUEUED:
    case DELIVERY_SENDING: /* consume_send.c has submitted, or does so now */
    case DELIVERY_STATE_COUNT:
        break;
    case DELIVERY_RESOLVING:
        consume_memory_find(c, d);
        break;
    case DELIVERY_UNRESOLVED:
        heap_put(&c->timers, &d->timer, consume_memory_ask_ms(c, d));
        break;
    case DELIVERY_READY:
        consume_send_queue(c, d);
        break;
    case DELIVERY_BEGINNING:
        consume_memory_begin(c, d);
        break;
    case DELIVERY_WAITING:
        heap_put(&c->timers, &d->timer, consume_now(c) + d->wait_ms);
        break;
    case DELIVERY_KEEPING:
        consume_memory_keep(c, d);
        break;
    case DELIVERY_BURYING:
        consume_report_dead(c, d);
        break;
    case DELIVERY_REPORTING:
        consume_report_result(c, d);
        break;
    case DELIVERY_ENDED:
    case DELIVERY_DROPPED:
        end(c, d);
        break;
    }
}

void consume_move(struct consume *c, struct delivery *d, enum delivery_event event)
{
    enum delivery_state from = d->state;
    enum delivery_state to = delivery_next(from, event);

    leave(c, d);
    if (to != from)
        consume_report_over(c, d, to);
    if (to > DELIVERY_WAITING)
        consume_destination_left(c, d);
    stat_add(c->stat_state[from], -1);
    stat_add(c->stat_state[to], 1);
    notice_say(c->port.log, NOTICE_DEBUG, "delivery", NOTICE_VIEW("topic", d->record.topic),
               NOTICE_INT("partition", d->record.partition), NOTICE_INT("offset", d->record.offset),
               NOTICE_TEXT("from", delivery_state_name(from)),
               NOTICE_TEXT("to", delivery_state_name(to)),
               NOTICE_TEXT("on", delivery_event_name(event)));
    d->state = to;
    enter(c, d);
}

void consume_start(struct consume *c, struct delivery *d)
{
    consume_move(c, d, d->type->needs_ref ? DELIVERY_ON_LOOK_UP : DELIVERY_ON_PROCEED);
}

void consume_bury(struct consume *c, struct delivery *d, enum disposition why)
{
    d->rejected = true;
    d->disposition = why;
    notice_say(c->port.log, NOTICE_WARN, "dead_letter", NOTICE_VIEW("topic", d->record.topic),
               NOTICE_INT("partition", d->record.partition), NOTICE_INT("offset", d->record.offset),
               NOTICE_TEXT("disposition", consume_disposition_name(why)),
               NOTICE_TEXT("reason", d->fault.text), NOTICE_INT("attempts", d->attempts));
    stat_add(c->stat_dead[why], 1);
    if (d->noted && !d->possible_duplicate) /* every request of it has had its answer: not done */
        c->port.memory.forget(c->port.memory.ctx, view_of(d->entry));
    consume_move(c, d, DELIVERY_ON_BURY);
}

/* ---- what comes in ---- */

static void on_record(void *consume, const struct record *r)
{
    struct consume *c = consume;
    struct partition *p = r->slot < SOURCE_PARTITIONS_MAX ? c->partitions[r->slot] : NULL;

    if (p == NULL || !p->assigned || p->draining || p->at.epoch != r->epoch || c->ending) {
        c->port.source.give_back(c->port.source.ctx, r->owner);
        return;
    }
    FAULT_POINT(POLLED);
    stat_add(c->stat_taken, 1);
    consume_take(c, p, r);
}

static void on_commit(void *consume, bool ok, const char *error)
{
    struct consume *c = consume;

    if (!ok)
        notice_say(c->port.log, NOTICE_WARN, "commit_failed", NOTICE_TEXT("reason", error));
}

static void on_failed(void *consume, const struct fault *f)
{
    consume_fail(consume, f);
}

struct source_owner consume_source_owner(struct consume *c)
{
    return (struct source_owner){
        .ctx = c,
        .assigned = consume_assigned,
        .revoked = consume_revoked,
        .record = on_record,
        .commit_done = on_commit,
        .failed = on_failed,
    };
}

struct delivery *consume_answered(struct consume *c, uint64_t token)
{
    struct delivery *d = consume_find(c, token);

    if (d != NULL)
        d->asked--;
    if (d != NULL && d->state != DELIVERY_DROPPED)
        return d;
    stat_add(c->stat_late_acks, 1);
    if (d != NULL)
        release(c, d);
    return NULL;
}

void consume_again_later(struct consume *c, struct delivery *d)
{
    heap_remove(&c->timers, &d->timer);
    heap_put(&c->timers, &d->timer, consume_now(c) + CONSUME_AGAIN_MS);
}

void consume_on_report(void *consume, uint64_t token, bool delivered, const char *error)
{
    struct consume *c = consume;
    struct delivery *d = consume_answered(c, token);

    if (d == NULL)
        return;
    if (!delivered && strcmp(error, SINK_TOO_LARGE) == 0) {
        consume_report_too_large(c, d);
        return;
    }
    if (!delivered) {
        consume_report_refused(c, d, error);
        return;
    }
    if (d->state == DELIVERY_BURYING && d->readable && d->type != NULL && d->type->is_write &&
        c->conf.results_topic != NULL)
        consume_move(c, d, DELIVERY_ON_PRODUCED);
    else
        consume_move(c, d, DELIVERY_ON_FINISH);
}

/* ---- the turn ---- */

static void timer_due(struct consume *c, struct delivery *d)
{
    switch (d->state) {
    case DELIVERY_UNRESOLVED:
        consume_move(c, d, DELIVERY_ON_ASK);
        return;
    case DELIVERY_WAITING:
        consume_move(c, d, DELIVERY_ON_DUE);
        return;
    case DELIVERY_KEEPING:
        consume_move(c, d, DELIVERY_ON_KEEP);
        return;
    case DELIVERY_BURYING:
        consume_move(c, d, DELIVERY_ON_BURY);
        return;
    case DELIVERY_REPORTING:
        consume_move(c, d, DELIVERY_ON_PRODUCED);
        return;
    case DELIVERY_QUEUED:
    case DELIVERY_RESOLVING:
    case DELIVERY_READY:
    case DELIVERY_BEGINNING:
    case DELIVERY_SENDING:
    case DELIVERY_ENDED:
    case DELIVERY_DROPPED:
    case DELIVERY_STATE_COUNT:
        assert(!"a timer was set in a state that has none");
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t consume_turn(struct consume *c)
{
    int64_t now = consume_now(c);
    int64_t wake;
    struct heap_item *first;

    while ((first = heap_first(&c->timers)) != NULL && first->at_ms <= now)
        timer_due(c, of_timer(first));
    consume_send_due(c);
    if (now >= c->commit_at_ms) {
        consume_commit(c, false);
        c->commit_at_ms = now + c->conf.commit_interval_ms;
    }
    if (now >= c->watch_at_ms) {
        consume_partitions_watch(c);
        c->watch_at_ms = now + CONSUME_WATCH_MS;
    }
    consume_partitions_settle(c);
    if (c->ended)
        return -1;
    wake = earlier(c->commit_at_ms, c->watch_at_ms);
    first = heap_first(&c->timers);
    if (first != NULL)
        wake = earlier(wake, first->at_ms);
    wake = earlier(wake, consume_send_wake_ms(c));
    if (c->revoking || c->ending)
        wake = earlier(wake, c->revoke_until_ms);
    return wake > now ? wake - now : 0;
}

/* ---- life of the loop ---- */

static void make_stats(struct consume *c)
{
    struct stats *s = c->port.stats;
    struct buf labels;

    buf_init(&labels, 256);
    for (int i = 0; i < DELIVERY_STATE_COUNT; i++) {
        buf_clear(&labels);
        stats_label(&labels, "state", view_of(delivery_state_name((enum delivery_state)i)));
        c->stat_state[i] =
            stats_get(s, i < DELIVERY_ENDED ? STAT_GAUGE : STAT_COUNTER,
                      i < DELIVERY_ENDED ? "cmibridge_deliveries" : "cmibridge_deliveries_total",
                      buf_text(&labels),
                      i < DELIVERY_ENDED ? "Events held, by state" : "Events let go, by how");
    }
    for (int i = POISON; i <= UNROUTED; i++) {
        buf_clear(&labels);
        stats_label(&labels, "disposition", view_of(consume_disposition_name((enum disposition)i)));
        c->stat_dead[i] = stats_get(s, STAT_COUNTER, "cmibridge_dead_letters_total",
                                    buf_text(&labels), "Events dead-lettered, by disposition");
    }
    buf_done(&labels);
    c->stat_taken = stats_get(s, STAT_COUNTER, "cmibridge_events_total", "", "Records taken");
    c->stat_skipped = stats_get(s, STAT_COUNTER, "cmibridge_events_skipped_total", "",
                                "Records of an unknown type that were passed over");
    c->stat_unrouted = stats_get(s, STAT_COUNTER, "cmibridge_events_unrouted_total", "",
                                 "Records of a type that no target takes");
    c->stat_bytes = stats_get(s, STAT_GAUGE, "cmibridge_held_bytes", "", "Bytes of records held");
    c->stat_oldest = stats_get(s, STAT_GAUGE, "cmibridge_head_of_line_seconds", "",
                               "Age of the oldest record that has not ended, over all partitions");
    c->stat_paused = stats_get(s, STAT_GAUGE, "cmibridge_paused", "",
                               "Partitions paused because enough is held");
    c->stat_moved = stats_get(s, STAT_COUNTER, "cmibridge_references_moved_total", "",
                              "References that stood for something else before");
    c->stat_nameless = stats_get(s, STAT_COUNTER, "cmibridge_creations_without_id_total", "",
                                 "Replies to a POST that held no id of what was created");
    c->stat_late_acks = stats_get(s, STAT_COUNTER, "cmibridge_late_answers_total", "",
                                  "Answers for events whose partition was gone by then");
}

struct consume *consume_new(const struct consume_conf *conf, const struct consume_ports *ports)
{
    struct consume *c = mem_zeroed(1, sizeof *c);

    assert(conf->in_flight > 0 && conf->in_flight <= CONSUME_IN_FLIGHT_MAX);
    assert(conf->destination_count <= CONSUME_DESTINATIONS_MAX);
    c->conf = *conf;
    c->port = *ports;
    c->delivery_cap =
        (size_t)conf->in_flight + GATE_LATE_RECORDS + SOURCE_PARTITIONS_MAX + CONSUME_SLACK;
    for (size_t i = 0; i < conf->destination_count; i++) /* dropped, and their request is out */
        c->delivery_cap += (size_t)conf->destinations[i].concurrency;
    c->deliveries = mem_zeroed(c->delivery_cap, sizeof(*c->deliveries));
    c->lanes = lanes_new(c->delivery_cap, consume_random(c));
    heap_init(&c->timers);
    buf_init(&c->scratch, CONSUME_RESULT_MAX);
    gate_init(&c->gate, conf->in_flight, conf->in_flight_bytes);
    make_stats(c);
    consume_report_init(c);
    consume_send_init(c);
    return c;
}

void consume_free(struct consume *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->delivery_count; i++) {
        struct delivery *d = c->deliveries[i];

        if (d->partition != NULL) {
            c->port.source.give_back(c->port.source.ctx, d->record.owner);
            consume_partition_freed(d->partition);
        }
        buf_done(&d->event_text);
        buf_done(&d->converted);
        buf_done(&d->path);
        mem_free(d);
    }
    for (size_t i = 0; i < c->batch_count; i++)
        buf_done(&c->batches[i].body);
    for (size_t i = 0; i < c->partition_slots; i++) {
        if (c->partitions[i] != NULL)
            tracker_done(&c->partitions[i]->tracker);
        mem_free(c->partitions[i]);
    }
    mem_free(c->batches);
    mem_free(c->deliveries);
    lanes_free(c->lanes);
    heap_done(&c->timers);
    buf_done(&c->scratch);
    mem_free(c);
}

const struct fault *consume_failure(const struct consume *c)
{
    return c->failure.cls == FAULT_NONE ? NULL : &c->failure;
}

bool consume_ready(const struct consume *c, struct buf *why)
{
    bool ready = true;

    if (c->failure.cls != FAULT_NONE)
        ready = !buf_printf(why, "stopped: %s\n", c->failure.text);
    if (c->ending)
        ready = !buf_put_text(why, "ending\n");
    if (!consume_memory_ready(c, why))
        ready = false;
    if (!consume_report_ready(c, why))
        ready = false;
    for (size_t i = 0; i < c->conf.destination_count; i++) {
        const struct destination *to = &c->destinations[i];

        if (to->breaker.state != BREAKER_CLOSED)
            ready = !buf_printf(why, "target %s: %s\n", to->conf->name, to->trouble);
        if (to->held > 0)
            ready = !buf_printf(why,
                                "target %s: dead-lettering is held back (dead_letters.budget): %zu "
                                "events wait that it refuses, or that fail again and again\n",
                                to->conf->name, to->held);
    }
    return ready;
}

void consume_retune(struct consume *c, const struct consume_conf *conf)
{
    c->conf.retry = conf->retry;
    c->conf.retry_after_max_ms = conf->retry_after_max_ms;
    c->conf.attempts_max = conf->attempts_max;
    c->conf.refs_wait_ms = conf->refs_wait_ms;
    c->conf.head_of_line_ms = conf->head_of_line_ms;
    c->conf.breaker = conf->breaker;
    for (size_t i = 0; i < c->conf.destination_count; i++) {
        struct destination *to = &c->destinations[i];

        to->breaker.policy = conf->breaker;
        budget_tune(&to->budget, conf->budget_burst, conf->budget_per_success_milli);
        consume_destination_budget(c, to);
    }
}
