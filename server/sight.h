/*
 * sight: may this user see this message or callback of the store, and send by this queue? What the
 * history holds is asked of it in SQL (server/rights.h).
 */
#ifndef SERVER_SIGHT_H
#define SERVER_SIGHT_H

#include "bridge/io/redis.h"
#include "server/exchange.h"
#include "server/queues.h"
#include "server/rights.h"

/* hash: the reply to HGETALL m:<id> (server/store.h). */
bool sight_of_message(const struct exchange *x, const struct redis_value *hash);
bool sight_of_callback(const struct exchange *x, const struct redis_value *hash);
/* queue NULL: none such; only who sees all sees what is of it. */
bool sight_of_chat_queue(const struct exchange *x, enum rights_resource resource,
                         const struct chat_queue *queue);

#endif
