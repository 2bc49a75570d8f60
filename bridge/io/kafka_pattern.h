/*
 * kafka_pattern: which topics an expression in kafka.topics stands for.
 */
#ifndef BRIDGE_IO_KAFKA_PATTERN_H
#define BRIDGE_IO_KAFKA_PATTERN_H

#include "bridge/core/fault.h"

#include <regex.h>
#include <stddef.h>

/* Topics that begin so are Kafka's own: __consumer_offsets has what we commit, and read as events
 * each commit would make the next. An expression stands for them only if it begins so itself. */
#define KAFKA_PATTERN_INTERNAL "^__"

struct kafka_pattern {
    regex_t taken;
    bool internal;     /* Kafka's own topics, too */
    regex_t *left_out; /* owned */
    size_t left_out_count;
};

/* left_out: librdkafka's topic.blacklist, expressions with commas between, or NULL. REJECT where
 * one is none; there is nothing to be done away with then. */
bool kafka_pattern_make(struct kafka_pattern *p, const char *taken, const char *left_out,
                        struct fault *f) MUST_CHECK;
bool kafka_pattern_is_internal(const char *taken);
void kafka_pattern_done(struct kafka_pattern *p);
bool kafka_pattern_takes(const struct kafka_pattern *p, const char *topic);

#endif
