/*
 * kafka_check: what only librdkafka knows to be wrong with kafka.properties.
 *
 * Both append to mistakes as a conf_check does (config/conf.h).
 */
#ifndef CONSUMERS_KAFKA_CHECK_H
#define CONSUMERS_KAFKA_CHECK_H

#include "config/conf.h"

/* Each property by itself. */
void kafka_check_properties(const struct conf *c, const char *file, struct buf *mistakes);
/* And whether those that are good by themselves go together: a client of each kind is made, which
 * reaches no broker. */
void kafka_check_clients(const struct conf *c, const char *file, struct buf *mistakes);

#endif
