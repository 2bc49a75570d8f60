/*
 * stored: a message or callback as the store has it, at one instant of the store's clock: what is
 * planned from now on is planned by that one, not ours (D5).
 */
#ifndef SERVER_STORED_H
#define SERVER_STORED_H

#include "bridge/io/redis.h"

struct stored { /* holds as long as the reply */
    int64_t now_ms;
    const struct redis_value *fields; /* as HGETALL gives them; none: there is no such thing */
    struct view record;               /* of slice 0 (bridge/core/slice.h); empty: none */
};

void stored_read(struct redis *redis, const char *id_hex, redis_on_reply *reply, void *owner);
/* false: the reply is an error, or none came. */
bool stored_of(const struct redis_value *reply, struct stored *out) MUST_CHECK;

#endif
