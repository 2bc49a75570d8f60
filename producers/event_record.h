/*
 * event_record: a CloudEvent in JSON as a Kafka record, checked by the contract.
 */
#ifndef PRODUCERS_EVENT_RECORD_H
#define PRODUCERS_EVENT_RECORD_H

#include "bridge/core/cloudevent.h"
#include "bridge/ports/sink.h"

#define EVENT_RECORD_JSON_MAX (1 << 20) /* bytes of an event */

struct event_record {
    struct sink_record r; /* topic, token and time are the caller's to fill in */
    struct record_header headers[RECORD_HEADERS_MAX];
    struct buf text; /* what the views point into, where not into the event */
    struct buf check;
};

void event_record_init(struct event_record *e);
void event_record_done(struct event_record *e);

/* Checks the event as the consumer will: attributes, type (after type_prefix is taken off),
 * subject, data. REJECT with a sentence. */
bool event_record_check(struct event_record *e, struct view json, struct view type_prefix,
                        struct fault *f) MUST_CHECK;

/* Makes the record: every attribute a header and the data the value (binary mode), or the JSON as
 * it stands (structured). The key is `partitionkey`, else the subject, else none. Views hold until
 * the next call or until json changes. */
bool event_record_make(struct event_record *e, struct view json, bool structured,
                       struct fault *f) MUST_CHECK;
/* Of what it made: key, value and headers. As it is sent it is some bytes more. */
size_t event_record_bytes(const struct event_record *e);

#endif
