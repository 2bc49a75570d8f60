/*
 * slot_pool: how many requests may be under way at once. Half of it is shared, half is divided
 * among the channels, so that one whose gateway is slow leaves the others theirs (D8).
 */
#ifndef BRIDGE_CORE_SLOT_POOL_H
#define BRIDGE_CORE_SLOT_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct slot_pool {
    int part; /* that each channel has for itself */
    int pool; /* what all share beside that */
    int used; /* of the pool */
    int out;  /* of all channels */
};

/* max: at least 1. Where there are more channels than half of it, none has a part. */
void slot_pool_init(struct slot_pool *p, int max, size_t channels);
/* For one more of a channel that has `out` under way? */
bool slot_pool_has(const struct slot_pool *p, int out);
/* *out: the channel's count. Take only what slot_pool_has. */
void slot_pool_take(struct slot_pool *p, int *out);
void slot_pool_give(struct slot_pool *p, int *out);

#endif
