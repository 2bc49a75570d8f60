/*
 * kafka_probe: asks a cluster once what it has. For commands; it waits for the brokers' answers,
 * KAFKA_SURVEY_MS for each topic and for each kind of question.
 */
#ifndef BRIDGE_IO_KAFKA_PROBE_H
#define BRIDGE_IO_KAFKA_PROBE_H

#include "bridge/core/buf.h"
#include "bridge/io/kafka_conf.h"

/* Appends "2 brokers, contact-events with 8 partitions, no cmi-results" to found, and
 * "topic cmi-results does not exist", "no topic matches ^contact-.*" to missing where that is so.
 * RETRY if no broker answers, or one that leads a partition does not, with what stood in the way;
 * REJECT if conf makes no sense. */
bool kafka_probe(const struct kafka_conf *conf, const char *const *topics, size_t topic_count,
                 struct buf *found, struct buf *missing, struct fault *f) MUST_CHECK;

/* Appends a sentence to fresh for each topic of conf that holds records, and in which conf's group
 * has committed nothing: all of them would be read. RETRY if that can't be had. */
bool kafka_probe_group(const struct kafka_conf *conf, struct buf *fresh,
                       struct fault *f) MUST_CHECK;

#endif
