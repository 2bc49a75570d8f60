/*
 * kafka_rig: a broker (of the kind that broker.h says, or one that the test has), a loop, a
 * producer, and readers that note what they were given.
 */
#ifndef TESTS_FAKES_KAFKA_RIG_H
#define TESTS_FAKES_KAFKA_RIG_H

#include "bridge/core/buf.h"
#include "bridge/io/kafka_sink.h"
#include "bridge/io/kafka_source.h"
#include "tests/fakes/broker.h"

#include <uv.h>

#define RIG_PATIENCE_MS 30000 /* a test that waits longer has failed */
#define RIG_GOT_MAX     20000

struct kafka_rig {
    uv_loop_t loop;
    struct broker *broker; /* NULL: the test's own */
    const char *address;
    char group[24]; /* of readers that say no other; each rig has its own */
    struct notice log;
    struct buf notices; /* one event's name and texts a line */
    struct kafka_sink *sink;
    struct sink_port produce;
    unsigned delivered;
    unsigned undelivered;
    bool sink_closed;
};

void kafka_rig_start(struct kafka_rig *rig, unsigned brokers);
void kafka_rig_start_on(struct kafka_rig *rig, const char *address); /* borrowed */
void kafka_rig_stop(struct kafka_rig *rig);
/* Turns the loop until it holds; fails the test after RIG_PATIENCE_MS. */
#define kafka_rig_until(rig, holds, ctx)                                                           \
    kafka_rig_until_at(rig, holds, ctx, #holds, __FILE__, __LINE__)
void kafka_rig_until_at(struct kafka_rig *rig, bool (*holds)(void *ctx), void *ctx,
                        const char *what, const char *file, int line);
bool kafka_rig_noticed(struct kafka_rig *rig, const char *text);
struct kafka_conf kafka_rig_conf(const struct kafka_rig *rig, const char *const *topic);

void kafka_rig_topic(struct kafka_rig *rig, const char *name,
                     unsigned partitions); /* of its own broker */
void kafka_rig_produce(struct kafka_rig *rig,
                       const struct sink_record *r); /* waits while the queue is full */
void kafka_rig_send(struct kafka_rig *rig, const char *topic, const char *key, const char *value);
void kafka_rig_flush(struct kafka_rig *rig); /* until all is reported */
/* Records with their numbers as values, of some keys; delivered. */
void kafka_rig_send_many(struct kafka_rig *rig, const char *topic, unsigned from, unsigned to);

/* Runs `cmibridge ARGUMENTS` by a shell, in front of it what `before` says ("echo x |"); gives its
 * exit code, and what it wrote to both outputs, until the next call. */
int kafka_rig_command(const struct kafka_rig *rig, const char *before, const char *arguments,
                      const char **output);

struct got {
    void *owner; /* not given back yet; NULL: given back */
    unsigned slot;
    uint32_t epoch;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;
    bool has_key;
    bool has_value;
    size_t header_count;
    size_t value_bytes;
    char value[640]; /* its beginning */
    char key[32];
    char headers[512]; /* "name=value\n" each, "name\n" with a null; the beginning */
};

struct reader {
    struct kafka_rig *rig;
    struct kafka_source *source;
    struct source_port port;
    bool keep;         /* records are not given back by themselves */
    bool slow_release; /* `released` is not called by itself */
    bool commit_on_revoke;
    struct got *got;
    size_t count;
    size_t partitions; /* assigned now */
    struct source_partition parts[64];
    unsigned assignments;
    unsigned revocations;
    unsigned lost;
    unsigned commits_done;
    unsigned commits_refused;
    bool failed;
    struct fault fault;
    bool closed;
};

void reader_start(struct reader *r, struct kafka_rig *rig, const struct kafka_conf *conf);
void reader_await(struct reader *r, size_t count); /* so many records, counted from its start */
void reader_await_partitions(struct reader *r, size_t count);
void reader_await_failure(struct reader *r);
void reader_give_back(struct reader *r);
/* Commits one past the newest record of each partition. */
void reader_commit(struct reader *r, bool now);
void reader_close(struct reader *r);
void reader_done(struct reader *r);

#endif
