/*
 * redis_aof: has every server that is written to write its append-only file anew (BGREWRITEAOF), so
 * that what was deleted leaves the disk, and waits for the end: one server after the other, because
 * each forks.
 *
 * Replicas have files of their own, which they write anew when they are told themselves: they are
 * not reached, but named.
 */
#ifndef BRIDGE_IO_REDIS_AOF_H
#define BRIDGE_IO_REDIS_AOF_H

#include "bridge/io/redis.h"

#define REDIS_AOF_LOOK_MS     100    /* between two looks at how far it is */
#define REDIS_AOF_PATIENCE_MS 600000 /* for one server */

struct redis_aof;

struct redis_aof_outcome {
    bool rewritten;   /* by every server that is written to */
    struct view left; /* who has yet to: those where it did not work, and replicas; "host:port", a
                       * line each */
};

/* outcome holds during the call. */
typedef void redis_aof_done(void *owner, const struct redis_aof_outcome *outcome);

/* done is called once, never from inside. */
struct redis_aof *redis_aof_rewrite(struct uv_loop_s *loop, struct redis *r, redis_aof_done *done,
                                    void *owner);
/* May be called from done; before it, done is not called any more. NULL is a no-op. */
void redis_aof_free(struct redis_aof *a);

#endif
