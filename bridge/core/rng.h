/*
 * rng: random numbers from a seed (splitmix64), for simulation and jitter. Never for secrets or
 * ids. A value: a copy goes on as the original does.
 */
#ifndef BRIDGE_CORE_RNG_H
#define BRIDGE_CORE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

struct rng rng_of(uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n); /* 0 … n-1, all as likely; n > 0 */

#endif
