/*
 * kafka_options: the Kafka cluster that a command is to use: from its configuration, with what the
 * command line says over it.
 */
#ifndef PRODUCERS_KAFKA_OPTIONS_H
#define PRODUCERS_KAFKA_OPTIONS_H

#include "bridge/io/kafka_conf.h"

#define KAFKA_OPTIONS_PROPERTIES_MAX 128

struct conf;

struct kafka_options {
    const char *config;  /* --config FILE, or NULL: defaults and the environment */
    const char *brokers; /* --brokers B, or NULL: the configuration's */
    struct kafka_property properties[KAFKA_OPTIONS_PROPERTIES_MAX];
    size_t property_count;
    struct conf *conf; /* owned; after kafka_options_load */
};

void kafka_options_init(struct kafka_options *o);
void kafka_options_done(struct kafka_options *o);
/* -X NAME=VALUE: any librdkafka property; the last of a name counts. */
bool kafka_options_property(struct kafka_options *o, const char *text, struct fault *f) MUST_CHECK;
/* Loads the configuration; its properties come before the command line's. REJECT: its mistakes are
 * printed already. */
bool kafka_options_load(struct kafka_options *o, struct fault *f) MUST_CHECK;
/* A property that the command itself sets, unless the user does; after kafka_options_load. */
bool kafka_options_default(struct kafka_options *o, const char *name, const char *value,
                           struct fault *f) MUST_CHECK;
/* What it comes to; holds as long as the options. */
struct kafka_conf kafka_options_conf(const struct kafka_options *o);

#endif
