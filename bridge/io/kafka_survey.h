/*
 * kafka_survey: which partitions there are, and what log and group say of each.
 *
 * The questions wait for the broker's answer, so they are asked on a worker thread. A survey
 * belongs to one thread at a time.
 */
#ifndef BRIDGE_IO_KAFKA_SURVEY_H
#define BRIDGE_IO_KAFKA_SURVEY_H

#include "bridge/io/kafka_start.h"

#include <stddef.h>

#define KAFKA_SURVEY_MS      5000 /* for one question */
#define KAFKA_SURVEYED_MAX   65536
#define KAFKA_TOPIC_NAME_MAX 250 /* with the NUL */
#define KAFKA_MISSING_MAX    512 /* with the NUL */
#define KAFKA_NO_MATCH       "no topic matches "

struct rd_kafka_s;

struct kafka_surveyed {
    char *topic; /* owned by the survey */
    int32_t partition;
    struct kafka_span span;
};

struct kafka_survey {
    struct kafka_surveyed *at;
    size_t count;
    char missing[KAFKA_MISSING_MAX]; /* topics that were asked for and aren't there, with ", "
                                        between; or "". Beyond its room they are counted only. */
    size_t missing_count;
};

void kafka_survey_init(struct kafka_survey *s);
void kafka_survey_done(struct kafka_survey *s);
/* false: KAFKA_SURVEYED_MAX are in it. */
bool kafka_survey_add(struct kafka_survey *s, const char *topic, int32_t partition);

/* Adds the partitions of these topics: names, or one expression with '^' in front, which never
 * stands for what the client's topic.blacklist names, nor, but by their beginning, for Kafka's own
 * topics (kafka_pattern.h). A topic that isn't there is left out and named in `missing`. RETRY if
 * the broker can't be asked. */
bool kafka_survey_topics(struct rd_kafka_s *rk, const char *const *topics, size_t count,
                         struct kafka_survey *s, struct fault *f) MUST_CHECK;

/* Takes out the partitions from `from` on of the topics that `names` has. */
void kafka_survey_drop(struct kafka_survey *s, size_t from, const char *const *names, size_t count);

/* "topic x does not exist", "3 topics do not exist: x, y, z". Some must be missing. */
void kafka_survey_say_missing(const struct kafka_survey *s, char *out, size_t room);

const struct kafka_surveyed *kafka_survey_find(const struct kafka_survey *s, const char *topic,
                                               int32_t partition); /* NULL: not in it */

/* Fills in next of each; waits for wait_ms at most. RETRY if one can't be had. */
bool kafka_survey_committed(struct rd_kafka_s *rk, int wait_ms, struct kafka_survey *s,
                            struct fault *f) MUST_CHECK;

/* Fills in low and high of each, and, if `committed`, next. RETRY if one can't be had. */
bool kafka_survey_offsets(struct rd_kafka_s *rk, bool committed, struct kafka_survey *s,
                          struct fault *f) MUST_CHECK;

/* Fills in high of each. RETRY if one can't be had. */
bool kafka_survey_ends(struct rd_kafka_s *rk, struct kafka_survey *s, struct fault *f) MUST_CHECK;

#endif
