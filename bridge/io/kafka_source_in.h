/*
 * kafka_source_in: what the parts of kafka_source share. Nobody else includes it.
 *
 * kafka_source.c: the port, the turns, the end. kafka_assignment.c: partitions come and go.
 * kafka_intake.c: events of librdkafka, records above all. kafka_anew.c: topics that are made
 * again.
 */
#ifndef BRIDGE_IO_KAFKA_SOURCE_IN_H
#define BRIDGE_IO_KAFKA_SOURCE_IN_H

#include "bridge/io/kafka_commits.h"
#include "bridge/io/kafka_job.h"
#include "bridge/io/kafka_log.h"
#include "bridge/io/kafka_source.h"
#include "bridge/io/kafka_wake.h"

#define KAFKA_CHECK_WAIT_MS  2000    /* for the answer before a commit that is waited for */
#define KAFKA_RENEW_MS       3600000 /* without a group's members; brokers keep offsets for days */
#define KAFKA_AGAIN_MS       1000    /* after a question that was not answered */
#define KAFKA_PROBE_EVERY_MS 2000    /* while no broker answers */
#define KAFKA_NONE_YET       "no partition is assigned yet"
#define KAFKA_ENDS_EVERY_MS  5000 /* while partitions rest, of which nothing is fetched then */

struct rd_kafka_topic_partition_list_s;

/* Three queues: `control` is the consumer's own (rebalances, errors, log lines) and always read;
 * `records` collects every partition's, and is read only while the loop wants records; `replies`
 * takes answers to commits, and everything once the consumer is being closed. */
struct kafka_source {
    struct uv_loop_s *loop;
    struct rd_kafka_s *rk;
    struct rd_kafka_queue_s *control;
    struct rd_kafka_queue_s *records;
    struct rd_kafka_queue_s *replies;
    struct kafka_wake *wake;
    struct kafka_log log;
    struct kafka_slots *slots;
    struct kafka_commits commits;
    struct kafka_job job;
    struct source_owner owner;
    struct source_partition *list; /* room for SOURCE_PARTITIONS_MAX */
    char **topics;
    size_t topic_count;
    enum kafka_reset reset;
    enum kafka_assign assign;
    int64_t refresh_ms;

    struct kafka_survey offered; /* partitions to be taken, once their offsets are known */
    bool offer_open;
    bool offer_asked; /* the brokers are being asked about this one, or were and did not answer */
    struct kafka_survey lost; /* a partition that can't be read on, until it is known why */
    struct kafka_survey anew; /* assigned, and their logs are new ones: to be read from the start */
    struct kafka_survey again; /* to be taken again, once all is revoked */
    int64_t lost_at_ms;        /* not to be asked before */
    bool taken_any;            /* an assignment was taken before */
    bool spare;                /* the group's assignment was taken, and is empty */
    int64_t offer_at_ms;
    int64_t refresh_at_ms;
    int64_t probe_at_ms;
    int64_t ends_at_ms;
    int64_t renew_at_ms;
    bool suspect; /* something went wrong: ask whether a broker is there, until one answers */
    bool down;    /* none answered when asked last */
    bool revoking;
    bool failed;
    size_t out;          /* records handed out and not given back */
    size_t holding;      /* records kept for paused slots */
    unsigned held_first; /* the slot whose kept records come first the next time */
    int64_t repeats;
    char trouble[FAULT_TEXT_MAX];
    char missing[FAULT_TEXT_MAX]; /* which topics are not there, while others are; or "" */

    bool started;
    bool closing;    /* kafka_source_close was called */
    bool leaving;    /* librdkafka was told to close the consumer */
    bool left;       /* and that was all */
    bool destroying; /* the client is being ended */
    int64_t close_by_ms;
    int64_t step_by_ms; /* what is being waited for now; not after close_by_ms */
    void (*closed)(void *owner);
    void *closed_owner;
};

int64_t kafka_source_now(const struct kafka_source *s);
/* Tells the owner, once; from then on no record is handed out. */
void kafka_source_fail(struct kafka_source *s, const struct fault *f);

/* kafka_intake.c. Both take the event over. */
void kafka_intake_event(void *source, struct rd_kafka_op_s *event);
/* Hands out what was kept and what has come, within a turn's budget. true: there may be more. */
bool kafka_intake_read(struct kafka_source *s);
void kafka_intake_drop_held(struct kafka_source *s, struct kafka_slot *slot);
void kafka_intake_give_back(struct kafka_source *s, struct kafka_record *r);
/* Tells librdkafka to fetch nothing more of it, or to go on. */
void kafka_intake_stop_fetching(struct kafka_source *s, struct kafka_slot *slot, bool stop);

/* kafka_assignment.c */
void kafka_assignment_begin(struct kafka_source *s);
void kafka_assignment_offer(struct kafka_source *s,
                            const struct rd_kafka_topic_partition_list_s *list);
void kafka_assignment_revoke(struct kafka_source *s, bool lost);
void kafka_assignment_let_go(struct kafka_source *s);
/* Asks the brokers what is due to be asked. */
void kafka_assignment_ask(struct kafka_source *s);
void kafka_assignment_answer(struct kafka_source *s, const struct kafka_survey *found);

/* kafka_anew.c */
/* Asks whether what is to be committed is of the logs that were read; then the answer. */
void kafka_anew_ask(struct kafka_source *s);
void kafka_anew_answer(struct kafka_source *s, const struct kafka_survey *found);
/* The same, waiting for the answer. false with *f (RETRY): there was none. */
bool kafka_anew_check_now(struct kafka_source *s, struct fault *f) MUST_CHECK;
/* What comes next of it is not there, or of another log: asks why, as soon as there is an answer.
 */
void kafka_anew_lost(struct kafka_source *s, const struct kafka_slot *slot);
/* The answer: says which records are gone and fails, or goes on as configured. */
void kafka_anew_explain(struct kafka_source *s, const struct kafka_surveyed *at);

#endif
