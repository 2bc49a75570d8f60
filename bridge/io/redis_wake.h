/*
 * redis_wake: hears, on a connection of its own, when something becomes due in a shard before what
 * was known (channel w:{NN}). A hint: it may be missed, and says nothing that a claim doesn't find.
 */
#ifndef BRIDGE_IO_REDIS_WAKE_H
#define BRIDGE_IO_REDIS_WAKE_H

#include "bridge/io/redis.h"

#define REDIS_WAKE_PING_MS 5000 /* so that a dead connection is noticed */

struct redis_wake;

typedef void redis_on_wake(void *owner, unsigned shard, int64_t due_ms);

/* NULL with a fault if the address makes no sense. conf is as of the other connection. */
struct redis_wake *redis_wake_new(struct uv_loop_s *loop, const struct redis_conf *conf,
                                  const struct notice *log, redis_on_wake *woken, void *owner,
                                  struct fault *f);
/* Frees itself on the loop. NULL does nothing. */
void redis_wake_free(struct redis_wake *w);

#endif
