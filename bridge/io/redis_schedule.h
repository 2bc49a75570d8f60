/*
 * redis_schedule: ports/schedule.h on Redis, by the scripts in server/redis/ (keys and fields:
 * server/store.h).
 *
 * An answer that must be durable waits for `replicas` of them (WAIT, one for all that left in one
 * turn of the loop); where fewer have it in time, the call is FAILED, and what it wrote stands: the
 * loop does the call again.
 */
#ifndef BRIDGE_IO_REDIS_SCHEDULE_H
#define BRIDGE_IO_REDIS_SCHEDULE_H

#include "bridge/io/redis.h"
#include "bridge/ports/schedule.h"

#define REDIS_SCHEDULE_READER_MS 5000 /* how long the reader of an outbox stays it */

struct redis_schedule_conf {
    int64_t retention_ms; /* how long a completed message, or a closed callback, is kept */
    unsigned outbox_max;  /* entries of a shard's outbox; nothing is claimed while there are more */
    unsigned replicas;    /* 0: no WAIT */
    int64_t wait_ms;      /* of one WAIT, below the connection's timeout */
    uint8_t owner[8];     /* random, of this start of this process */
};

struct redis_schedule;

/* r must outlive it, and runs nothing but what may wait for replicas. */
struct redis_schedule *redis_schedule_new(struct redis *r, const struct redis_schedule_conf *conf,
                                          const struct schedule_answers *answers,
                                          const struct notice *log);
struct schedule_port redis_schedule_port(struct redis_schedule *s);
/* After redis_close, which ends its calls. */
void redis_schedule_free(struct redis_schedule *s);

#endif
