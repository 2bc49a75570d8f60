#include "bridge/core/slot_pool.h"

void slot_pool_init(struct slot_pool *p, int max, size_t channels)
{
    int n = channels > 0 ? (int)channels : 1;
    int part = max / 2 / n;

    *p = (struct slot_pool){.part = part, .pool = max - n * part};
}

bool slot_pool_has(const struct slot_pool *p, int out)
{
    return out < p->part || p->used < p->pool;
}

void slot_pool_take(struct slot_pool *p, int *out)
{
    if (*out >= p->part)
        p->used++;
    ++*out;
    p->out++;
}

void slot_pool_give(struct slot_pool *p, int *out)
{
    --*out;
    p->out--;
    if (*out >= p->part)
        p->used--;
}
