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
    mem_free(d->begins);
    mem_free(d->table);
    buf_done(&d->repeats);
    d->slices = NULL;
    d->begins = NULL;
    d->table = NULL;
    d->slice_count = d->count = d->given = d->begins_cap = d->table_size = 0;
}

static struct view address_at(const struct destinations *d, size_t i)
{
    struct view rest = view_skip(buf_view(&d->slices[i / d->slice_max]), d->begins[i]);
    struct view address = VIEW_NONE;
    bool there = address_list_next(&rest, &address);

    assert(there); /* we have put it there */
    (void)there;
    return address;
}

static void grow_table(struct destinations *d)
{
    size_t size = d->table_size > 0 ? 2 * d->table_size : TABLE_FIRST;
    struct destination_place *table = mem_zeroed(size, sizeof *table);

    for (size_t i = 0; i < d->table_size; i++) {
        size_t at = d->table[i].hash & (size - 1);

        if (d->table[i].nth == 0)
            continue;
        while (table[at].nth != 0)
            at = (at + 1) & (size - 1);
        table[at] = d->table[i];
    }
    mem_free(d->table);
    d->table = table;
    d->table_size = size;
}

/* The place in the table where the address is, or would be. */
static size_t find(const struct destinations *d, uint32_t hash, struct view normal)
{
    size_t at = hash & (d->table_size - 1);
    char room[PHONE_NORMAL_MAX];
    struct view other = VIEW_NONE;
    struct fault f = {0};

    for (; d->table[at].nth != 0; at = (at + 1) & (d->table_size - 1)) {
        if (d->table[at].hash == hash &&
            phone_normal(address_at(d, d->table[at].nth - 1), room, &other, &f) &&
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

static void append(struct destinations *d, uint32_t hash, size_t place, struct view address)
{
    struct buf *slice = last_slice(d);

    if (d->count == d->begins_cap) {
        d->begins_cap = d->begins_cap > 0 ? 2 * d->begins_cap : TABLE_FIRST;
        d->begins = mem_resize(d->begins, d->begins_cap, sizeof *d->begins);
    }
    d->begins[d->count++] = (uint32_t)slice->n;
    d->table[place] = (struct destination_place){hash, (uint32_t)d->count};
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
    uint32_t hash = 0;
    size_t place = 0;

    if (!phone_normal(address, room, &normal, f))
        return fault_add(f, "destinations[%zu].address", d->given);
    if (2 * (d->count + 1) > d->table_size)
        grow_table(d);
    hash = (uint32_t)siphash(d->key, normal);
    place = find(d, hash, normal);
    if (d->table[place].nth != 0) {
        struct repeat r = {(uint32_t)d->given, d->table[place].nth - 1, address};

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
    mem_free(d->begins);
    d->table = NULL;
    d->begins = NULL;
    d->table_size = d->begins_cap = 0;
}
