/*
 * kafka_describe: what the brokers have as the settings of topics. For commands; it waits for the
 * answer, 2 * KAFKA_SURVEY_MS at most.
 */
#ifndef BRIDGE_IO_KAFKA_DESCRIBE_H
#define BRIDGE_IO_KAFKA_DESCRIBE_H

#include "bridge/core/fault.h"

#include <stddef.h>

struct rd_kafka_s;

/* Of each setting of each topic; the texts hold during the call. value: NULL where none is told. */
typedef void kafka_described(void *ctx, const char *topic, const char *name, const char *value);

/* rk must have had metadata. RETRY if the brokers can't be asked, or won't say: the embedded broker
 * names no controller, and so can't be asked. */
bool kafka_describe(struct rd_kafka_s *rk, const char *const *topics, size_t count,
                    kafka_described *visit, void *ctx, struct fault *f) MUST_CHECK;

#endif
