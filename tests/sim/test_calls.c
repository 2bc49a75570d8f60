/*
 * Callbacks in virtual time over days: two processes, every result of the interface, results that
 * come later or never, or are overtaken by somebody's PUT, a dialler that fails, kills and stops.
 * No call overlaps another of its callback or comes before its time, and each result leads to what
 * contract 16 says. SIM_SEED=n repeats one run, SIM_RUNS=n says how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"
#include "tests/fakes/sim_seeds.h"

#define RUNS_MAX  1500               /* each is of days: some 40 ms */
#define WILD_MS   INT64_C(259200000) /* three days */
#define STEPS_MAX 20000000           /* of one run: more means that it stands still */

static struct send_world world;

static void disturb(struct send_world *w)
{
    uint64_t dice = rng_below(&w->rng, 3000);
    unsigned which = (unsigned)rng_below(&w->rng, WORLD_PROCESSES);

    if (dice == 0)
        send_world_kill(w, which);
    else if (dice <= 3)
        send_world_boot(w, which);
    else if (dice == 4)
        send_world_stop(w, which, (int64_t)rng_below(&w->rng, 20000));
    else if (dice == 5 || (w->down[2] && dice < 20))
        w->down[2] = !w->down[2];
    else if (dice == 6 || (w->unauthorised[2] && dice > 2980))
        w->unauthorised[2] = !w->unauthorised[2];
    else if (dice == 7 || (w->store_down && dice > 2960 && dice <= 2980))
        w->store_down = !w->store_down;
    if (rng_below(&w->rng, 20) == 0)
        send_world_put(w, rng_below(&w->rng, w->model.count));
}

static void calm(struct send_world *w)
{
    w->down[2] = w->unauthorised[2] = w->store_down = false;
    w->faults = (struct schedule_faults){.latency_ms = w->faults.latency_ms,
                                         .carrier_ms = w->faults.carrier_ms};
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        send_world_boot(w, i);
}

static void run(uint64_t seed)
{
    struct send_world *w = &world;
    bool wild = true;

    send_world_init_days(w, seed);
    w->faults.store_lost = (unsigned)rng_below(&w->rng, 30);
    w->faults.reply_lost = (unsigned)rng_below(&w->rng, 100);
    w->faults.request_lost = (unsigned)rng_below(&w->rng, 50);
    w->faults.not_sent = (unsigned)rng_below(&w->rng, 100);
    w->faults.error_500 = (unsigned)rng_below(&w->rng, 200);
    w->faults.refuse = (unsigned)rng_below(&w->rng, 50);
    send_world_boot(w, 0);
    send_world_boot(w, 1);
    for (size_t i = 0; i < STEPS_MAX && !send_world_finished(w); i++) {
        if (wild)
            disturb(w);
        if (wild && w->now_ms > WILD_MS) {
            calm(w);
            wild = false;
        }
        send_world_step(w);
    }
    if (!send_world_finished(w)) {
        send_world_print(w);
        fail_msg("the run stands still");
    }
    send_world_check_end(w);
    send_world_done(w);
}

static void each_result_leads_to_what_it_should_over_days(void **state)
{
    (void)state;
    sim_seeds_run(run, 150, RUNS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_result_leads_to_what_it_should_over_days, sim_seeds_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
