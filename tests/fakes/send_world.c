#include "tests/fakes/send_world_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"

#include <stdio.h>
#include <string.h>

#define SPINS_MAX  20 /* turns in a row without a pause, a millisecond or an event after each */
#define OPEN_TIMES 3  /* of a channel's concurrency, what may be open (D6) */

bool world_chance(struct send_world *w, unsigned in_1000)
{
    return rng_below(&w->rng, 1000) < in_1000;
}

int64_t send_world_store_ms(const struct send_world *w)
{
    return WORLD_EPOCH_MS + w->now_ms;
}

void world_again(struct send_world *w, struct action *a, enum action_kind kind, int64_t most_ms)
{
    a->kind = kind;
    heap_put(&w->actions, &a->at, w->now_ms + (int64_t)rng_below(&w->rng, (uint64_t)most_ms + 1));
}

struct action *world_soon(struct world_process *p, enum action_kind kind, uint64_t token,
                          int64_t most_ms)
{
    struct action *a = mem_zeroed(1, sizeof *a);

    a->process = p->index;
    a->life = p->life;
    a->token = token;
    world_again(p->world, a, kind, most_ms);
    return a;
}

void world_action_free(struct action *a)
{
    mem_free(a->claimed);
    mem_free(a->settled);
    mem_free(a->settled_text);
    mem_free(a->events);
    mem_free(a->ids);
    mem_free(a);
}

/* ---- clocks ---- */

static int64_t mono_ms(void *ctx)
{
    return ((struct world_process *)ctx)->world->now_ms;
}

static int64_t wall_ms(void *ctx)
{
    const struct send_world *w = ((struct world_process *)ctx)->world;

    return send_world_store_ms(w) + w->wall_off_ms;
}

static uint64_t random_bits(void *ctx)
{
    return rng_next(&((struct world_process *)ctx)->world->rng);
}

/* ---- Kafka ---- */

/* The outbox numbers its entries shard by shard: an outcome's id has to say which. */
static void expect_shard_in_id(const struct sink_record *r)
{
    char shard[16];

    (void)snprintf(shard, sizeof shard, "%02u-", shard_of(r->key));
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, "ce_id")) {
            assert_true(view_starts(r->headers[i].value, view_of(shard)));
            return;
        }
    fail_msg("an outcome has no id");
}

static bool produce(void *ctx, const struct sink_record *r, struct fault *f)
{
    struct world_process *p = ctx;
    struct action *a;

    expect_shard_in_id(r);
    if (world_chance(p->world, p->world->faults.report_failed))
        return fault_set(f, FAULT_RETRY, "the queue is full");
    a = world_soon(p, REPORT, r->token, p->world->faults.latency_ms);
    a->ok = !world_chance(p->world, p->world->faults.report_failed);
    return true;
}

/* ---- what happens ---- */

static void answer_reply(struct send_world *w, struct world_process *p, struct action *a)
{
    struct http_reply r = {.token = a->token,
                           .fate = a->fate,
                           .status = a->status,
                           .body = view_of(a->body),
                           .error = "the connection was lost",
                           .secret = "of this request"};

    if (a->channel == 2 && a->fate == HTTP_ANSWERED && a->status != 202 && a->status != 503)
        w->calls[a->message].told_ms[p->index] = send_world_store_ms(w);
    if (a->channel != 2) {
        struct world_seen *seen = &w->seen[a->message][a->dest];

        seen->known_ms[p->index] = send_world_store_ms(w);
        if (a->fate == HTTP_ANSWERED && a->status == 200 && a->token == seen->going[p->index].token)
            seen->going[p->index].taken++; /* else it is of a lease that was lost */
    }
    p->out--;
    schedule_on_reply(p->loop, &r);
}

/* Reaches the process that asked, if it is still the same. */
static void at_process(struct send_world *w, struct action *a)
{
    struct world_process *p = &w->process[a->process];
    struct schedule_answers to = schedule_answers_of(p->loop);

    switch (a->kind) {
    case CLAIMED:
        to.claimed(to.owner, &a->answer);
        break;
    case WRITTEN:
        to.written(to.owner, a->token, a->state);
        break;
    case GRANTED:
        to.granted(to.owner, &(struct schedule_grant){.token = a->token,
                                                      .state = a->state,
                                                      .granted = a->want,
                                                      .wait_ms = a->wait_ms,
                                                      .lead_us = a->lead_us,
                                                      .stopped = a->stopped,
                                                      .works = a->works,
                                                      .why = VIEW("401")});
        break;
    case RECIPIENTS_ANSWER:
        to.recipients(to.owner, &(struct schedule_recipients_answer){.token = a->token,
                                                                     .state = a->state,
                                                                     .recipients = a->recipients,
                                                                     .count = a->address_count});
        break;
    case OUTBOX_ANSWER:
        to.outbox(to.owner, &(struct schedule_outbox){.shard = a->shard,
                                                      .state = a->state,
                                                      .other = !a->ok,
                                                      .more = a->more,
                                                      .events = a->events,
                                                      .count = a->event_count});
        break;
    case REPLY:
        answer_reply(w, p, a);
        break;
    case REPORT:
        schedule_on_report(p->loop, a->token, a->ok, "no broker");
        break;
    case CLAIM:
    case WRITE:
    case END_CALL:
    case CALL_BACK:
    case ASK:
    case RECIPIENTS:
    case OUTBOX:
    case ARRIVE:
        fail_msg("no answer");
    }
}

static bool is_answer(enum action_kind kind)
{
    return kind == CLAIMED || kind == WRITTEN || kind == GRANTED || kind == RECIPIENTS_ANSWER ||
           kind == OUTBOX_ANSWER || kind == REPLY || kind == REPORT;
}

static void happen(struct send_world *w, struct action *a)
{
    const struct world_process *p = &w->process[a->process];

    if (a->kind == ARRIVE) {
        world_arrive(w, a);
        world_again(w, a, REPLY, a->channel == 2 ? WORLD_CALL_MOST_MS : w->faults.carrier_ms);
        return;
    }
    if (!is_answer(a->kind)) {
        world_at_store(w, a);
        return;
    }
    if (a->kind == REPLY && a->channel == 2 && w->calls[a->message].out &&
        w->calls[a->message].number == a->attempt)
        world_call_over(w, a);
    if (p->loop != NULL && p->life == a->life) {
        if (p->stopped_to_ms > w->now_ms) { /* it waits in the socket */
            heap_put(&w->actions, &a->at, p->stopped_to_ms);
            return;
        }
        at_process(w, a);
    }
    world_action_free(a);
}

/* Some process knows of a result that the store does not know of. */
static bool is_told(const struct send_world *w)
{
    for (size_t i = 0; i < w->model.count; i++)
        for (unsigned p = 0; p < WORLD_PROCESSES; p++)
            if (w->calls[i].unsettled && w->calls[i].told_ms[p] > 0)
                return true;
    return false;
}

/* Nothing is under way and nothing due for long: until shortly before that the machine sleeps. */
static bool sleep_long(struct send_world *w)
{
    int64_t next_ms = send_store_next_ms(&w->model);
    int64_t to_ms = next_ms == INT64_MAX ? 0 : next_ms - WORLD_EPOCH_MS - 2000;

    if (!w->days || is_told(w) || to_ms < w->now_ms + 10000)
        return false;
    w->now_ms = to_ms;
    return true;
}

static void put_away(struct world_process *p)
{
    schedule_free(p->loop);
    stats_free(p->stats);
    p->loop = NULL;
}

/* It was to, and nothing of it is under way any more. */
static bool has_ended(const struct send_world *w, struct world_process *p)
{
    if (!schedule_drained(p->loop)) {
        if (p->ends_ms > 0 && w->now_ms > p->ends_ms)
            fail_msg("process %u does not end", p->index);
        return false;
    }
    assert_int_equal(p->out, 0);
    put_away(p);
    return true;
}

void send_world_step(struct send_world *w)
{
    struct heap_item *item;
    int64_t next = w->now_ms + 1000;

    for (unsigned i = 0; i < WORLD_PROCESSES; i++) {
        struct world_process *p = &w->process[i];
        int64_t wait_ms;

        if (p->loop == NULL)
            continue;
        if (p->stopped_to_ms > w->now_ms) {
            if (p->stopped_to_ms < next)
                next = p->stopped_to_ms;
            continue;
        }
        wait_ms = schedule_turn(p->loop);
        if (has_ended(w, p))
            continue;
        p->spins = wait_ms == 0 ? p->spins + 1 : 0;
        if (p->spins > SPINS_MAX)
            fail_msg("the loop turns in place");
        if (wait_ms >= 0 && w->now_ms + wait_ms < next)
            next = w->now_ms + wait_ms;
    }
    item = heap_first(&w->actions);
    if (item == NULL && sleep_long(w))
        return;
    if (item != NULL && item->at_ms <= next) {
        if (item->at_ms > w->now_ms)
            w->now_ms = item->at_ms;
        heap_remove(&w->actions, item);
        happen(w, (struct action *)(void *)((char *)item - offsetof(struct action, at)));
    } else {
        w->now_ms = next > w->now_ms ? next : w->now_ms + 1;
    }
}

void send_world_until(struct send_world *w, int64_t time_ms)
{
    while (w->now_ms < time_ms)
        send_world_step(w);
}

void send_world_end(struct send_world *w, size_t steps_max)
{
    for (size_t i = 0; i < steps_max && !send_world_finished(w); i++)
        send_world_step(w);
    assert_true(send_world_finished(w));
    send_world_check_end(w);
    send_world_done(w);
}

/* ---- processes ---- */

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count)
{
    (void)ctx, (void)level, (void)event, (void)fields, (void)field_count;
}

void send_world_boot(struct send_world *w, unsigned process)
{
    static const struct notice silent = {NULL, NOTICE_ERROR, say};
    struct world_process *p = &w->process[process];
    struct schedule_ports ports = {
        .schedule = world_store_port(p),
        .http = world_http_port(p),
        .sink = {p, produce},
        .clock = {p, mono_ms, wall_ms, random_bits},
        .log = &silent,
    };

    if (p->loop != NULL)
        return;
    p->life++;
    p->stopped_to_ms = 0;
    p->out = 0;
    p->ends_ms = 0;
    p->stats = stats_new();
    ports.stats = p->stats;
    p->conf = w->conf;
    if (process > 0 && world_chance(w, 300)) /* calls are the other's, then */
        p->conf.dialler = -1;
    p->loop = schedule_new(&p->conf, &ports);
}

void send_world_kill(struct send_world *w, unsigned process)
{
    struct world_process *p = &w->process[process];

    if (p->loop == NULL)
        return;
    w->deaths++; /* what it had sent and had not recorded is sent again */
    put_away(p);
}

void send_world_stop(struct send_world *w, unsigned process, int64_t for_ms)
{
    w->process[process].stopped_to_ms = w->now_ms + for_ms;
    w->deaths += w->process[process].loop != NULL;
}

void send_world_drain(struct send_world *w, unsigned process)
{
    struct world_process *p = &w->process[process];

    if (p->loop == NULL || p->ends_ms > 0)
        return;
    schedule_drain(p->loop);
    p->ends_ms = w->now_ms + w->conf.drain_ms;
}

void send_world_lose_store(struct send_world *w, bool lost)
{
    w->store_down = lost;
    for (unsigned i = 0; lost && i < WORLD_PROCESSES; i++)
        w->deaths += w->process[i].loop != NULL; /* its leases may end */
}

static void note_marks(const struct send_store_message *m, uint16_t *marks)
{
    for (size_t k = 0; k < m->slices; k++)
        marks[k] = m->slice[k].slice.watermark;
}

void send_world_pause(struct send_world *w, size_t message, bool paused)
{
    struct send_store_message *m = &w->model.messages[message];

    m->paused = paused;
    note_marks(m, w->paused_mark[message]);
    w->paused_ms[message] = !paused ? 0 : w->now_ms > 0 ? w->now_ms : 1;
}

void send_world_delete(struct send_world *w, size_t message)
{
    struct send_store_message *m = &w->model.messages[message];

    if (!m->live || m->kind != SCHEDULE_MESSAGE)
        return;
    note_marks(m, w->deleted_mark[message]);
    send_store_delete(&w->model, m, send_world_store_ms(w));
    w->deleted_ms[message] = w->now_ms > 0 ? w->now_ms : 1;
}

void send_world_withdraw(struct send_world *w, size_t message, size_t dest)
{
    struct send_store_message *m = &w->model.messages[message];

    if (dest >= m->count || m->kind != SCHEDULE_MESSAGE ||
        strcmp(m->source, w->senders[1].address) != 0 || m->consent_withdrawn[dest])
        return;
    m->consent_withdrawn[dest] = true;
    w->seen[message][dest].withdrawn_ms = w->now_ms > 0 ? w->now_ms : 1;
    w->seen[message][dest].overtaken = m->handed[dest];
}

/* ---- the whole ---- */

static void make_conf(struct send_world *w)
{
    static const struct zone utc;
    static const char *const names[] = {"one", "two", "calls"};

    for (unsigned i = 0; i < 3; i++)
        w->channels[i] = (struct schedule_channel){
            .name = names[i], .setup = {.name = "fake"}, .http = i, .slots = 4, .timeout_ms = 2000};
    w->channels[0].setup.kind = w->channels[1].setup.kind = world_channel();
    w->channels[2].dialler = world_dialler();
    w->channels[2].timeout_ms = WORLD_CALL_MOST_MS + w->faults.carrier_ms;
    w->senders[0] = (struct schedule_sender){.address = "sms@x", .channel = 0, .zone = &utc};
    w->senders[1] = (struct schedule_sender){.address = "wa@x",
                                             .channel = 1,
                                             .usage = "whatsapp",
                                             .gap_ms = 100,
                                             .rate = 20,
                                             .burst = 20,
                                             .zone = &utc};
    w->conf = (struct schedule_conf){
        .channels = w->channels,
        .channel_count = 3,
        .senders = w->senders,
        .sender_count = 2,
        .dialler = 2,
        .in_flight = 8,
        .lease_ms = 8000,
        .drain_ms = 5000,
        .breaker = {.failures = 5, .open = {200, 2000}},
        .callback_retry_ms = 3000,
        .callback_handling_ms = WORLD_HANDLING_MS,
        .retention_ms = 3600000,
        .outcomes_topic = "cmi-outcomes",
    };
}

void send_world_lengthen(struct send_store_message *m, unsigned parts)
{
#define NINETY                                                                                     \
    "The quick brown fox jumps over the lazy dog. The quick brown fox jumps over the lazy dog. "
    static const char text[] = NINETY NINETY NINETY NINETY;
#undef NINETY

    assert_in_range(parts, 2, 3);
    m->body = text + sizeof text - 1 - (size_t)170 * (parts - 1);
}

static void make_message(struct send_world *w)
{
    bool call = world_chance(w, 250);
    bool gated = world_chance(w, 400);
    struct send_store_message *m =
        send_store_add(&w->model, call ? SCHEDULE_CALLBACK : SCHEDULE_MESSAGE,
                       call ? 1 : 1 + rng_below(&w->rng, SEND_STORE_DEST_MAX));

    m->source = call ? "" : w->senders[gated].address;
    m->sub_type = gated ? "whatsapp" : "sms";
    if (world_chance(w, 400))
        send_world_lengthen(m, 2 + (unsigned)rng_below(&w->rng, 2));
    m->at_ms = send_world_store_ms(w) + (int64_t)rng_below(&w->rng, 5000);
    m->retry_delay_ms = 1000 + (int64_t)rng_below(&w->rng, 2000);
    m->attempts_max = 1 + (unsigned)rng_below(&w->rng, 3);
    m->callback.next_call_ms = m->at_ms;
    for (size_t k = 0; k < m->slices; k++)
        m->slice[k].due_ms = m->at_ms;
}

/* In some worlds a minute in which one of the senders may not send begins soon, and another one
 * later; in some, messages are worthless soon. */
static void make_limits(struct send_world *w)
{
    struct schedule_sender *from = &w->senders[rng_below(&w->rng, 2)];
    struct fault f = {0};

    if (world_chance(w, 200)) {
        assert_true(hours_parse(VIEW("00:00-22:14, 22:15-22:17, 22:18-24:00"), &from->hours, &f));
        from->expire_outside = world_chance(w, 400);
        w->now_ms = 30000 + (int64_t)rng_below(&w->rng, 10000); /* the epoch is at 22:13:20 */
    }
    if (world_chance(w, 200))
        w->conf.valid_for_ms = 1000 + (int64_t)rng_below(&w->rng, 6000);
}

static void init(struct send_world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->rng = rng_of(seed);
    heap_init(&w->actions);
    w->faults = (struct schedule_faults){.latency_ms = 3, .carrier_ms = 150};
    w->shunned_as = 401;
    send_store_init(&w->model);
    make_conf(w);
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        w->process[i] = (struct world_process){.world = w, .index = i};
}

void send_world_init(struct send_world *w, uint64_t seed)
{
    size_t messages;

    init(w, seed);
    make_limits(w);
    messages = 1 + rng_below(&w->rng, 6);
    for (size_t i = 0; i < messages; i++)
        make_message(w);
}

void send_world_init_days(struct send_world *w, uint64_t seed)
{
    struct fault f = {0};

    init(w, seed);
    w->days = true;
    w->conf.callback_retry_ms = 300000;
    w->conf.callback_handling_ms = 3600000;
    if (world_chance(w, 500)) {
        assert_true(
            hours_parse(VIEW("Mo-Fr 08:00-16:00, Sa 10:00-12:00"), &w->conf.call_hours, &f));
        w->conf.call_zone = w->senders[0].zone;
    }
    for (size_t i = 0; i < SEND_STORE_MESSAGES_MAX; i++) {
        struct send_store_message *m = send_store_add(&w->model, SCHEDULE_CALLBACK, 1);

        m->source = "";
        m->sub_type = "";
        m->at_ms = send_world_store_ms(w) + (int64_t)rng_below(&w->rng, 3 * 86400000);
        m->callback.next_call_ms = m->slice[0].due_ms = m->at_ms;
        m->callback.max_calls = 1 + (int64_t)rng_below(&w->rng, 4);
    }
}

void send_world_init_empty(struct send_world *w, uint64_t seed)
{
    init(w, seed);
    w->exact = true;
}

struct send_store_message *send_world_add(struct send_world *w, int sender, size_t count,
                                          int64_t due_ms)
{
    struct send_store_message *m =
        send_store_add(&w->model, sender < 0 ? SCHEDULE_CALLBACK : SCHEDULE_MESSAGE, count);

    m->source = sender < 0 ? "" : w->senders[sender].address;
    m->sub_type = sender < 0 ? "" : sender == 0 ? "sms" : "whatsapp";
    m->attempts_max = 1;
    m->at_ms = m->callback.next_call_ms = WORLD_EPOCH_MS + due_ms;
    for (size_t k = 0; k < m->slices; k++)
        m->slice[k].due_ms = m->at_ms;
    return m;
}

void send_world_init_singles(struct send_world *w, uint64_t seed, size_t count)
{
    send_world_init_empty(w, seed);
    for (size_t i = 0; i < count; i++)
        send_world_add(w, 1, 1, 1000)->number = i;
}

void send_world_done(struct send_world *w)
{
    struct heap_item *item;

    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        send_world_kill(w, i);
    while ((item = heap_first(&w->actions)) != NULL) {
        heap_remove(&w->actions, item);
        world_action_free((struct action *)(void *)((char *)item - offsetof(struct action, at)));
    }
    heap_done(&w->actions);
    send_store_done(&w->model);
}

bool send_world_finished(const struct send_world *w)
{
    return send_store_all_ended(&w->model);
}

static void check_destination(struct send_world *w, size_t at, size_t dest)
{
    const struct send_store_message *m = &w->model.messages[at];
    const struct world_seen *seen = &w->seen[at][dest];

    if (seen->accepted > seen->attempts && !seen->said_duplicate)
        fail_msg("message %zu: %zu has it %u times in %u attempts, and nothing says so", at, dest,
                 seen->accepted, seen->attempts);
    if (seen->started > 1 && !seen->said_duplicate)
        fail_msg("message %zu: %zu got the beginning %u times, and nothing says so", at, dest,
                 seen->started);
    if (seen->said_handled && seen->accepted == 0)
        fail_msg("message %zu: %zu is handled, and the carrier does not know of it", at, dest);
    if (m->deleted)
        return;
    if (!seen->said_handled && !seen->said_failed)
        fail_msg("message %zu: %zu is missing", at, dest);
    if (seen->said_failed && !seen->refused && !seen->said_expired && seen->withdrawn_ms == 0 &&
        seen->attempts < m->attempts_max)
        fail_msg("message %zu: %zu was given up after %u attempts of %u", at, dest, seen->attempts,
                 m->attempts_max);
}

void send_world_check_end(struct send_world *w)
{
    for (size_t i = 0; i < w->model.count; i++) {
        const struct send_store_message *m = &w->model.messages[i];
        size_t ended = 0;

        if (m->kind == SCHEDULE_CALLBACK) {
            assert_false(m->callback.open);
            continue;
        }
        for (size_t d = 0; d < m->count; d++)
            check_destination(w, i, d);
        for (size_t k = 0; k < m->slices; k++)
            ended += slice_ended(&m->slice[k].slice);
        if (!m->deleted)
            assert_int_equal(ended, m->count); /* D9 */
    }
}

void send_world_check_repeats(const struct send_world *w)
{
    for (size_t i = 0; i < 2; i++)
        if (w->repeats[i] > OPEN_TIMES * (unsigned)w->channels[i].slots * w->deaths)
            fail_msg("channel %zu has %u requests again after %u deaths", i, w->repeats[i],
                     w->deaths);
}

void send_world_print(const struct send_world *w)
{
    for (size_t i = 0; i < w->model.count; i++)
        for (size_t k = 0; k < w->model.messages[i].slices; k++) {
            const struct send_store_message *m = &w->model.messages[i];
            const struct send_store_slice *s = &m->slice[k];

            if (m->live || s->queued || s->leased)
                print_message(
                    "message %zu.%zu: kind %d live %d deleted %d queued %d due in %d ms, "
                    "leased %d for %d ms, attempt %u of %u, watermark %u of %u, ended %zu\n",
                    i, k, (int)m->kind, m->live, m->deleted, s->queued,
                    (int)(s->due_ms - send_world_store_ms(w)), s->leased,
                    (int)(s->lease_ends_ms - send_world_store_ms(w)), s->slice.attempt,
                    m->attempts_max, s->slice.watermark, s->slice.count, slice_ended(&s->slice));
        }
}
