#include "bridge/core/backoff.h"

int64_t backoff_ceiling_ms(const struct backoff *b, unsigned attempt)
{
    if (b->base_ms <= 0 || b->cap_ms <= 0)
        return 0;
    /* base · 2^attempt > cap, without the product */
    if (attempt >= 63 || b->base_ms > b->cap_ms >> attempt)
        return b->cap_ms;
    return b->base_ms << attempt;
}

int64_t backoff_wait_ms(const struct backoff *b, unsigned attempt, int64_t floor_ms,
                        uint64_t random)
{
    /* The remainder favours small numbers by less than one part in 2^64 / ceiling: by nothing. */
    int64_t jitter = (int64_t)(random % ((uint64_t)backoff_ceiling_ms(b, attempt) + 1));

    if (floor_ms <= 0)
        return jitter;
    return jitter > INT64_MAX - floor_ms ? INT64_MAX : floor_ms + jitter;
}
