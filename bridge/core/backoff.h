/*
 * backoff: how long to wait before the next attempt: exponential, with full jitter.
 *
 * wait = floor + a random part of min(cap, base · 2^attempt). Jitter comes on top of the floor (a
 * Retry-After), so that not all who were told the same return at the same instant.
 */
#ifndef BRIDGE_CORE_BACKOFF_H
#define BRIDGE_CORE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t base_ms;
    int64_t cap_ms;
};

/* The longest random part after `attempt` attempts (0: before the first repeat). Below 0 is 0. */
int64_t backoff_ceiling_ms(const struct backoff *b, unsigned attempt);
/* random: 64 random bits. floor_ms: at least that long; 0: no floor. Stays at INT64_MAX. */
int64_t backoff_wait_ms(const struct backoff *b, unsigned attempt, int64_t floor_ms,
                        uint64_t random);

#endif
