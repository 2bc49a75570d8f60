/*
 * apache_kafka: a private Apache Kafka broker for a test: one node (KRaft), at free ports of
 * 127.0.0.1, in a directory of its own; gone with the test, whatever becomes of it. It takes some
 * seconds to start, so a test program has one, and its tests have topics and groups of their own.
 *
 * A helper that can't do its work ends the test program with a sentence.
 */
#ifndef TESTS_FAKES_APACHE_KAFKA_H
#define TESTS_FAKES_APACHE_KAFKA_H

#include <stddef.h>
#include <stdint.h>

struct apache_kafka;

/* Returns when it answers. Ends the program with 77 (skipped) and words where Kafka or Java can't
 * be had (tests/kafka/fetch.sh). */
struct apache_kafka *apache_kafka_start(void);
/* The same, with further settings of the broker, each "name=value\n". */
struct apache_kafka *apache_kafka_start_with(const char *settings);
void apache_kafka_free(struct apache_kafka *k); /* kills it, removes the directory */
const char *apache_kafka_address(const struct apache_kafka *k); /* "127.0.0.1:20123" */

/* Sends the signal and waits until it is gone. What it acknowledged is still in its directory. */
void apache_kafka_stop(struct apache_kafka *k, int signal);
void apache_kafka_restart(struct apache_kafka *k); /* same ports, same directory; when it answers */

void apache_kafka_topic(struct apache_kafka *k, const char *name, unsigned partitions);
/* setting: one of the topic's ("max.message.bytes"), or NULL. */
void apache_kafka_topic_of(struct apache_kafka *k, const char *name, unsigned partitions,
                           const char *setting, const char *value);
void apache_kafka_delete(struct apache_kafka *k, const char *topic); /* then it is gone */
/* Adds partitions, so that it has so many; when the broker serves them. */
void apache_kafka_grow(struct apache_kafka *k, const char *topic, unsigned partitions);
void apache_kafka_empty(struct apache_kafka *k); /* deletes every topic; then none is there */
/* Deletes the partition's records before that offset: the log begins there now. */
void apache_kafka_drop_before(struct apache_kafka *k, const char *topic, int32_t partition,
                              int64_t offset);
/* Where a reader's log ends: before a transaction that is open. */
int64_t apache_kafka_log_end(struct apache_kafka *k, const char *topic, int32_t partition);
/* The group's committed offset; -1: none. */
int64_t apache_kafka_committed(struct apache_kafka *k, const char *group, const char *topic,
                               int32_t partition);
/* How many members the group has; state: "Stable", "PreparingRebalance", … */
size_t apache_kafka_members(struct apache_kafka *k, const char *group, char state[32]);
/* The codec of the first batch of the partition's first log file, as the broker stored it: 0 none,
 * 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
int apache_kafka_codec(struct apache_kafka *k, const char *topic, int32_t partition);

/* One transaction with so many records "<prefix>0", "<prefix>1", …, without keys: committed, or
 * aborted. Either way it leaves a control record, which takes an offset that no reader is given. */
void apache_kafka_transaction(struct apache_kafka *k, const char *topic, int32_t partition,
                              const char *prefix, unsigned records, int commit);

#endif
