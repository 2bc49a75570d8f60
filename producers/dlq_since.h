/*
 * dlq_since: was what a dead letter's event wanted to write to written since the event was
 * published? The results topic tells (D3).
 *
 * The same thing may be spelt differently (core/subject.h), and be called by a reference here and
 * by its id there; which belong together is learned from the results, too, by reading them once
 * more. Within a partition the offsets tell what came later; between partitions only the time can,
 * and in doubt the event is passed over; as is one that was published before the results that there
 * still are. What created the name that an event waited for is no write that overtook it.
 */
#ifndef PRODUCERS_DLQ_SINCE_H
#define PRODUCERS_DLQ_SINCE_H

#include "producers/dlq.h"

#define DLQ_ALIASES_MAX 500000 /* ids of all references that dead letters name; 176 bytes each */

enum dlq_fate {
    DLQ_REPLAY,
    DLQ_BEFORE,  /* was replayed before */
    DLQ_GONE,    /* the partition that it came from is no more */
    DLQ_PERHAPS, /* the next, but clocks can't tell, or what could is gone */
    DLQ_WRITTEN, /* it, or a later event of its subject, was written since */
};

/* The event of a dead letter; the views are the maker's. */
struct dlq_event {
    struct view topic; /* where it was first */
    int32_t partition;
    int64_t offset;
    struct view source;
    struct view id;
    struct view subject; /* VIEW_NONE: it can't be read, so it was not written */
    bool is_history;     /* written in any order, any number of times, it comes to the same */
    bool lacked_name;    /* given up since nothing had created what it names (unknown-ref) */
    struct dead_letter_published published;
    enum dlq_fate fate;
};

/* Sets the fate of those that were to be replayed; says what results are missing. REJECT where
 * there is no results topic, or where too much is asked for; else as kafka_reader_scan. */
bool dlq_since(struct dlq *d, struct dlq_event *const *events, size_t count,
               struct fault *f) MUST_CHECK;

#endif
