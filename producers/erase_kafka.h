/*
 * erase_kafka: which records of the topics of ours hold a person: key, value or a header. They go
 * when Kafka lets them go, by its retention; nothing else can.
 */
#ifndef PRODUCERS_ERASE_KAFKA_H
#define PRODUCERS_ERASE_KAFKA_H

#include "bridge/core/buf.h"
#include "bridge/core/person.h"
#include "producers/kafka_options.h"

#define ERASE_KAFKA_SHOWN_MAX 10000 /* places; beyond, they are counted */

struct erase_kafka {
    struct buf places; /* "topic:partition:offset", a line each; the caller's */
    int64_t found;
    int64_t looked; /* records */
};

/* Reads what the topics hold now, once through. RETRY: the brokers can't be asked. */
bool erase_kafka_look(const struct kafka_options *options, const struct person *person,
                      struct erase_kafka *out, struct fault *f) MUST_CHECK;

#endif
