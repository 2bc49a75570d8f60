#include "bridge/core/arena.h"

#include "bridge/core/mem.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>

struct arena_block {
    struct arena_block *older;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_init(struct arena *a)
{
    a->newest = NULL;
}

void arena_done(struct arena *a)
{
    while (a->newest != NULL) {
        struct arena_block *older = a->newest->older;

        mem_free(a->newest);
        a->newest = older;
    }
}

void *arena_take(struct arena *a, size_t count, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct arena_block *b = a->newest;
    size_t n = count * size;
    void *piece;

    assert(size == 0 || count <= (SIZE_MAX / 2) / size);
    n = (n + align - 1) / align * align;
    if (b == NULL || b->size - b->used < n) {
        size_t room = n > ARENA_BLOCK ? n : ARENA_BLOCK;

        b = mem_zeroed(1, sizeof *b + room);
        b->size = room;
        b->older = a->newest;
        a->newest = b;
    }
    piece = b->bytes + b->used;
    b->used += n;
    return piece;
}

struct view arena_view(struct arena *a, struct view v)
{
    char *copy;

    if (v.n == 0)
        return (struct view){"", 0};
    copy = arena_take(a, v.n, 1);
    memcpy(copy, v.p, v.n);
    return (struct view){copy, v.n};
}
