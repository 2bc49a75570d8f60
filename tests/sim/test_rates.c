/*
 * How fast one sender's messages to one recipient each go out, in virtual time: at its rate, though
 * each has to look at its recipient's gap before, and without asking for more recipients than it
 * gets to; and what a recipient's gap lets through.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#define COUNT     SEND_STORE_MESSAGES_MAX
#define RATE      4
#define GAP_MS    6000
#define DUE_MS    1000 /* send_world_init_singles */
#define SEEDS     50
#define LONG_RUNS 8 /* of ten minutes each, not of seconds */
#define STEPS_MAX 20000

static struct send_world world;

static void start(uint64_t seed, size_t count)
{
    send_world_init_singles(&world, seed, count);
    world.senders[1].rate = RATE;
    world.senders[1].burst = 1;
    world.senders[1].gap_ms = GAP_MS;
}

static void different_recipients_are_reached_at_the_sender_s_rate(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (unsigned processes = 1; processes <= WORLD_PROCESSES; processes++) {
            start(seed, COUNT);
            for (unsigned i = 0; i < processes; i++)
                send_world_boot(&world, i);
            send_world_end(&world, STEPS_MAX);
            assert_in_range(world.lateness_ms, (COUNT - 1) * 1000 / RATE,
                            (COUNT - 1) * 1000 / RATE + 1000 / RATE + 100);
        }
}

/* A carrier that takes up to 3 s, one at a time. */
static void a_slow_carrier_s_recipients_are_asked_for_as_it_gets_to_them(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        start(seed, COUNT);
        world.senders[1].rate = 0;
        world.faults.carrier_ms = 3000;
        world.channels[1].slots = 1;
        world.channels[1].timeout_ms = 4000;
        world.conf.lease_ms = 12000;
        send_world_boot(&world, 0);
        send_world_end(&world, STEPS_MAX);
        /* All at first, half of them when they were not sent in time; in the end one or two. */
        assert_in_range(world.look_ups, COUNT, 2 * COUNT + 2 * (world.now_ms - DUE_MS) / 1000);
    }
}

static void one_recipient_s_gap_is_kept(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        start(seed, 2);
        world.model.messages[1].number = 0;
        send_world_boot(&world, 0);
        send_world_boot(&world, 1);
        send_world_end(&world, STEPS_MAX); /* each request is held against the one before */
        assert_in_range(world.lateness_ms, GAP_MS, GAP_MS + SCHEDULE_MARKED_MS + 100);
    }
}

/* The other one may say nothing else for ten times as long. */
static void one_sender_s_gap_keeps_no_other_waiting(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        start(seed, 1);
        world.senders[0].gap_ms = 10 * GAP_MS;
        send_world_add(&world, 0, 1, DUE_MS - 500);
        send_world_add(&world, 1, 1, 2 * DUE_MS + GAP_MS);
        for (size_t i = 0; i < 3; i++)
            world.model.messages[i].number = 0;
        send_world_boot(&world, 0);
        send_world_end(&world, STEPS_MAX);
        assert_in_range(world.lateness_ms, 0, 500);
    }
}

/* Some have heard from the sender not long ago, by whatever process: those that have not are not
 * kept by them, though their slice comes later. */
static void who_waits_for_a_long_gap_holds_up_no_other_slice(void **state)
{
    const int64_t again_ms = 20 * DUE_MS;
    const int64_t gap_ms = 100 * GAP_MS;

    (void)state;
    for (uint64_t seed = 1; seed <= LONG_RUNS; seed++)
        for (unsigned processes = 1; processes <= WORLD_PROCESSES; processes++) {
            start(seed, 0);
            world.senders[1].rate = 1; /* a slice is more than it needs soon */
            world.senders[1].gap_ms = gap_ms;
            send_world_add(&world, 1, SEND_STORE_SLICE, DUE_MS)->number = 0;
            send_world_add(&world, 1, 2 * SEND_STORE_SLICE, again_ms)->number = 0;
            for (unsigned i = 0; i < processes; i++)
                send_world_boot(&world, i);
            send_world_until(&world, again_ms + gap_ms / 10);
            for (size_t i = 0; i < SEND_STORE_SLICE; i++) {
                assert_int_equal(world.seen[1][i].requests, 0);
                assert_int_equal(world.seen[1][SEND_STORE_SLICE + i].requests, 1);
            }
            send_world_until(&world, again_ms + gap_ms);
            send_world_end(&world, STEPS_MAX);
        }
}

/* The first is deleted while it waits for a slot: the gap that it had reserved is the next one's.
 */
static void what_was_not_sent_keeps_nobody_from_its_recipient(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        start(seed, 2);
        world.channels[1].slots = 0;
        world.model.messages[1].number = 0;
        world.model.messages[1].at_ms += 3000;
        world.model.messages[1].slice[0].due_ms += 3000;
        send_world_boot(&world, 0);
        send_world_until(&world, DUE_MS + 100);
        assert_true(world.look_ups > 0);
        send_world_delete(&world, 0);
        send_world_until(&world, DUE_MS + 2500);
        world.channels[1].slots = 4;
        send_world_end(&world, STEPS_MAX);
        assert_int_equal(world.seen[0][0].requests, 0);
        assert_int_equal(world.seen[1][0].requests, 1);
        assert_in_range(world.lateness_ms, 0, 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(different_recipients_are_reached_at_the_sender_s_rate),
        cmocka_unit_test(a_slow_carrier_s_recipients_are_asked_for_as_it_gets_to_them),
        cmocka_unit_test(one_recipient_s_gap_is_kept),
        cmocka_unit_test(one_sender_s_gap_keeps_no_other_waiting),
        cmocka_unit_test(who_waits_for_a_long_gap_holds_up_no_other_slice),
        cmocka_unit_test(what_was_not_sent_keeps_nobody_from_its_recipient),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
