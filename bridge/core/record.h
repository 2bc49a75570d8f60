/*
 * record: one Kafka record as bytes and numbers, owned by whoever made it.
 */
#ifndef BRIDGE_CORE_RECORD_H
#define BRIDGE_CORE_RECORD_H

#include "bridge/core/view.h"

#include <stddef.h>
#include <stdint.h>

#define RECORD_HEADERS_MAX  64  /* further headers of its own make an event's record poison */
#define RECORD_HEADERS_READ 256 /* of any record; further ones are not looked at */

struct record_header {
    struct view name;
    struct view value;
};

struct record {
    unsigned slot; /* of the partition, see ports/source.h */
    uint32_t epoch;
    struct view topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* the broker's or the producer's; -1 where there is none */
    bool broker_time;     /* it is the broker's (LogAppendTime) */
    bool has_key;
    struct view key;
    bool has_value; /* false: a null value (tombstone) */
    struct view value;
    const struct record_header *headers;
    size_t header_count; /* RECORD_HEADERS_READ + 1 stands for "more than can be read" */
    void *owner;         /* the maker's handle; views hold until it is given back */
};

#endif
