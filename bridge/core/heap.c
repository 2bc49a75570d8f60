#include "bridge/core/heap.h"

#include "bridge/core/mem.h"

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

void heap_done(struct heap *h)
{
    mem_free(h->items);
    *h = (struct heap){0};
}

static void set(struct heap *h, size_t place, struct heap_item *item)
{
    h->items[place] = item;
    item->place = place;
}

static void sift_up(struct heap *h, struct heap_item *item, size_t place)
{
    while (place > 1 && h->items[place / 2]->at_ms > item->at_ms) {
        set(h, place, h->items[place / 2]);
        place /= 2;
    }
    set(h, place, item);
}

static void sift_down(struct heap *h, struct heap_item *item, size_t place)
{
    for (;;) {
        size_t child = place * 2;

        if (child > h->count)
            break;
        if (child < h->count && h->items[child + 1]->at_ms < h->items[child]->at_ms)
            child++;
        if (h->items[child]->at_ms >= item->at_ms)
            break;
        set(h, place, h->items[child]);
        place = child;
    }
    set(h, place, item);
}

void heap_put(struct heap *h, struct heap_item *item, int64_t at_ms)
{
    if (h->count + 2 > h->cap) {
        h->cap = h->cap > 0 ? h->cap * 2 : 64;
        h->items = mem_resize(h->items, h->cap, sizeof(*h->items));
    }
    item->at_ms = at_ms;
    sift_up(h, item, ++h->count);
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    struct heap_item *last;
    size_t place = item->place;

    if (place == 0)
        return;
    item->place = 0;
    last = h->items[h->count--];
    if (last == item)
        return;
    if (place > 1 && h->items[place / 2]->at_ms > last->at_ms)
        sift_up(h, last, place);
    else
        sift_down(h, last, place);
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->count > 0 ? h->items[1] : NULL;
}
