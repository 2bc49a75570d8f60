/*
 * callback_add: a new callback into Redis, whole or not at all, once for each Idempotency-Key
 * (server/redis/callback.lua). What is there already changes through server/effect.h.
 */
#ifndef SERVER_CALLBACK_ADD_H
#define SERVER_CALLBACK_ADD_H

#include "server/queues.h"
#include "server/server.h"

struct callback_new { /* borrowed; a text that was not given is VIEW_NONE */
    const struct callback_queue *queue;
    struct view customer_number;
    struct view extra_data;
    struct view gw_prefix;
    struct view notes;
    int64_t next_call_ms;
    bool from_now; /* after callbacks.delay instead, by the store's clock (D5) */
};

/* Under x->new_id, by x->user, at x->wall_ms. Answers later: 201, 422 or 503. */
void callback_add(struct exchange *x, const struct callback_new *c);

#endif
