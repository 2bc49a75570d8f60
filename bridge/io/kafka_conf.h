/*
 * kafka_conf: what is configured of a Kafka client, and the properties of librdkafka made of it.
 *
 * Any librdkafka property can be given (TLS, SASL, buffers), except those that would break a
 * promise or that have a setting of their own; kafka_property_check names them.
 */
#ifndef BRIDGE_IO_KAFKA_CONF_H
#define BRIDGE_IO_KAFKA_CONF_H

#include "bridge/core/fault.h"

#include <stddef.h>
#include <stdint.h>

struct rd_kafka_conf_s;

#define KAFKA_TOPICS_MAX 64 /* names in `topics` */

/* What becomes of a committed offset that the log doesn't hold (any more). A partition without a
 * committed offset begins at the log's start, with `latest` at its end. */
enum kafka_reset {
    KAFKA_RESET_ERROR,    /* stop, with a sentence: something would be lost (D1) */
    KAFKA_RESET_EARLIEST, /* go on at the log's start */
    KAFKA_RESET_LATEST,   /* go on at the log's end */
};

enum kafka_assign {
    KAFKA_ASSIGN_GROUP, /* share the partitions with the group's other members */
    KAFKA_ASSIGN_ALL,   /* take every partition, without joining the group: one process only */
};

struct kafka_property {
    const char *name;
    const char *value;
};

/* Plain values; texts are borrowed and read during the call that takes them. */
struct kafka_conf {
    const char *brokers;
    const char *client_id;     /* NULL: "cmibridge" */
    const char *group;         /* where offsets are committed; a source needs it */
    const char *const *topics; /* names, or one regular expression that begins with '^' */
    size_t topic_count;
    const char *const *never; /* topics that an expression never stands for, beside Kafka's own;
                                 may be NULL */
    size_t never_count;
    enum kafka_reset offset_reset;
    enum kafka_assign assign;
    int64_t session_timeout_ms; /* 0: librdkafka's default */
    int64_t refresh_ms;         /* how often new partitions are looked for; 0: 30 s */
    const char *instance_id;    /* static membership; NULL: none */
    const struct kafka_property *properties;
    size_t property_count;
};

enum kafka_role { KAFKA_SOURCE, KAFKA_SINK, KAFKA_READER };

/* rd_kafka_version(): 0x020002ff is 2.0.2. */
int kafka_library_version(void);

/* May this property be set, and does librdkafka take it? REJECT with a sentence if not. version:
 * kafka_library_version(). */
bool kafka_property_check(const struct kafka_property *p, int version, struct fault *f) MUST_CHECK;

/* Is its value one that nobody may be shown? */
bool kafka_property_is_secret(const char *name);

/* Is it complete and free of contradictions for that role? Properties included: they are tried on
 * librdkafka. REJECT with a sentence if not. */
bool kafka_conf_check(const struct kafka_conf *c, enum kafka_role role, struct fault *f) MUST_CHECK;

/* The librdkafka configuration of a client that is to reach no broker: what was given of it,
 * without a look at whether that is complete. The caller owns it. NULL with a REJECT fault. */
struct rd_kafka_conf_s *kafka_conf_draft(const struct kafka_conf *c, enum kafka_role role,
                                         struct fault *f);

/* The expressions of topics that an expression never stands for (topic.blacklist), commas between;
 * mem_free it. NULL: none. */
char *kafka_conf_left_out(const struct rd_kafka_conf_s *conf);

/* The librdkafka configuration, checked; the caller owns it (rd_kafka_new takes it). NULL with a
 * REJECT fault. */
struct rd_kafka_conf_s *kafka_conf_make(const struct kafka_conf *c, enum kafka_role role,
                                        struct fault *f);

#endif
