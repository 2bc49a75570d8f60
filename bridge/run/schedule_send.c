#include "bridge/run/schedule_state.h"

#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- a sender's holdings ---- */

void schedule_ring_put(struct holding *h)
{
    struct sender *from = h->sender;

    if (h->in_ring)
        return;
    h->in_ring = true;
    from->ring_count++;
    if (from->ring == NULL) {
        h->next = h->prev = h;
        from->ring = h;
        return;
    }
    /* Behind all that wait already. */
    h->next = from->ring;
    h->prev = from->ring->prev;
    h->prev->next = h;
    h->next->prev = h;
}

void schedule_ring_take(struct holding *h)
{
    struct sender *from = h->sender;

    if (!h->in_ring)
        return;
    h->in_ring = false;
    from->ring_count--;
    if (from->ring_count == 0) {
        from->ring = NULL;
    } else {
        h->prev->next = h->next;
        h->next->prev = h->prev;
        if (from->ring == h) {
            from->ring = h->next;
            from->turn = 0;
        }
    }
    h->next = h->prev = NULL;
}

/* ---- requests ---- */

struct send *schedule_send_new(struct schedule *s, struct channel_of *to)
{
    struct send *d = s->unused_send;

    if (d != NULL) {
        s->unused_send = d->next;
        d->next = NULL;
    } else {
        d = mem_zeroed(1, sizeof *d);
        d->index = (uint32_t)s->send_count;
        channel_request_init(&d->request);
        s->sends[s->send_count++] = d;
    }
    channel_request_clear(&d->request);
    d->channel = to;
    d->part = 0;
    d->parts = 1;
    return d;
}

void schedule_send_free(struct schedule *s, struct send *d)
{
    d->holding = NULL;
    d->generation++;
    d->next = s->unused_send;
    s->unused_send = d;
}

bool schedule_submit(struct schedule *s, struct send *d, struct fault *f)
{
    struct http_call call = {
        .token = (uint64_t)d->generation << 32 | d->index,
        .destination = d->channel->conf->http,
        .method = d->request.method,
        .path = buf_view(&d->request.path),
        .headers = d->headers,
        .header_count = d->request.header_count,
        .body = buf_view(&d->request.body),
    };

    for (size_t i = 0; i < d->request.header_count; i++)
        d->headers[i] =
            (struct http_header){d->request.headers[i].name, d->request.headers[i].value};
    if (!s->port.http.submit(s->port.http.ctx, &call, f))
        return false;
    d->out = true;
    d->probe = d->channel->stopped;
    d->channel->probe = false;
    slot_pool_take(&s->slots, &d->channel->out);
    if (d->holding->sender != NULL)
        d->channel->open[d->holding->lease.shard]++;
    d->number = breaker_sent(&d->channel->breaker);
    if (d->number > 0 && schedule_channel_tries(d->channel, schedule_now(s)))
        schedule_hold_look_at(s, d->channel); /* the rest of what is held is for others */
    stat_add(s->stat_sent, 1);
    stat_set(s->stat_in_flight, s->slots.out);
    return true;
}

static bool build(struct schedule *s, struct send *d, struct fault *f)
{
    const struct holding *h = d->holding;
    const struct channel_setup *setup = &d->channel->conf->setup;
    struct channel_send m = {
        .attempt = h->slice.attempt,
        .part = d->part,
        .source = h->content->message.source,
        .to = schedule_address(h, d->destination),
        .sub_type = h->content->message.sub_type,
        .content = &h->content->body,
        .wall_ms = s->port.clock.wall_ms(s->port.clock.ctx),
    };

    if (m.to.n == 0)
        return fault_set(f, FAULT_REJECT, "erased"); /* the person was, meanwhile */
    if (!guid_parse(view_of(h->lease.id), &d->ref.message))
        return fault_set(f, FAULT_BUG, "the message's id is none");
    d->ref.destination = h->lease.slice * SLICE_DESTINATIONS_MAX + (uint32_t)d->destination;
    m.ref = d->ref;
    return setup->kind->build(setup, &m, &d->request, f);
}

static void observe_lateness(struct schedule *s, struct holding *h, int64_t now)
{
    if (h->due_ms == 0)
        return;
    stat_observe_ms(s->stat_lateness, schedule_store_at(s, now) - h->due_ms);
    h->due_ms = 0;
}

/* It can't be sent, ever. */
static void refuse(struct schedule *s, struct holding *h, size_t i, const char *why)
{
    schedule_move(s, h, i, HANDOVER_ON_REFUSE);
    schedule_settle(s, h, i,
                    &(struct settle){.state = SETTLEMENT_FAILED,
                                     .reason = view_of(why),
                                     .possible_duplicate = slice_doubtful(&h->slice, i),
                                     .unasked = true});
}

static void begin(struct schedule *s, struct holding *h, size_t i, int64_t now)
{
    struct send *d = schedule_send_new(s, h->sender->channel);
    struct fault f = {0};
    bool built;

    d->holding = h;
    d->destination = i;
    d->doubtful = slice_doubtful(&h->slice, i);
    d->parts = channel_requests(d->channel->conf->setup.kind, &h->content->body);
    built = build(s, d, &f);
    if (built) {
        schedule_move(s, h, i, HANDOVER_ON_BEGIN);
        if (schedule_submit(s, d, &f)) {
            schedule_window_begun(h, now);
            if (d->doubtful)
                stat_add(s->stat_doubtful, 1);
            observe_lateness(s, h, now);
            return;
        }
    }
    schedule_send_free(s, d);
    pacer_put_back(&h->sender->pacer, h->content->body.parts);
    if (f.cls == FAULT_RETRY)
        schedule_move(s, h, i, HANDOVER_ON_BACK);
    else
        refuse(s, h, i, f.text);
}

/* ---- what may go ---- */

static size_t next_marked(struct holding *h)
{
    while (h->cursor < h->slice.count && schedule_state_of(h, h->cursor) != HANDOVER_MARKED)
        h->cursor++;
    assert(h->cursor < h->slice.count);
    return h->cursor;
}

/* What one holding sends in a row, in parts: what is answered of it together is written together.
 * Where a rate says how long that takes, it takes no longer than the others notice. */
static int64_t turn_of(const struct sender *from)
{
    int64_t paced = from->conf->rate * SCHEDULE_TURN_MS / 1000;

    if (from->conf->rate == 0 || paced > SCHEDULE_TURN_PARTS)
        return SCHEDULE_TURN_PARTS;
    return paced;
}

/* Requests that may still become open, of a channel, and of one shard of it. */
static int64_t room(const struct channel_of *c)
{
    return (int64_t)SCHEDULE_OPEN_TIMES * c->conf->slots - c->out - c->unrecorded;
}

static bool has_room(const struct channel_of *c, unsigned shard)
{
    int64_t left = room(c);

    return c->open[shard] < SCHEDULE_OPEN_SHARE * left && (left > 1 || c->open[shard] == 0);
}

static bool is_stale(const struct holding *h, int64_t now)
{
    return now >= h->fence_ms || now >= h->marked_ms + SCHEDULE_MARKED_MS;
}

/* The one whose turn it is, of those whose shards have room; NULL: there is none. One that is stale
 * is in nobody's way, and is to be noticed. */
static struct holding *next_to_go(const struct sender *from, int64_t now)
{
    struct holding *h = from->ring;

    for (size_t i = 0; i < from->ring_count; i++, h = h->next)
        if (is_stale(h, now) || has_room(from->channel, h->lease.shard))
            return h;
    return NULL;
}

/* Sends one of the sender's, from the holding whose turn it is. now: read just now, for the fence
 * holds by it. */
static bool send_one(struct schedule *s, struct sender *from, int64_t now)
{
    struct holding *h;

    while ((h = next_to_go(from, now)) != NULL) {
        int64_t parts = h->content->body.parts;
        bool may;

        if (h != from->ring)
            from->turn = 0;
        from->ring = h;
        if (is_stale(h, now)) {
            schedule_window_stale(s, h); /* leaves the ring by it */
            continue;
        }
        schedule_gate_look(s, from, now);
        may = pacer_take(&from->pacer, parts, now);
        schedule_gate_ask(s, from, parts, now); /* the next ones, too, before these are used up */
        if (!may)
            return false;
        if (from->turn <= 0)
            from->turn = turn_of(from);
        from->turn -= parts;
        if (from->turn <= 0)
            from->ring = h->next;
        begin(s, h, next_marked(h), now);
        return true;
    }
    return false;
}

static bool is_full(const struct schedule *s, const struct channel_of *c)
{
    return c->out >= c->conf->slots || !slot_pool_has(&s->slots, c->out);
}

static bool has_slot(const struct schedule *s, const struct channel_of *c)
{
    return !is_full(s, c) && room(c) > 0;
}

/* Turn after turn, sender after sender, so that none takes all slots. */
static void send_channel(struct schedule *s, struct channel_of *c)
{
    size_t idle = 0;

    while (idle < c->busy_count && has_slot(s, c)) {
        struct sender *from = c->busy;
        bool sent = false;

        if (from->ring != NULL) {
            int64_t now = schedule_now(s);

            if (!schedule_channel_allows(s, c, now))
                return;
            sent = send_one(s, from, now);
        }
        idle = sent ? 0 : idle + 1;
        if (!sent || from->turn <= 0)
            c->busy = from->next;
    }
}

void schedule_send_due(struct schedule *s)
{
    if (!schedule_up(s))
        return;
    schedule_channels_look(s);
    for (size_t i = 0; i < s->conf.channel_count; i++) {
        send_channel(s, &s->channels[i]);
        s->channels[i].full = is_full(s, &s->channels[i]);
    }
}

static int64_t sender_wake_ms(struct schedule *s, struct sender *from, int64_t now)
{
    int64_t marked = schedule_window_wake_ms(s, from, now);
    const struct holding *next = NULL;
    int64_t paced;
    int64_t at;

    if (from->ring != NULL && has_slot(s, from->channel))
        next = next_to_go(from, now);
    if (next == NULL)
        return marked;
    at = schedule_channel_wake_ms(from->channel, now);
    paced = pacer_wake_ms(&from->pacer, schedule_parts_of(next), now);
    if (paced > at)
        at = paced;
    return at < marked ? at : marked;
}

int64_t schedule_send_wake_ms(struct schedule *s)
{
    int64_t now = schedule_now(s);
    int64_t wake = schedule_channels_wake_ms(s);

    if (!schedule_up(s))
        return wake;
    for (size_t i = 0; i < s->conf.channel_count; i++) {
        struct sender *from = s->channels[i].busy;

        for (size_t k = 0; k < s->channels[i].busy_count; k++, from = from->next) {
            int64_t at = sender_wake_ms(s, from, now);

            if (at < wake)
                wake = at;
        }
    }
    return wake;
}

/* ---- what a reply means ---- */

/* What of it has gone out, a repeat sends once more. */
static bool has_gone_in_part(const struct send *d)
{
    return d->part > 0;
}

static void end_one(struct schedule *s, struct send *d, enum handover_event event,
                    enum settlement_state state, const struct channel_outcome *o)
{
    struct holding *h = d->holding;
    char reason[FAULT_TEXT_MAX + 32] = "";

    if (state != SETTLEMENT_HANDLED && has_gone_in_part(d))
        (void)snprintf(reason, sizeof reason, "part %u of %u: %s", d->part + 1, d->parts,
                       o->reason);
    else if (state != SETTLEMENT_HANDLED)
        (void)snprintf(reason, sizeof reason, "%s", o->reason);
    schedule_move(s, h, d->destination, event);
    if (h->leaving == LEAVING_LOST) {
        /* Somebody else has it, and says that it may have been sent twice. */
        return;
    }
    schedule_settle(s, h, d->destination,
                    &(struct settle){
                        .state = state,
                        .reason = view_of(reason),
                        .provider_id = state == SETTLEMENT_HANDLED ? view_of(o->id) : VIEW_NONE,
                        .possible_duplicate = d->doubtful || o->unknown ||
                                              (event == HANDOVER_ON_RETRY && has_gone_in_part(d)),
                        .wait_ms = o->wait_ms,
                    });
}

/* It is about us, not about the destination: that has lost no attempt. But what has gone in part is
 * one always, so that nobody gets its first parts more often than that (D6). */
static void back(struct schedule *s, struct send *d, const struct channel_outcome *o)
{
    if (has_gone_in_part(d))
        end_one(s, d, HANDOVER_ON_RETRY, SETTLEMENT_AGAIN, o);
    else
        schedule_move(s, d->holding, d->destination, HANDOVER_ON_BACK);
}

static void stopped(struct schedule *s, struct send *d, const struct channel_outcome *o)
{
    schedule_channel_stop(s, d, o->reason);
    back(s, d, o);
}

/* Whatever has come over its message, its sender or its channel meanwhile: half a text helps
 * nobody, and the gateway has just taken a part of it. Only what somebody else may be sending by
 * now ends. */
static bool send_part(struct schedule *s, struct send *d, struct fault *f)
{
    int64_t now = schedule_now(s);

    d->part++;
    d->generation++;
    if (s->over)
        return fault_set(f, FAULT_RETRY, "this process ended before it was all sent");
    if (d->holding->leaving == LEAVING_LOST || now >= d->holding->held_ms)
        return fault_set(f, FAULT_RETRY, "its lease has ended before it was all sent");
    channel_request_clear(&d->request);
    return build(s, d, f) && schedule_submit(s, d, f);
}

static void taken(struct schedule *s, struct send *d, const struct channel_outcome *o)
{
    struct channel_outcome broken = {.verdict = CHANNEL_TRANSIENT};
    struct fault f = {0};

    if (d->part + 1 == d->parts) {
        end_one(s, d, HANDOVER_ON_ACCEPT, SETTLEMENT_HANDLED, o);
    } else if (!send_part(s, d, &f)) {
        (void)snprintf(broken.reason, sizeof broken.reason, "%s", f.text);
        end_one(s, d, HANDOVER_ON_RETRY, SETTLEMENT_AGAIN, &broken);
    }
}

static void judged(struct schedule *s, struct send *d, const struct channel_outcome *o)
{
    struct channel_of *c = d->channel;

    stat_add(c->stat_verdict[o->verdict], 1);
    FAULT_POINT(SETTLED);
    switch (o->verdict) {
    case CHANNEL_HANDLED:
        schedule_channel_ok(s, d);
        taken(s, d, o);
        break;
    case CHANNEL_REFUSED:
        schedule_channel_ok(s, d);
        end_one(s, d, HANDOVER_ON_REFUSE, SETTLEMENT_FAILED, o);
        break;
    case CHANNEL_TRANSIENT:
        schedule_channel_failed(s, d, o->reason);
        end_one(s, d, HANDOVER_ON_RETRY, SETTLEMENT_AGAIN, o);
        break;
    case CHANNEL_THROTTLED:
        schedule_gate_throttled(s, d->holding->sender, o);
        end_one(s, d, HANDOVER_ON_RETRY, SETTLEMENT_AGAIN, o);
        break;
    case CHANNEL_FORBIDDEN:
        if (c->stopped || schedule_channel_unwelcome(c, &d->ref))
            stopped(s, d, o);
        else
            end_one(s, d, HANDOVER_ON_REFUSE, SETTLEMENT_FAILED, o);
        break;
    case CHANNEL_REDIRECTED: /* it may have gone, so it is an attempt even of a probe (D6) */
        if (c->stopped || schedule_channel_unwelcome(c, &d->ref))
            schedule_channel_stop(s, d, o->reason);
        else
            schedule_channel_failed(s, d, o->reason);
        end_one(s, d, HANDOVER_ON_RETRY, SETTLEMENT_AGAIN, o);
        break;
    case CHANNEL_STOPPED:
        if (schedule_channel_stops_again(c, &d->ref)) {
            schedule_channel_failed(s, d, o->reason);
            end_one(s, d, HANDOVER_ON_RETRY, SETTLEMENT_AGAIN, o);
        } else {
            stopped(s, d, o);
        }
        break;
    }
}

/* No whole reply came. */
static void unanswered(struct schedule *s, struct send *d, const struct http_reply *reply)
{
    struct channel_outcome o = {.verdict = CHANNEL_TRANSIENT, .unknown = true};
    char said[FAULT_TEXT_MAX - 16];

    mask_sentence(view_of(reply->error), said, sizeof said);
    (void)snprintf(o.reason, sizeof o.reason, "no answer: %s", said);
    if (reply->fate == HTTP_NOT_SENT) {
        /* Nobody was reached: it is no attempt, and what waits is not spent on an outage. */
        schedule_channel_lost(s, d, said);
        back(s, d, &o);
        return;
    }
    judged(s, d, &o);
}

static void judge(struct schedule *s, struct send *d, const struct http_reply *reply)
{
    const struct channel_setup *setup = &d->channel->conf->setup;
    const struct holding *h = d->holding;
    struct channel_outcome o;
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

    if (reply->fate != HTTP_ANSWERED) {
        unanswered(s, d, reply);
        return;
    }
    channel_told(setup, &h->content->body, schedule_address(h, d->destination), &told);
    told.secrets[CHANNEL_SECRETS_MAX - 1] = reply->secret;
    setup->kind->judge(&r, &o);
    judged(s, d, &o);
}

void schedule_on_reply(void *schedule, const struct http_reply *reply)
{
    struct schedule *s = schedule;
    struct send *d;
    bool is_call; /* it has no sender */

    assert((uint32_t)reply->token < s->send_count);
    d = s->sends[(uint32_t)reply->token];
    assert(d->holding != NULL && d->generation == reply->token >> 32);
    is_call = d->holding->sender == NULL;
    d->out = false;
    slot_pool_give(&s->slots, &d->channel->out);
    if (!is_call)
        d->channel->open[d->holding->lease.shard]--;
    stat_set(s->stat_in_flight, s->slots.out);
    stat_observe_ms(d->channel->stat_time, reply->elapsed_ms);
    breaker_back(&d->channel->breaker, d->number);
    if (is_call)
        schedule_call_replied(s, d, reply);
    else
        judge(s, d, reply);
    if (!d->out)
        schedule_send_free(s, d);
}

/* ---- at the start and at the end ---- */

static void channel_init(struct schedule *s, struct channel_of *c,
                         const struct schedule_channel *conf)
{
    struct buf labels;

    *c = (struct channel_of){.conf = conf};
    breaker_init(&c->breaker, s->conf.breaker);
    buf_init(&labels, 256);
    stats_label(&labels, "channel", view_of(conf->name));
    c->stat_state = stats_get(s->port.stats, STAT_GAUGE, "cmibridge_channel_state",
                              buf_text(&labels), "0 closed, 1 open, 2 probing, 3 stopped");
    c->stat_time = stats_get(s->port.stats, STAT_HISTOGRAM, "cmibridge_request_seconds",
                             buf_text(&labels), "From a request's begin to its reply");
    for (int v = CHANNEL_HANDLED; v <= CHANNEL_STOPPED; v++) {
        buf_clear(&labels);
        stats_label(&labels, "channel", view_of(conf->name));
        stats_label(&labels, "verdict", view_of(channel_verdict_name((enum channel_verdict)v)));
        c->stat_verdict[v] = stats_get(s->port.stats, STAT_COUNTER, "cmibridge_verdicts_total",
                                       buf_text(&labels), "Gateways' replies, by what they mean");
    }
    buf_done(&labels);
}

void schedule_send_init(struct schedule *s)
{
    s->channels = mem_zeroed(s->conf.channel_count + 1, sizeof *s->channels);
    s->sends = mem_zeroed((size_t)s->conf.in_flight + 1, sizeof(*s->sends));
    for (size_t i = 0; i < s->conf.channel_count; i++)
        channel_init(s, &s->channels[i], &s->conf.channels[i]);
    schedule_senders_init(s);
}

void schedule_send_done(struct schedule *s)
{
    for (size_t i = 0; i < s->send_count; i++) {
        channel_request_done(&s->sends[i]->request);
        mem_free(s->sends[i]);
    }
    mem_free(s->sends);
    schedule_senders_done(s);
    mem_free(s->channels);
}
