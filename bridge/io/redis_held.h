/*
 * redis_held: replies that came and are not believed yet: they wait for the replicas
 * (redis_node.h). In the order they came.
 */
#ifndef BRIDGE_IO_REDIS_HELD_H
#define BRIDGE_IO_REDIS_HELD_H

#include "bridge/core/arena.h"
#include "bridge/io/redis.h"

struct redis_held_reply;

struct redis_held { /* zeroed is empty */
    struct redis_held_reply *first;
    struct redis_held_reply *last;
    struct arena memory;
};

void redis_held_put(struct redis_held *h, redis_on_reply *done, void *owner,
                    const struct redis_value *value); /* copied */
/* Each calls every function that is in it now, and empties it. */
void redis_held_give(struct redis_held *h);
void redis_held_lose(struct redis_held *h, const char *why); /* with REDIS_LOST */

#endif
