#include "bridge/run/schedule_state.h"

#include "bridge/ports/fault_point.h"

#include <assert.h>
#include <string.h>

/*
 * A callback is a slice of one. Its call is begun by a progress that hands it over and keeps it
 * open for the handling timeout: whatever becomes of this process, nobody else calls meanwhile. A
 * call of unknown fate is let go of in that state, and never made again (D6).
 */

/* Nothing is taken without one. */
static struct channel_of *dialler(struct schedule *s)
{
    assert(s->conf.dialler >= 0);
    return &s->channels[s->conf.dialler];
}

int64_t schedule_call_out_ms(const struct schedule *s)
{
    return 2 * SCHEDULE_MARKED_MS + s->channels[s->conf.dialler].conf->timeout_ms;
}

/* ---- the line of those that wait for the dialler ---- */

static void queue(struct schedule *s, struct holding *h)
{
    h->next = NULL;
    h->prev = s->calls_last;
    if (s->calls_last != NULL)
        s->calls_last->next = h;
    else
        s->calls = h;
    s->calls_last = h;
    h->in_line = true;
    if (++s->call_count >= SCHEDULE_CALLS_MAX)
        s->calls_shut = true;
}

void schedule_call_forget(struct schedule *s, struct holding *h)
{
    if (!h->in_line)
        return;
    h->in_line = false;
    if (h->prev != NULL)
        h->prev->next = h->next;
    else
        s->calls = h->next;
    if (h->next != NULL)
        h->next->prev = h->prev;
    else
        s->calls_last = h->prev;
    h->next = h->prev = NULL;
    if (--s->call_count > SCHEDULE_CALLS_MAX / 2 || !s->calls_shut)
        return;
    s->calls_shut = false;
    schedule_claim_all(s);
}

/* Until calls may be made again, by what the store's clock may show; 0: they may. */
static int64_t shut_ms(const struct schedule *s, int64_t store_ms)
{
    return hours_open_ms(&s->conf.call_hours, s->conf.call_zone, store_ms) - store_ms;
}

/* ---- its end ---- */

static void end_call(struct schedule *s, struct holding *h, enum callback_result result,
                     int64_t next_call_ms, const char *why)
{
    struct callback_put put = {
        .result = result,
        .has_next_call = next_call_ms >= 0,
        .next_call_ms = next_call_ms,
        .call = h->content->message.calls + 1,
    };
    int64_t now = schedule_store_most_ms(s);
    struct fault f = {0};

    h->call = h->content->message.callback;
    view_copy(view_of(why), h->call_reason, sizeof h->call_reason);
    if (callback_put(&h->call, &put, now, s->conf.callback_retry_ms, &f) != 0) {
        /* The dialler's wish can't be met: the call is over all the same. */
        put = (struct callback_put){.result = CALLBACK_OTHER};
        view_copy(view_of(f.text), h->call_reason, sizeof h->call_reason);
        if (callback_put(&h->call, &put, now, s->conf.callback_retry_ms, &f) != 0)
            assert(!"OTHER can always be put on an open callback");
    }
    stat_add(s->stat_calls, 1);
    schedule_write(s, h, WRITE_END_CALL);
}

/* It was certainly not called. again_ms: when it may be claimed, by the store's clock. */
static void give_back_until(struct schedule *s, struct holding *h, int64_t again_ms)
{
    if (h->slice.watermark > 0)
        slice_take_back(&h->slice, 0);
    h->call_begun = false;
    schedule_hold_leave(s, h, LEAVING_RELEASED, again_ms, false);
}

static void give_back(struct schedule *s, struct holding *h, int64_t wait_ms)
{
    give_back_until(s, h, schedule_store_ms(s) + wait_ms);
}

/* Outside the hours it waits for them, to the millisecond. */
static bool give_back_shut(struct schedule *s, struct holding *h)
{
    int64_t now = schedule_store_ms(s);
    int64_t wait_ms = shut_ms(s, now);

    if (wait_ms > 0)
        give_back_until(s, h, now + wait_ms);
    return wait_ms > 0;
}

void schedule_call_take(struct schedule *s, struct holding *h)
{
    assert(s->conf.dialler >= 0); /* others are not claimed */
    if (!give_back_shut(s, h))
        queue(s, h);
}

void schedule_call_timed_out(struct schedule *s, struct holding *h)
{
    if (schedule_state_of(h, 0) == HANDOVER_WAITING)
        schedule_move(s, h, 0, HANDOVER_ON_STOP);
    end_call(s, h, CALLBACK_OTHER, -1, "no result within the handling timeout");
}

/* ---- its begin ---- */

/* By it the dialler has stopped: others try it first. */
static bool tries_last(struct schedule *s, const struct holding *h)
{
    struct channel_ref who = {.destination = 0};

    return guid_parse(view_of(h->lease.id), &who.message) &&
           schedule_channel_tries_last(dialler(s), &who);
}

/* NULL: all of them are being written. */
static struct holding *first_of_line(struct schedule *s)
{
    struct holding *last = NULL;

    for (struct holding *h = s->calls; h != NULL; h = h->next) {
        if (h->write != WRITE_NONE)
            continue;
        if (!tries_last(s, h))
            return h;
        if (last == NULL)
            last = h;
    }
    return last;
}

static bool may_call(struct schedule *s, struct channel_of *c)
{
    int64_t now = schedule_now(s);

    return c->out < c->conf->slots && slot_pool_has(&s->slots, c->out) &&
           shut_ms(s, schedule_store_at(s, now)) == 0 && schedule_channel_allows(s, c, now);
}

void schedule_call_due(struct schedule *s)
{
    struct holding *h;
    struct channel_of *c;

    if (s->calls == NULL || s->ending || !schedule_up(s))
        return;
    c = dialler(s);
    while ((h = first_of_line(s)) != NULL && may_call(s, c)) {
        schedule_call_forget(s, h);
        schedule_move(s, h, 0, HANDOVER_ON_MARK);
        slice_hand_over(&h->slice, 1);
        h->call_begun = h->call_slot = true;
        slot_pool_take(&s->slots, &c->out);
        h->call_number = breaker_sent(&c->breaker);
        schedule_write(s, h, WRITE_PROGRESS);
    }
}

int64_t schedule_call_wake_ms(struct schedule *s)
{
    const struct holding *h = s->calls;
    struct channel_of *c;

    while (h != NULL && h->write != WRITE_NONE)
        h = h->next;
    if (h == NULL || !schedule_up(s) || shut_ms(s, schedule_store_ms(s)) > 0)
        return INT64_MAX;
    c = dialler(s);
    if (c->out >= c->conf->slots || !slot_pool_has(&s->slots, c->out))
        return INT64_MAX;
    return schedule_channel_wake_ms(c, schedule_now(s));
}

void schedule_call_put_down(struct schedule *s, struct holding *h)
{
    struct channel_of *c;

    if (!h->call_slot)
        return;
    c = dialler(s);
    h->call_slot = false;
    slot_pool_give(&s->slots, &c->out);
    breaker_back(&c->breaker, h->call_number);
}

static struct dialler_call call_of(const struct schedule *s, const struct holding *h)
{
    const struct schedule_message *m = &h->content->message;

    return (struct dialler_call){
        .attempt = m->calls + 1,
        .anew = (unsigned)m->callback.anew,
        .customer_number = m->customer,
        .callback_queue_number = m->queue,
        .original_queue_number = m->original_queue,
        .gw_prefix = m->gw_prefix,
        .extra_data = m->extra_data,
        .notes = m->notes,
        .wall_ms = s->port.clock.wall_ms(s->port.clock.ctx),
    };
}

static bool build(struct schedule *s, struct holding *h, struct send *d, struct fault *f)
{
    struct dialler_call call = call_of(s, h);

    if (!guid_parse(view_of(h->lease.id), &call.callback))
        return fault_set(f, FAULT_BUG, "the callback's id is none");
    d->ref = (struct channel_ref){.message = call.callback};
    return d->channel->conf->dialler->build(&d->channel->conf->setup, &call, &d->request, f);
}

static void begin(struct schedule *s, struct holding *h, struct channel_of *c)
{
    struct send *d = schedule_send_new(s, c);
    struct fault f = {0};
    bool built;

    d->holding = h;
    d->destination = 0;
    d->doubtful = false;
    built = build(s, h, d, &f);
    schedule_move(s, h, 0, HANDOVER_ON_BEGIN);
    if (built && schedule_submit(s, d, &f)) {
        if (h->due_ms > 0)
            stat_observe_ms(s->stat_lateness, schedule_store_ms(s) - h->due_ms);
        return;
    }
    schedule_send_free(s, d);
    if (!built) {
        schedule_move(s, h, 0, HANDOVER_ON_REFUSE);
        end_call(s, h, CALLBACK_OTHER, -1, f.text);
        return;
    }
    schedule_move(s, h, 0, HANDOVER_ON_BACK);
    give_back(s, h, SCHEDULE_AGAIN_MS);
}

/* A progress was answered DONE: the begin of its call, or the lease's renewal. */
void schedule_call_marked(struct schedule *s, struct holding *h)
{
    struct channel_of *c = dialler(s);
    int64_t now = schedule_now(s);

    h->renew_ms = h->write_asked_ms + s->conf.lease_ms / SCHEDULE_RENEWALS;
    if (!h->call_begun)
        return;
    schedule_move(s, h, 0, HANDOVER_ON_MARKED);
    schedule_call_put_down(s, h);
    /* Asked for too long ago to be still true, or the answer was slept through; or it is too late
     * for calls, wherever within its slack the store's clock is; or the dialler may not be called
     * any more, or others have its slots. */
    if (now >= h->write_asked_ms + SCHEDULE_MARKED_MS ||
        shut_ms(s, schedule_store_most_ms(s)) > 0 || !may_call(s, c)) {
        schedule_move(s, h, 0, HANDOVER_ON_STALE);
        give_back(s, h, 0);
        return;
    }
    begin(s, h, c);
}

void schedule_call_refused(struct schedule *s, struct holding *h)
{
    if (!h->call_begun)
        return;
    h->call_begun = false;
    schedule_call_put_down(s, h);
    schedule_hold_unmark(s, h);
}

void schedule_call_look(struct schedule *s, struct holding *h, int64_t now_ms)
{
    struct channel_of *c = dialler(s);

    if (h->call_begun || h->count[HANDOVER_WAITING] == 0)
        return; /* a reply comes */
    if (give_back_shut(s, h))
        return;
    if (c->breaker.state == BREAKER_OPEN && c->breaker.until_ms > now_ms + SCHEDULE_POLL_MS) {
        give_back(s, h, c->breaker.until_ms - now_ms + (tries_last(s, h) ? SCHEDULE_LAST_MS : 0));
        return;
    }
    if (now_ms >= h->renew_ms)
        schedule_write(s, h, WRITE_PROGRESS);
    else
        heap_put(&s->timers, &h->timer, h->renew_ms);
}

/* ---- its reply ---- */

/* It is open, and its result comes by itself, or its handling timeout does. */
static void leave_open(struct schedule *s, struct holding *h)
{
    schedule_move(s, h, 0, HANDOVER_ON_OPEN);
    s->port.schedule.call_back(s->port.schedule.ctx, &h->lease, &h->slice);
    schedule_hold_free(s, h);
}

/* A callback's earlier request may have been taken by what takes over: it may have two, if it knows
 * no keys, or if the one before was to be followed by this. */
static bool may_have_two(const struct schedule *s, const struct holding *h)
{
    const struct schedule_message *m = &h->content->message;

    return s->channels[s->conf.dialler].conf->dialler->takes_over && m->calls > 0 &&
           m->callback.last != CALLBACK_ADDED;
}

static void refused(struct schedule *s, struct holding *h, const struct dialler_outcome *o)
{
    schedule_move(s, h, 0, HANDOVER_ON_REFUSE);
    end_call(s, h, CALLBACK_OTHER, -1, o->reason);
}

/* Others try it before this one does. */
static void stopped(struct schedule *s, struct holding *h, const struct send *d,
                    const struct dialler_outcome *o)
{
    int64_t wait_ms;

    schedule_channel_stop(s, d, o->reason);
    schedule_move(s, h, 0, HANDOVER_ON_BACK);
    wait_ms = d->channel->breaker.until_ms - schedule_now(s); /* over, where it was out by then */
    wait_ms = (wait_ms > 0 ? wait_ms : 0) + SCHEDULE_LAST_MS;
    give_back(s, h, o->wait_ms > wait_ms ? o->wait_ms : wait_ms);
}

static void judged(struct schedule *s, struct holding *h, const struct send *d,
                   const struct dialler_outcome *o)
{
    struct channel_of *c = d->channel;

    switch (o->verdict) {
    case DIALLER_RESULT:
        schedule_channel_ok(s, d);
        schedule_move(s, h, 0, HANDOVER_ON_ACCEPT);
        h->slice.doubt = may_have_two(s, h);
        end_call(s, h, o->result, o->next_call_ms, "");
        break;
    case DIALLER_LATER:
        schedule_channel_ok(s, d);
        leave_open(s, h);
        break;
    case DIALLER_NOT_DIALLED:
        schedule_channel_failed(s, d, o->reason);
        schedule_move(s, h, 0, HANDOVER_ON_BACK);
        give_back(s, h, o->wait_ms > 0 ? o->wait_ms : SCHEDULE_POLL_MS);
        break;
    case DIALLER_REFUSED:
        schedule_channel_ok(s, d);
        refused(s, h, o);
        break;
    case DIALLER_FORBIDDEN:
        if (c->stopped || schedule_channel_unwelcome(c, &d->ref))
            stopped(s, h, d, o);
        else
            refused(s, h, o);
        break;
    case DIALLER_STOPPED:
        if (schedule_channel_stops_again(c, &d->ref)) {
            schedule_channel_failed(s, d, o->reason);
            refused(s, h, o);
        } else {
            stopped(s, h, d, o);
        }
        break;
    }
}

void schedule_call_replied(struct schedule *s, const struct send *d, const struct http_reply *reply)
{
    struct holding *h = d->holding;
    struct channel_of *c = d->channel;
    struct dialler_outcome o;
    const struct dialler_call call = call_of(s, h);
    struct channel_told told;
    struct channel_reply r = {
        .told = &told,
        .status = reply->status,
        .retry_after = reply->retry_after,
        .content_type = reply->content_type,
        .body = reply->body,
        .cut = reply->cut,
        .wall_ms = s->port.clock.wall_ms(s->port.clock.ctx),
    };
    char said[FAULT_TEXT_MAX];

    if (reply->fate == HTTP_ANSWERED) {
        dialler_told(&c->conf->setup, &call, &told);
        c->conf->dialler->judge(&r, &o);
        FAULT_POINT(SETTLED);
        judged(s, h, d, &o);
        return;
    }
    mask_sentence(view_of(reply->error), said, sizeof said);
    if (reply->fate == HTTP_NOT_SENT) {
        schedule_channel_lost(s, d, said);
        schedule_move(s, h, 0, HANDOVER_ON_BACK);
        give_back(s, h, SCHEDULE_POLL_MS);
        return;
    }
    schedule_channel_failed(s, d, said);
    leave_open(s, h);
}
