/*
 * dlq_rig: dead letters and results as `cmibridge consume` leaves them, on the topics that the
 * commands look at by default.
 */
#ifndef TESTS_FAKES_DLQ_RIG_H
#define TESTS_FAKES_DLQ_RIG_H

#include "tests/fakes/kafka_rig.h"

#define DLQ_RIG_EVENTS  "contact-events" /* one partition */
#define DLQ_RIG_DEAD    "cmi-dead-letters"
#define DLQ_RIG_RESULTS "cmi-results"

#define DLQ_RIG_DONE     "cmi.write.done"
#define DLQ_RIG_REJECTED "cmi.write.rejected"

struct dlq_rig_letter { /* of an event on partition 0 */
    const char *id;
    const char *subject;
    const char *type;
    const char *disposition;
    const char *offset;
    const char *time;      /* when it was given up */
    const char *published; /* NULL: in 1970 */
};

struct dlq_rig_bare { /* a letter without a key, and with no more than it needs */
    const char *id;
    const char *topic; /* where it came from */
    const char *partition;
    const char *offset;
    struct view value;
};

struct dlq_rig_result {
    const char *type;
    const char *id; /* of the event */
    const char *subject;
    unsigned offset;
    unsigned partition;
    const char *time; /* NULL: now */
    const char *more; /* members of its data, JSON; NULL: none */
};

void dlq_rig_start(struct kafka_rig *rig); /* ends with kafka_rig_stop */
void dlq_rig_bury(struct kafka_rig *rig, const struct dlq_rig_letter *letter);
void dlq_rig_bury_bare(struct kafka_rig *rig, const struct dlq_rig_bare *letter);
void dlq_rig_report(struct kafka_rig *rig, const struct dlq_rig_result *result);

#endif
