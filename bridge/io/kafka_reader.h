/*
 * kafka_reader: the records that a topic holds now, once through: from the log's start to where its
 * end was when the scan began. For commands; it waits for the brokers, and commits nothing.
 */
#ifndef BRIDGE_IO_KAFKA_READER_H
#define BRIDGE_IO_KAFKA_READER_H

#include "bridge/core/record.h"
#include "bridge/io/kafka_conf.h"

#define KAFKA_READER_STALL_MS 30000 /* without a record: the scan fails */

struct kafka_reader;

/* NULL with a fault (REJECT). */
struct kafka_reader *kafka_reader_new(const struct kafka_conf *conf, struct fault *f);
void kafka_reader_free(struct kafka_reader *r);

/* The topics that there are of an expression with '^' in front, each once; the name holds during
 * the call. RETRY if the brokers can't be asked, REJECT if it is no expression. */
typedef void kafka_reader_topic(void *ctx, const char *name);
bool kafka_reader_topics(struct kafka_reader *r, const char *pattern, kafka_reader_topic *found,
                         void *ctx, struct fault *f) MUST_CHECK;

/* How many partitions the topic has; 0: there is none of that name. RETRY if the brokers can't be
 * asked, or won't say. */
bool kafka_reader_partitions(struct kafka_reader *r, const char *topic, int32_t *count,
                             struct fault *f) MUST_CHECK;

/* The record holds during the call. false ends the scan, with *f set or not. done and total count
 * offsets, so that a compacted log ends at its total too. */
typedef bool kafka_reader_visit(void *ctx, const struct record *record, int64_t done, int64_t total,
                                struct fault *f);

/* What a topic still has. */
struct kafka_reader_kept {
    bool exists;
    bool dropped;     /* some partition's log no longer has its beginning */
    int64_t since_ms; /* nothing that such a partition no longer has is newer: the newest time of
                         their first records; of one that is empty now, as long ago as retention.ms
                         says. INT64_MAX: not known */
};

/* Visits the records of each partition in order; partitions come mixed. A topic that doesn't exist
 * has none: *kept (may be NULL) says so, and after a whole scan the rest. RETRY if the brokers
 * can't be asked or fall silent; STOP if records were dropped while they were being read. */
bool kafka_reader_scan(struct kafka_reader *r, const char *topic, kafka_reader_visit *visit,
                       void *ctx, struct kafka_reader_kept *kept, struct fault *f) MUST_CHECK;

#endif
