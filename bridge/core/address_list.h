/*
 * address_list: destinations as they are stored: MessagePack, so that any tool reads them, and 13
 * bytes for a phone number.
 *
 * A list is one array of strings, the destinations of a slice. Repeats are a sequence of triples
 * (position in the request, which destination it repeats, as it was written), one after the other:
 * both positions count from 0, the second over destinations without repeats.
 */
#ifndef BRIDGE_CORE_ADDRESS_LIST_H
#define BRIDGE_CORE_ADDRESS_LIST_H

#include "bridge/core/buf.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define ADDRESS_LIST_MAX   65535 /* strings of one list */
#define ADDRESS_STRING_MAX 65535 /* bytes of one */

struct repeat {
    uint32_t position;
    uint32_t of;
    struct view text;
};

/* Writing: begin, add …, end with the count of what was added. Full buffers stay full. */
void address_list_begin(struct buf *to);
void address_list_add(struct buf *to, struct view address);
void address_list_end(struct buf *to, size_t count);
void repeat_add(struct buf *to, const struct repeat *r);

/* Reading: *list is what address_list_end made; next takes one off it. false: it is none, or none
 * is left. */
bool address_list_open(struct view *list, size_t *count);
bool address_list_next(struct view *list, struct view *address);
bool repeat_next(struct view *repeats, struct repeat *r);

#endif
