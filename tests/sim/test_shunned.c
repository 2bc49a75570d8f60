/*
 * A gateway that says 401 or 403 to a few destinations always, and takes all others, on fakes in
 * virtual time: a 401 stops the channel, so do three 403 in a row, but those few do not do so for
 * ever, wherever they stand. They end after their attempts, and all others are sent to. The same of
 * a dialler and its callbacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#define DUE_MS    1000
#define SEEDS     50
#define STEPS_MAX 40000
#define FEW       3
#define LATER_MS  20000
/* One attempt each. The request that first stopped the channel is none, nor are those that try it
 * while it is stopped, until one of the others is due. */
#define REQUESTS_MAX 32

static struct send_world world;

static void who_is_never_welcome_ends_and_the_others_go(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        send_world_init_empty(&world, seed);
        world.shunned = 1 + seed % FEW;
        (void)send_world_add(&world, 0, SEND_STORE_DEST_MAX, DUE_MS);
        for (int i = 0; i <= FEW; i++) /* else the last of the few may be alone: then who knows */
            (void)send_world_add(&world, 0, SEND_STORE_DEST_MAX, DUE_MS + i * LATER_MS);
        send_world_boot(&world, 0);
        for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++)
            send_world_step(&world);
        if (!send_world_finished(&world)) {
            send_world_print(&world);
            fail_msg("seed %d: one that is shunned keeps the channel", (int)seed);
        }
        for (size_t i = 0; i < world.model.count; i++)
            for (size_t k = 0; k < world.model.messages[i].count; k++) {
                const struct world_seen *seen = &world.seen[i][k];
                bool shunned = i == 0 && k < world.shunned;

                assert_true(seen->said_failed == shunned && seen->said_handled == !shunned);
                assert_in_range(seen->requests, 1, shunned ? REQUESTS_MAX : 1);
            }
        send_world_done(&world);
    }
}

/* ---- first in line ---- */

#define SLOW_MIN_MS  3000 /* of the breaker: what waits is put down, and claimed anew */
#define SLOW_MAX_MS  8000
#define FIRST_MOST   8 /* more than a slice */
#define WAIT_MOST_MS (SLOW_MAX_MS + 3000)
#define SINGLES      12

/* As the seed has it: by 401 or 403, one process or two, or one that is killed on its way. */
static void begin_slow(uint64_t seed)
{
    send_world_init_empty(&world, seed);
    world.conf.breaker.open = (struct backoff){SLOW_MIN_MS, SLOW_MAX_MS};
    world.shunned_as = seed % 2 == 0 ? 401 : 403;
}

static unsigned lives(uint64_t seed)
{
    return seed / 2 % 3 == 0 ? 1 : 2;
}

/* Until all others are handled: each of the few has tried the channel once in each life, and then
 * another has. */
static void go(uint64_t seed)
{
    int64_t most_ms = DUE_MS + WAIT_MOST_MS * (int64_t)(world.shunned * lives(seed) + 2);
    int64_t kill_ms = seed / 2 % 3 == 1 ? (int64_t)(seed * 377 % 20000) : INT64_MAX;
    size_t left = 1;

    send_world_boot(&world, 0);
    if (seed / 2 % 3 == 2)
        send_world_boot(&world, 1);
    while (left > 0) {
        send_world_step(&world);
        if (world.now_ms > kill_ms) {
            send_world_kill(&world, 0);
            send_world_boot(&world, 0);
            kill_ms = INT64_MAX;
        }
        left = 0;
        for (size_t i = 0; i < world.model.count; i++)
            for (size_t k = i == 0 ? world.shunned : 0; k < world.model.messages[i].count; k++)
                left += !world.seen[i][k].said_handled;
        if (world.now_ms > most_ms) {
            send_world_print(&world);
            fail_msg("seed %d: %d others wait for %d by a %d", (int)seed, (int)left,
                     (int)world.shunned, world.shunned_as);
        }
    }
    send_world_done(&world);
}

/* In slices: it is tried with another one of the same message, or of its next slice. */
static void others_of_the_same_message_go_first(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin_slow(seed);
        world.shunned = 1 + seed % FIRST_MOST;
        (void)send_world_add(&world, 0, SEND_STORE_DEST_MAX, DUE_MS);
        go(seed);
    }
}

static void messages_to_others_go_first(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin_slow(seed);
        world.shunned = 1 + seed % FEW;
        (void)send_world_add(&world, 0, world.shunned, DUE_MS);
        for (int i = 0; i < SINGLES; i++)
            (void)send_world_add(&world, 0, 1, DUE_MS + i);
        go(seed);
    }
}

/* ---- nothing of ours is welcome ---- */

#define REFUSED_TO_MS 60000

/* Nobody has lost an attempt by a 401 to all; by a 403 the first two have, as it may be about them.
 */
static void a_channel_that_is_stopped_uses_up_no_attempts(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        size_t failed = 0;

        begin_slow(seed);
        world.shunned = SEND_STORE_DEST_MAX;
        (void)send_world_add(&world, 0, SEND_STORE_DEST_MAX, DUE_MS);
        send_world_boot(&world, 0);
        while (world.now_ms < REFUSED_TO_MS)
            send_world_step(&world);
        world.shunned = 0;
        for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++)
            send_world_step(&world);
        assert_true(send_world_finished(&world));
        if (world.now_ms > REFUSED_TO_MS + 2 * WAIT_MOST_MS)
            fail_msg("seed %d: it works, and they wait", (int)seed);
        for (size_t k = 0; k < SEND_STORE_DEST_MAX; k++)
            failed += world.seen[0][k].said_failed;
        assert_int_equal(failed, world.shunned_as == 401 ? 0 : 2);
        send_world_done(&world);
    }
}

/* ---- callbacks ---- */

#define CALLS          12
#define CALLS_MAX      3 /* maxCalls, as the fakes have it */
#define LATER_CALL     60000
#define CALL_STEPS_MAX 400000

static bool are_called(void)
{
    for (size_t i = world.shunned_calls; i < world.model.count; i++)
        if (world.calls[i].begun == 0 && world.model.messages[i].live &&
            world.model.messages[i].at_ms < send_world_store_ms(&world) - DUE_MS)
            return false;
    return true;
}

/* Those that are due later show that it works; the last of the few might be alone. */
static void a_callback_that_may_not_be_called_ends_and_the_others_are_called(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        int64_t most_ms = 0;

        begin_slow(seed);
        world.shunned_calls = 1 + seed % FEW;
        most_ms = DUE_MS + WAIT_MOST_MS * (int64_t)(world.shunned_calls + 2);
        for (int i = 0; i < CALLS; i++)
            (void)send_world_add(&world, -1, 1, i < CALLS / 2 ? DUE_MS : i * LATER_CALL);
        send_world_boot(&world, 0);
        for (size_t i = 0; i < CALL_STEPS_MAX && !send_world_finished(&world); i++) {
            send_world_step(&world);
            if (world.now_ms > most_ms && world.now_ms < LATER_CALL && !are_called())
                fail_msg("seed %d: callbacks wait for %d by a %d", (int)seed,
                         (int)world.shunned_calls, world.shunned_as);
        }
        if (!send_world_finished(&world)) {
            send_world_print(&world);
            fail_msg("seed %d: a callback is tried without end", (int)seed);
        }
        for (size_t i = 0; i < world.shunned_calls; i++) {
            assert_int_equal(world.model.messages[i].callback.failures, CALLS_MAX);
            assert_int_equal(world.model.messages[i].callback.last, CALLBACK_OTHER);
        }
        send_world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_never_welcome_ends_and_the_others_go),
        cmocka_unit_test(others_of_the_same_message_go_first),
        cmocka_unit_test(messages_to_others_go_first),
        cmocka_unit_test(a_channel_that_is_stopped_uses_up_no_attempts),
        cmocka_unit_test(a_callback_that_may_not_be_called_ends_and_the_others_are_called),
    };

    return cmocka_run_group_tests_name("shunned", tests, NULL, NULL);
}
