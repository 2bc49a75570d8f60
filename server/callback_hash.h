/*
 * callback_hash: a callback's state as it lies in Redis (server/store.h).
 */
#ifndef SERVER_CALLBACK_HASH_H
#define SERVER_CALLBACK_HASH_H

#include "bridge/core/callback_state.h"
#include "bridge/io/redis.h"

/* hash: the reply to HGETALL m:<id>. */
struct callback_state callback_hash_state(const struct redis_value *hash);

#endif
