/*
 * What is told to be due while a claim of its shard is out, on fakes in virtual time: the claim may
 * have looked before it came, so it is looked for again when it is due, not at the next poll.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "bridge/run/schedule.h"

#include <string.h>

#define SHARD    7
#define START_MS 1000000
#define LATER_MS 300

/* A store that answers when the test says so, and has nothing. */
static struct {
    int64_t now_ms;
    bool claiming[SHARD_COUNT];
    bool reading[SHARD_COUNT];
    struct schedule *loop;
    struct stats *stats;
} w;

static int64_t now(void *ctx)
{
    (void)ctx;
    return w.now_ms;
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

static void claim(void *ctx, const struct schedule_claim *c)
{
    (void)ctx;
    w.claiming[c->shard] = true;
}

static void ask(void *ctx, const struct schedule_ask *a)
{
    (void)ctx, (void)a;
}

static void flush(void *ctx)
{
    (void)ctx;
}

static void read_outbox(void *ctx, unsigned shard, const char *const *ids, size_t count)
{
    (void)ctx, (void)ids, (void)count;
    w.reading[shard] = true;
}

/* Turns until nothing new is asked for; the outbox is always somebody else's. */
static void turn(void)
{
    (void)schedule_turn(w.loop);
    for (unsigned shard = 0; shard < SHARD_COUNT; shard++) {
        const struct schedule_outbox none = {.shard = shard, .state = SCHEDULE_DONE, .other = true};

        if (!w.reading[shard])
            continue;
        w.reading[shard] = false;
        schedule_answers_of(w.loop).outbox(w.loop, &none);
    }
    (void)schedule_turn(w.loop);
}

static void answer(unsigned shard, enum schedule_state state)
{
    const struct schedule_claimed nothing = {.shard = shard, .state = state, .now_ms = w.now_ms};

    assert_true(w.claiming[shard]);
    w.claiming[shard] = false;
    schedule_answers_of(w.loop).claimed(w.loop, &nothing);
}

static void tell(int64_t due_ms)
{
    schedule_answers_of(w.loop).woken(w.loop, SHARD, due_ms);
}

static int set_up(void **state)
{
    static const struct notice silent = {NULL, NOTICE_ERROR, say};
    static const struct schedule_channel channel = {.name = "one", .slots = 64, .timeout_ms = 1000};
    static const struct schedule_sender sender = {.address = "desk", .burst = 1};
    static const struct schedule_conf conf = {.dialler = -1,
                                              .channels = &channel,
                                              .channel_count = 1,
                                              .senders = &sender,
                                              .sender_count = 1,
                                              .in_flight = 100,
                                              .lease_ms = 60000,
                                              .drain_ms = 1000,
                                              .breaker = {.failures = 5, .open = {1, 2}}};
    struct schedule_ports ports = {.schedule = {.up = up,
                                                .claim = claim,
                                                .ask = ask,
                                                .flush = flush,
                                                .read_outbox = read_outbox},
                                   .clock = {NULL, now, now, no_chance},
                                   .log = &silent};

    (void)state;
    memset(&w, 0, sizeof w);
    w.now_ms = START_MS;
    w.stats = ports.stats = stats_new();
    w.loop = schedule_new(&conf, &ports);
    turn();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    schedule_free(w.loop);
    stats_free(w.stats);
    return 0;
}

static void what_is_due_now_is_claimed_with_the_next_answer(void **state)
{
    (void)state;
    tell(w.now_ms); /* posted behind the look of the claim that is out */
    answer(SHARD, SCHEDULE_DONE);
    turn();
    assert_true(w.claiming[SHARD]);
    answer(SHARD, SCHEDULE_DONE); /* which has looked since: it is not asked for ever */
    turn();
    assert_false(w.claiming[SHARD]);
}

static void what_is_due_later_is_claimed_then(void **state)
{
    (void)state;
    tell(w.now_ms + 2 * LATER_MS);
    tell(w.now_ms + LATER_MS);
    tell(w.now_ms + 3 * LATER_MS);
    answer(SHARD, SCHEDULE_DONE);
    turn();
    assert_false(w.claiming[SHARD]);
    w.now_ms += LATER_MS;
    turn();
    assert_true(w.claiming[SHARD]);
}

static void another_shard_is_not_asked(void **state)
{
    (void)state;
    tell(w.now_ms);
    answer(SHARD + 1, SCHEDULE_DONE);
    turn();
    assert_false(w.claiming[SHARD + 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_due_now_is_claimed_with_the_next_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_due_later_is_claimed_then, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_shard_is_not_asked, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
