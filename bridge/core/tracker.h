/*
 * tracker: which records of one partition have ended, and so which offset may be committed (D1).
 *
 * Records are added in the order of their offsets, which may have gaps (compaction, transaction
 * markers), and end in any order. The offset that may be committed lies behind the longest run of
 * ended records from the start. A tracker serves one assignment; the next one begins a new tracker,
 * and what belongs to the old one is told apart by its epoch.
 */
#ifndef BRIDGE_CORE_TRACKER_H
#define BRIDGE_CORE_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACKER_OPEN_MAX                                                                           \
    65536 /* records between the first that has not ended and the last read                        \
           */

struct tracker_entry {
    int64_t offset;
    int64_t taken_ms;
    bool ended;
};

struct tracker {
    uint32_t epoch;
    struct tracker_entry *ring; /* owned */
    size_t cap;                 /* a power of two */
    uint64_t first; /* ticket of the oldest entry; entries are tickets first … next-1 */
    uint64_t next;
    int64_t position; /* what may be committed */
};

void tracker_init(struct tracker *t, uint32_t epoch, int64_t next_offset);
void tracker_done(struct tracker *t);
/* Takes a record; its ticket goes to *out. false if the offset is not above the last one taken (it
 * was delivered again) or TRACKER_OPEN_MAX are open. */
__attribute__((warn_unused_result)) bool tracker_take(struct tracker *t, int64_t offset,
                                                      int64_t now_ms, uint64_t *out);
/* The record with this ticket has ended. Returns whether tracker_position moved. */
bool tracker_end(struct tracker *t, uint64_t ticket);
int64_t tracker_position(const struct tracker *t); /* the offset that may be committed */
size_t tracker_open(const struct tracker *t);      /* entries from the first unended on */
/* When the oldest record that has not ended was taken; -1 where there is none. */
int64_t tracker_oldest_ms(const struct tracker *t);

#endif
