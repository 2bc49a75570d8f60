/*
 * schedule_outcome: what an outcome looks like on its topic (contract 5), whole or cut. Private to
 * bridge/run/schedule*.c.
 *
 * All texts are borrowed from the event, and the record's from its outcome_record.
 */
#ifndef BRIDGE_RUN_SCHEDULE_OUTCOME_H
#define BRIDGE_RUN_SCHEDULE_OUTCOME_H

#include "bridge/core/buf.h"
#include "bridge/core/datetime.h"
#include "bridge/ports/schedule.h"
#include "bridge/ports/sink.h"

#define OUTCOME_ID_MAX   (SCHEDULE_EVENT_ID_MAX + 32)
#define OUTCOME_HEADERS  7
#define OUTCOME_DATA_MAX (1u << 20)
#define OUTCOME_BARE_MAX 1024 /* bytes of a record without anything that may be long */

/* What is left of address, reason and provider's id. */
enum outcome_cut {
    OUTCOME_WHOLE,
    OUTCOME_SHORT, /* 64 characters of each */
    OUTCOME_BARE,  /* nothing, and of a consent's key as many */
};

struct outcome {
    const struct schedule_event *event;
    const struct settlement *settlement; /* NULL: it is the event's own */
    struct view destinations; /* WITHDRAWN: those that it lists, as in the event's blob */
    const char *id;           /* unique in its shard */
    enum outcome_cut cut;
    bool was_cut; /* out: something is missing, and its data says so: "cut": true */
};

struct outcome_record {
    struct sink_record record; /* its token is the caller's */
    size_t size;               /* bytes of key, value and headers */
    struct buf data;
    struct buf subject;
    struct record_header headers[OUTCOME_HEADERS];
    char id[OUTCOME_ID_MAX + 4];
    char time[DATETIME_TEXT_MAX];
};

void outcome_record_init(struct outcome_record *r);
void outcome_record_done(struct outcome_record *r);
void outcome_make(struct outcome_record *r, struct outcome *o, const char *topic, unsigned shard);

#endif
