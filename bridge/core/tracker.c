#include "bridge/core/tracker.h"

#include "bridge/core/mem.h"

#include <assert.h>

#define TRACKER_FIRST 64

void tracker_init(struct tracker *t, uint32_t epoch, int64_t next_offset)
{
    *t = (struct tracker){.epoch = epoch, .position = next_offset};
}

void tracker_done(struct tracker *t)
{
    mem_free(t->ring);
    *t = (struct tracker){0};
}

static struct tracker_entry *at(const struct tracker *t, uint64_t ticket)
{
    return &t->ring[ticket & (t->cap - 1)];
}

static void grow(struct tracker *t)
{
    size_t cap = t->cap > 0 ? t->cap * 2 : TRACKER_FIRST;
    struct tracker_entry *ring = mem_zeroed(cap, sizeof *ring);

    for (uint64_t ticket = t->first; ticket != t->next; ticket++)
        ring[ticket & (cap - 1)] = *at(t, ticket);
    mem_free(t->ring);
    t->ring = ring;
    t->cap = cap;
}

bool tracker_take(struct tracker *t, int64_t offset, int64_t now_ms, uint64_t *out)
{
    int64_t last = t->first == t->next ? t->position - 1 : at(t, t->next - 1)->offset;

    if (offset <= last || tracker_open(t) >= TRACKER_OPEN_MAX)
        return false;
    if (tracker_open(t) == t->cap)
        grow(t);
    *out = t->next++;
    *at(t, *out) = (struct tracker_entry){.offset = offset, .taken_ms = now_ms};
    return true;
}

bool tracker_end(struct tracker *t, uint64_t ticket)
{
    int64_t before = t->position;

    assert(ticket - t->first < t->next - t->first);
    assert(!at(t, ticket)->ended);
    at(t, ticket)->ended = true;
    while (t->first != t->next && at(t, t->first)->ended)
        t->position = at(t, t->first++)->offset + 1;
    return t->position != before;
}

int64_t tracker_position(const struct tracker *t)
{
    return t->position;
}

size_t tracker_open(const struct tracker *t)
{
    return (size_t)(t->next - t->first);
}

int64_t tracker_oldest_ms(const struct tracker *t)
{
    return t->first == t->next ? -1 : at(t, t->first)->taken_ms;
}
