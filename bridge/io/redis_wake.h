/*
 * redis_wake: hears, on a connection of its own, when something becomes due in a shard before what
 * was known (channel w:{NN}). A hint: it may be missed, and says nothing that a claim doesn't find.
 *
 * It follows the connection whose companion it is: connects where that one is (redis_address) once
 * that is up, and again, REDIS_WAKE_AGAIN_MS later, when its own is lost or silent.
 */
#ifndef BRIDGE_IO_REDIS_WAKE_H
#define BRIDGE_IO_REDIS_WAKE_H

#include "bridge/io/redis.h"

#define REDIS_WAKE_PING_MS  5000 /* nothing heard between two of them: the connection is dead */
#define REDIS_WAKE_AGAIN_MS 1000
#define REDIS_WAKE_LOOK_MS  20 /* whether the companion is up */

struct redis_wake;

typedef void redis_on_wake(void *owner, unsigned shard, int64_t due_ms);

/* r must outlive it. conf is r's; its user and password must outlive it, too. */
struct redis_wake *redis_wake_new(struct uv_loop_s *loop, const struct redis *r,
                                  const struct redis_conf *conf, redis_on_wake *woken, void *owner);
bool redis_wake_hears(const struct redis_wake *w); /* it is subscribed */
/* Frees itself on the loop. NULL does nothing. */
void redis_wake_free(struct redis_wake *w);

#endif
