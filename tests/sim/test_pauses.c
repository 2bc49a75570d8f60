/*
 * A gateway that asks a sender to wait (429, Retry-After), on fakes in virtual time: it waits in
 * every process, also in one that has just started or has sent nothing for a while, for as long as
 * the gateway has said last. And what it costs to know that: nobody is late for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#define SEEDS     50
#define DUE_MS    1000
#define LATER_MS  10000 /* the second process has its messages then, */
#define BUSY_MS   60000 /* and the gateway is busy until then */
#define FIRST_MS  2000  /* what it says first, to one that sends more than it was asked to */
#define STEPS_MAX 40000

static struct send_world world;

static void start(uint64_t seed, int64_t rate)
{
    send_world_init_empty(&world, seed);
    world.senders[0].rate = rate;
    world.senders[0].burst = 1;
}

/* Of what is due then. It has attempts enough for all that it meets. */
static void add(size_t count, int64_t due_ms)
{
    struct send_store_message *m = send_world_add(&world, 0, count, due_ms);

    m->attempts_max = 4;
    m->retry_delay_ms = DUE_MS;
}

/* The first process is told to wait; the second one has something of that sender afterwards. */
static void tell_the_first(void)
{
    send_world_boot(&world, 0);
    send_world_until(&world, LATER_MS / 2);
}

static void expect_the_second_waits(unsigned asked)
{
    send_world_kill(&world, 0); /* what comes now is the other one's */
    add(SEND_STORE_DEST_MAX, LATER_MS);
    send_world_until(&world, BUSY_MS);
    assert_int_equal(world.asked_to_wait, asked);
    send_world_end(&world, STEPS_MAX);
}

static void one_that_has_just_started_keeps_the_pause(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (int64_t rate = 0; rate <= 20; rate += 20) {
            start(seed, rate);
            world.busy_to_ms[0] = BUSY_MS;
            add(1, DUE_MS);
            tell_the_first();
            send_world_boot(&world, 1);
            send_world_until(&world, LATER_MS - DUE_MS);
            expect_the_second_waits(1);
        }
}

/* It has sent of that sender before, and heard that it may. */
static void one_that_was_idle_keeps_the_pause(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        start(seed, 0);
        add(SEND_STORE_SLICE, DUE_MS);
        send_world_boot(&world, 1);
        send_world_until(&world, 2 * DUE_MS);
        assert_true(send_world_finished(&world));
        world.busy_to_ms[0] = BUSY_MS;
        send_world_stop(&world, 1, LATER_MS - DUE_MS - world.now_ms);
        add(1, 3 * DUE_MS);
        tell_the_first();
        expect_the_second_waits(1);
    }
}

/* Of several that are out together, the first that is answered is to wait for less. */
static void the_longest_wait_counts_for_all(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        start(seed, 0);
        world.busy_to_ms[0] = BUSY_MS;
        world.first_wait_ms = FIRST_MS;
        add(3, DUE_MS);
        tell_the_first();
        assert_int_equal(world.asked_to_wait, 3);
        assert_true(world.model.gate_shut_ms[0] >= BUSY_MS);
        send_world_boot(&world, 1);
        send_world_until(&world, LATER_MS - DUE_MS);
        expect_the_second_waits(3);
    }
}

/* It knew of the shorter one, which has ended. */
static void one_that_waits_hears_that_it_lasts_longer(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        start(seed, 0);
        world.busy_to_ms[0] = BUSY_MS;
        world.model.gate_shut_ms[0] = LATER_MS;
        add(SEND_STORE_DEST_MAX, DUE_MS);
        send_world_boot(&world, 0);
        send_world_boot(&world, 1);
        send_world_until(&world, LATER_MS - DUE_MS);
        world.model.gate_shut_ms[0] = BUSY_MS;
        send_world_until(&world, BUSY_MS);
        assert_int_equal(world.asked_to_wait, 0);
        send_world_end(&world, STEPS_MAX);
    }
}

/* It is looked at while its time comes, which is 25 ms. */
static void who_is_not_paused_is_not_late_for_that(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        start(seed, 0);
        add(1, DUE_MS);
        for (int64_t i = 1; i < SEND_STORE_MESSAGES_MAX; i++)
            add(1, LATER_MS + i * 100);
        send_world_boot(&world, 0);
        send_world_end(&world, STEPS_MAX);
        assert_in_range(world.lateness_ms, 0, world.faults.latency_ms); /* the clock's slack */
        assert_in_range(world.looks, 2, 5); /* for a second and a half, each half of one */
    }
}

static void a_gate_that_can_t_be_read_stops_nobody(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (int64_t lost_ms = 1; lost_ms <= WORLD_STUCK_MS; lost_ms += WORLD_STUCK_MS - 1) {
            start(seed, 0);
            world.looks_lost_ms = lost_ms;
            add(SEND_STORE_DEST_MAX, DUE_MS);
            add(SEND_STORE_DEST_MAX, LATER_MS);
            send_world_boot(&world, 0);
            send_world_until(&world, LATER_MS - DUE_MS);
            for (size_t i = 0; i < SEND_STORE_DEST_MAX; i++)
                assert_int_equal(world.seen[0][i].accepted, 1);
            send_world_end(&world, STEPS_MAX);
            assert_in_range(world.now_ms, LATER_MS, LATER_MS + 3000); /* only once it had to wait */
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_has_just_started_keeps_the_pause),
        cmocka_unit_test(one_that_was_idle_keeps_the_pause),
        cmocka_unit_test(the_longest_wait_counts_for_all),
        cmocka_unit_test(one_that_waits_hears_that_it_lasts_longer),
        cmocka_unit_test(who_is_not_paused_is_not_late_for_that),
        cmocka_unit_test(a_gate_that_can_t_be_read_stops_nobody),
    };

    return cmocka_run_group_tests_name("pauses", tests, NULL, NULL);
}
