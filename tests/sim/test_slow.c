/*
 * A gateway that is slow beside one that is not, both with messages in one shard, on fakes in
 * virtual time: what waits for the slow one is held within bounds and keeps nobody else waiting;
 * the slow one always has enough to do. So with a dialler that is slow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/heap.h"
#include "bridge/core/mem.h"
#include "bridge/core/rng.h"
#include "bridge/core/shard.h"
#include "bridge/run/schedule.h"

#include <stdio.h>
#include <string.h>

#define SHARD      7
#define SLOW       0
#define FAST       1
#define DIALLER    2
#define STORE_MS   1 /* the store answers after so long */
#define START_MS   1000000
#define SOON_MS    5 /* after the campaign: from then on a single is due in each EACH_MS */
#define EACH_MS    50
#define SINGLES    1200
#define IDLE_MS    100
#define PACE_FIRST 2000 /* of one of whom nothing is known yet */
#define LATE_MS    250  /* two looks, and what comes of them */
#define TIMEOUT_MS 10000

/* One thing that the loop hears of later. A gate is never shut, and no sender has a rate. */
struct event {
    struct heap_item at; /* first, so that it is one */
    enum { CLAIMED, WRITTEN, GRANTED, REPLIED, THROTTLED, TIMED_OUT } kind;
    uint64_t token;
    unsigned channel;
};

struct world {
    int64_t now_ms;
    int64_t read_ms; /* so long a reading of the clock takes */
    struct heap events;
    struct rng rng;
    struct schedule *loop;
    struct stats *stats;
    struct schedule_channel channels[3];
    struct schedule_sender senders[2];
    size_t campaign;  /* slices, */
    size_t size;      /* of so many destinations; of 1: messages */
    size_t calls;     /* due when the campaign is */
    int64_t reply_ms; /* of who is slow, on average */
    bool silent;      /* it takes requests and says nothing */
    size_t takes; /* in a second; beyond that it answers 429 and is to be left for one. 0: all */
    size_t taken_now; /* in this second */
    int64_t second;
    bool claiming[SHARD_COUNT];
    bool reading[SHARD_COUNT];
    struct schedule_claim asked; /* of the shard */
    struct schedule_closed closed[2];
    size_t taken;         /* slices of the campaign */
    size_t put_down;      /* slices */
    int64_t parked_to_ms; /* what the claim was told of its source */
    size_t rests;         /* so often */
    size_t singles;       /* taken */
    size_t called;        /* callbacks taken */
    size_t begun[3];      /* requests */
    int64_t finished;     /* destinations of the campaign whose slices have ended */
    int64_t held_most;
    int64_t late_ms; /* the latest single */
    size_t idle_ms;  /* of the slow one's slots, while the campaign had something left */
    size_t out[3];   /* requests */
};
static struct world world;

static int64_t now(void *ctx)
{
    struct world *w = ctx;

    return w->now_ms += w->read_ms;
}

static uint64_t no_chance(void *ctx)
{
    (void)ctx;
    return 0;
}

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count)
{
    (void)ctx, (void)level, (void)event, (void)fields, (void)field_count;
}

static bool up(void *ctx)
{
    (void)ctx;
    return true;
}

static struct event *later(struct world *w, int kind, int64_t after_ms)
{
    struct event *e = mem_zeroed(1, sizeof *e);

    e->kind = kind;
    heap_put(&w->events, &e->at, w->now_ms + after_ms);
    return e;
}

/* ---- the store ---- */

static void claim(void *ctx, const struct schedule_claim *c)
{
    struct world *w = ctx;

    assert_false(w->claiming[c->shard]);
    w->claiming[c->shard] = true;
    later(w, CLAIMED, STORE_MS)->token = c->shard;
    if (c->shard != SHARD)
        return;
    assert_true(c->closed_count <= 2);
    w->asked = *c;
    memcpy(w->closed, c->closed, c->closed_count * sizeof *c->closed);
}

static void progress(void *ctx, const struct schedule_write *write)
{
    later(ctx, WRITTEN, STORE_MS)->token = write->token;
}

static void finish(void *ctx, const struct schedule_write *write)
{
    struct world *w = ctx;

    if (write->slice->count > 1)
        w->finished += (int64_t)write->slice->count;
    progress(ctx, write);
}

/* It is there to be taken again. */
static void release(void *ctx, const struct schedule_write *write)
{
    struct world *w = ctx;

    w->put_down++;
    w->taken--;
    if (write->park && write->at_ms > w->parked_to_ms)
        w->parked_to_ms = write->at_ms;
    progress(ctx, write);
}

static void end_call(void *ctx, const struct schedule_call_end *e)
{
    later(ctx, WRITTEN, STORE_MS)->token = e->token;
}

static void ask(void *ctx, const struct schedule_ask *a)
{
    later(ctx, GRANTED, STORE_MS)->token = a->token;
}

static void shut(void *ctx, const struct schedule_shut *gate)
{
    later(ctx, WRITTEN, STORE_MS)->token = gate->token;
}

static void flush(void *ctx)
{
    (void)ctx;
}

static void read_outbox(void *ctx, unsigned shard, const char *const *ids, size_t count)
{
    (void)ids, (void)count;
    ((struct world *)ctx)->reading[shard] = true;
}

static int64_t single_due_ms(size_t n)
{
    return START_MS + SOON_MS + (int64_t)n * EACH_MS;
}

/* A list of so many texts of one letter. */
static struct view addresses(size_t n)
{
    static char list[3 + 2 * SLICE_DESTINATIONS_MAX];

    list[0] = '\xdc';
    list[1] = (char)(n >> 8);
    list[2] = (char)n;
    for (size_t i = 0; i < n; i++)
        memcpy(list + 3 + 2 * i,
               "\xa1"
               "1",
               2);
    return (struct view){list, 3 + 2 * n};
}

struct brought {
    struct schedule_message messages[1 + SCHEDULE_CLAIM_MAX];
    struct schedule_claimed_slice slices[SCHEDULE_CLAIM_MAX];
    struct schedule_claimed answer;
};

static void bring(struct world *w, struct brought *b, unsigned sender, size_t destinations,
                  int64_t due_ms)
{
    size_t n = b->answer.slice_count++;
    struct schedule_claimed_slice *slice = &b->slices[n];

    b->messages[n] = (struct schedule_message){.kind = SCHEDULE_MESSAGE,
                                               .destinations = (int64_t)destinations,
                                               .slices = 1,
                                               .source = view_of(w->senders[sender].address),
                                               .sub_type = VIEW("sms"),
                                               .content_type = VIEW("text"),
                                               .body = VIEW("hello"),
                                               .at_ms = due_ms,
                                               .attempts_max = 1,
                                               .weight = 1};
    (void)snprintf(b->messages[n].id, sizeof b->messages[n].id, "%032zX",
                   w->taken + w->singles + w->called);
    *slice = (struct schedule_claimed_slice){.message = n,
                                             .lease = {.shard = SHARD},
                                             .due_ms = due_ms,
                                             .expires_ms = w->now_ms + w->asked.lease_ms,
                                             .addresses = addresses(destinations)};
    memcpy(slice->lease.id, b->messages[n].id, sizeof slice->lease.id);
    assert_true(slice_read(&slice->slice, VIEW_NONE, destinations));
    slice_claim(&slice->slice, (const uint8_t[SLICE_HOLDER_BYTES]){1});
    slice_hand_over(&slice->slice,
                    w->asked.head_start < destinations ? w->asked.head_start : destinations);
}

static void bring_call(struct world *w, struct brought *b)
{
    size_t n = b->answer.slice_count;

    bring(w, b, FAST, 1, START_MS);
    b->messages[n].kind = SCHEDULE_CALLBACK;
    b->messages[n].callback =
        (struct callback_state){.open = true, .max_calls = 1, .last_call_ms = -1};
    b->slices[n].addresses = VIEW_NONE;
    slice_take_back(&b->slices[n].slice, 0);
    w->called++;
}

static const struct schedule_closed *told_of(const struct world *w, unsigned sender)
{
    for (size_t i = 0; i < w->asked.closed_count; i++)
        if (view_is(w->closed[i].source, w->senders[sender].address))
            return &w->closed[i];
    return NULL;
}

/* May one more slice of the campaign be taken? Else it rests. */
static bool is_open(struct world *w, const struct schedule_closed *left)
{
    bool is_out = w->size > 1 && (int64_t)(w->taken * w->size) > w->finished;

    if (w->parked_to_ms > w->now_ms + w->asked.ahead_ms)
        return false;
    if (is_out ? left->more > 0 : 2 * (int64_t)w->size <= left->room)
        return true;
    w->parked_to_ms = left->until_ms;
    w->rests++;
    return false;
}

/* The campaign's first: nobody gets in before it by being asked for later. */
static void answer_claim(struct world *w)
{
    static struct brought b;
    const struct schedule_closed *slow = told_of(w, SLOW);
    struct schedule_closed left =
        slow != NULL ? *slow : (struct schedule_closed){.more = INT32_MAX, .room = INT32_MAX};
    size_t room = w->asked.destinations;
    size_t count = 0;
    int64_t next;

    memset(&b, 0, sizeof b);
    b.answer = (struct schedule_claimed){.shard = SHARD,
                                         .state = SCHEDULE_DONE,
                                         .now_ms = w->now_ms,
                                         .messages = b.messages,
                                         .slices = b.slices};
    while (w->singles < SINGLES && b.answer.slice_count < w->asked.slices && count < room &&
           single_due_ms(w->singles) <= w->now_ms + w->asked.ahead_ms) {
        bring(w, &b, FAST, 1, single_due_ms(w->singles));
        w->singles++;
        count++;
    }
    while (w->taken < w->campaign && b.answer.slice_count < w->asked.slices && count < room &&
           is_open(w, &left)) {
        bring(w, &b, SLOW, w->size, START_MS);
        w->taken++;
        count += w->size;
        left.more -= (int64_t)w->size;
        left.room -= (int64_t)w->size;
    }
    while (w->called < w->calls && w->asked.calls && b.answer.slice_count < w->asked.slices &&
           count < room) {
        bring_call(w, &b);
        count++;
    }
    next = w->singles < SINGLES ? single_due_ms(w->singles) : INT64_MAX;
    if (w->taken < w->campaign && w->parked_to_ms < next)
        next = w->parked_to_ms;
    if (w->called < w->calls && w->asked.calls)
        next = w->now_ms;
    next = next == INT64_MAX ? 0 : next - w->asked.ahead_ms;
    b.answer.next_ms = next != 0 && next < w->now_ms ? w->now_ms : next;
    schedule_answers_of(w->loop).claimed(w->loop, &b.answer);
}

static void answer_other_claim(struct world *w, unsigned shard)
{
    const struct schedule_claimed none = {
        .shard = shard, .state = SCHEDULE_DONE, .now_ms = w->now_ms};

    schedule_answers_of(w->loop).claimed(w->loop, &none);
}

/* ---- the gateways ---- */

static bool build(const struct channel_setup *s, const struct channel_send *m,
                  struct channel_request *out, struct fault *f)
{
    (void)s, (void)m, (void)f;
    out->method = "POST";
    return true;
}

static void judge(const struct channel_reply *reply, struct channel_outcome *out)
{
    *out = reply->status == 429
               ? (struct channel_outcome){.verdict = CHANNEL_THROTTLED, .wait_ms = 1000}
               : (struct channel_outcome){.verdict = CHANNEL_HANDLED};
}

static bool build_call(const struct channel_setup *s, const struct dialler_call *call,
                       struct channel_request *out, struct fault *f)
{
    (void)s, (void)call, (void)f;
    out->method = "POST";
    return true;
}

static void judge_call(const struct channel_reply *reply, struct dialler_outcome *out)
{
    (void)reply;
    *out = (struct dialler_outcome){
        .verdict = DIALLER_RESULT, .result = CALLBACK_SUCCESSFUL, .next_call_ms = -1};
}

static const struct dialler fake_dialler = {
    .name = "fake", .build = build_call, .judge = judge_call};
static const struct channel fake = {.name = "fake", .build = build, .judge = judge};

/* What becomes of a request to the slow one. */
static int fate(struct world *w)
{
    if (w->silent)
        return TIMED_OUT;
    w->taken_now = w->second == w->now_ms / 1000 ? w->taken_now : 0;
    w->second = w->now_ms / 1000;
    return w->takes > 0 && w->taken_now++ >= w->takes ? THROTTLED : REPLIED;
}

static bool submit(void *ctx, const struct http_call *call, struct fault *f)
{
    struct world *w = ctx;
    /* Half as long to half as long again. */
    int64_t after_ms = w->reply_ms / 2 + (int64_t)rng_below(&w->rng, (uint64_t)w->reply_ms + 1);
    int kind = call->destination == SLOW ? fate(w) : REPLIED;
    struct event *e;

    (void)f;
    if (kind == TIMED_OUT)
        after_ms = TIMEOUT_MS;
    e = later(w, kind, call->destination == FAST ? 1 : after_ms);
    e->token = call->token;
    e->channel = call->destination;
    w->out[call->destination]++;
    if (call->destination == FAST) {
        int64_t late = w->now_ms - single_due_ms(w->begun[FAST]);

        assert_true(late >= 0);
        w->late_ms = late > w->late_ms ? late : w->late_ms;
    }
    w->begun[call->destination]++;
    return true;
}

static void cancel(void *ctx, uint64_t token)
{
    (void)ctx, (void)token;
}

/* ---- what happens ---- */

static void happen(struct world *w, struct event *e)
{
    const struct http_reply reply = {
        .token = e->token,
        .fate = e->kind == TIMED_OUT ? HTTP_UNKNOWN : HTTP_ANSWERED,
        .status = e->kind == THROTTLED ? 429 : 200,
        .elapsed_ms = w->reply_ms,
        .error = e->kind == TIMED_OUT ? "no reply in time" : NULL,
    };
    const struct schedule_grant granted = {.token = e->token, .state = SCHEDULE_DONE};

    if (e->kind == REPLIED || e->kind == THROTTLED || e->kind == TIMED_OUT) {
        w->out[e->channel]--;
        schedule_on_reply(w->loop, &reply);
    } else if (e->kind == WRITTEN) {
        schedule_answers_of(w->loop).written(w->loop, e->token, SCHEDULE_DONE);
    } else if (e->kind == GRANTED) {
        schedule_answers_of(w->loop).granted(w->loop, &granted);
    } else {
        w->claiming[e->token] = false;
        if (e->token == SHARD)
            answer_claim(w);
        else
            answer_other_claim(w, (unsigned)e->token);
    }
    mem_free(e);
}

static int64_t held(const struct world *w)
{
    return (int64_t)(w->taken * w->size) - (int64_t)w->begun[SLOW];
}

/* A millisecond. */
static void step(struct world *w)
{
    struct heap_item *item;

    while ((item = heap_first(&w->events)) != NULL && item->at_ms <= w->now_ms) {
        heap_remove(&w->events, item);
        happen(w, (void *)item);
    }
    (void)schedule_turn(w->loop);
    for (unsigned shard = 0; shard < SHARD_COUNT; shard++) {
        const struct schedule_outbox none = {.shard = shard, .state = SCHEDULE_DONE, .other = true};

        if (!w->reading[shard])
            continue;
        w->reading[shard] = false;
        schedule_answers_of(w->loop).outbox(w->loop, &none);
    }
    if (held(w) > w->held_most)
        w->held_most = held(w);
    if (w->begun[SLOW] < w->campaign * w->size)
        w->idle_ms += w->out[SLOW] < (size_t)w->channels[SLOW].slots;
    w->now_ms++;
}

static void start(struct world *w, int slots, int64_t reply_ms)
{
    static const struct notice silent = {NULL, NOTICE_ERROR, say};
    static struct schedule_conf conf;
    static const struct zone utc;
    struct schedule_ports ports = {
        .schedule = {.ctx = w,
                     .up = up,
                     .claim = claim,
                     .progress = progress,
                     .finish = finish,
                     .release = release,
                     .end_call = end_call,
                     .ask = ask,
                     .shut = shut,
                     .flush = flush,
                     .read_outbox = read_outbox},
        .http = {w, submit, cancel},
        .clock = {w, now, now, no_chance},
        .log = &silent,
    };

    *w = (struct world){.now_ms = START_MS, .reply_ms = reply_ms, .stats = stats_new()};
    heap_init(&w->events);
    w->rng = rng_of(1);
    w->channels[SLOW] = (struct schedule_channel){.name = "slow",
                                                  .setup = {.kind = &fake},
                                                  .http = SLOW,
                                                  .slots = slots,
                                                  .timeout_ms = TIMEOUT_MS};
    w->channels[FAST] = (struct schedule_channel){.name = "fast",
                                                  .setup = {.kind = &fake},
                                                  .http = FAST,
                                                  .slots = 64,
                                                  .timeout_ms = TIMEOUT_MS};
    w->senders[SLOW] = (struct schedule_sender){.address = "slow@x", .channel = SLOW, .zone = &utc};
    w->senders[FAST] = (struct schedule_sender){.address = "fast@x", .channel = FAST, .zone = &utc};
    w->channels[DIALLER] = (struct schedule_channel){.name = "dialler",
                                                     .dialler = &fake_dialler,
                                                     .http = DIALLER,
                                                     .slots = slots,
                                                     .timeout_ms = TIMEOUT_MS};
    conf = (struct schedule_conf){.dialler = DIALLER,
                                  .call_zone = &utc,
                                  .channels = w->channels,
                                  .channel_count = 3,
                                  .senders = w->senders,
                                  .sender_count = 2,
                                  .in_flight = 4096,
                                  .lease_ms = 25000,
                                  .drain_ms = 1000,
                                  .breaker = {.failures = 5, .open = {100, 200}}};
    ports.stats = w->stats;
    w->loop = schedule_new(&conf, &ports);
}

static void end(struct world *w)
{
    struct heap_item *item;

    schedule_free(w->loop);
    stats_free(w->stats);
    while ((item = heap_first(&w->events)) != NULL) {
        heap_remove(&w->events, item);
        mem_free((void *)item);
    }
    heap_done(&w->events);
}

/* The campaign's destinations that go in a second. */
static int64_t pace(const struct world *w)
{
    return w->channels[SLOW].slots * 1000 / w->reply_ms;
}

static void until_all_are_due(struct world *w, int64_t late_ms)
{
    while (w->now_ms < single_due_ms(SINGLES))
        step(w);
    assert_int_equal(w->begun[FAST], SINGLES);
    assert_in_range(w->late_ms, 0, late_ms);
}

static void expect_nobody_waits_for_the_slow_one(int slots, int64_t reply_ms)
{
    int64_t most;

    start(&world, slots, reply_ms);
    world.campaign = 200;
    world.size = SLICE_DESTINATIONS_MAX;
    most = pace(&world) < PACE_FIRST ? PACE_FIRST : pace(&world);
    until_all_are_due(&world, LATE_MS);
    assert_in_range(world.idle_ms, 0, IDLE_MS);
    assert_in_range(world.held_most, SLICE_DESTINATIONS_MAX, 6 * most + 3000);
    assert_int_equal(world.put_down, 0);
    end(&world);
}

static void what_waits_for_a_slow_gateway_keeps_nobody_else_waiting(void **state)
{
    (void)state;
    expect_nobody_waits_for_the_slow_one(64, 4900);
    expect_nobody_waits_for_the_slow_one(64, 2000);
    expect_nobody_waits_for_the_slow_one(64, 300);
    expect_nobody_waits_for_the_slow_one(1, 1000);
    expect_nobody_waits_for_the_slow_one(600, 300);
    /* A fast one is behind all the time, too: more comes at once than goes in seconds. */
    expect_nobody_waits_for_the_slow_one(64, 10);
    expect_nobody_waits_for_the_slow_one(2000, 300);
    expect_nobody_waits_for_the_slow_one(64, 1);
}

/* Each is looked at again and again: they rest only where they would be held for a minute, and for
 * long. */
static void many_small_messages_are_seldom_put_to_rest(void **state)
{
    const int64_t replies[] = {10, 50, 300, 4000};

    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        start(&world, 64, replies[i]);
        world.campaign = 60000;
        world.size = 1;
        until_all_are_due(&world, 2000); /* until one of as many as can be held has gone */
        assert_in_range(world.rests, 0, pace(&world) < 1000 ? 13 : 0);
        end(&world);
    }
}

/* What found no room rests; not for long, since it may be fast again. */
static void a_gateway_that_has_recovered_is_not_left_idle(void **state)
{
    (void)state;
    start(&world, 64, 6000);
    world.campaign = 60000;
    world.size = 1;
    while (world.now_ms < START_MS + 20000)
        step(&world);
    world.reply_ms = 20;
    while (world.now_ms < START_MS + 26000) /* what is out may take as long as it did */
        step(&world);
    world.idle_ms = 0;
    until_all_are_due(&world, 2000);
    assert_in_range(world.idle_ms, 0, 5000 + IDLE_MS);
    end(&world);
}

/* Some time after its last request it is not known any more, and that may be at any instruction. */
static void how_fast_one_went_is_forgotten_at_any_time(void **state)
{
    (void)state;
    for (int64_t at = 0; at < 120; at++) {
        start(&world, 4, 300);
        world.campaign = 1;
        world.size = 20;
        while (world.begun[SLOW] < world.size)
            step(&world);
        while (world.now_ms < single_due_ms(120) + at)
            step(&world);
        world.read_ms = 1;
        while (world.now_ms < single_due_ms(150))
            step(&world);
        world.read_ms = 0;
        end(&world);
    }
}

/* One request at a time shows whether it still is; what waits for that takes nobody's room. */
static void what_waits_for_a_silent_gateway_keeps_nobody_else_waiting(void **state)
{
    size_t tried;

    (void)state;
    for (size_t size = 1; size <= SLICE_DESTINATIONS_MAX; size *= SLICE_DESTINATIONS_MAX) {
        start(&world, 64, 300);
        world.silent = true;
        world.size = size;
        world.campaign = size > 1 ? 5 : 100;
        while (size == 1 && world.now_ms < START_MS + TIMEOUT_MS + 1000)
            step(&world);
        world.campaign = size > 1 ? 5 : 22000; /* more than can be held */
        until_all_are_due(&world, LATE_MS);
        tried = world.begun[SLOW];
        assert_in_range(tried, 64 + 2, 64 + 6); /* probes, each for TIMEOUT_MS */
        world.silent = false;
        while (world.now_ms < single_due_ms(SINGLES) + 2 * TIMEOUT_MS)
            step(&world);
        assert_true(world.begun[SLOW] > tried + 1000);
        end(&world);
    }
}

static void what_waits_for_one_that_throttles_keeps_nobody_else_waiting(void **state)
{
    (void)state;
    start(&world, 256, 20);
    world.takes = 50;
    world.campaign = 200;
    world.size = SLICE_DESTINATIONS_MAX;
    until_all_are_due(&world, LATE_MS);
    assert_true(world.begun[SLOW] > 20 * world.takes);
    assert_in_range(world.held_most, SLICE_DESTINATIONS_MAX, 6 * PACE_FIRST + 3000);
    end(&world);
}

static void what_waits_for_the_dialler_keeps_no_message_waiting(void **state)
{
    const int64_t replies[] = {2000, 300, 10};
    int64_t most;

    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        start(&world, 16, replies[i]);
        world.calls = 10000;
        until_all_are_due(&world, LATE_MS);
        most = 16 * (single_due_ms(SINGLES) - START_MS) / replies[i];
        assert_in_range(world.called - world.begun[DIALLER], 0, 1100);
        assert_true(world.begun[DIALLER] == world.calls ||
                    (int64_t)world.begun[DIALLER] >= most - most / 20);
        end(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_for_a_slow_gateway_keeps_nobody_else_waiting),
        cmocka_unit_test(many_small_messages_are_seldom_put_to_rest),
        cmocka_unit_test(a_gateway_that_has_recovered_is_not_left_idle),
        cmocka_unit_test(how_fast_one_went_is_forgotten_at_any_time),
        cmocka_unit_test(what_waits_for_a_silent_gateway_keeps_nobody_else_waiting),
        cmocka_unit_test(what_waits_for_one_that_throttles_keeps_nobody_else_waiting),
        cmocka_unit_test(what_waits_for_the_dialler_keeps_no_message_waiting),
    };

    return cmocka_run_group_tests_name("slow", tests, NULL, NULL);
}
