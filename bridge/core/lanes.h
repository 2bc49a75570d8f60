/*
 * lanes: order per key (D3). The items of one partition and key stand in one lane; only the item in
 * front may be worked on. Different lanes are independent, so there is more concurrency than there
 * are partitions.
 *
 * Items are embedded in the caller's structure and stay the caller's. An item's key must hold as
 * long as the item stands in its lane.
 */
#ifndef BRIDGE_CORE_LANES_H
#define BRIDGE_CORE_LANES_H

#include "bridge/core/view.h"

#include <stdint.h>

struct lane_item {
    struct view key;
    unsigned slot; /* of the partition */
    uint64_t hash; /* private */
    struct lane_item *next;
    struct lane *lane; /* NULL: in no lane */
};

struct lanes;

/* most: how many items there can be at once. seed: random, so that no producer can choose keys that
 * fall into one bucket. */
struct lanes *lanes_new(size_t most, uint64_t seed);
void lanes_free(struct lanes *l);
/* Puts the item at the end of the lane of (slot, key). Returns whether it stands in front. */
bool lanes_join(struct lanes *l, struct lane_item *item, unsigned slot, struct view key);
/* Takes the item out, wherever in its lane it stands. Returns the item that stands in front now and
 * did not before, or NULL. */
struct lane_item *lanes_leave(struct lanes *l, struct lane_item *item);
/* Who stands in front of the item's lane; it may be the item. */
struct lane_item *lanes_front(const struct lane_item *item);
size_t lanes_count(const struct lanes *l); /* lanes that hold an item */

#endif
