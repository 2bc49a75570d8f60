/*
 * merge: of many events that set one property, which one holds (contract 4).
 *
 * Every event has a stamp; for each property the greatest stamp that set it wins, so events applied
 * in any order, any number of times, end in one state. Stamps compare by time, then sequence, then
 * the event's id, then (ids are unique within a source only) its source.
 *
 * A sequence without a byte less than '0' is a number of some base: leading zeros off, the longer
 * one is greater, and of one length the greater bytes. So those that are filled with zeros to one
 * width compare as their bytes, whatever the digits, and decimal ones as numbers. Any other is a
 * text, compares by its bytes, and is greater than all numbers.
 *
 * A thing's map says for each of its properties which stamp set it. Properties that one event set
 * share its stamp, so a map costs about one stamp for every event whose word still stands.
 */
#ifndef BRIDGE_CORE_MERGE_H
#define BRIDGE_CORE_MERGE_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define MERGE_SEQUENCE_MAX 64  /* bytes */
#define MERGE_ID_MAX       255 /* bytes */
#define MERGE_FINER_MAX    4
#define MERGE_STAMP_MAX    (8 + MERGE_FINER_MAX + 2 + MERGE_SEQUENCE_MAX + 1 + MERGE_ID_MAX + 1 + 8)
#define MERGE_PROPERTIES   64 /* of one thing */

/* Bytes that compare (memcmp, then length) as the rule says; so they may be compared in SQL too. */
struct merge_stamp {
    uint8_t bytes[MERGE_STAMP_MAX];
    size_t n;
};

/* Of things of one millisecond: what stands before their other bytes so that they compare by the
 * nanoseconds after it (at most DATETIME_FINER_MAX_NS). Nothing for none: as all was stored when
 * times were cut. Its first byte is greater than any that a stamp or a text can begin with. */
struct view merge_finer(uint32_t ns, uint8_t out[MERGE_FINER_MAX]);

/* Refused (REJECT): a sequence or id that is too long or holds a NUL. */
bool merge_allows(struct view sequence, struct view id, struct fault *f) MUST_CHECK;
/* ns: after the millisecond. Refused: what merge_allows refuses. */
bool merge_stamp(int64_t time_ms, uint32_t ns, struct view sequence, struct view id,
                 struct view source, struct merge_stamp *out, struct fault *f) MUST_CHECK;
/* Greater than that one, and less than any greater one that an event has. */
struct merge_stamp merge_stamp_after(const struct merge_stamp *s);
/* Less than any event's: what a thing was made with. */
struct merge_stamp merge_stamp_origin(void);
int64_t merge_stamp_ms(const struct merge_stamp *s); /* its time; INT64_MIN: it has none */
struct view merge_stamp_view(const struct merge_stamp *s);
/* The stamp stored as these bytes, cut to MERGE_STAMP_MAX. */
struct merge_stamp merge_stamp_of(struct view stored);
int merge_stamp_cmp(const struct merge_stamp *a, const struct merge_stamp *b); /* <0, 0, >0 */

struct merge_map {
    struct merge_stamp stamps[MERGE_PROPERTIES];
    size_t count;
    uint8_t by[MERGE_PROPERTIES]; /* 1 + index of the stamp that set it; 0: nothing did */
};

void merge_map_init(struct merge_map *m);
/* As merge_map_write left it. REJECT: the bytes are no map. */
bool merge_map_read(struct merge_map *m, struct view stored, struct fault *f) MUST_CHECK;
/* Appends the map's bytes; stamps that set nothing any more are left out. */
void merge_map_write(const struct merge_map *m, struct buf *to);
/* NULL: no event has set it. Holds until the next change. */
const struct merge_stamp *merge_map_get(const struct merge_map *m, unsigned property);
/* Does the stamp win the property? Notes it if so; winning again with the same stamp is true. */
bool merge_map_newest(struct merge_map *m, unsigned property, const struct merge_stamp *s);
/* The same for a property that the first event to set it keeps. */
bool merge_map_oldest(struct merge_map *m, unsigned property, const struct merge_stamp *s);

#endif
