/*
 * kafka_job: a question to the brokers, asked on a worker thread, answered on the loop. One at a
 * time.
 */
#ifndef BRIDGE_IO_KAFKA_JOB_H
#define BRIDGE_IO_KAFKA_JOB_H

#include "bridge/io/kafka_survey.h"

#include <uv.h>

enum kafka_job_kind {
    KAFKA_JOB_PROBE,     /* is a broker there? */
    KAFKA_JOB_TOPICS,    /* which partitions do the topics have? */
    KAFKA_JOB_OFFSETS,   /* where do these partitions begin and end, what is committed of them? */
    KAFKA_JOB_SPANS,     /* where do they begin and end? */
    KAFKA_JOB_ENDS,      /* where do they end? */
    KAFKA_JOB_COMMITTED, /* what is committed of them? */
    KAFKA_JOB_DESTROY,   /* ends the client, which may wait for its threads */
};

struct kafka_job {
    uv_work_t work;
    struct rd_kafka_s *rk;
    const char *const *topics; /* KAFKA_JOB_TOPICS; borrowed */
    size_t topic_count;
    int destroy_flags; /* KAFKA_JOB_DESTROY */
    enum kafka_job_kind kind;
    struct kafka_survey survey; /* filled by the caller for those that ask about partitions */
    bool running;
    bool ok;
    struct fault fault;                                          /* where not ok */
    void (*done)(void *owner, const struct kafka_survey *found); /* found holds during the call */
    void *owner;
};

/* Set rk, done and owner (and topics) once; fill the survey; then start. `done` may start the next,
 * and after KAFKA_JOB_DESTROY free the job. */
void kafka_job_start(struct kafka_job *job, struct uv_loop_s *loop, enum kafka_job_kind kind);

#endif
