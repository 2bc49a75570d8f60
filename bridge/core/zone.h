/*
 * zone: a time zone as a table: which offset from UTC holds from when on. Whoever makes one
 * (io/zone_load.h) knows about zones; here they are only read.
 */
#ifndef BRIDGE_CORE_ZONE_H
#define BRIDGE_CORE_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define ZONE_CHANGES_MAX 256

struct zone_change {
    int64_t from_ms;   /* since 1970, UTC */
    int64_t offset_ms; /* local time is UTC plus this */
};

struct zone {
    struct zone_change changes[ZONE_CHANGES_MAX]; /* in order; the first also holds before it */
    size_t count;                                 /* 0: UTC */
};

int64_t zone_offset_ms(const struct zone *z, int64_t utc_ms);
/* The instant at which clocks there show local_ms (milliseconds since 1970, as if they were UTC).
 * Of a time shown twice the earlier instant; of one that is skipped the instant of the change. */
int64_t zone_utc_ms(const struct zone *z, int64_t local_ms);

#endif
