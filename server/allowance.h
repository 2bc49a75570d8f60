/*
 * allowance: what one step of long work on the history may still take: so many rows, and no longer
 * than until a time. Looked at between two pieces; the first piece of a step is done in any case,
 * so that every step comes further.
 */
#ifndef SERVER_ALLOWANCE_H
#define SERVER_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

/* A monotonic clock, read on the thread that works. */
struct step_clock {
    int64_t (*now_ms)(void *ctx);
    void *ctx;
};

struct allowance {
    int64_t rows;
    const struct step_clock *clock; /* NULL: any time */
    int64_t until_ms;
};

struct allowance allowance_of(int64_t rows, const struct step_clock *clock, int64_t ms);
bool allowance_is_over(const struct allowance *a);

#endif
