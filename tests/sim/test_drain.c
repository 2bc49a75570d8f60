/*
 * Processes that are told to end, on fakes in virtual time, whenever that may be: beside messages
 * that are due, out, retried, deleted, paused, without consent, outside their hours; beside
 * gateways that fail. Each ends in time, whoever goes on sends nothing twice, and there is nothing
 * that an outcome would have to doubt. SIM_SEED=n repeats one run, SIM_RUNS=n says how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"
#include "tests/fakes/sim_seeds.h"

#define RUNS_MAX  30000
#define STEPS_MAX 400000 /* of one run: more means that it stands still */
#define WILD      6000   /* steps */

static struct send_world world;
static bool gateways_fail;

static void disturb(struct send_world *w)
{
    uint64_t dice = rng_below(&w->rng, 300);
    unsigned which = (unsigned)rng_below(&w->rng, WORLD_PROCESSES);
    size_t message = rng_below(&w->rng, w->model.count);

    if (dice < 2)
        send_world_drain(w, which);
    else if (dice < 5)
        send_world_boot(w, which);
    else if (dice == 5 && gateways_fail)
        w->down[which] = !w->down[which];
    else if (dice == 6 && gateways_fail)
        w->unauthorised[which] = !w->unauthorised[which];
    else if (dice == 7 && rng_below(&w->rng, 4) == 0)
        send_world_delete(w, message);
    else if (dice == 8)
        send_world_withdraw(w, message, rng_below(&w->rng, SEND_STORE_DEST_MAX));
    else if (dice == 9)
        send_world_pause(w, message, !w->model.messages[message].paused);
}

/* In half of the worlds gateways fail; there no text has parts, of which an attempt that fails may
 * leave some. */
static void begin(struct send_world *w, uint64_t seed)
{
    send_world_init(w, seed);
    w->conf.drain_ms = w->channels[2].timeout_ms + SCHEDULE_MARKED_MS;
    gateways_fail = seed % 2 == 1;
    if (!gateways_fail)
        return;
    w->faults.not_sent = (unsigned)rng_below(&w->rng, 100);
    w->faults.error_500 = (unsigned)rng_below(&w->rng, 200);
    w->faults.throttle = (unsigned)rng_below(&w->rng, 50);
    w->faults.refuse = (unsigned)rng_below(&w->rng, 50);
    w->faults.report_failed = (unsigned)rng_below(&w->rng, 50);
    for (size_t i = 0; i < w->model.count; i++)
        w->model.messages[i].body = "Hello";
}

static void calm(struct send_world *w)
{
    for (size_t i = 0; i < WORLD_PROCESSES; i++)
        w->down[i] = w->unauthorised[i] = false;
    for (size_t i = 0; i < w->model.count; i++)
        send_world_pause(w, i, false);
    w->faults = (struct schedule_faults){.latency_ms = w->faults.latency_ms,
                                         .carrier_ms = w->faults.carrier_ms};
}

/* Each number was tried once at most, and none was left out (send_world checks that). */
static void check_once(const struct send_world *w)
{
    assert_int_equal(w->deaths, 0);
    send_world_check_repeats(w);
    for (size_t i = 0; i < w->model.count; i++)
        for (size_t k = 0; k < w->model.messages[i].count; k++) {
            const struct world_seen *seen = &w->seen[i][k];

            if (seen->requests > seen->attempts)
                fail_msg("message %zu: %u requests to %zu in %u attempts", i, seen->requests, k,
                         seen->attempts);
            if (seen->said_duplicate || seen->said_unknown)
                fail_msg("message %zu: the outcome of %zu is in doubt", i, k);
        }
}

static void run(uint64_t seed)
{
    struct send_world *w = &world;
    size_t wild;

    begin(w, seed);
    wild = rng_below(&w->rng, WILD);
    for (size_t i = 0; i < STEPS_MAX && !(i > wild && send_world_finished(w)); i++) {
        if (i < wild)
            disturb(w);
        if (i == wild)
            calm(w);
        if (i >= wild) /* one that is about to end does, first */
            send_world_boot(w, 0);
        send_world_step(w);
    }
    if (!send_world_finished(w)) {
        send_world_print(w);
        fail_msg("the run stands still");
    }
    send_world_check_end(w);
    check_once(w);
    send_world_done(w);
}

static void who_is_told_to_end_leaves_nothing_in_doubt(void **state)
{
    (void)state;
    sim_seeds_run(run, 3000, RUNS_MAX);
}

/* A run in which a slice that was claimed ahead of its time is put down, and another process takes
 * it up, before that has come. */
static void what_is_put_down_before_its_time_is_sent_at_it(void **state)
{
    (void)state;
    sim_seeds_now(16449);
    run(16449);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_is_told_to_end_leaves_nothing_in_doubt, sim_seeds_say),
        cmocka_unit_test_teardown(what_is_put_down_before_its_time_is_sent_at_it, sim_seeds_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
