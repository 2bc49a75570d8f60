/*
 * arena: memory for the pieces of one piece of work, freed all at once.
 */
#ifndef BRIDGE_CORE_ARENA_H
#define BRIDGE_CORE_ARENA_H

#include "bridge/core/view.h"

#define ARENA_BLOCK 4096 /* bytes asked of the heap at a time, unless one piece needs more */

struct arena_block;

struct arena {
    struct arena_block *newest;
};

void arena_init(struct arena *a);
void arena_done(struct arena *a); /* frees all; may be called twice */
/* Zeroed, aligned for anything. Holds until arena_done. */
void *arena_take(struct arena *a, size_t count, size_t size) __attribute__((returns_nonnull));
struct view arena_view(struct arena *a, struct view v); /* a copy */

#endif
