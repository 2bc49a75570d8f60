/*
 * kafka_broker: a Kafka cluster within this process, for one machine and for tests (librdkafka's
 * mock cluster, on threads of its own, at free ports of 127.0.0.1).
 *
 * What it can't do:
 * - keep anything: records, topics and committed offsets are gone when it stops;
 * - keep much: of a partition the newest KAFKA_BROKER_KEEPS_BYTES, or the newest
 *   KAFKA_BROKER_KEEPS_BATCHES batches if that is less; a reader that falls behind loses records;
 * - be fast when idle: an empty fetch is answered after the reader's fetch.wait.max.ms, even if
 *   records come meanwhile; set that to 10 or so;
 * - group things: the first member waits 3 s, later ones for session.timeout.ms less a second;
 *   from then until all have joined commits are refused, so that what ends during a revocation is
 *   done again; static membership is taken for none;
 * - topics by administration, SASL, TLS, transactions that can be read, offsets by time.
 */
#ifndef BRIDGE_IO_KAFKA_BROKER_H
#define BRIDGE_IO_KAFKA_BROKER_H

#include "bridge/core/fault.h"

#include <stddef.h>
#include <stdint.h>

#define KAFKA_BROKER_KEEPS_BYTES   (5 << 20)
#define KAFKA_BROKER_KEEPS_BATCHES 100000
#define KAFKA_BROKERS_MAX          9

struct kafka_broker;

/* Starts n brokers, ids 1 … n. NULL with a fault. */
struct kafka_broker *kafka_broker_start(unsigned n, struct fault *f);
void kafka_broker_stop(struct kafka_broker *b); /* NULL is fine */

/* "127.0.0.1:41234,…", for as long as it runs. */
const char *kafka_broker_bootstrap(const struct kafka_broker *b);

/* Topics also come into being when a client asks for them, with 4 partitions. */
bool kafka_broker_topic(struct kafka_broker *b, const char *name, unsigned partitions,
                        struct fault *f) MUST_CHECK;

/* ---- for tests ---- */

/* Kinds of request, by their number in Kafka's protocol. */
enum kafka_request {
    KAFKA_REQUEST_PRODUCE = 0,
    KAFKA_REQUEST_FETCH = 1,
    KAFKA_REQUEST_LIST_OFFSETS = 2,
    KAFKA_REQUEST_METADATA = 3,
    KAFKA_REQUEST_OFFSET_COMMIT = 8,
    KAFKA_REQUEST_OFFSET_FETCH = 9,
    KAFKA_REQUEST_FIND_COORDINATOR = 10,
    KAFKA_REQUEST_JOIN_GROUP = 11,
    KAFKA_REQUEST_HEARTBEAT = 12,
    KAFKA_REQUEST_INIT_PRODUCER_ID = 22,
};

#define KAFKA_CUT (-195) /* instead of an answer, the connection is closed */

/* The next `times` requests of that kind get this error (Kafka's number, or KAFKA_CUT). */
void kafka_broker_fail(struct kafka_broker *b, enum kafka_request kind, int error, unsigned times);
void kafka_broker_down(struct kafka_broker *b, int id); /* -1: all */
void kafka_broker_up(struct kafka_broker *b, int id);

#endif
