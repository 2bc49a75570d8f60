/*
 * destinations: the destinations of one message as they come in, cut into slices, repeats set
 * aside: an address given twice, in whatever spelling, is sent to once (contract 17, 18).
 */
#ifndef BRIDGE_CORE_DESTINATIONS_H
#define BRIDGE_CORE_DESTINATIONS_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#include <stdint.h>

struct destination_place {
    uint32_t hash; /* of what the address is matched by */
    uint32_t nth;  /* of those without repeats, counted from 1; 0: free */
};

struct destinations {
    uint8_t key[16];
    size_t slice_max;   /* destinations of a slice */
    size_t slices_max;  /* slices */
    struct buf *slices; /* address lists (address_list.h), ended by destinations_end */
    size_t slice_count;
    struct buf repeats;
    size_t given;     /* with repeats */
    size_t count;     /* without */
    uint32_t *begins; /* of each of them: where in its slice its string begins */
    size_t begins_cap;
    struct destination_place *table; /* open addressing */
    size_t table_size;
};

/* key: random bytes. slice_max and slices_max are at least 1. */
void destinations_init(struct destinations *d, const uint8_t key[16], size_t slice_max,
                       size_t slices_max);
void destinations_done(struct destinations *d);
/* REJECT if nothing can be matched by the address, or there are too many. */
bool destinations_add(struct destinations *d, struct view address, struct fault *f) MUST_CHECK;
/* One that has no address (any more): it keeps its place and is never sent to. */
bool destinations_add_nobody(struct destinations *d, struct fault *f) MUST_CHECK;
/* After the last: the slices may be read. */
void destinations_end(struct destinations *d);

#endif
