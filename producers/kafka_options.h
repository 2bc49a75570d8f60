/*
 * kafka_options: the Kafka cluster that a command is to use: from its configuration, with what the
 * command line says over it.
 */
#ifndef PRODUCERS_KAFKA_OPTIONS_H
#define PRODUCERS_KAFKA_OPTIONS_H

#include "bridge/io/kafka_conf.h"

#define KAFKA_OPTIONS_PROPERTIES_MAX 64

struct kafka_options {
    const char *config;  /* --config FILE */
    const char *brokers; /* --brokers B */
    struct kafka_property properties[KAFKA_OPTIONS_PROPERTIES_MAX];
    size_t property_count;
};

void kafka_options_init(struct kafka_options *o);
void kafka_options_done(struct kafka_options *o);
/* -X NAME=VALUE: any librdkafka property; the last of a name counts. */
bool kafka_options_property(struct kafka_options *o, const char *text, struct fault *f) MUST_CHECK;
/* A property the command itself sets, unless the user does. Texts are copied. */
bool kafka_options_default(struct kafka_options *o, const char *name, const char *value,
                           struct fault *f) MUST_CHECK;
/* What it comes to; holds as long as the options. */
struct kafka_conf kafka_options_conf(const struct kafka_options *o);

#endif
