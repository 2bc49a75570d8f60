/*
 * redis_fsck: goes through all messages and callbacks of the schedule, checks each one by itself
 * (server/redis/fsck.lua: one script, so nothing moves meanwhile) and repairs what can be derived.
 * Whatever points to a thing is followed, so what points to nothing is found, too.
 *
 * While Redis is away it waits, and goes on where it was. What can't be read though Redis is there
 * is told and passed over.
 */
#ifndef BRIDGE_IO_REDIS_FSCK_H
#define BRIDGE_IO_REDIS_FSCK_H

#include "bridge/core/guid.h"
#include "bridge/io/redis.h"

#define REDIS_FSCK_RETRY_MS 1000 /* until Redis is asked again after it did not answer */

struct redis_fsck;

struct redis_fsck_conf {
    bool repair;     /* else only look */
    int64_t pace_ms; /* from one thing to the next; 0: as fast as answers come */
    int64_t rest_ms; /* from one round to the next; -1: one round is enough */
};

/* Called on the loop. */
struct redis_fsck_owner {
    void *ctx;
    /* word: what was wrong ("slice-lost", see fsck.lua), so often; holds during the call. left: of
     * these, those that are so still: all where nothing is repaired, else those that nobody can
     * derive. Once for each thing and round, wherever it stands.
     * "check-failed": Redis answers the check with an error, again and again; "unreadable": so it
     * does of the list whose key is told instead of an id, the rest of which is passed over. */
    void (*found)(void *ctx, const char *what, struct view word, int64_t count, int64_t left);
    /* All was gone through: so many things were looked at, so much was found, and is left. */
    void (*round)(void *ctx, int64_t checked, int64_t found, int64_t left);
};

/* r must outlive it. Begins at the next turn of the loop. */
struct redis_fsck *redis_fsck_new(struct uv_loop_s *loop, struct redis *r,
                                  const struct redis_fsck_conf *conf,
                                  struct redis_fsck_owner owner);
/* Nothing is called any more. May be called from the owner's functions. NULL is a no-op. */
void redis_fsck_free(struct redis_fsck *f);

#endif
