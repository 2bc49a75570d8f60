#include "bridge/core/destinations.h"

#include "bridge/core/address_list.h"
#include "bridge/core/mem.h"
#include "bridge/core/phone.h"
#include "bridge/core/siphash.h"

#include <assert.h>
#include <string.h>

#define TABLE_FIRST   64
#define ADDRESS_BYTES 1100 /* of a longest address, packed */

void destinations_init(struct destinations *d, const uint8_t key[16], size_t slice_max,
                       size_t slices_max)
{
    assert(slice_max > 0 && slice_max <= ADDRESS_LIST_MAX && slices_max > 0);
    *d = (struct destinations){.slice_max = slice_max, .slices_max = slices_max};
    memcpy(d->key, key, sizeof d->key);
    buf_init(&d->repeats, slice_max * slices_max * ADDRESS_BYTES);
}

void destinations_done(struct destinations *d)
{
    for (size_t i = 0; i < d->slice_count; i++)
        buf_done(&d->slices[i]);
    mem_free(d->slices);
    mem_free(d->entries);
    mem_free(d->table);
    buf_done(&d->repeats);
    d->slices = NULL;
    d->entries = NULL;
    d->table = NULL;
    d->slice_count = d->count = d->given = d->entry_cap = d->table_size = 0;
}

static struct view address_at(const struct destinations *d, const struct destination_entry *e)
{
    struct view rest = view_skip(buf_view(&d->slices[e->slice]), e->at);
    struct view address = VIEW_NONE;
    bool there = address_list_next(&rest, &address);

    assert(there); /* we have put it there */
    (void)there;
    return address;
}

static void grow_table(struct destinations *d)
{
    size_t size = d->table_size > 0 ? 2 * d->table_size : TABLE_FIRST;

    mem_free(d->table);
    d->table = mem_zeroed(size, sizeof *d->table);
    d->table_size = size;
    for (size_t i = 0; i < d->count; i++) {
        size_t at = d->entries[i].hash & (size - 1);

        while (d->table[at] != 0)
            at = (at + 1) & (size - 1);
        d->table[at] = (uint32_t)(i + 1);
    }
}

/* The place in the table where the address is, or would be. */
static size_t find(const struct destinations *d, uint64_t hash, struct view normal)
{
    size_t at = hash & (d->table_size - 1);
    char room[PHONE_NORMAL_MAX];
    struct view other = VIEW_NONE;
    struct fault f = {0};

    for (; d->table[at] != 0; at = (at + 1) & (d->table_size - 1)) {
        const struct destination_entry *e = &d->entries[d->table[at] - 1];

        if (e->hash == hash && phone_normal(address_at(d, e), room, &other, &f) &&
            view_eq(other, normal))
            break;
    }
    return at;
}

static struct buf *last_slice(struct destinations *d)
{
    struct buf *slice = NULL;

    if (d->count % d->slice_max != 0)
        return &d->slices[d->slice_count - 1];
    d->slices = mem_resize(d->slices, d->slice_count + 1, sizeof *d->slices);
    slice = &d->slices[d->slice_count++];
    buf_init(slice, d->slice_max * ADDRESS_BYTES);
    address_list_begin(slice);
    return slice;
}

static void append(struct destinations *d, uint64_t hash, size_t place, struct view address)
{
    struct buf *slice = last_slice(d);

    if (d->count == d->entry_cap) {
        d->entry_cap = d->entry_cap > 0 ? 2 * d->entry_cap : TABLE_FIRST;
        d->entries = mem_resize(d->entries, d->entry_cap, sizeof *d->entries);
    }
    d->entries[d->count++] = (struct destination_entry){
        .hash = hash, .slice = (uint32_t)(d->slice_count - 1), .at = (uint32_t)slice->n};
    d->table[place] = (uint32_t)d->count;
    address_list_add(slice, address);
    assert(!slice->full);
}

static bool too_many(const struct destinations *d, struct fault *f)
{
    return fault_set(f, FAULT_REJECT, "destinations has more than %zu different addresses",
                     d->count);
}

bool destinations_add(struct destinations *d, struct view address, struct fault *f)
{
    char room[PHONE_NORMAL_MAX];
    struct view normal = VIEW_NONE;
    uint64_t hash = 0;
    size_t place = 0;

    if (!phone_normal(address, room, &normal, f))
        return fault_add(f, "destinations[%zu].address", d->given);
    if (2 * (d->count + 1) > d->table_size)
        grow_table(d);
    hash = siphash(d->key, normal);
    place = find(d, hash, normal);
    if (d->table[place] != 0) {
        struct repeat r = {(uint32_t)d->given, d->table[place] - 1, address};

        repeat_add(&d->repeats, &r);
        d->given++;
        return !d->repeats.full ||
               fault_set(f, FAULT_REJECT, "destinations has too many repeated addresses");
    }
    if (d->count == d->slice_max * d->slices_max)
        return too_many(d, f);
    append(d, hash, place, address);
    d->given++;
    return true;
}

bool destinations_add_nobody(struct destinations *d, struct fault *f)
{
    if (2 * (d->count + 1) > d->table_size)
        grow_table(d);
    if (d->count == d->slice_max * d->slices_max)
        return too_many(d, f);
    append(d, 0, find(d, 0, VIEW("")), VIEW("")); /* equals nothing: the next free place */
    d->given++;
    return true;
}

void destinations_end(struct destinations *d)
{
    for (size_t i = 0; i < d->slice_count; i++) {
        size_t before = i * d->slice_max;
        size_t here = d->count - before < d->slice_max ? d->count - before : d->slice_max;

        address_list_end(&d->slices[i], here);
    }
    mem_free(d->table);
    mem_free(d->entries);
    d->table = NULL;
    d->entries = NULL;
    d->table_size = d->entry_cap = 0;
}
