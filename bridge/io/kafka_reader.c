#include "bridge/io/kafka_reader.h"

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_describe.h"
#include "bridge/io/kafka_record.h"
#include "bridge/io/kafka_survey.h"

#include <librdkafka/rdkafka.h>

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define POLL_MS 1000

struct kafka_reader {
    rd_kafka_t *rk;
};

/* One scan: partitions by their place in the survey, which has each topic's in their order. */
struct scan {
    struct kafka_survey survey;
    bool *ended;
    size_t open; /* partitions not ended */
    int64_t done;
    int64_t total;
    bool emptied; /* a partition has dropped all it had */
    struct kafka_reader_kept kept;
};

struct kafka_reader *kafka_reader_new(const struct kafka_conf *conf, struct fault *f)
{
    rd_kafka_conf_t *made = kafka_conf_make(conf, KAFKA_READER, f);
    struct kafka_reader *r;
    rd_kafka_t *rk;
    char error[256];

    if (made == NULL)
        return NULL;
    rd_kafka_conf_set_log_cb(made, NULL); /* the fault says what is wrong */
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, made, error, sizeof error);
    if (rk == NULL) {
        rd_kafka_conf_destroy(made);
        fault_set(f, FAULT_REJECT, "the Kafka reader can't be made: %s", error);
        return NULL;
    }
    rd_kafka_poll_set_consumer(rk);
    r = mem_zeroed(1, sizeof *r);
    r->rk = rk;
    return r;
}

void kafka_reader_free(struct kafka_reader *r)
{
    if (r == NULL)
        return;
    rd_kafka_destroy_flags(r->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    mem_free(r);
}

bool kafka_reader_topics(struct kafka_reader *r, const char *pattern, kafka_reader_topic *found,
                         void *ctx, struct fault *f)
{
    struct kafka_survey s;
    bool ok;

    kafka_survey_init(&s);
    ok = kafka_survey_topics(r->rk, &pattern, 1, &s, f);
    for (size_t i = 0; ok && i < s.count; i++) /* one topic's partitions stand together */
        if (i == 0 || strcmp(s.at[i].topic, s.at[i - 1].topic) != 0)
            found(ctx, s.at[i].topic);
    kafka_survey_done(&s);
    return ok;
}

bool kafka_reader_partitions(struct kafka_reader *r, const char *topic, int32_t *count,
                             struct fault *f)
{
    struct kafka_survey s;
    bool ok;

    *count = 0;
    if (topic[0] == '^' || strlen(topic) >= KAFKA_TOPIC_NAME_MAX)
        return true; /* a name from a dead letter may be anybody's */
    kafka_survey_init(&s);
    ok = kafka_survey_topics(r->rk, &topic, 1, &s, f);
    *count = (int32_t)s.count;
    kafka_survey_done(&s);
    return ok;
}

static void dropped_until(struct kafka_reader_kept *kept, int64_t ms)
{
    if (!kept->dropped || ms > kept->since_ms)
        kept->since_ms = ms;
    kept->dropped = true;
}

/* Of a partition's first record. */
static void begins(struct scan *s, size_t i, int64_t first_ms)
{
    const struct kafka_span *span = &s->survey.at[i].span;

    if (span->low > 0 && span->next == span->low)
        dropped_until(&s->kept, first_ms > 0 ? first_ms : INT64_MAX);
}

static void end(struct scan *s, size_t i)
{
    const struct kafka_span *span = &s->survey.at[i].span;

    s->emptied = s->emptied || (span->low > 0 && span->next == span->low);
    s->open -= s->ended[i] ? 0 : 1;
    s->ended[i] = true;
}

static bool on_message(struct scan *s, const rd_kafka_message_t *m, kafka_reader_visit *visit,
                       void *ctx, struct fault *f)
{
    struct kafka_record *record;
    struct kafka_span *span;
    size_t i = 0;
    bool more = true;

    if (m->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET)
        return fault_set(f, FAULT_STOP,
                         "%.80s[%" PRId32 "]: records were dropped by the broker "
                         "while they were read; try again",
                         rd_kafka_topic_name(m->rkt), m->partition);
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR && m->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return true; /* librdkafka goes on by itself; silence is noticed by the caller */
    while (i < s->survey.count && s->survey.at[i].partition != m->partition)
        i++;
    if (i == s->survey.count || s->ended[i])
        return true;
    span = &s->survey.at[i].span;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && m->offset < span->high) {
        begins(s, i, rd_kafka_message_timestamp(m, NULL));
        s->done += m->offset + 1 - span->next;
        span->next = m->offset + 1;
        record = kafka_record_new(m);
        more = visit(ctx, &record->r, s->done, s->total, f);
        mem_free(record);
    }
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR || m->offset + 1 >= span->high) {
        s->done += span->high - span->next;
        end(s, i);
        span->next = span->high;
    }
    return more;
}

static bool read_all(struct kafka_reader *r, struct scan *s, kafka_reader_visit *visit, void *ctx,
                     struct fault *f)
{
    int silent_ms = 0;

    f->cls = FAULT_NONE;
    while (s->open > 0) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, POLL_MS);
        bool more;

        silent_ms = m != NULL ? 0 : silent_ms + POLL_MS;
        if (silent_ms >= KAFKA_READER_STALL_MS)
            return fault_set(f, FAULT_RETRY, "no broker sent a record for %d s",
                             KAFKA_READER_STALL_MS / 1000);
        if (m == NULL)
            continue;
        more = on_message(s, m, visit, ctx, f);
        rd_kafka_message_destroy(m);
        if (!more)
            return f->cls == FAULT_NONE;
    }
    return true;
}

static bool scan(struct kafka_reader *r, struct scan *s, kafka_reader_visit *visit, void *ctx,
                 struct fault *f)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)s->survey.count);
    rd_kafka_resp_err_t err;
    bool ok = true;

    s->ended = mem_zeroed(s->survey.count + 1, sizeof *s->ended);
    s->open = s->survey.count;
    for (size_t i = 0; i < s->survey.count; i++) {
        struct kafka_surveyed *at = &s->survey.at[i];

        if (at->span.next >= at->span.high) {
            end(s, i);
            continue;
        }
        s->total += at->span.high - at->span.next;
        rd_kafka_topic_partition_list_add(list, at->topic, at->partition)->offset = at->span.next;
    }
    if (s->open > 0) {
        err = rd_kafka_assign(r->rk, list);
        ok = err == RD_KAFKA_RESP_ERR_NO_ERROR
                 ? read_all(r, s, visit, ctx, f)
                 : fault_set(f, FAULT_RETRY, "the topic can't be read: %s", rd_kafka_err2str(err));
        rd_kafka_assign(r->rk, NULL);
    }
    rd_kafka_topic_partition_list_destroy(list);
    mem_free(s->ended);
    return ok;
}

static void take_retention(void *ctx, const char *topic, const char *name, const char *value)
{
    int64_t *ms = ctx;

    (void)topic;
    if (strcmp(name, "retention.ms") == 0)
        (void)!num_int(view_of(value), ms); /* else it stays unknown */
}

/* All records of a partition are dropped only for their age. */
static int64_t too_old_ms(struct kafka_reader *r, const char *topic)
{
    struct timespec now;
    struct fault unknown = {0};
    int64_t retention_ms = -1; /* as without any */

    clock_gettime(CLOCK_REALTIME, &now);
    if (!kafka_describe(r->rk, &topic, 1, take_retention, &retention_ms, &unknown) ||
        retention_ms < 0)
        return INT64_MAX;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - retention_ms;
}

bool kafka_reader_scan(struct kafka_reader *r, const char *topic, kafka_reader_visit *visit,
                       void *ctx, struct kafka_reader_kept *kept, struct fault *f)
{
    struct scan s = {.open = 0};
    bool ok;

    kafka_survey_init(&s.survey);
    ok = kafka_survey_topics(r->rk, &topic, 1, &s.survey, f) &&
         kafka_survey_offsets(r->rk, false, &s.survey, f);
    s.kept.exists = ok && s.survey.missing[0] == '\0';
    for (size_t i = 0; i < s.survey.count; i++)
        s.survey.at[i].span.next = s.survey.at[i].span.low;
    ok = ok && scan(r, &s, visit, ctx, f);
    if (ok && s.emptied && kept != NULL)
        dropped_until(&s.kept, too_old_ms(r, topic));
    if (kept != NULL)
        *kept = s.kept;
    kafka_survey_done(&s.survey);
    return ok;
}
