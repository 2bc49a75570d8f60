#include "bridge/core/rng.h"

#include <assert.h>

struct rng rng_of(uint64_t seed)
{
    return (struct rng){seed};
}

uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    uint64_t uneven;
    uint64_t drawn;

    assert(n > 0);
    uneven = (0 - n) % n; /* 2^64 mod n: the lowest numbers are drawn again, the rest divide by n */
    do
        drawn = rng_next(r);
    while (drawn < uneven);
    return drawn % n;
}
