/*
 * redis_slots: which server of a Redis Cluster has which of the 16384 slots, as one of them says.
 */
#ifndef BRIDGE_IO_REDIS_SLOTS_H
#define BRIDGE_IO_REDIS_SLOTS_H

#include "bridge/io/redis.h"

#define REDIS_SLOTS 16384

struct redis_slots {
    char at[REDIS_NODES_MAX][REDIS_NODE_AT_MAX]; /* the primaries */
    size_t count;
    signed char of[REDIS_SLOTS]; /* index into at, -1: nobody's */
};

/* Of the key, by the part in its first {…} if that is not empty. */
unsigned redis_slot_of(struct view key);
/* Takes the reply to CLUSTER SLOTS in. asked: who said it, "host:port"; stands in for a host that
 * is not named. false with a fault if it is no such reply; then *out is of no use. */
bool redis_slots_take(struct redis_slots *out, const struct redis_value *reply, const char *asked,
                      struct fault *f) MUST_CHECK;
/* "MOVED 3999 127.0.0.1:6381" and "ASK …": where to. false: it is none of the two. */
bool redis_slots_redirect(struct view error, const char *asked, bool *ask,
                          char at[REDIS_NODE_AT_MAX]);

#endif
