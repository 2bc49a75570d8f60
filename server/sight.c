#include "server/sight.h"

#include "server/server.h"
#include "server/store.h"

bool sight_of_chat_queue(const struct exchange *x, enum rights_resource resource,
                         const struct chat_queue *queue)
{
    return rights_see(x->user->rights, resource, queue != NULL ? &queue->id : NULL, NULL);
}

bool sight_of_message(const struct exchange *x, const struct redis_value *hash)
{
    if (!rights_limited(x->user->rights, RIGHTS_MESSAGES))
        return true;
    return sight_of_chat_queue(x, RIGHTS_MESSAGES,
                               queues_chat_by_address(x->server->queues, store_text(hash, "src")));
}

bool sight_of_callback(const struct exchange *x, const struct redis_value *hash)
{
    return rights_see_number(x->user->rights, RIGHTS_CALLBACKS, store_text(hash, "queue"));
}
