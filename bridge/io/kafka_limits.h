/*
 * kafka_limits: how large the records are that topics, and our own producer, take, and which topics
 * keep one of each key. For commands; it waits for the brokers' answers, KAFKA_SURVEY_MS for each
 * topic and once more.
 */
#ifndef BRIDGE_IO_KAFKA_LIMITS_H
#define BRIDGE_IO_KAFKA_LIMITS_H

#include "bridge/io/kafka_conf.h"

#include <stdint.h>

struct kafka_limit {
    char *topic;
    int64_t bytes;  /* max.message.bytes; -1: the broker does not say */
    bool compacted; /* its cleanup.policy is, or has, compact */
};

struct kafka_limits {
    struct kafka_limit *at; /* no topic twice; those that are not there are left out */
    size_t count;
    int64_t produced; /* message.max.bytes of a producer by this conf */
};

/* topics: names, or one pattern. RETRY if the brokers can't be asked, or won't say; REJECT if conf
 * makes no sense. */
bool kafka_limits_ask(const struct kafka_conf *conf, const char *const *topics, size_t topic_count,
                      struct kafka_limits *out, struct fault *f) MUST_CHECK;
void kafka_limits_done(struct kafka_limits *l);

/* message.max.bytes of a producer by this conf: no broker is asked. REJECT if conf makes no sense.
 */
bool kafka_limits_produced(const struct kafka_conf *conf, int64_t *bytes,
                           struct fault *f) MUST_CHECK;

#endif
