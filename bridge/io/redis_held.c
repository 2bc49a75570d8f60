#include "bridge/io/redis_held.h"

struct redis_held_reply {
    struct redis_held_reply *next;
    redis_on_reply *done;
    void *owner;
    struct redis_value value;
};

/* redis_reply.h bounds the depth. */
static struct redis_value copy(struct arena *a, const struct redis_value *v)
{
    struct redis_value out = *v;

    if (v->text.p != NULL)
        out.text = arena_view(a, v->text);
    if (v->count > 0) {
        struct redis_value *items = arena_take(a, v->count, sizeof *items);

        for (size_t i = 0; i < v->count; i++)
            items[i] = copy(a, &v->items[i]);
        out.items = items;
    }
    return out;
}

void redis_held_put(struct redis_held *h, redis_on_reply *done, void *owner,
                    const struct redis_value *value)
{
    struct redis_held_reply *r = arena_take(&h->memory, 1, sizeof *r);

    r->done = done;
    r->owner = owner;
    r->value = copy(&h->memory, value);
    if (h->last != NULL)
        h->last->next = r;
    else
        h->first = r;
    h->last = r;
}

/* What the functions put in meanwhile is for the next time. */
static void empty(struct redis_held *h, const struct redis_value *instead)
{
    struct redis_held out = *h;

    *h = (struct redis_held){.first = NULL};
    for (struct redis_held_reply *r = out.first; r != NULL; r = r->next)
        r->done(r->owner, instead != NULL ? instead : &r->value);
    arena_done(&out.memory);
}

void redis_held_give(struct redis_held *h)
{
    empty(h, NULL);
}

void redis_held_lose(struct redis_held *h, const char *why)
{
    const struct redis_value lost = {.kind = REDIS_LOST, .text = view_of(why)};

    empty(h, &lost);
}
