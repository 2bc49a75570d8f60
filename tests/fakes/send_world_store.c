#include "tests/fakes/send_world_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"

#include <string.h>

/* ---- the store's port ---- */

static bool up(void *ctx)
{
    return !((struct world_process *)ctx)->world->store_down;
}

static void claim(void *ctx, const struct schedule_claim *c)
{
    struct world_process *p = ctx;
    struct action *a = world_soon(p, CLAIM, 0, p->world->faults.latency_ms);

    a->claim = *c;
    assert_true(c->closed_count <= 4);
    if (c->closed_count > 0)
        memcpy(a->closed, c->closed, c->closed_count * sizeof *c->closed);
    a->claim.closed = a->closed;
    /* Sources are the world's own texts, but the loop's copies. */
    for (size_t i = 0; i < c->closed_count; i++)
        for (size_t k = 0; k < 2; k++)
            if (view_is(c->closed[i].source, p->world->senders[k].address))
                a->closed[i].source = view_of(p->world->senders[k].address);
}

static void write_of(struct world_process *p, const struct schedule_write *w, char mode)
{
    struct action *a = world_soon(p, WRITE, w->token, p->world->faults.latency_ms);
    size_t n = 0;

    a->mode = mode;
    a->lease = *w->lease;
    a->slice = *w->slice;
    a->quiet = w->quiet;
    a->park = w->park;
    a->lease_ms = w->lease_ms;
    a->out_ms = w->out_ms;
    a->at_ms = w->at_ms;
    a->settled_count = w->settled_count;
    a->settled = mem_zeroed(w->settled_count + 1, sizeof *a->settled);
    a->settled_text = mem_zeroed(w->settled_count + 1, 600);
    for (size_t i = 0; i < w->settled_count; i++) {
        struct view texts[3] = {w->settled[i].reason, w->settled[i].provider_id,
                                w->settled[i].address};

        a->settled[i] = w->settled[i];
        for (size_t t = 0; t < 3; t++) {
            if (texts[t].n > 0)
                memcpy(a->settled_text + n, texts[t].p, texts[t].n);
            texts[t].p = a->settled_text + n;
            n += texts[t].n;
        }
        a->settled[i].reason = texts[0];
        a->settled[i].provider_id = texts[1];
        a->settled[i].address = texts[2];
    }
}

static void progress(void *ctx, const struct schedule_write *w)
{
    write_of(ctx, w, 'p');
}

static void finish(void *ctx, const struct schedule_write *w)
{
    write_of(ctx, w, 'f');
}

static void release(void *ctx, const struct schedule_write *w)
{
    write_of(ctx, w, 'r');
}

static void end_call(void *ctx, const struct schedule_call_end *e)
{
    struct world_process *p = ctx;
    struct action *a = world_soon(p, END_CALL, e->token, p->world->faults.latency_ms);

    a->lease = *e->lease;
    a->slice = *e->slice;
    a->call = *e->state;
}

static void call_back(void *ctx, const struct schedule_lease *lease, const struct slice *slice)
{
    struct world_process *p = ctx;
    struct action *a = world_soon(p, CALL_BACK, 0, p->world->faults.latency_ms);

    a->lease = *lease;
    a->slice = *slice;
}

#define CHANNEL_GATE 2 /* of channel 0 */

static unsigned gate_of(struct world_process *p, struct view gate)
{
    for (unsigned i = 0; i < 3 && view_starts(gate, VIEW("channel:")); i++)
        if (view_is(view_skip(gate, 8), p->world->channels[i].name))
            return CHANNEL_GATE + i;
    return view_is(gate, p->world->senders[0].address) ? 0 : 1;
}

static void ask(void *ctx, const struct schedule_ask *q)
{
    struct world_process *p = ctx;
    struct action *a = world_soon(p, ASK, q->token, p->world->faults.latency_ms);

    a->want = q->want;
    a->gate = gate_of(p, q->gate);
    a->works = q->works;
    a->fails = q->fails;
}

static void shut(void *ctx, const struct schedule_shut *s)
{
    struct world_process *p = ctx;

    unsigned gate = gate_of(p, s->gate);
    int64_t now = p->world->now_ms;

    if (gate < CHANNEL_GATE) {
        if (now + s->for_ms > p->world->model.gate_shut_ms[gate])
            p->world->model.gate_shut_ms[gate] = now + s->for_ms;
    } else {
        bool was = p->world->model.stop[gate - CHANNEL_GATE].stopped;
        int64_t since = p->world->model.stop[gate - CHANNEL_GATE].since_ms;

        assert_true(s->probe_ms > 0 && s->why.n > 0);
        p->world->model.stop[gate - CHANNEL_GATE].stopped = true;
        p->world->model.stop[gate - CHANNEL_GATE].since_ms = was ? since : now;
        p->world->model.stop[gate - CHANNEL_GATE].until_ms = now + s->probe_ms;
        p->world->model.stop[gate - CHANNEL_GATE].probe_ms = s->probe_ms;
    }
    world_soon(p, WRITTEN, s->token, p->world->faults.latency_ms)->state = SCHEDULE_DONE;
}

static void open_gate(void *ctx, uint64_t token, struct view gate)
{
    struct world_process *p = ctx;
    unsigned at = gate_of(p, gate);

    assert_true(at >= CHANNEL_GATE);
    p->world->model.stop[at - CHANNEL_GATE].stopped = false;
    memset(p->world->model.stop[at - CHANNEL_GATE].granted, 0,
           sizeof p->world->model.stop[0].granted);
    world_soon(p, WRITTEN, token, p->world->faults.latency_ms)->state = SCHEDULE_DONE;
}

static unsigned sender_named(const struct send_world *w, struct view name)
{
    assert_true(view_is(name, w->senders[0].address) || view_is(name, w->senders[1].address));
    return view_is(name, w->senders[1].address);
}

static void recipients(void *ctx, const struct schedule_recipients *r)
{
    struct world_process *p = ctx;
    struct action *a = world_soon(p, RECIPIENTS, r->token, p->world->faults.latency_ms);

    a->usage = r->usage.n > 0;
    assert_true(r->count > 0 && r->message[0] != '\0');
    a->gap_ms = r->gap_ms;
    a->sender = sender_named(p->world, r->sender);
    assert_int_equal(r->holder.n, sizeof a->holder);
    memcpy(a->holder, r->holder.p, sizeof a->holder);
    a->address_count = r->count;
    for (size_t i = 0; i < r->count; i++)
        view_copy(r->addresses[i], a->addresses[i], sizeof a->addresses[i]);
}

unsigned world_sender(const struct send_world *w, const struct send_store_message *m)
{
    return m->source == w->senders[1].address;
}

int64_t *world_last_to(struct send_world *w, const struct send_store_message *m, size_t dest)
{
    return &w->last_ms[world_sender(w, m)][m->number + dest];
}

static bool is_reserved_by(const struct send_store_gap *g, const struct send_store_message *m,
                           size_t dest, const void *holder)
{
    return g->message == m && g->dest == dest && memcmp(g->holder, holder, sizeof g->holder) == 0;
}

static void give_back(struct send_world *w, const struct send_store_message *m, size_t dest,
                      const struct schedule_recipients *r)
{
    struct send_store_gap *g = &w->model.gaps[sender_named(w, r->sender)][m->number + dest];

    if (g->until_ms <= w->now_ms || !is_reserved_by(g, m, dest, r->holder.p))
        return;
    if (*world_last_to(w, m, dest) >= g->since_ms)
        fail_msg("the gap of what was sent to %zu is given back", m->number + dest);
    g->until_ms = 0;
}

static void let_go(void *ctx, const struct schedule_recipients *r)
{
    struct world_process *p = ctx;

    for (size_t i = 0; i < r->count; i++) {
        size_t dest;
        struct send_store_message *m =
            send_store_of_address(&p->world->model, r->addresses[i], &dest);

        assert_string_equal(m->id, r->message);
        assert_int_equal(dest, r->destinations[i] / SLICE_DESTINATIONS_MAX * SEND_STORE_SLICE +
                                   r->destinations[i] % SLICE_DESTINATIONS_MAX);
        if (r->usage.n > 0)
            m->handed[dest] = false;
        if (r->gap_ms > 0)
            give_back(p->world, m, dest, r);
    }
}

static void read_outbox(void *ctx, unsigned shard, const char *const *ids, size_t count)
{
    struct world_process *p = ctx;
    struct action *a = world_soon(p, OUTBOX, 0, p->world->faults.latency_ms);

    a->shard = shard;
    a->id_count = count;
    a->ids = mem_zeroed(count + 1, sizeof *a->ids);
    for (size_t i = 0; i < count; i++)
        view_copy(view_of(ids[i]), a->ids[i], sizeof a->ids[i]);
}

static void flush(void *ctx)
{
    (void)ctx; /* writes did not wait for it */
}

struct schedule_port world_store_port(struct world_process *p)
{
    return (struct schedule_port){p,       up,        claim,      progress,  finish,
                                  release, flush,     end_call,   call_back, ask,
                                  shut,    open_gate, recipients, let_go,    read_outbox};
}

/* ---- what reaches it ---- */

/* What the outbox held, once it is known to be in Kafka. */
static void note_event(struct send_world *w, const struct schedule_event *e)
{
    struct send_store_message *m = send_store_find(&w->model, e->message);
    size_t at = (size_t)(m - w->model.messages);
    struct view blob = e->blob;
    struct settlement t;

    if (e->type != SCHEDULE_EVENT_SETTLED)
        return;
    while (settlement_next_event(&blob, &t)) {
        size_t dest;
        struct world_seen *seen;

        assert_ptr_equal(send_store_of_address(&w->model, t.address, &dest), m);
        assert_int_equal(dest, e->slice * SEND_STORE_SLICE + t.index);
        seen = &w->seen[at][dest];
        seen->said_duplicate = seen->said_duplicate || t.possible_duplicate;
        seen->said_unknown = seen->said_unknown || t.state == SETTLEMENT_UNKNOWN;
        if (t.state == SETTLEMENT_HANDLED || t.state == SETTLEMENT_FAILED) {
            if (seen->said_handled || seen->said_failed)
                fail_msg("message %zu: destination %zu has ended twice", at, dest);
            seen->said_handled = t.state == SETTLEMENT_HANDLED;
            seen->said_failed = t.state == SETTLEMENT_FAILED;
        }
    }
}

static void outbox_take(struct send_world *w, unsigned shard, const char *id)
{
    for (size_t i = 0; i < w->model.event_count; i++) {
        struct send_store_event *e = &w->model.events[i];

        if (e->shard != shard || strcmp(e->event.id, id) != 0)
            continue;
        if (!e->gone)
            note_event(w, &e->event);
        e->gone = true;
        return;
    }
    fail_msg("the outbox never held %s", id);
}

/* A retry's wait counts from when the process knew of the attempt's end. What expires is out of
 * date, or may not be sent at that hour. */
static void note_settled(struct send_world *w, const struct action *a)
{
    struct send_store_message *m = send_store_find(&w->model, a->lease.id);
    size_t at = (size_t)(m - w->model.messages);

    for (size_t i = 0; i < a->settled_count; i++) {
        const struct settlement *t = &a->settled[i];
        struct world_seen *seen = &w->seen[at][a->lease.slice * SEND_STORE_SLICE + t->index];

        if (t->state == SETTLEMENT_AGAIN)
            seen->again_ms = seen->known_ms[a->process] + m->retry_delay_ms;
        if (view_is(t->reason, "expired")) {
            const struct schedule_sender *from =
                &w->senders[strcmp(m->source, w->senders[0].address) != 0];

            assert_true(world_outdated(w, m, t->at_ms) ||
                        (from->expire_outside && world_closed(w, m, t->at_ms)));
            seen->said_expired = true;
        }
    }
}

static void store_write(struct send_world *w, struct action *a)
{
    struct schedule_write write = {.token = a->token,
                                   .lease = &a->lease,
                                   .slice = &a->slice,
                                   .settled = a->settled,
                                   .settled_count = a->settled_count,
                                   .quiet = a->quiet,
                                   .lease_ms = a->lease_ms,
                                   .out_ms = a->out_ms,
                                   .at_ms = a->at_ms,
                                   .park = a->park};

    a->state = send_store_write(&w->model, &write, a->mode, send_world_store_ms(w));
    if (a->state != SCHEDULE_FENCED)
        note_settled(w, a);
}

static void store_end_call(struct send_world *w, struct action *a)
{
    struct schedule_call_end end = {
        .token = a->token, .lease = &a->lease, .slice = &a->slice, .state = &a->call};
    const struct send_store_message *m = send_store_find(&w->model, a->lease.id);
    const struct callback_state was = m->callback;
    bool wished = memcmp(m->slice[0].slice.holder, a->slice.holder, sizeof a->slice.holder) != 0;

    a->state = send_store_end_call(&w->model, &end, send_world_store_ms(w));
    if (a->state == SCHEDULE_DONE)
        world_call_ended(w, a, &was, wished);
}

/* Returns how long another one has it. */
static int64_t reserve(struct send_world *w, const struct action *a,
                       const struct send_store_message *m, size_t dest)
{
    struct send_store_gap *g = &w->model.gaps[a->sender][m->number + dest];
    bool free = g->until_ms <= w->now_ms;

    if (!free && !is_reserved_by(g, m, dest, a->holder))
        return g->until_ms - w->now_ms;
    if (free)
        g->since_ms = w->now_ms;
    g->message = m;
    g->dest = dest;
    memcpy(g->holder, a->holder, sizeof g->holder);
    g->until_ms = w->now_ms + a->gap_ms;
    return 0;
}

static void look_up(struct send_world *w, struct action *a)
{
    w->look_ups += (unsigned)a->address_count;
    for (size_t i = 0; i < a->address_count; i++) {
        size_t dest;
        struct send_store_message *m =
            send_store_of_address(&w->model, view_of(a->addresses[i]), &dest);
        bool stuck = w->stuck[shard_of(view_of(a->addresses[i]))];

        a->recipients[i].unknown = stuck || world_chance(w, w->faults.store_lost);
        if (stuck || (a->recipients[i].unknown && world_chance(w, 500)))
            continue; /* nor was it done */
        a->recipients[i].consent =
            m->consent_withdrawn[dest] ? SCHEDULE_CONSENT_WITHDRAWN : SCHEDULE_CONSENT_NONE;
        if (m->consent_withdrawn[dest])
            continue;
        if (a->gap_ms > 0)
            a->recipients[i].wait_ms = reserve(w, a, m, dest);
        if (a->recipients[i].wait_ms == 0)
            m->handed[dest] = true;
    }
    a->state = SCHEDULE_DONE;
}

static void store_outbox(struct send_world *w, struct action *a)
{
    const struct world_process *p = &w->process[a->process];

    for (size_t i = 0; i < a->id_count; i++)
        outbox_take(w, a->shard, a->ids[i]);
    a->state = SCHEDULE_DONE;
    a->ok =
        w->model.outbox_reader[a->shard] == p || w->now_ms >= w->model.outbox_reader_ms[a->shard];
    if (!a->ok)
        return;
    w->model.outbox_reader[a->shard] = p;
    w->model.outbox_reader_ms[a->shard] = w->now_ms + 5000;
    a->events = mem_zeroed(8, sizeof *a->events);
    for (size_t i = 0; i < w->model.event_count && !a->more; i++) {
        if (w->model.events[i].shard != a->shard || w->model.events[i].gone)
            continue;
        a->more = a->event_count == 8;
        if (!a->more)
            a->events[a->event_count++] = w->model.events[i].event;
    }
}

#define WORKS_MS 5000 /* gate.lua's HEARD */

/* A channel's gate: none of its own, or one probe. */
static void ask_channel(struct send_world *w, struct action *a)
{
    struct world_process *p = &w->process[a->process];
    unsigned at = a->gate - CHANNEL_GATE;

    a->stopped = w->model.stop[at].stopped;
    a->wait_ms = 0;
    if (a->works)
        w->model.stop[at].works_ms = w->now_ms;
    a->works = a->fails && w->model.stop[at].works_ms > 0 &&
               w->model.stop[at].works_ms + WORKS_MS > w->now_ms;
    if (!a->stopped || a->want == 0) {
        a->wait_ms = a->stopped && w->model.stop[at].until_ms > w->now_ms
                         ? w->model.stop[at].until_ms - w->now_ms
                         : 0;
    } else if (w->model.stop[at].until_ms > w->now_ms) {
        a->wait_ms = w->model.stop[at].until_ms - w->now_ms;
        a->want = 0;
    } else {
        w->model.stop[at].until_ms = w->now_ms + w->model.stop[at].probe_ms;
        w->model.stop[at].granted[p->index] = true;
    }
}

static void store_claim(struct send_world *w, struct action *a, bool done)
{
    static struct send_store_claimed found;

    found.answer = (struct schedule_claimed){.shard = a->claim.shard};
    if (done)
        send_store_claim(&w->model, &a->claim, a->life << 4 | a->process, send_world_store_ms(w),
                         &found);
    a->answer = found.answer;
    if (found.answer.slice_count == 0)
        return;
    a->claimed = mem_copy(&found, sizeof found);
    a->answer.messages = a->claimed->messages;
    a->answer.slices = a->claimed->slices;
}

/* As gate.lua does. */
static void grant(struct send_world *w, struct action *a)
{
    const struct schedule_sender *from = &w->senders[a->gate];
    double rate = (double)from->rate;
    double lent;
    double tokens = w->tokens[a->gate] + (double)(w->now_ms - w->tokens_ms[a->gate]) * rate / 1000;

    if (from->rate == 0)
        return; /* all that is wanted */
    if (tokens > (double)from->burst)
        tokens = (double)from->burst;
    lent = tokens + (rate / 5 > 1 ? rate / 5 : 1);
    if (a->want > (unsigned)lent)
        a->want = (unsigned)lent;
    a->wait_ms = a->want > 0 ? 0 : (int64_t)((1 - lent) * 1000 / rate) + 1;
    a->lead_us = (int64_t)((1 - tokens) * 1e6 / rate);
    w->tokens[a->gate] = tokens - a->want;
    w->tokens_ms[a->gate] = w->now_ms;
}

/* Of what belongs to one shard; recipients are looked at one by one. */
static bool is_stuck(const struct send_world *w, const struct action *a)
{
    if (a->kind == CLAIM)
        return w->stuck[a->claim.shard];
    if (a->kind == OUTBOX)
        return w->stuck[a->shard];
    return (a->kind == WRITE || a->kind == END_CALL || a->kind == CALL_BACK) &&
           w->stuck[a->lease.shard];
}

/* Reaches the store. */
void world_at_store(struct send_world *w, struct action *a)
{
    bool stuck = is_stuck(w, a);
    bool lost = stuck || w->store_down || world_chance(w, w->faults.store_lost);
    bool done = !lost || (!stuck && !w->store_down && world_chance(w, 500));
    int64_t wait_ms = stuck ? WORLD_STUCK_MS : w->faults.latency_ms;

    switch (a->kind) {
    case CLAIM:
        store_claim(w, a, done);
        if (lost)
            a->answer.state = SCHEDULE_FAILED;
        world_again(w, a, CLAIMED, wait_ms);
        return;
    case WRITE:
        if (done)
            store_write(w, a);
        break;
    case END_CALL:
        if (done)
            store_end_call(w, a);
        break;
    case CALL_BACK:
        if (done)
            send_store_call_back(&w->model, &a->lease, &a->slice);
        world_action_free(a);
        return;
    case ASK:
        if (a->gate >= CHANNEL_GATE) {
            ask_channel(w, a);
            a->state = lost ? SCHEDULE_FAILED : SCHEDULE_DONE;
            world_again(w, a, GRANTED, w->faults.latency_ms);
            return;
        }
        w->looks++;
        if (w->exact) {
            grant(w, a);
        } else {
            a->want = (unsigned)rng_below(&w->rng, a->want + 1);
            a->wait_ms = a->want == 0 ? 50 : 10;
        }
        if (w->model.gate_shut_ms[a->gate] > w->now_ms) {
            a->wait_ms = w->model.gate_shut_ms[a->gate] - w->now_ms;
            a->want = 0;
        }
        a->state = lost || w->looks_lost_ms > 0 ? SCHEDULE_FAILED : SCHEDULE_DONE;
        world_again(w, a, GRANTED, w->faults.latency_ms);
        if (w->looks_lost_ms > 0) {
            heap_remove(&w->actions, &a->at);
            heap_put(&w->actions, &a->at, w->now_ms + w->looks_lost_ms);
        }
        return;
    case RECIPIENTS:
        look_up(w, a);
        if (lost)
            a->state = SCHEDULE_FAILED;
        world_again(w, a, RECIPIENTS_ANSWER, w->faults.latency_ms);
        return;
    case OUTBOX:
        if (done)
            store_outbox(w, a);
        if (lost)
            a->state = SCHEDULE_FAILED;
        world_again(w, a, OUTBOX_ANSWER, wait_ms);
        return;
    case CLAIMED:
    case WRITTEN:
    case GRANTED:
    case RECIPIENTS_ANSWER:
    case OUTBOX_ANSWER:
    case REPLY:
    case REPORT:
    case ARRIVE:
        fail_msg("no call");
        return;
    }
    if (lost)
        a->state = SCHEDULE_FAILED;
    world_again(w, a, WRITTEN, wait_ms);
}
