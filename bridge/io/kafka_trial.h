/*
 * kafka_trial: do a client's properties go together? librdkafka compares them with each other only
 * when a client is made, so one is made, which knows no broker, and done away with.
 */
#ifndef BRIDGE_IO_KAFKA_TRIAL_H
#define BRIDGE_IO_KAFKA_TRIAL_H

#include "bridge/io/kafka_conf.h"

/* REJECT with librdkafka's sentence if not, and *property says which of c->properties it is about:
 * property_count where it is none of them. Its first objection only: without that property there
 * may be another. Brokers and topics of the conf are not looked at. */
bool kafka_trial(const struct kafka_conf *c, enum kafka_role role, size_t *property,
                 struct fault *f) MUST_CHECK;

#endif
