/*
 * redis_queue: commands that are owed an answer, in the order they were given.
 */
#ifndef BRIDGE_IO_REDIS_QUEUE_H
#define BRIDGE_IO_REDIS_QUEUE_H

#include "bridge/io/redis.h"

struct redis_owed {
    redis_on_reply *done;
    void *owner;
    int64_t deadline_ms;
    const char *why;                   /* it is refused, NULL: the connection's trouble */
    const struct redis_script *script; /* NULL: no EVALSHA */
    size_t args;                       /* of the EVALSHA or EVAL */
    char *tail;                        /* as sent, what follows the script's name; owned */
    size_t tail_bytes;
};

struct redis_queue { /* a ring; zeroed is empty */
    struct redis_owed *at;
    size_t cap; /* a power of two */
    size_t first;
    size_t count;
};

void redis_queue_done(struct redis_queue *q); /* it must be empty */
void redis_queue_put(struct redis_queue *q, const struct redis_owed *c);
struct redis_owed redis_queue_take(struct redis_queue *q);              /* it must not be empty */
const struct redis_owed *redis_queue_head(const struct redis_queue *q); /* nor here */
/* Ends every command in it with REDIS_LOST, also those that their functions add. */
void redis_queue_lose(struct redis_queue *q, const char *why);

#endif
