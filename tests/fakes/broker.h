/*
 * broker: the Kafka of a test: the embedded broker, or Apache Kafka where CMIBRIDGE_TEST_KAFKA is
 * "apache" (ctest runs the programs that use it a second time like that, as NAME@apache).
 *
 * Apache Kafka takes some seconds to start, so a program has one process of it, from its first
 * broker_start to its end; each further one begins with broker_empty.
 */
#ifndef TESTS_FAKES_BROKER_H
#define TESTS_FAKES_BROKER_H

#include "bridge/io/kafka_broker.h"

#include <stdbool.h>

struct broker;

bool broker_is_apache(void);
/* At the beginning of a case that the other can't be brought to: says why, and skips it there. */
void broker_embedded_only(const char *why);
void broker_apache_only(const char *why);

/* n nodes with the ids 1 … n; Apache Kafka is always one. Ends the program with 77 (skipped) and
 * words where it can't be had. */
struct broker *broker_start(unsigned n);
void broker_stop(struct broker *b); /* NULL is fine */
const char *broker_address(const struct broker *b);

/* Deletes every topic of Apache Kafka; with few it is back soon. The embedded broker can't. */
void broker_empty(struct broker *b);
/* Topics also come into being when a client asks for them, with 4 partitions. */
void broker_topic(struct broker *b, const char *name, unsigned partitions);
/* With one of its settings ("max.message.bytes"). Apache Kafka only. */
void broker_topic_of(struct broker *b, const char *name, unsigned partitions, const char *setting,
                     const char *value);

/* All nodes are gone: Apache Kafka by that signal, the embedded broker by cutting its connections
 * and refusing new ones. What they acknowledged they have again when they are up. */
void broker_down(struct broker *b, int signal);
void broker_up(struct broker *b);

/* The partition's log begins at that offset now. Apache Kafka only: of the embedded broker's, the
 * first records go by themselves (KAFKA_BROKER_KEEPS_BYTES). */
void broker_drop_before(struct broker *b, const char *topic, int32_t partition, int64_t offset);
/* The next `times` requests of that kind get this error (kafka_broker.h). Embedded only. */
void broker_fail(struct broker *b, enum kafka_request kind, int error, unsigned times);

#endif
