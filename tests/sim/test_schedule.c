/*
 * The sending loop on fakes in virtual time: two processes that share a store, random messages and
 * callbacks, latencies, failures, kills, stops longer than a lease, cancels, withdrawn consents,
 * hours in which nothing may leave, messages that go out of date, wall clocks that jump; what the
 * carriers see is held against D5 to D9. SIM_SEED=n repeats one run, SIM_RUNS=n says how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"
#include "tests/fakes/sim_seeds.h"

#include <stdio.h>

#define STEPS_MAX 400000 /* of one run: more means that it stands still */

static struct send_world world;

static void disturb(struct send_world *w)
{
    uint64_t dice = rng_below(&w->rng, 600);
    unsigned which = (unsigned)rng_below(&w->rng, WORLD_PROCESSES);
    size_t message = rng_below(&w->rng, w->model.count);

    if (dice == 0)
        send_world_kill(w, which);
    else if (dice <= 2)
        send_world_boot(w, which);
    else if (dice == 3)
        send_world_stop(w, which, (int64_t)rng_below(&w->rng, 20000));
    else if (dice == 4)
        w->down[dice % 3] = !w->down[dice % 3];
    else if (dice == 5)
        w->unauthorised[which] = !w->unauthorised[which];
    else if (dice == 6 && rng_below(&w->rng, 4) == 0)
        send_world_delete(w, message);
    else if (dice <= 9)
        send_world_withdraw(w, message, rng_below(&w->rng, SEND_STORE_DEST_MAX));
    else if (dice == 10)
        send_world_pause(w, message, !w->model.messages[message].paused);
    else if (dice == 12 || (w->store_down && dice < 30))
        send_world_lose_store(w, !w->store_down);
    else if (dice == 11)
        w->wall_off_ms += rng_below(&w->rng, 2) == 0 ? 3600000 : -3600000;
}

static void calm(struct send_world *w)
{
    for (size_t i = 0; i < 3; i++)
        w->down[i] = w->unauthorised[i] = false;
    send_world_lose_store(w, false);
    for (size_t i = 0; i < w->model.count; i++)
        send_world_pause(w, i, false);
    w->faults = (struct schedule_faults){.latency_ms = w->faults.latency_ms,
                                         .carrier_ms = w->faults.carrier_ms};
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        send_world_boot(w, i);
}

static void run(uint64_t seed)
{
    struct send_world *w = &world;
    size_t wild;

    send_world_init(w, seed);
    w->faults.store_lost = (unsigned)rng_below(&w->rng, 30);
    w->faults.reply_lost = (unsigned)rng_below(&w->rng, 100);
    w->faults.request_lost = (unsigned)rng_below(&w->rng, 100);
    w->faults.not_sent = (unsigned)rng_below(&w->rng, 100);
    w->faults.error_500 = (unsigned)rng_below(&w->rng, 200);
    w->faults.throttle = (unsigned)rng_below(&w->rng, 50);
    w->faults.refuse = (unsigned)rng_below(&w->rng, 50);
    w->faults.report_failed = (unsigned)rng_below(&w->rng, 50);
    send_world_boot(w, 0);
    if (rng_below(&w->rng, 2) == 0)
        send_world_boot(w, 1);
    wild = rng_below(&w->rng, 4000);
    for (size_t i = 0; i < STEPS_MAX && !(i > wild && send_world_finished(w)); i++) {
        if (i < wild)
            disturb(w);
        if (i == wild) /* from here on all is well, so all must end */
            calm(w);
        send_world_step(w);
    }
    if (!send_world_finished(w)) {
        send_world_print(w);
        fail_msg("the run stands still");
    }
    send_world_check_end(w);
    send_world_check_repeats(w);
    send_world_done(w);
}

static void promises_hold_whatever_happens(void **state)
{
    (void)state;
    sim_seeds_run(run, 10000, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(promises_hold_whatever_happens, sim_seeds_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
