#include "bridge/io/kafka_sink.h"

#include "bridge/core/mem.h"
#include "bridge/io/kafka_job.h"
#include "bridge/io/kafka_log.h"
#include "bridge/io/kafka_wake.h"

#include <librdkafka/rdkafka.h>
#include <uv.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TURN_REPORTS 100  /* handed out before the loop has another turn */
#define AGAIN_MS     1000 /* after a warm-up that was not answered, or a client not made */
#define PURGE_MS     1000 /* for librdkafka to give back what it held */

struct kafka_sink {
    uv_loop_t *loop;
    rd_kafka_t *rk; /* NULL for a moment after a fatal error */
    rd_kafka_queue_t *queue;
    struct kafka_wake *wake;
    struct kafka_log log;
    struct kafka_job job;  /* warm-up, probe, the end of a client */
    rd_kafka_conf_t *conf; /* of which every client is made */
    char *topics[KAFKA_SINK_TOPICS_MAX];
    size_t topic_count;
    sink_on_report *on_report;
    void *owner;
    size_t waiting;
    bool fatal; /* the client must be replaced, at the next turn */
    bool alone; /* the client sends each record by itself */
    bool warm;
    bool suspect;     /* something went wrong: ask whether a broker is there, until one answers */
    bool down;        /* none answered when asked last */
    int64_t again_ms; /* not before: the next question, or the next client */
    char trouble[FAULT_TEXT_MAX];
    char reason[FAULT_TEXT_MAX]; /* of the report that is being made */

    bool closing;
    bool ending; /* the last client is being ended */
    int64_t close_by_ms;
    void (*closed)(void *owner);
    void *closed_owner;
};

static int64_t now_ms(const struct kafka_sink *s)
{
    return (int64_t)uv_now(s->loop);
}

static bool sends_alone(const rd_kafka_conf_t *conf)
{
    char value[32];
    size_t size = sizeof value;

    return rd_kafka_conf_get(conf, "batch.num.messages", value, &size) == RD_KAFKA_CONF_OK &&
           strcmp(value, "1") == 0;
}

static bool make_client(struct kafka_sink *s, struct fault *f)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(s->conf);
    char error[256];

    s->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
    if (s->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return fault_set(f, FAULT_REJECT, "the Kafka producer can't be made: %s", error);
    }
    s->queue = rd_kafka_queue_get_main(s->rk);
    rd_kafka_set_log_queue(s->rk, s->queue);
    s->job.rk = s->rk;
    s->warm = s->topic_count == 0;
    s->fatal = false;
    s->alone = sends_alone(s->conf);
    kafka_wake_watch(s->wake, s->queue);
    return true;
}

/* ---- reports ---- */

/* A broker refuses a batch that is larger than the topic's max.message.bytes, or segment.bytes,
 * whatever is in it. So the next client sends each record by itself; what is refused then is too
 * large itself. */
static const char *reason_of(struct kafka_sink *s, const rd_kafka_message_t *m)
{
    rd_kafka_resp_err_t err = m->err;

    if (err == RD_KAFKA_RESP_ERR_INVALID_RECORD) {
        snprintf(s->reason, sizeof s->reason, SINK_INVALID "%s", rd_kafka_err2str(err));
        return s->reason;
    }
    if (rd_kafka_message_status(m) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED) {
        snprintf(s->reason, sizeof s->reason, SINK_PERHAPS "%s", rd_kafka_err2str(err));
        return s->reason;
    }
    if (err != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE &&
        err != RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
        return rd_kafka_err2str(err);
    if (s->alone)
        return SINK_TOO_LARGE;
    if (!s->fatal)
        notice_say(s->log.to, NOTICE_WARN, "kafka_batches_refused",
                   NOTICE_TEXT("text", "a topic's max.message.bytes is less than "
                                       "kafka.properties' message.max.bytes: from now on each "
                                       "record is sent by itself, which is slow"));
    s->fatal = true;
    rd_kafka_conf_set(s->conf, "batch.num.messages", "1", NULL, 0);
    return rd_kafka_err2str(err);
}

/* A topic may be gone since it was seen: then it is asked for again, and named, until it is there.
 */
static void look_again(struct kafka_sink *s, rd_kafka_resp_err_t err)
{
    if (err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
        err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        s->warm = s->topic_count == 0;
}

static void on_delivery(struct kafka_sink *s, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *m;

    while ((m = rd_kafka_event_message_next(event)) != NULL) {
        bool delivered = m->err == RD_KAFKA_RESP_ERR_NO_ERROR;

        assert(s->waiting > 0);
        s->waiting--;
        if (delivered) {
            s->suspect = s->down = false;
            if (s->warm) /* else another topic may be missing */
                s->trouble[0] = '\0';
        }
        look_again(s, m->err);
        s->on_report(s->owner, (uint64_t)(uintptr_t)m->_private, delivered,
                     delivered ? NULL : reason_of(s, m));
    }
}

static void on_error(struct kafka_sink *s, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);

    if (err == RD_KAFKA_RESP_ERR__FATAL || rd_kafka_event_error_is_fatal(event))
        s->fatal = true;
    s->suspect = true;
    if (err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        s->down = true;
        snprintf(s->trouble, sizeof s->trouble, "no broker answers");
    }
    kafka_log_event(&s->log, now_ms(s), event);
}

static bool serve(struct kafka_sink *s)
{
    rd_kafka_event_t *event;
    unsigned n = 0;

    while (n < TURN_REPORTS && (event = rd_kafka_queue_poll(s->queue, 0)) != NULL) {
        switch (rd_kafka_event_type(event)) {
        case RD_KAFKA_EVENT_DR:
            n += (unsigned)rd_kafka_event_message_count(event);
            on_delivery(s, event);
            break;
        case RD_KAFKA_EVENT_ERROR:
            on_error(s, event);
            break;
        default:
            kafka_log_event(&s->log, now_ms(s), event);
            break;
        }
        rd_kafka_event_destroy(event);
    }
    return n >= TURN_REPORTS;
}

/* Makes librdkafka give back what it holds, as failed, and reports it. */
static void give_up(struct kafka_sink *s)
{
    int64_t until_ms = (int64_t)(uv_hrtime() / 1000000) + PURGE_MS;
    rd_kafka_event_t *event;

    rd_kafka_purge(s->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (s->waiting > 0 && (int64_t)(uv_hrtime() / 1000000) < until_ms)
        if ((event = rd_kafka_queue_poll(s->queue, 10)) != NULL) {
            if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
                on_delivery(s, event);
            rd_kafka_event_destroy(event);
        }
}

/* ---- clients come and go ---- */

static void end_client(struct kafka_sink *s)
{
    kafka_wake_unwatch(s->wake, s->queue);
    rd_kafka_queue_destroy(s->queue);
    s->queue = NULL;
    s->rk = NULL;
    s->job.destroy_flags = 0;
    kafka_job_start(&s->job, s->loop, KAFKA_JOB_DESTROY);
}

static void replace(struct kafka_sink *s)
{
    char text[256] = "";
    bool failed = rd_kafka_fatal_error(s->rk, text, sizeof text) != RD_KAFKA_RESP_ERR_NO_ERROR;

    notice_say(s->log.to, failed ? NOTICE_ERROR : NOTICE_INFO, "kafka_producer_replaced",
               NOTICE_TEXT("text", failed ? text : "to send smaller batches"),
               NOTICE_INT("undelivered", (int64_t)s->waiting));
    give_up(s);
    end_client(s);
}

static void free_all(void *owner)
{
    struct kafka_sink *s = owner;

    if (s->closed != NULL)
        s->closed(s->closed_owner);
    rd_kafka_conf_destroy(s->conf);
    for (size_t i = 0; i < s->topic_count; i++)
        mem_free(s->topics[i]);
    mem_free(s);
}

static void on_warm(struct kafka_sink *s, const struct kafka_survey *found)
{
    s->warm = s->job.ok && found->missing[0] == '\0';
    if (s->warm) {
        s->trouble[0] = '\0';
        return;
    }
    s->again_ms = now_ms(s) + AGAIN_MS;
    if (!s->job.ok)
        snprintf(s->trouble, sizeof s->trouble, "%s", s->job.fault.text);
    else
        kafka_survey_say_missing(found, s->trouble, sizeof s->trouble);
    kafka_log_say(&s->log, now_ms(s), NOTICE_WARN, "kafka_waiting", s->trouble);
}

static void on_probe(struct kafka_sink *s)
{
    s->again_ms = now_ms(s) + AGAIN_MS;
    if (!s->job.ok) {
        if (!s->suspect)
            return; /* a record was delivered since it was asked */
        s->down = true;
        snprintf(s->trouble, sizeof s->trouble, "%s", s->job.fault.text);
        kafka_log_say(&s->log, now_ms(s), NOTICE_WARN, "kafka_waiting", s->trouble);
        return;
    }
    if (s->down)
        notice_say(s->log.to, NOTICE_INFO, "kafka_up", NOTICE_TEXT("text", "the brokers answer"));
    s->suspect = s->down = false;
    s->trouble[0] = '\0';
}

static void on_answer(void *owner, const struct kafka_survey *found)
{
    struct kafka_sink *s = owner;

    switch (s->job.kind) {
    case KAFKA_JOB_DESTROY:
        if (s->ending)
            kafka_wake_close(s->wake, free_all, s);
        else
            s->again_ms = 0;
        break;
    case KAFKA_JOB_TOPICS:
        on_warm(s, found);
        break;
    case KAFKA_JOB_PROBE:
        on_probe(s);
        break;
    case KAFKA_JOB_OFFSETS:
    case KAFKA_JOB_SPANS:
    case KAFKA_JOB_ENDS:
    case KAFKA_JOB_COMMITTED:
        break;
    }
    if (!s->ending)
        kafka_wake_soon(s->wake);
}

/* Between clients: makes the next. */
static void renew(struct kafka_sink *s)
{
    struct fault f;

    if (s->job.running || now_ms(s) < s->again_ms)
        return;
    if (!make_client(s, &f)) {
        s->again_ms = now_ms(s) + AGAIN_MS;
        snprintf(s->trouble, sizeof s->trouble, "%s", f.text);
        kafka_log_say(&s->log, now_ms(s), NOTICE_ERROR, "kafka_producer_failed", f.text);
    }
}

static void close_step(struct kafka_sink *s)
{
    bool late = now_ms(s) >= s->close_by_ms;
    void (*closed)(void *owner) = s->closed;

    if (s->ending) {
        if (late && closed != NULL) { /* its threads don't end; that holds up nobody */
            s->closed = NULL;
            closed(s->closed_owner);
        }
        return;
    }
    if (s->waiting > 0 && !late)
        return;
    if (s->waiting > 0) {
        notice_say(s->log.to, NOTICE_WARN, "kafka_sink_gave_up",
                   NOTICE_INT("undelivered", (int64_t)s->waiting));
        give_up(s);
    }
    if (s->job.running) {
        /* A question to brokers that don't answer outlives the deadline; nobody waits for it. */
        if (late && closed != NULL) {
            s->closed = NULL;
            closed(s->closed_owner);
        }
        return;
    }
    s->ending = true;
    if (s->rk != NULL)
        end_client(s);
    else
        kafka_wake_close(s->wake, free_all, s);
}

static bool turn(void *owner)
{
    struct kafka_sink *s = owner;
    bool more = false;

    if (s->rk != NULL) {
        more = serve(s);
        if (s->fatal && !s->job.running)
            replace(s);
    }
    if (s->closing)
        close_step(s);
    else if (s->rk == NULL)
        renew(s);
    else if (!s->job.running && !s->fatal && now_ms(s) >= s->again_ms) {
        if (!s->warm)
            kafka_job_start(&s->job, s->loop, KAFKA_JOB_TOPICS);
        else if (s->suspect)
            kafka_job_start(&s->job, s->loop, KAFKA_JOB_PROBE);
    }
    return more;
}

/* ---- the port ---- */

static rd_kafka_headers_t *headers_of(const struct sink_record *r)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(r->header_count);

    for (size_t i = 0; i < r->header_count; i++)
        rd_kafka_header_add(headers, r->headers[i].name.p, (ssize_t)r->headers[i].name.n,
                            r->headers[i].value.p, (ssize_t)r->headers[i].value.n);
    return headers;
}

static bool refuse(struct kafka_sink *s, rd_kafka_resp_err_t err, const struct sink_record *r,
                   struct fault *f)
{
    switch ((int)err) {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return fault_set(f, FAULT_RETRY, "the producer's queue is full");
    case RD_KAFKA_RESP_ERR__FATAL:
        s->fatal = true;
        kafka_wake_soon(s->wake);
        return fault_set(f, FAULT_RETRY, "the producer is being replaced");
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return fault_set(f, FAULT_REJECT, "a record of %zu bytes for topic %.80s is too large",
                         r->value.n + r->key.n, r->topic);
    default:
        look_again(s, err);
        return fault_set(f, FAULT_STOP, "%s", rd_kafka_err2str(err));
    }
}

/* An empty key or value needs an address: librdkafka takes NULL for a null one. */
static rd_kafka_vu_t bytes(rd_kafka_vtype_t kind, bool there, struct view v)
{
    const char *p = !there ? NULL : v.n > 0 ? v.p : "";

    return (rd_kafka_vu_t){.vtype = kind,
                           .u.mem = {.ptr = (void *)(uintptr_t)p, .size = there ? v.n : 0}};
}

static rd_kafka_resp_err_t produce(struct kafka_sink *s, const struct sink_record *r)
{
    rd_kafka_headers_t *headers = headers_of(r);
    const rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = r->topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION,
         .u.i32 = r->has_partition ? r->partition : RD_KAFKA_PARTITION_UA},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        bytes(RD_KAFKA_VTYPE_KEY, r->has_key, r->key),
        bytes(RD_KAFKA_VTYPE_VALUE, r->has_value, r->value),
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = r->timestamp_ms},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)r->token},
    };
    rd_kafka_error_t *error = rd_kafka_produceva(s->rk, parts, sizeof parts / sizeof parts[0]);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

    if (error != NULL) {
        err = rd_kafka_error_code(error);
        rd_kafka_error_destroy(error);
        rd_kafka_headers_destroy(headers); /* librdkafka takes them with the record only */
    }
    return err;
}

static bool port_produce(void *ctx, const struct sink_record *r, struct fault *f)
{
    struct kafka_sink *s = ctx;
    rd_kafka_resp_err_t err;

    if (s->closing)
        return fault_set(f, FAULT_STOP, "the producer is being closed");
    if (s->rk == NULL || s->fatal)
        return fault_set(f, FAULT_RETRY, "the producer is being replaced");
    err = produce(s, r);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return refuse(s, err, r, f);
    s->waiting++;
    return true;
}

struct sink_port kafka_sink_port(struct kafka_sink *s)
{
    return (struct sink_port){.ctx = s, .produce = port_produce};
}

struct kafka_sink *kafka_sink_new(struct uv_loop_s *loop, const struct kafka_conf *conf,
                                  const char *const *topics, size_t topic_count,
                                  const struct notice *log, sink_on_report *on_report, void *owner,
                                  struct fault *f)
{
    rd_kafka_conf_t *made = kafka_conf_make(conf, KAFKA_SINK, f);
    struct kafka_sink *s;

    assert(topic_count <= KAFKA_SINK_TOPICS_MAX);
    if (made == NULL)
        return NULL;
    rd_kafka_conf_set_events(made, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG);
    rd_kafka_conf_set(made, "log.queue", "true", NULL, 0);
    s = mem_zeroed(1, sizeof *s);
    s->loop = loop;
    s->conf = made;
    s->on_report = on_report;
    s->owner = owner;
    kafka_log_init(&s->log, log);
    for (; s->topic_count < topic_count; s->topic_count++)
        s->topics[s->topic_count] =
            mem_text(topics[s->topic_count], strlen(topics[s->topic_count]));
    s->job = (struct kafka_job){.topics = (const char *const *)s->topics,
                                .topic_count = s->topic_count,
                                .done = on_answer,
                                .owner = s};
    s->wake = kafka_wake_new(loop, turn, s);
    if (!make_client(s, f)) {
        kafka_wake_close(s->wake, free_all, s);
        return NULL;
    }
    return s;
}

void kafka_sink_close(struct kafka_sink *s, int64_t deadline_ms, void (*closed)(void *owner),
                      void *owner)
{
    assert(!s->closing);
    s->closing = true;
    s->closed = closed;
    s->closed_owner = owner;
    s->close_by_ms = now_ms(s) + deadline_ms;
    kafka_wake_soon(s->wake);
}

void kafka_sink_hurry(struct kafka_sink *s)
{
    assert(s->closing);
    s->close_by_ms = now_ms(s);
    kafka_wake_soon(s->wake);
}

size_t kafka_sink_waiting(const struct kafka_sink *s)
{
    return s->waiting;
}

const char *kafka_sink_trouble(const struct kafka_sink *s)
{
    return s->trouble;
}
