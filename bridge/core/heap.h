/*
 * heap: what is due when. A binary heap of the caller's embedded items, smallest time first; an
 * item knows its place, so it can be taken out in O(log n).
 */
#ifndef BRIDGE_CORE_HEAP_H
#define BRIDGE_CORE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_item {
    int64_t at_ms;
    size_t place; /* 1 …; 0: in no heap */
};

struct heap {
    struct heap_item **items; /* owned; items[0] is unused */
    size_t count;
    size_t cap;
};

void heap_init(struct heap *h);
void heap_done(struct heap *h);
void heap_put(struct heap *h, struct heap_item *item, int64_t at_ms); /* item is in no heap */
void heap_remove(struct heap *h, struct heap_item *item); /* no-op if it is in no heap */
struct heap_item *heap_first(const struct heap *h);       /* NULL if empty */

#endif
