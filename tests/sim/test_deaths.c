/*
 * One death among many requests, on fakes in virtual time: a process is killed, or sleeps past its
 * leases, or there is no store for as long. Whoever goes on repeats what may be open of a channel
 * (D6), and not more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#define DUE_MS    1000
#define WITHIN_MS 3000  /* of that, it dies */
#define LONG_MS   20000 /* leases end */
#define SEEDS     60
#define RATE      5
#define OPEN      3   /* times a channel's concurrency (D6) */
#define AHEAD_MS  500 /* what a rate lets through in so long is marked ahead */
#define STEPS_MAX 400000

static struct send_world world;

enum death { KILLED, ASLEEP, WITHOUT_STORE };

static void die(enum death how)
{
    if (how == KILLED)
        send_world_kill(&world, 0);
    else if (how == ASLEEP)
        send_world_stop(&world, 0, LONG_MS);
    else
        send_world_lose_store(&world, true);
}

/* rate: of the sender; 0: none. It has ended. */
static void run_to_its_end(uint64_t seed, enum death how, int64_t rate)
{
    send_world_init_empty(&world, seed);
    world.channels[0].slots = 1 + (int)(seed % 4);
    world.senders[0].rate = rate;
    world.senders[0].burst = 1;
    for (size_t i = 0; i < SEND_STORE_MESSAGES_MAX; i++)
        send_world_add(&world, 0, SEND_STORE_DEST_MAX, DUE_MS);
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        send_world_boot(&world, i);
    send_world_until(&world, DUE_MS + (int64_t)rng_below(&world.rng, WITHIN_MS));
    die(how);
    if (how == WITHOUT_STORE) {
        send_world_until(&world, world.now_ms + LONG_MS);
        send_world_lose_store(&world, false);
    }
    for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++)
        send_world_step(&world);
    assert_true(send_world_finished(&world));
    send_world_check_end(&world);
    send_world_check_repeats(&world);
}

/* Returns how many requests were made again. */
static unsigned run(uint64_t seed, enum death how)
{
    unsigned again;

    run_to_its_end(seed, how, 0);
    again = world.repeats[0];
    send_world_done(&world);
    return again;
}

static void a_death_repeats_what_may_be_open_and_no_more(void **state)
{
    static const enum death all[] = {KILLED, ASLEEP, WITHOUT_STORE};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        unsigned again = 0;

        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            again += run(seed, all[i]);
        print_message("%u requests again after %d deaths\n", again, SEEDS);
        assert_true(again > 0); /* else it proves nothing */
    }
}

static unsigned count_doubtful(void)
{
    unsigned n = 0;

    for (size_t i = 0; i < world.model.count; i++)
        for (size_t k = 0; k < world.model.messages[i].count; k++)
            n += world.seen[i][k].said_duplicate;
    return n;
}

/* What waits for its sender's rate was not sent, however much of it is held: nobody says that it
 * may have been. */
static void what_waits_for_its_rate_is_not_in_doubt(void **state)
{
    unsigned most = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        unsigned may_be;
        unsigned doubtful;

        run_to_its_end(seed, KILLED, RATE);
        doubtful = count_doubtful();
        most = doubtful > most ? doubtful : most;
        may_be = OPEN * (unsigned)world.channels[0].slots + RATE * AHEAD_MS / 1000;
        if (doubtful > may_be)
            fail_msg("seed %d: %u are said to be in doubt", (int)seed, doubtful);
        send_world_done(&world);
    }
    print_message("at most %u in doubt\n", most);
    assert_true(most > 0); /* else it proves nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_for_its_rate_is_not_in_doubt),
        cmocka_unit_test(a_death_repeats_what_may_be_open_and_no_more),
    };

    return cmocka_run_group_tests_name("deaths", tests, NULL, NULL);
}
