/*
 * gate: back-pressure: how much may be held at once, in records and bytes, by partitions that share
 * it.
 *
 * Half of each limit is divided into equal parts, one a partition; the rest is a pool for whoever
 * needs more. A partition is stopped while it has used up its part and the pool is used up: so one
 * whose events all wait for the same destination leaves the others their parts. A part is one
 * record at least, so more partitions than half of the limit may hold one each; all are stopped
 * while together they hold as many bytes as may be. Partitions that come while the limit is used up
 * have parts of their own all the same, GATE_LATE_RECORDS in all above the limit; from there on all
 * have one record each. All of these end an eighth below: most of what is held waits for Redis or a
 * delivery report, and what is ready to be sent must not run dry meanwhile.
 */
#ifndef BRIDGE_CORE_GATE_H
#define BRIDGE_CORE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GATE_LATE_RECORDS 1024 /* above the limit, by partitions that came when it was used up */

struct gate_amount {
    int64_t records;
    int64_t bytes;
};

struct gate_share { /* of one partition; zeros: it holds nothing */
    bool full;      /* its part is used up */
    struct gate_amount held;
};

struct gate {
    struct gate_amount max;
    struct gate_amount part;
    struct gate_amount pool; /* the pool's size */
    struct gate_amount used; /* of the pool */
    struct gate_amount held; /* by all */
    bool shut;               /* the pool is used up */
    bool full;               /* in bytes: large records may take more than a part */
    bool crowded;            /* in records: so many partitions have come that one each must do */
};

void gate_init(struct gate *g, int64_t records_max, int64_t bytes_max);
/* There are so many shares from now on; then gate_count is to be called for each. */
void gate_divide(struct gate *g, size_t shares);
void gate_count(struct gate *g, struct gate_share *s);

/* One record of so many bytes; one that is held has grown; one is no longer held. All return
 * whether `shut`, `full` or `crowded` changed. */
bool gate_enter(struct gate *g, struct gate_share *s, int64_t bytes);
bool gate_grow(struct gate *g, struct gate_share *s, int64_t bytes);
bool gate_leave(struct gate *g, struct gate_share *s, int64_t bytes);

/* Must the partition be stopped? */
static inline bool gate_stops(const struct gate *g, const struct gate_share *s)
{
    return g->full || (g->shut && s->full) || (g->crowded && s->held.records > 0);
}

#endif
