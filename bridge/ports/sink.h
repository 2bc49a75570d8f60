/*
 * sink: records put on Kafka topics, as the loops see it. Idempotent producer, acks=all.
 *
 * Each `produce` that returned true ends with exactly one delivery report to the function that the
 * shell was made with, never from inside `produce`. The shell copies what it is given.
 */
#ifndef BRIDGE_PORTS_SINK_H
#define BRIDGE_PORTS_SINK_H

#include "bridge/core/fault.h"
#include "bridge/core/record.h"

#include <stdint.h>

struct sink_record {
    uint64_t token;
    const char *topic;
    bool has_partition; /* else the key says which, or chance */
    int32_t partition;
    bool has_key;
    struct view key;
    bool has_value;
    struct view value;
    int64_t timestamp_ms; /* 0: now */
    const struct record_header *headers;
    size_t header_count;
};

/* The error of a report where the topic takes no record of that size, however often it is tried. */
#define SINK_TOO_LARGE "the record is larger than its topic takes"
/* The same of its kind, or of one that was sent together with it. */
#define SINK_INVALID "its topic takes no record like it: "
/* How an error begins where no answer came, so that the record may be there all the same. */
#define SINK_PERHAPS "perhaps delivered: "

typedef void sink_on_report(void *owner, uint64_t token, bool delivered, const char *error);

struct sink_port {
    void *ctx;
    /* false with FAULT_RETRY: the queue is full, try again after the next report;
     * false with FAULT_REJECT: the broker would never take it (too large);
     * false with FAULT_STOP: the topic can't be written until somebody mends it, as the sentence
     * says without its name; or the shell is being closed. */
    bool (*produce)(void *ctx, const struct sink_record *r, struct fault *f);
};

#endif
