/*
 * A slow gateway beside one that is not (fakes/slow_world.h): what waits for the slow one is held
 * within bounds and keeps nobody else waiting; the slow one always has enough to do. So with a
 * dialler that is slow.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/slow_world.h"

#define IDLE_MS    100
#define HELD_SHARD 2000  /* with so many that are not slow a shard is not claimed from */
#define PACE_FIRST 2000  /* of one of whom nothing is known yet */
#define LATE_MS    250   /* two looks, and what comes of them */
#define LONG_MS    10000 /* until it is known how slow a gateway is that answers in bursts */

static struct slow_world world;

/* The campaign's destinations that go in a second. */
static int64_t pace(const struct slow_world *w)
{
    return w->channels[SLOW].slots * 1000 / w->reply_ms;
}

static void until_all_are_due(struct slow_world *w, int64_t late_ms)
{
    while (w->now_ms < slow_world_due_ms(SLOW_SINGLES))
        slow_world_step(w);
    assert_int_equal(w->begun[FAST], SLOW_SINGLES);
    assert_in_range(w->late_ms, 0, late_ms);
}

static void expect_nobody_waits_for_the_slow_one(int slots, int64_t reply_ms)
{
    int64_t most;

    slow_world_start(&world, 1, slots, reply_ms);
    world.campaign = 200;
    world.size = SLICE_DESTINATIONS_MAX;
    most = pace(&world) < PACE_FIRST ? PACE_FIRST : pace(&world);
    until_all_are_due(&world, LATE_MS);
    assert_in_range(world.idle_ms, 0, IDLE_MS);
    assert_in_range(world.held_most, SLICE_DESTINATIONS_MAX, 6 * most + 3000);
    assert_int_equal(world.put_down, 0);
    slow_world_end(&world);
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
        slow_world_start(&world, 1, 64, replies[i]);
        world.campaign = 60000;
        world.size = 1;
        until_all_are_due(&world, 2000); /* until one of as many as can be held has gone */
        assert_in_range(world.rests, 0, pace(&world) < 1000 ? 13 : 0);
        slow_world_end(&world);
    }
}

/* What found no room rests; not for long, since it may be fast again. */
static void a_gateway_that_has_recovered_is_not_left_idle(void **state)
{
    (void)state;
    slow_world_start(&world, 1, 64, 6000);
    world.campaign = 60000;
    world.size = 1;
    while (world.now_ms < SLOW_START_MS + 20000)
        slow_world_step(&world);
    world.reply_ms = 20;
    while (world.now_ms < SLOW_START_MS + 26000) /* what is out may take as long as it did */
        slow_world_step(&world);
    world.idle_ms = 0;
    until_all_are_due(&world, 2000);
    assert_in_range(world.idle_ms, 0, 5000 + IDLE_MS);
    slow_world_end(&world);
}

/* Some time after its last request it is not known any more, and that may be at any instruction. */
static void how_fast_one_went_is_forgotten_at_any_time(void **state)
{
    (void)state;
    for (int64_t at = 0; at < 120; at++) {
        slow_world_start(&world, 1, 4, 300);
        world.campaign = 1;
        world.size = 20;
        while (world.begun[SLOW] < world.size)
            slow_world_step(&world);
        while (world.now_ms < slow_world_due_ms(120) + at)
            slow_world_step(&world);
        world.read_ms = 1;
        while (world.now_ms < slow_world_due_ms(150))
            slow_world_step(&world);
        world.read_ms = 0;
        slow_world_end(&world);
    }
}

/* One request at a time shows whether it still is; what waits for that takes nobody's room. */
static void what_waits_for_a_silent_gateway_keeps_nobody_else_waiting(void **state)
{
    size_t tried;

    (void)state;
    for (size_t size = 1; size <= SLICE_DESTINATIONS_MAX; size *= SLICE_DESTINATIONS_MAX) {
        slow_world_start(&world, 1, 64, 300);
        world.silent = true;
        world.size = size;
        world.campaign = size > 1 ? 5 : 100;
        while (size == 1 && world.now_ms < SLOW_START_MS + SLOW_TIMEOUT_MS + 1000)
            slow_world_step(&world);
        world.campaign = size > 1 ? 5 : 22000; /* more than can be held */
        until_all_are_due(&world, LATE_MS);
        tried = world.begun[SLOW];
        assert_in_range(tried, 64 + 2, 64 + 6); /* probes, each for SLOW_TIMEOUT_MS */
        world.silent = false;
        while (world.now_ms < slow_world_due_ms(SLOW_SINGLES) + 2 * SLOW_TIMEOUT_MS)
            slow_world_step(&world);
        assert_true(world.begun[SLOW] > tried + 1000);
        slow_world_end(&world);
    }
}

static void what_waits_for_one_that_throttles_keeps_nobody_else_waiting(void **state)
{
    (void)state;
    slow_world_start(&world, 1, 256, 20);
    world.takes = 50;
    world.campaign = 200;
    world.size = SLICE_DESTINATIONS_MAX;
    until_all_are_due(&world, LATE_MS);
    assert_true(world.begun[SLOW] > 20 * world.takes);
    assert_in_range(world.held_most, SLICE_DESTINATIONS_MAX, 6 * PACE_FIRST + 3000);
    slow_world_end(&world);
}

/* More than can be held: when it is known how slow they go, the rest is put to rest. */
static void singles_for_one_that_throttles_do_not_fill_the_process(void **state)
{
    (void)state;
    slow_world_start(&world, 1, 64, 20);
    world.takes = 50;
    world.campaign = 40000;
    world.size = 1;
    until_all_are_due(&world, LONG_MS);
    assert_true(world.begun[SLOW] > 20 * world.takes);
    assert_true(world.rests > 0);
    slow_world_end(&world);
}

/* Each holds little: together they would be all that is held of a shard. */
static void many_senders_that_are_throttled_keep_nobody_else_waiting(void **state)
{
    (void)state;
    slow_world_start(&world, SLOW_SOURCES, 4, 20);
    world.takes = 5;
    world.campaign = SLOW_SOURCES;
    world.size = 190;
    until_all_are_due(&world, LATE_MS);
    assert_int_equal(world.taken, SLOW_SOURCES);
    assert_true(world.held_most > 2 * HELD_SHARD);
    slow_world_end(&world);
}

static void what_waits_for_the_dialler_keeps_no_message_waiting(void **state)
{
    const int64_t replies[] = {2000, 300, 10};
    int64_t most;

    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        slow_world_start(&world, 1, 16, replies[i]);
        world.calls = 10000;
        until_all_are_due(&world, LATE_MS);
        most = 16 * (slow_world_due_ms(SLOW_SINGLES) - SLOW_START_MS) / replies[i];
        assert_in_range(world.called - world.begun[DIALLER], 0, 1100);
        assert_true(world.begun[DIALLER] == world.calls ||
                    (int64_t)world.begun[DIALLER] >= most - most / 20);
        slow_world_end(&world);
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
        cmocka_unit_test(singles_for_one_that_throttles_do_not_fill_the_process),
        cmocka_unit_test(many_senders_that_are_throttled_keep_nobody_else_waiting),
        cmocka_unit_test(what_waits_for_the_dialler_keeps_no_message_waiting),
    };

    return cmocka_run_group_tests_name("slow", tests, NULL, NULL);
}
