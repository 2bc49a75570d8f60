/*
 * slice: what is stored of a slice's sending, and the status of each destination that follows from
 * it (contract 17).
 *
 * sl:<id> holds for a slice that was ever claimed 12 bytes, big-endian: attempt (1), crash count
 * (1), watermark (2), fence (8, a double); then a bitmap of the destinations that are not ended
 * yet. dead:<id> holds a bitmap of those that failed for good. Bit i is bit 7 - i % 8 of byte i/8;
 * a bit past a bitmap's end is 0.
 */
#ifndef BRIDGE_CORE_SLICE_H
#define BRIDGE_CORE_SLICE_H

#include "bridge/core/view.h"

#include <stdint.h>

#define SLICE_HEAD_BYTES 12

enum slice_status {
    SLICE_ADDED,
    SLICE_PROCESSING, /* claimed, or waiting for its next attempt */
    SLICE_HANDLED,
    SLICE_FAILED,
};

struct slice_state {
    bool claimed; /* ever */
    struct view pending;
    struct view dead;
};

/* What is stored, VIEW_NONE where there is nothing. Both are borrowed. */
struct slice_state slice_state_of(struct view sl, struct view dead);
enum slice_status slice_status(const struct slice_state *s, size_t destination);
/* Of `count` destinations: how many have ended. */
size_t slice_ended(const struct slice_state *s, size_t count);
const char *slice_status_name(enum slice_status s); /* "ADDED"; static storage */

#endif
