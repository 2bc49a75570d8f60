/*
 * sim_seeds: a simulation that a seed decides, run by many seeds. SIM_SEED=n runs that one alone,
 * SIM_RUNS=n says how many.
 */
#ifndef TESTS_FAKES_SIM_SEEDS_H
#define TESTS_FAKES_SIM_SEEDS_H

#include <stdint.h>

/* otherwise: how many without SIM_RUNS, which all simulations are given; most: what fits its time.
 */
void sim_seeds_run(void (*run)(uint64_t seed), int64_t otherwise, int64_t most);

/* Which seed this is, for sim_seeds_say, which is a teardown. */
void sim_seeds_now(uint64_t seed);
int sim_seeds_say(void **state);

#endif
