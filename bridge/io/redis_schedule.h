/*
 * redis_schedule: ports/schedule.h on Redis, by the scripts in server/redis/ (keys and fields:
 * server/store.h).
 *
 * r waits for replicas (struct redis_conf); where too few have a write in time its call is FAILED,
 * and what it wrote stands: the loop does the call again. `woken` comes from redis_wake.h.
 */
#ifndef BRIDGE_IO_REDIS_SCHEDULE_H
#define BRIDGE_IO_REDIS_SCHEDULE_H

#include "bridge/core/shard.h"
#include "bridge/io/redis.h"
#include "bridge/ports/schedule.h"

#define REDIS_SCHEDULE_READER_MS 5000 /* how long the reader of an outbox stays it */
/* What a process that was killed had handed over is known for so long, unless it ends before. */
#define REDIS_SCHEDULE_HAND_MS (INT64_C(24) * 3600 * 1000)

struct redis_schedule_conf {
    int64_t retention_ms; /* how long a completed message, or a closed callback, is kept */
    unsigned outbox_max;  /* entries of a shard's outbox; nothing is claimed while there are more */
    uint8_t owner[8];     /* random, of this start of this process */
};

struct redis_schedule;

/* r must outlive it. */
struct redis_schedule *redis_schedule_new(struct redis *r, const struct redis_schedule_conf *conf,
                                          const struct schedule_answers *answers,
                                          const struct notice *log);
struct schedule_port redis_schedule_port(struct redis_schedule *s);
/* hand:<usage>_<number>: what is handed over under a consent. shard: the number's. */
struct view redis_schedule_hand_key(unsigned shard, struct view field, char out[SHARD_KEY_MAX]);
/* gaps:<number>, of a normal form, in its shard. */
struct view redis_schedule_gap_key(struct view normal, char out[SHARD_KEY_MAX]);
/* Where the gate of a sender's address, or of "channel:<name>", lies. */
struct view redis_schedule_gate_key(struct view name, char out[SHARD_KEY_MAX]);
/* After redis_close, which ends its calls. */
void redis_schedule_free(struct redis_schedule *s);

#endif
