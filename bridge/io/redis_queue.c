#include "bridge/io/redis_queue.h"

#include "bridge/core/mem.h"

#include <assert.h>

#define QUEUE_FIRST 64 /* commands that a queue has room for at first */

void redis_queue_done(struct redis_queue *q)
{
    assert(q->count == 0);
    mem_free(q->at);
    *q = (struct redis_queue){.at = NULL};
}

void redis_queue_put(struct redis_queue *q, const struct redis_owed *c)
{
    if (q->count == q->cap) {
        size_t cap = q->cap > 0 ? 2 * q->cap : QUEUE_FIRST;
        struct redis_owed *at = mem_zeroed(cap, sizeof *at);

        for (size_t i = 0; i < q->count; i++)
            at[i] = q->at[(q->first + i) & (q->cap - 1)];
        mem_free(q->at);
        *q = (struct redis_queue){at, cap, 0, q->count};
    }
    q->at[(q->first + q->count++) & (q->cap - 1)] = *c;
}

const struct redis_owed *redis_queue_head(const struct redis_queue *q)
{
    assert(q->count > 0);
    return &q->at[q->first];
}

struct redis_owed redis_queue_take(struct redis_queue *q)
{
    struct redis_owed c = *redis_queue_head(q);

    q->first = (q->first + 1) & (q->cap - 1);
    q->count--;
    return c;
}

void redis_queue_lose(struct redis_queue *q, const char *why)
{
    const struct redis_value lost = {.kind = REDIS_LOST, .text = view_of(why)};

    while (q->count > 0) {
        struct redis_owed c = redis_queue_take(q);

        mem_free(c.tail);
        c.done(c.owner, &lost);
    }
}
