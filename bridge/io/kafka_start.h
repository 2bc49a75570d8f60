/*
 * kafka_start: where the reading of a partition begins, and when it must not (D1).
 */
#ifndef BRIDGE_IO_KAFKA_START_H
#define BRIDGE_IO_KAFKA_START_H

#include "bridge/io/kafka_conf.h"

/* What a partition's log and its group say of it. */
struct kafka_span {
    int64_t next; /* the committed offset, or the next to be read; -1: none */
    int64_t low;  /* the log's first offset */
    int64_t high; /* one past its last */
};

enum kafka_begin {
    KAFKA_BEGIN_NEXT,  /* where it was left */
    KAFKA_BEGIN_FRESH, /* nothing was committed: the log's start, or its end as configured */
    KAFKA_BEGIN_RESET, /* records are missing, and the configuration says to go on */
    KAFKA_BEGIN_NEVER, /* records are missing: *f (STOP) says which and what to do */
};

/* *start is untouched for KAFKA_BEGIN_NEVER, f for the others. */
enum kafka_begin kafka_start(enum kafka_reset reset, const char *topic, int32_t partition,
                             struct kafka_span span, int64_t *start, struct fault *f);

#endif
