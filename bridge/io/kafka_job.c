#include "bridge/io/kafka_job.h"

#include <librdkafka/rdkafka.h>

#include <assert.h>

#define PROBE_MS 2000

static bool probe(rd_kafka_t *rk, struct fault *f)
{
    const struct rd_kafka_metadata *found = NULL;
    rd_kafka_resp_err_t err = rd_kafka_metadata(rk, 0, NULL, &found, PROBE_MS);

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return fault_set(f, FAULT_RETRY, "no broker answers: %s", rd_kafka_err2str(err));
    rd_kafka_metadata_destroy(found);
    return true;
}

static void ask(uv_work_t *work)
{
    struct kafka_job *job = work->data;

    switch (job->kind) {
    case KAFKA_JOB_PROBE:
        job->ok = probe(job->rk, &job->fault);
        break;
    case KAFKA_JOB_TOPICS:
        job->ok =
            kafka_survey_topics(job->rk, job->topics, job->topic_count, &job->survey, &job->fault);
        break;
    case KAFKA_JOB_OFFSETS:
    case KAFKA_JOB_SPANS:
        job->ok = kafka_survey_offsets(job->rk, job->kind == KAFKA_JOB_OFFSETS, &job->survey,
                                       &job->fault);
        break;
    case KAFKA_JOB_ENDS:
        job->ok = kafka_survey_ends(job->rk, &job->survey, &job->fault);
        break;
    case KAFKA_JOB_COMMITTED:
        job->ok = kafka_survey_committed(job->rk, KAFKA_SURVEY_MS, &job->survey, &job->fault);
        break;
    case KAFKA_JOB_DESTROY:
        rd_kafka_destroy_flags(job->rk, job->destroy_flags);
        job->ok = true;
        break;
    }
}

static void answer(uv_work_t *work, int status)
{
    struct kafka_job *job = work->data;
    struct kafka_survey found = job->survey;

    (void)status; /* never cancelled */
    job->running = false;
    kafka_survey_init(&job->survey);
    job->done(job->owner, &found);
    kafka_survey_done(&found);
}

void kafka_job_start(struct kafka_job *job, struct uv_loop_s *loop, enum kafka_job_kind kind)
{
    assert(!job->running);
    job->running = true;
    job->kind = kind;
    job->fault = (struct fault){.cls = FAULT_NONE};
    job->work.data = job;
    uv_queue_work(loop, &job->work, ask, answer);
}
