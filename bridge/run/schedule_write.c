#include "bridge/run/schedule_state.h"

#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>
#include <string.h>

/* ---- settlements ---- */

void schedule_batch_done(struct batch *b)
{
    mem_free(b->items);
    buf_done(&b->text);
    *b = (struct batch){0};
}

static struct view cut(struct view v)
{
    if (v.n > SETTLEMENT_TEXT_MAX)
        v.n = SETTLEMENT_TEXT_MAX;
    return v;
}

static size_t keep_text(struct batch *b, struct view v)
{
    size_t at = b->text.n;

    buf_put(&b->text, v);
    return at;
}

static void add(struct batch *b, const struct settled *item, struct view reason, struct view id)
{
    struct settled *to;

    if (b->count == b->cap) {
        b->cap = b->cap == 0 ? 16 : 2 * b->cap;
        b->items = mem_resize(b->items, b->cap, sizeof *b->items);
    }
    to = &b->items[b->count++];
    *to = *item;
    reason = cut(reason);
    id = cut(id);
    to->reason_at = keep_text(b, reason);
    to->reason_n = reason.n;
    to->id_at = keep_text(b, id);
    to->id_n = id.n;
}

void schedule_unrecorded(const struct holding *h, int64_t more)
{
    if (h->sender == NULL)
        return; /* a call's end is no settlement */
    h->sender->channel->unrecorded += more;
    h->sender->channel->open[h->lease.shard] += more;
    assert(h->sender->channel->unrecorded >= 0 && h->sender->channel->open[h->lease.shard] >= 0);
}

static enum slice_outcome outcome_of(enum settlement_state state)
{
    if (state == SETTLEMENT_HANDLED)
        return SLICE_OK;
    return state == SETTLEMENT_AGAIN ? SLICE_AGAIN : SLICE_DEAD;
}

static void count(struct schedule *s, enum settlement_state state, struct view reason)
{
    if (state == SETTLEMENT_HANDLED)
        stat_add(s->stat_handled, 1);
    else if (state == SETTLEMENT_AGAIN)
        stat_add(s->stat_retried, 1);
    else
        stat_add(s->stat_failed, 1);
    if (view_is(reason, "consent"))
        stat_add(s->stat_overtaken, 1);
}

/* A gateway that asks for more than retryDelay asks for one destination: the others of the slice do
 * not wait for it. */
static bool waits_alone(struct holding *h, size_t i, const struct settle *how, int64_t until_ms)
{
    return how->wait_ms > h->content->message.retry_delay_ms &&
           slice_put_off(&h->slice, i, until_ms);
}

/* When its next pass begins. */
static int64_t next_pass_ms(const struct holding *h)
{
    int64_t first = slice_put_off_first_ms(&h->written);

    return h->retry_at_ms > 0 || first == INT64_MAX ? h->retry_at_ms : first;
}

void schedule_settle(struct schedule *s, struct holding *h, size_t i, const struct settle *how)
{
    const struct schedule_message *m = &h->content->message;
    int64_t now = schedule_store_ms(s);
    struct settled item = {
        .index = (uint16_t)i,
        .attempt = (uint8_t)(h->slice.attempt - (how->unasked && !how->possible_duplicate)),
        .state = how->state,
        .possible_duplicate = how->possible_duplicate,
        .at_ms = now,
    };

    if (item.state == SETTLEMENT_AGAIN &&
        (h->slice.attempt >= m->attempts_max || h->leaving == LEAVING_CANCELLED))
        item.state = SETTLEMENT_FAILED;
    if (item.state == SETTLEMENT_AGAIN) {
        item.retry_at_ms = schedule_store_most_ms(s) +
                           (how->wait_ms > m->retry_delay_ms ? how->wait_ms : m->retry_delay_ms);
    }
    slice_settle(&h->slice, i, outcome_of(item.state));
    if (item.state == SETTLEMENT_AGAIN && !waits_alone(h, i, how, item.retry_at_ms) &&
        item.retry_at_ms > h->retry_at_ms)
        h->retry_at_ms = item.retry_at_ms;
    count(s, item.state, how->reason);
    schedule_hold_count(s, h, -1);
    schedule_claim_room(s);
    if (h->fresh.count == 0)
        h->settled_ms = schedule_now(s);
    add(&h->fresh, &item, how->reason, how->provider_id);
    schedule_unrecorded(h, 1);
    schedule_hold_dirty(s, h);
}

/* Its message is no more, and whether it was sent nobody knows: an event, and nothing else. */
void schedule_tell_unknown(struct schedule *s, struct holding *h, size_t i)
{
    struct settled item = {
        .index = (uint16_t)i,
        .attempt = h->slice.attempt,
        .state = SETTLEMENT_UNKNOWN,
        .possible_duplicate = true,
        .at_ms = schedule_store_ms(s),
    };

    if (h->fresh.count == 0)
        h->settled_ms = schedule_now(s);
    add(&h->fresh, &item, VIEW("cancelled"), VIEW_NONE);
    schedule_unrecorded(h, 1);
}

/* The write's settlements were not written: they come before those made since. */
static void put_back(struct holding *h)
{
    for (size_t i = 0; i < h->fresh.count; i++) {
        const struct settled *from = &h->fresh.items[i];

        add(&h->gone, from, (struct view){h->fresh.text.p + from->reason_at, from->reason_n},
            (struct view){h->fresh.text.p + from->id_at, from->id_n});
    }
    schedule_batch_done(&h->fresh);
    h->fresh = h->gone;
    h->gone = (struct batch){0};
    buf_init(&h->gone.text, h->fresh.text.max);
}

/* ---- writes ---- */

static void call_end(struct schedule *s, struct holding *h)
{
    struct schedule_call_end end = {
        .token = schedule_hold_token(h),
        .lease = &h->lease,
        .slice = &h->written,
        .state = &h->call,
        .reason = view_of(h->call_reason),
        .retention_ms = s->conf.retention_ms,
        .possible_duplicate = h->call_begun && slice_doubtful(&h->written, 0),
    };

    s->port.schedule.end_call(s->port.schedule.ctx, &end);
}

static void make(struct schedule *s, struct holding *h)
{
    const struct schedule_port *to = &s->port.schedule;
    bool call = h->content->message.kind == SCHEDULE_CALLBACK && h->written.watermark > 0;
    struct schedule_write w = {
        .token = schedule_hold_token(h),
        .lease = &h->lease,
        .slice = &h->written,
        .settled = s->settlements,
        .settled_count = h->gone.count,
        .lease_ms = call ? s->conf.callback_handling_ms : s->conf.lease_ms,
        .out_ms = h->call_begun ? schedule_call_out_ms(s) : 0,
        .at_ms = h->write_at_ms,
        .park = h->write_park,
    };

    for (size_t i = 0; i < h->gone.count; i++) {
        const struct settled *from = &h->gone.items[i];

        s->settlements[i] = (struct settlement){
            .index = from->index,
            .attempt = from->attempt,
            .state = from->state,
            .possible_duplicate = from->possible_duplicate,
            .at_ms = from->at_ms,
            .retry_at_ms = from->retry_at_ms,
            .reason = {h->gone.text.p + from->reason_at, from->reason_n},
            .provider_id = {h->gone.text.p + from->id_at, from->id_n},
            .address = schedule_address(h, from->index),
        };
    }
    h->write_failed = false;
    heap_remove(&s->timers, &h->timer);
    if (h->count[HANDOVER_MARKING] + h->count[HANDOVER_MARKED] > 0)
        heap_put(&s->timers, &h->timer, h->write_asked_ms + SCHEDULE_MARKED_MS);
    switch (h->write) {
    case WRITE_NONE:
        break;
    case WRITE_PROGRESS:
        to->progress(to->ctx, &w);
        break;
    case WRITE_FINISH:
        to->finish(to->ctx, &w);
        break;
    case WRITE_RELEASE:
        to->release(to->ctx, &w);
        break;
    case WRITE_END_CALL:
        call_end(s, h);
        break;
    }
}

void schedule_write(struct schedule *s, struct holding *h, enum write_kind kind)
{
    struct batch empty = h->gone;

    assert(h->write == WRITE_NONE && h->gone.count == 0);
    h->gone = h->fresh;
    h->fresh = empty;
    h->settled_ms = 0;
    h->write = kind;
    h->written = h->slice;
    h->written.sequence++;
    if (kind == WRITE_FINISH)
        slice_end_pass(&h->written);
    /* Made again, it keeps this time: the first may have been written, and its mark is as old. */
    h->write_asked_ms = schedule_now(s);
    h->write_at_ms = kind == WRITE_FINISH ? next_pass_ms(h) : h->leave_at_ms;
    h->write_park = h->leave_park;
    make(s, h);
}

void schedule_write_again(struct schedule *s, struct holding *h)
{
    if (schedule_up(s)) {
        make(s, h);
        return;
    }
    h->write_again_ms = schedule_now(s) + SCHEDULE_AGAIN_MS;
    heap_remove(&s->timers, &h->timer);
    heap_put(&s->timers, &h->timer, h->write_again_ms);
}

/* ---- their answers ---- */

static void failed(struct schedule *s, struct holding *h)
{
    h->write_failed = true;
    h->write_again_ms = schedule_now(s) + SCHEDULE_AGAIN_MS;
    schedule_hold_put_down(s, h);
    schedule_hold_dirty(s, h);
}

static void forget_batch(struct holding *h)
{
    schedule_unrecorded(h, -(int64_t)h->gone.count);
    h->gone.count = 0;
    buf_clear(&h->gone.text);
}

static void recorded(struct schedule *s, struct holding *h)
{
    h->slice.sequence = h->written.sequence;
    h->acknowledged = h->written.watermark;
    if (h->gone.count > 0)
        schedule_relay_soon(s, h->lease.shard);
    schedule_let_go_settled(s, h, &h->gone);
    forget_batch(h);
}

static void not_marked(struct schedule *s, struct holding *h)
{
    schedule_call_refused(s, h);
    if (h->count[HANDOVER_MARKING] > 0)
        schedule_hold_unmark(s, h);
}

static void progressed(struct schedule *s, struct holding *h, enum schedule_state state)
{
    bool went_up = h->written.watermark > h->acknowledged;

    if (state == SCHEDULE_DONE || !went_up)
        recorded(s, h);
    else
        put_back(h);
    if (state == SCHEDULE_DONE) {
        FAULT_POINT(PROGRESSED);
        if (h->content->message.kind == SCHEDULE_CALLBACK)
            schedule_call_marked(s, h);
        else
            schedule_hold_marked(s, h, h->write_asked_ms);
        return;
    }
    not_marked(s, h);
    if (!went_up) /* it was written, and its lease renewed, for what is still out of it */
        schedule_hold_marked(s, h, h->write_asked_ms);
    /* Whoever waits is told at the next chance, and whoever is deleted is told no more. */
    schedule_hold_leave(s, h, state == SCHEDULE_CANCELLED ? LEAVING_CANCELLED : LEAVING_PAUSED,
                        schedule_store_ms(s), false);
}

void schedule_written(void *schedule, uint64_t token, enum schedule_state state)
{
    struct schedule *s = schedule;
    struct holding *h;
    enum write_kind kind;

    if (TOKEN_KIND_OF(token) == TOKEN_CHANNEL) {
        schedule_channel_written(s, TOKEN_REST(token));
        return;
    }
    if (TOKEN_KIND_OF(token) == TOKEN_SENDER) {
        schedule_gate_written(s, TOKEN_REST(token), state);
        return;
    }
    h = schedule_hold_find(s, TOKEN_REST(token));
    assert(h != NULL && h->write != WRITE_NONE);
    if (state == SCHEDULE_FAILED) {
        failed(s, h);
        return;
    }
    kind = h->write;
    h->write = WRITE_NONE;
    schedule_hold_dirty(s, h);
    if (state == SCHEDULE_FENCED) {
        forget_batch(h);
        if (kind == WRITE_PROGRESS) {
            not_marked(s, h);
            schedule_hold_leave(s, h, LEAVING_LOST, 0, false);
            return;
        }
        stat_add(s->stat_fenced, 1);
    }
    if (kind == WRITE_PROGRESS) {
        progressed(s, h, state);
        return;
    }
    FAULT_POINT(FINISHED);
    if (state != SCHEDULE_FENCED)
        schedule_let_go_all(s, h);
    schedule_relay_soon(s, h->lease.shard);
    schedule_hold_free(s, h);
}
