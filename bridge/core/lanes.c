#include "bridge/core/lanes.h"

#include "bridge/core/mem.h"

#include <assert.h>

struct lane {
    struct lane_item *front; /* its key is the lane's key */
    struct lane_item *back;
    struct lane *next; /* in the bucket, or in the list of unused ones */
};

struct lanes {
    struct lane **buckets;
    size_t bucket_mask;
    struct lane *storage;
    struct lane *unused;
    size_t count;
    uint64_t seed;
};

struct lanes *lanes_new(size_t most, uint64_t seed)
{
    struct lanes *l = mem_zeroed(1, sizeof *l);
    size_t buckets = 16;

    while (buckets < most * 2)
        buckets *= 2;
    l->buckets = mem_zeroed(buckets, sizeof *l->buckets);
    l->bucket_mask = buckets - 1;
    l->storage = mem_zeroed(most, sizeof *l->storage);
    for (size_t i = 0; i < most; i++) {
        l->storage[i].next = l->unused;
        l->unused = &l->storage[i];
    }
    l->seed = seed;
    return l;
}

void lanes_free(struct lanes *l)
{
    if (l == NULL)
        return;
    mem_free(l->buckets);
    mem_free(l->storage);
    mem_free(l);
}

/* FNV-1a over a secret start, then a mix so that the low bits depend on all. */
static uint64_t hash_of(const struct lanes *l, unsigned slot, struct view key)
{
    uint64_t h = (l->seed ^ slot) + UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (uint8_t)key.p[i]) * UINT64_C(0x100000001b3);
    h ^= h >> 32;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static bool is_lane_of(const struct lane *lane, const struct lane_item *item)
{
    return lane->front->hash == item->hash && lane->front->slot == item->slot &&
           view_eq(lane->front->key, item->key);
}

bool lanes_join(struct lanes *l, struct lane_item *item, unsigned slot, struct view key)
{
    struct lane **bucket;
    struct lane *lane;

    item->key = key;
    item->slot = slot;
    item->hash = hash_of(l, slot, key);
    item->next = NULL;
    bucket = &l->buckets[item->hash & l->bucket_mask];
    for (lane = *bucket; lane != NULL; lane = lane->next)
        if (is_lane_of(lane, item))
            break;
    item->lane = lane;
    if (lane != NULL) {
        lane->back->next = item;
        lane->back = item;
        return false;
    }
    assert(l->unused != NULL);
    lane = l->unused;
    l->unused = lane->next;
    *lane = (struct lane){item, item, *bucket};
    *bucket = lane;
    item->lane = lane;
    l->count++;
    return true;
}

static void close_lane(struct lanes *l, struct lane *lane, uint64_t hash)
{
    struct lane **at = &l->buckets[hash & l->bucket_mask];

    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    lane->next = l->unused;
    l->unused = lane;
    l->count--;
}

struct lane_item *lanes_leave(struct lanes *l, struct lane_item *item)
{
    struct lane *lane = item->lane;
    struct lane_item **at = &lane->front;
    struct lane_item *before = NULL;
    bool was_front = lane->front == item;

    while (*at != item) {
        before = *at;
        at = &(*at)->next;
    }
    *at = item->next;
    if (lane->back == item)
        lane->back = before;
    item->lane = NULL;
    item->next = NULL;
    if (lane->front == NULL) {
        close_lane(l, lane, item->hash);
        return NULL;
    }
    return was_front ? lane->front : NULL;
}

struct lane_item *lanes_front(const struct lane_item *item)
{
    return item->lane->front;
}

size_t lanes_count(const struct lanes *l)
{
    return l->count;
}
