#define _GNU_SOURCE /* memmem */
#include "tests/fakes/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "bridge/io/json_in.h"
#include "bridge/io/msgpack_in.h"

#include <stdio.h>
#include <string.h>

/* Something that will happen: an effect, an answer. */
#define LINGER_MS 5

struct action {
    struct heap_item at;
    enum world_action kind;
    uint32_t life;
    uint64_t token;
    enum http_fate fate;
    int status;
    bool retry_after;
    bool ok;
    bool cut;
    int64_t batch; /* of a report, where there is something unwritable; else 0 */
    enum memory_state state;
    char text[4096];
};

static bool chance(struct world *w, unsigned in_1000)
{
    return rng_below(&w->rng, 1000) < in_1000;
}

static struct action *soon(struct world *w, enum world_action kind, uint64_t token)
{
    struct action *a = mem_zeroed(1, sizeof *a);

    a->kind = kind;
    a->life = w->life;
    a->token = token;
    heap_put(&w->actions, &a->at,
             w->now_ms + 1 + (int64_t)rng_below(&w->rng, (uint64_t)w->faults.latency_ms));
    return a;
}

/* ---- clocks ---- */

static int64_t mono_ms(void *ctx)
{
    return ((struct world *)ctx)->now_ms;
}

static int64_t wall_ms(void *ctx)
{
    return INT64_C(1700000000000) + ((struct world *)ctx)->now_ms;
}

static uint64_t random_bits(void *ctx)
{
    return rng_next(&((struct world *)ctx)->rng);
}

/* ---- broker ---- */

static void give_back(void *ctx, void *owner)
{
    struct world *w = ctx;

    assert_non_null(owner);
    assert_true(w->records_out > 0);
    w->records_out--;
}

static void pause_slot(void *ctx, unsigned slot)
{
    ((struct world *)ctx)->partitions[slot].paused = true;
}

static void resume_slot(void *ctx, unsigned slot)
{
    ((struct world *)ctx)->partitions[slot].paused = false;
}

static bool commit(void *ctx, unsigned slot, uint32_t epoch, int64_t next_offset, bool now,
                   struct fault *f)
{
    struct world *w = ctx;

    if (!w->partitions[slot].assigned || w->partitions[slot].epoch != epoch)
        return fault_set(f, FAULT_REJECT, "partition %u is not assigned", slot);
    assert_true(next_offset >= w->partitions[slot].wanted);
    world_check_commit(w, (int)slot, next_offset);
    w->partitions[slot].wanted = next_offset;
    w->waits += now;
    for (unsigned i = 0; i < WORLD_PARTITIONS && now; i++) /* all go out with what is waited for */
        if (w->partitions[i].assigned)
            w->partitions[i].committed = w->partitions[i].wanted;
    return true;
}

static void assign(struct world *w, const bool which[WORLD_PARTITIONS])
{
    struct source_partition parts[WORLD_PARTITIONS];
    struct source_owner owner = consume_source_owner(w->consumer);
    size_t n = 0;

    for (unsigned i = 0; i < WORLD_PARTITIONS; i++) {
        if (!which[i])
            continue;
        w->partitions[i].assigned = true;
        w->partitions[i].paused = false;
        w->partitions[i].epoch = ++w->epoch;
        w->partitions[i].fetched = w->partitions[i].committed;
        w->partitions[i].wanted = w->partitions[i].committed;
        parts[n++] = (struct source_partition){.slot = i,
                                               .epoch = w->epoch,
                                               .topic = "contact-events",
                                               .partition = (int32_t)i,
                                               .next_offset = w->partitions[i].committed};
    }
    owner.assigned(owner.ctx, parts, n);
}

static void released(void *ctx)
{
    struct world *w = ctx;

    assert_true(w->revoking);
    assert_true(w->waits <= 1); /* each may take as long as a broker that doesn't answer */
    w->revoking = false;
    for (unsigned i = 0; i < WORLD_PARTITIONS; i++) {
        if (!w->revoked[i])
            continue;
        if (w->partitions[i].assigned) /* else it was lost, and what was wanted with it */
            assert_int_equal(w->partitions[i].committed, w->partitions[i].wanted);
        w->partitions[i].assigned = false;
    }
}

/* Takes those that w->revoked names. */
static void revoke(struct world *w, bool lost)
{
    struct source_partition parts[WORLD_PARTITIONS];
    struct source_owner owner;
    size_t n = 0;

    for (unsigned i = 0; i < WORLD_PARTITIONS; i++) {
        if (!w->revoked[i])
            continue;
        parts[n++] = (struct source_partition){.slot = i,
                                               .epoch = w->partitions[i].epoch,
                                               .topic = "contact-events",
                                               .partition = (int32_t)i};
        if (lost)
            w->partitions[i].assigned = false;
    }
    if (n == 0)
        return;
    w->revoking = true;
    w->waits = 0;
    owner = consume_source_owner(w->consumer);
    owner.revoked(owner.ctx, parts, n, lost);
}

void world_rebalance(struct world *w, bool lost)
{
    if (w->consumer == NULL || w->revoking)
        return;
    for (unsigned i = 0; i < WORLD_PARTITIONS; i++)
        w->revoked[i] = w->partitions[i].assigned && chance(w, 500);
    revoke(w, lost);
}

static void hand_over(struct world *w, unsigned i)
{
    struct source_owner owner = consume_source_owner(w->consumer);
    struct world_event *e = &w->events[w->partitions[i].events[w->partitions[i].fetched]];
    struct record r = {.slot = i,
                       .epoch = w->partitions[i].epoch,
                       .topic = VIEW("contact-events"),
                       .partition = (int32_t)i,
                       .offset = e->offset,
                       .timestamp_ms = wall_ms(w),
                       .has_key = true,
                       .key = view_of(e->key_text),
                       .has_value = true,
                       .value = view_of(e->body),
                       .headers = e->headers,
                       .header_count = 7,
                       .owner = e};

    w->partitions[i].fetched++;
    w->records_out++;
    owner.record(owner.ctx, &r);
}

/* ---- the CMI ---- */

static struct world_event *event_of_id(struct world *w, struct view id)
{
    for (size_t i = 0; i < w->event_count; i++)
        if (view_is(id, w->events[i].id))
            return &w->events[i];
    return NULL;
}

static struct world_event *event_of_body(struct world *w, struct view body)
{
    for (size_t i = 0; i < w->event_count; i++)
        if (view_is(body, w->events[i].body))
            return &w->events[i];
    fail_msg("a body was sent that no event has: %.*s", VIEW_ARG(body));
    return NULL;
}

static void take_effect(struct world *w, struct world_event *e)
{
    if (e->kind == WORLD_INGEST || w->honours_key[e->destination]) {
        if (e->effects == 0) {
            e->effect_order = ++w->order;
            e->effects = 1;
        }
        return;
    }
    if (e->effects++ == 0)
        e->effect_order = ++w->order;
}

static struct view header_of(const struct http_call *call, const char *name)
{
    for (size_t i = 0; i < call->header_count; i++)
        if (view_is(call->headers[i].name, name))
            return call->headers[i].value;
    return VIEW_NONE;
}

/* The next event that a batch holds, found by its id in the JSON; NULL: none. */
static struct world_event *next_of_batch(struct world *w, struct view *rest)
{
    struct world_event *e = NULL;

    while (e == NULL && rest->n > 6) {
        bool here = view_starts(*rest, VIEW("\"id\":\""));

        *rest = view_skip(*rest, here ? 6 : 1);
        if (here)
            e = event_of_id(w, view_cut(rest, '"'));
    }
    return e;
}

static void ingest(struct world *w, const struct http_call *call, struct action *a)
{
    struct view rest = call->body;
    struct world_event *e;
    bool any_bad = false;
    size_t n = 0;

    while ((e = next_of_batch(w, &rest)) != NULL)
        any_bad |= e->kind == WORLD_INGEST_REFUSED;
    if (any_bad && w->refuses_whole) {
        a->status = 400;
        (void)snprintf(a->text, sizeof a->text, "malformed");
        return;
    }
    rest = call->body;
    while ((e = next_of_batch(w, &rest)) != NULL) {
        bool bad = e->kind == WORLD_INGEST_REFUSED;

        if (!bad)
            take_effect(w, e);
        n += (size_t)snprintf(a->text + n, sizeof a->text - n, "%c{\"status\":%d}",
                              n > 0 ? ',' : '[', bad ? 400 : 204);
    }
    (void)snprintf(a->text + n, sizeof a->text - n, "]");
    a->status = 200;
    a->cut = n + 1 > w->answer_max;
    if (a->cut)
        a->text[w->answer_max] = '\0';
}

static void write_one(struct world *w, const struct http_call *call, struct action *a)
{
    struct world_event *e = event_of_body(w, call->body);

    assert_int_equal(header_of(call, "Idempotency-Key").n, 32);
    if (e == w->failing) {
        w->failing_tries++;
        a->status = 503;
        return;
    }
    if (e->kind == WORLD_REFUSED) {
        a->status =
            w->other_refusal != 0 && (e - w->events) % 2 != 0 ? w->other_refusal : w->refusal;
        (void)snprintf(a->text, sizeof a->text, "bad: %.*s\n%.*s", VIEW_ARG(call->body),
                       VIEW_ARG(call->body)); /* as some do: D11 is ours to keep */
        return;
    }
    take_effect(w, e);
    a->status = e->kind == WORLD_POST ? 201 : 204;
    if (e->kind == WORLD_POST)
        (void)snprintf(a->text, sizeof a->text, "%032d", (int)(e - w->events));
}

static bool submit(void *ctx, const struct http_call *call, struct fault *f)
{
    struct world *w = ctx;
    struct action *a = soon(w, WORLD_REPLY, call->token);
    unsigned destination = call->destination == 2 ? 0 : call->destination;

    (void)f;
    if (w->down[destination] || chance(w, w->faults.not_sent)) {
        a->fate = HTTP_NOT_SENT;
        return true;
    }
    if (w->unauthorised[destination]) {
        a->status = 401;
        return true;
    }
    if (chance(w, w->faults.request_lost)) {
        a->fate = HTTP_UNKNOWN;
        return true;
    }
    if (chance(w, w->faults.throttle)) {
        a->status = 429;
        a->retry_after = true;
        return true;
    }
    if (chance(w, w->faults.error_500) && chance(w, 500)) {
        a->status = 500;
        return true;
    }
    if (call->destination == 2)
        ingest(w, call, a);
    else
        write_one(w, call, a);
    if (chance(w, w->faults.error_500) && a->status < 300)
        a->status = 502;
    if (chance(w, w->faults.reply_lost))
        a->fate = HTTP_UNKNOWN;
    return true;
}

static void cancel_in(struct world *w, struct heap *from, uint64_t token)
{
    for (size_t i = 1; i <= from->count; i++) {
        struct action *a = (struct action *)(void *)from->items[i];

        if (a->kind != WORLD_REPLY || a->life != w->life || a->token != token)
            continue;
        a->fate = HTTP_UNKNOWN;
        heap_remove(from, &a->at);
        heap_put(&w->actions, &a->at, w->now_ms);
        return;
    }
}

static void cancel(void *ctx, uint64_t token)
{
    struct world *w = ctx;

    cancel_in(w, &w->actions, token);
    cancel_in(w, &w->held, token);
}

/* ---- the producer ---- */

/* What is produced within LINGER_MS is one batch, refused together or taken together. */
static void join_batch(struct world *w, struct action *a, const struct world_event *e)
{
    a->batch = w->now_ms / LINGER_MS;
    if (e == w->unwritable) {
        w->unwritable_tries++;
        w->bad_batches[a->batch % WORLD_BATCHES] = a->batch;
    }
    heap_remove(&w->actions, &a->at);
    heap_put(&w->actions, &a->at, (a->batch + 1) * LINGER_MS);
}

static bool produce(void *ctx, const struct sink_record *r, struct fault *f)
{
    struct world *w = ctx;
    struct action *a;

    if (chance(w, w->faults.report_failed))
        return fault_set(f, FAULT_RETRY, "the queue is full");
    if (chance(w, w->faults.report_failed))
        return fault_set(f, FAULT_STOP, "the topic is gone");
    a = soon(w, WORLD_REPORT, r->token);
    a->ok = !chance(w, w->faults.report_failed);
    if (!a->ok)
        return true;
    if (w->unwritable != NULL)
        join_batch(w, a, world_event_of(w, r));
    if (w->unwritable == NULL || w->unwritable != world_event_of(w, r))
        world_take_record(w, r);
    return true;
}

/* ---- the memory ---- */

static bool up(void *ctx)
{
    return !((struct world *)ctx)->silent[WORLD_ANSWER];
}

static size_t memory_of(struct world *w, char what, struct view a, struct view b)
{
    char name[80];
    size_t i;

    (void)snprintf(name, sizeof name, "%c:%.*s:%.*s", what, VIEW_ARG(a), VIEW_ARG(b));
    for (i = 0; i < w->memory_count; i++)
        if (strcmp(w->memory[i].name, name) == 0)
            return i;
    assert_true(i < sizeof w->memory / sizeof w->memory[0]);
    (void)snprintf(w->memory[i].name, sizeof w->memory[i].name, "%s", name);
    w->memory_count++;
    return i;
}

static void find(void *ctx, uint64_t token, struct view resource, struct view ref)
{
    struct world *w = ctx;
    struct action *a = soon(w, WORLD_ANSWER, token);
    size_t i = memory_of(w, 'r', resource, ref);

    w->asked++;
    w->asked_while_away += w->silent[WORLD_ANSWER];
    a->state = w->memory[i].value[0] != '\0' ? MEMORY_FOUND : MEMORY_NONE;
    (void)snprintf(a->text, sizeof a->text, "%s", w->memory[i].value);
}

static void keep(void *ctx, uint64_t token, struct view resource, struct view ref, struct view id)
{
    struct world *w = ctx;
    struct action *a = soon(w, WORLD_ANSWER, token);
    size_t i = memory_of(w, 'r', resource, ref);

    a->state = chance(w, w->faults.memory_failed) ? MEMORY_FAILED : MEMORY_STORED;
    if (a->state != MEMORY_STORED)
        return;
    (void)snprintf(a->text, sizeof a->text, "%s", w->memory[i].value);
    (void)snprintf(w->memory[i].value, sizeof w->memory[i].value, "%.*s", VIEW_ARG(id));
}

static void begin(void *ctx, uint64_t token, struct view key)
{
    struct world *w = ctx;
    struct action *a = soon(w, WORLD_ANSWER, token);
    size_t i = memory_of(w, 'l', key, VIEW(""));

    a->state = w->memory[i].ended ? MEMORY_ENDED : w->memory[i].begun ? MEMORY_BEGUN : MEMORY_NONE;
    (void)snprintf(a->text, sizeof a->text, "%s", w->memory[i].value);
    w->memory[i].begun = true;
}

static void end(void *ctx, uint64_t token, struct view key, struct view id)
{
    struct world *w = ctx;
    struct action *a = soon(w, WORLD_ANSWER, token);
    size_t i = memory_of(w, 'l', key, VIEW(""));

    a->state = chance(w, w->faults.memory_failed) ? MEMORY_FAILED : MEMORY_STORED;
    if (a->state == MEMORY_STORED) {
        w->memory[i].ended = true;
        (void)snprintf(w->memory[i].value, sizeof w->memory[i].value, "%.*s", VIEW_ARG(id));
    }
}

static void forget(void *ctx, struct view key)
{
    struct world *w = ctx;
    size_t i = memory_of(w, 'l', key, VIEW(""));

    w->memory[i].begun = false;
}

/* ---- lives ---- */

static void count_line(void *ctx, enum notice_level level, const char *event,
                       const struct notice_field *fields, size_t count)
{
    struct world *w = ctx;

    (void)level, (void)fields, (void)count;
    w->said += w->watched != NULL && strcmp(event, w->watched) == 0;
}

void world_boot(struct world *w)
{
    bool all[WORLD_PARTITIONS];
    struct consume_ports ports = {
        .source = {w, give_back, pause_slot, resume_slot, commit, released},
        .http = {w, submit, cancel},
        .sink = {w, produce},
        .memory = {w, up, find, keep, begin, end, forget},
        .codec = {json_in_read, msgpack_in_read, crypto_sha256},
        .clock = {w, mono_ms, wall_ms, random_bits},
        .log = &w->log,
    };

    memset(all, true, sizeof all);
    w->log = (struct notice){w, w->watched != NULL ? NOTICE_WARN : NOTICE_ERROR, count_line};
    w->life++;
    w->records_out = 0;
    w->revoking = false;
    w->leaving = false;
    stats_free(w->stats);
    ports.stats = w->stats = stats_new();
    w->consumer = consume_new(&w->conf, &ports);
    assign(w, all);
}

void world_kill(struct world *w)
{
    consume_free(w->consumer);
    w->consumer = NULL;
    w->leaving = false;
    assert_int_equal(w->records_out, 0);
    for (unsigned i = 0; i < WORLD_PARTITIONS; i++)
        w->partitions[i].assigned = false;
}

void world_leave(struct world *w)
{
    if (w->consumer == NULL || w->leaving)
        return;
    w->leaving = true;
    consume_drain(w->consumer);
}

/* The broker takes all partitions back; when the consumer has let them go and is drained, it is
 * over, and owes nothing. */
static void go_on_leaving(struct world *w)
{
    bool any = false;

    if (w->revoking)
        return;
    for (unsigned i = 0; i < WORLD_PARTITIONS; i++)
        any |= w->revoked[i] = w->partitions[i].assigned;
    if (any) {
        if (chance(w, 200))
            revoke(w, false);
        return;
    }
    if (!consume_drained(w->consumer))
        return;
    w->left_over = w->records_out;
    world_kill(w);
}

void world_retune(struct world *w)
{
    struct consume_conf fresh = w->conf;

    if (w->consumer == NULL)
        return;
    fresh.retry = (struct backoff){1 + (int64_t)rng_below(&w->rng, 1000),
                                   1000 + (int64_t)rng_below(&w->rng, 10000)};
    fresh.retry_after_max_ms = 1000 + (int64_t)rng_below(&w->rng, 60000);
    fresh.breaker.failures = 1 + (int)rng_below(&w->rng, 10);
    fresh.breaker.open.base_ms = 1 + (int64_t)rng_below(&w->rng, 1000);
    fresh.head_of_line_ms = 1 + (int64_t)rng_below(&w->rng, 60000);
    consume_retune(w->consumer, &fresh);
}

static void happen(struct world *w, struct action *a)
{
    struct http_reply reply = {.token = a->token,
                               .fate = a->fate,
                               .status = a->status,
                               .retry_after = a->retry_after ? VIEW("2") : VIEW_NONE,
                               .body = view_of(a->text),
                               .cut = a->cut,
                               .error = a->fate == HTTP_ANSWERED ? NULL : "gone",
                               .elapsed_ms = 1};
    struct memory_answer answer = {a->token, a->state, view_of(a->text), "refused"};

    if (w->consumer == NULL || a->life != w->life)
        return;
    if (a->kind == WORLD_REPLY)
        consume_on_reply(w->consumer, &reply);
    else if (a->kind == WORLD_REPORT)
        consume_on_report(
            w->consumer, a->token,
            a->ok && (a->batch == 0 || w->bad_batches[a->batch % WORLD_BATCHES] != a->batch),
            "refused");
    else
        consume_on_answer(w->consumer, &answer);
}

void world_silence(struct world *w, enum world_action kind, bool silent)
{
    struct heap spoken = w->held;

    w->silent[kind] = silent;
    heap_init(&w->held);
    for (struct heap_item *i; (i = heap_first(&spoken)) != NULL;) {
        bool held = w->silent[((struct action *)(void *)i)->kind];

        heap_remove(&spoken, i);
        heap_put(held ? &w->held : &w->actions, i, w->now_ms);
    }
    heap_done(&spoken);
}

void world_step(struct world *w)
{
    struct heap_item *first = heap_first(&w->actions);
    unsigned i = (unsigned)rng_below(&w->rng, WORLD_PARTITIONS);
    int64_t wait = w->consumer != NULL ? consume_turn(w->consumer) : 0;
    int64_t next;

    if (w->consumer != NULL && consume_failure(w->consumer) != NULL)
        fail_msg("%s", consume_failure(w->consumer)->text);
    if (w->partitions[i].assigned && chance(w, 300))
        w->partitions[i].committed = w->partitions[i].wanted;
    if (w->leaving)
        go_on_leaving(w);
    if (w->consumer != NULL && !w->revoking && !w->leaving) {
        bool which[WORLD_PARTITIONS];
        bool any = false;

        for (unsigned p = 0; p < WORLD_PARTITIONS; p++)
            any |= which[p] = !w->partitions[p].assigned;
        if (any)
            assign(w, which);
    }
    if (w->consumer != NULL && w->partitions[i].assigned && !w->partitions[i].paused &&
        w->partitions[i].fetched < w->partitions[i].count && chance(w, 700)) {
        hand_over(w, i);
        return;
    }
    first = heap_first(&w->actions);
    next = w->now_ms + (wait > 0 ? wait : 1);
    if (first != NULL && first->at_ms <= next) {
        if (first->at_ms > w->now_ms)
            w->now_ms = first->at_ms;
        heap_remove(&w->actions, first);
        if (w->silent[((struct action *)(void *)first)->kind]) {
            heap_put(&w->held, first, 0);
            return;
        }
        happen(w, (struct action *)(void *)first);
        mem_free(first);
        return;
    }
    w->now_ms = next;
}

bool world_finished(const struct world *w)
{
    for (unsigned i = 0; i < WORLD_PARTITIONS; i++)
        if (w->partitions[i].committed != w->partitions[i].count)
            return false;
    return true;
}

/* ---- the world ---- */

void world_done(struct world *w)
{
    struct heap_item *first;

    if (w->consumer != NULL)
        world_kill(w);
    while ((first = heap_first(&w->held)) != NULL) {
        heap_remove(&w->held, first);
        heap_put(&w->actions, first, 0);
    }
    while ((first = heap_first(&w->actions)) != NULL) {
        heap_remove(&w->actions, first);
        mem_free(first);
    }
    heap_done(&w->actions);
    heap_done(&w->held);
    stats_free(w->stats);
    w->stats = NULL;
}
