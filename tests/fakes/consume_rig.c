#define _GNU_SOURCE
#include "tests/fakes/consume_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX   (16 << 20)
#define ANSWER_MS 2000

/* ---- the rig ---- */

static rd_kafka_t *make_group(const struct consume_rig *rig)
{
    struct kafka_conf conf = kafka_rig_conf(&rig->kafka, (const char *const[]){"none"});
    struct fault f = {0};
    char error[256];
    rd_kafka_conf_t *made;
    rd_kafka_t *group;

    conf.group = rig->group_name;
    made = kafka_conf_make(&conf, KAFKA_SOURCE, &f);
    if (made == NULL)
        fail_msg("%s", f.text);
    rd_kafka_conf_set_log_cb(made, NULL);
    group = rd_kafka_new(RD_KAFKA_CONSUMER, made, error, sizeof error);
    if (group == NULL)
        fail_msg("%s", error);
    return group;
}

static void drop_group(struct consume_rig *rig)
{
    if (rig->group == NULL)
        return;
    rd_kafka_destroy_flags(rig->group, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

void consume_rig_start(struct consume_rig *rig)
{
    redis_server_need();
    *rig = (struct consume_rig){.number = 0};
    kafka_rig_start(&rig->kafka, 1);
    rig->redis = redis_server_start(NULL);
    uv_timer_init(&rig->kafka.loop, &rig->tick);
    snprintf(rig->dir, sizeof rig->dir, "/tmp/cmibridge-consume-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    buf_init(&rig->log, LOG_MAX);
    buf_init(&rig->results, LOG_MAX);
}

void consume_rig_stop(struct consume_rig *rig)
{
    char file[96];

    consume_rig_end(rig);
    uv_close((uv_handle_t *)&rig->tick, NULL);
    hostile_http_stop(rig->cmi);
    drop_group(rig);
    kafka_rig_stop(&rig->kafka);
    redis_server_stop(rig->redis);
    snprintf(file, sizeof file, "%s/cmibridge.yaml", rig->dir);
    unlink(file);
    rmdir(rig->dir);
    buf_done(&rig->log);
    buf_done(&rig->results);
}

int consume_rig_set_up(void **state)
{
    struct consume_rig *rig = malloc(sizeof *rig);

    assert_non_null(rig);
    consume_rig_start(rig);
    *state = rig;
    return 0;
}

int consume_rig_tear_down(void **state)
{
    consume_rig_stop(*state);
    free(*state);
    return 0;
}

/* ---- a run ---- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void consume_rig_configure(struct consume_rig *rig, const struct consume_rig_options *o)
{
    char path[96];
    char topics[64];
    FILE *file;

    rig->options = *o;
    if (o->pattern)
        snprintf(topics, sizeof topics, "'^[a-z]+-%u$'", rig->number);
    else
        snprintf(topics, sizeof topics, "%s", rig->events_topic);
    snprintf(path, sizeof path, "%s/cmibridge.yaml", rig->dir);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "kafka:\n  brokers: %s\n  group: %s\n  topics: [%s]\n  assign: %s\n"
            "  commit_interval: 10ms\n  results_topic: %s\n  dead_letters_topic: %s\n"
            "  properties:\n    fetch.wait.max.ms: \"10\"\n"
            "    reconnect.backoff.max.ms: \"200\"\n",
            rig->kafka.address, rig->group_name, topics, o->group ? "group" : "all",
            rig->results_topic, rig->dead_topic);
    fprintf(file, "targets:\n  cmi:\n    url: %s/RI/cmi\n    ingest: /ingest\n%s%s",
            hostile_http_url(rig->cmi), o->honours_key ? "    honours_key: true\n" : "",
            or_empty(o->target));
    fprintf(file, "retry:\n%s",
            o->retry != NULL ? o->retry : "  base: 20ms\n  max: 200ms\n  attempts: 10\n");
    fprintf(file, "breaker:\n%s",
            o->breaker != NULL ? o->breaker
                               : "  failures: 5\n  open_min: 20ms\n  open_max: 200ms\n");
    fprintf(file, "consume:\n  drain: %dms\n%s", o->drain_ms > 0 ? o->drain_ms : 20000,
            or_empty(o->consume));
    fprintf(file, "redis:\n  address: %s\n  timeout: 2s\n%s", rig->redis->address,
            or_empty(o->redis));
    fprintf(file, "admin:\n  listen: 127.0.0.1:0\nlog:\n  format: logfmt\n%s", or_empty(o->more));
    assert_int_equal(fclose(file), 0);
}

void consume_rig_begin(struct consume_rig *rig, const struct consume_rig_options *options)
{
    static const struct consume_rig_options none;
    const struct consume_rig_options *o = options != NULL ? options : &none;

    consume_rig_end(rig);
    hostile_http_stop(rig->cmi);
    rig->number++;
    rig->count = 0;
    rig->published = 0;
    rig->starts = 0;
    rig->deaths = 0;
    buf_clear(&rig->log);
    rig->log_at = 0;
    broker_empty(rig->kafka.broker);
    drop_group(rig);
    snprintf(rig->events_topic, sizeof rig->events_topic, "events-%u", rig->number);
    snprintf(rig->results_topic, sizeof rig->results_topic, "results-%u", rig->number);
    snprintf(rig->dead_topic, sizeof rig->dead_topic, "dead-%u", rig->number);
    snprintf(rig->group_name, sizeof rig->group_name, "readers-%u", rig->number);
    snprintf(rig->source, sizeof rig->source, "/cc/run-%u", rig->number);
    rig->group = make_group(rig);
    kafka_rig_topic(&rig->kafka, rig->events_topic, CONSUME_RIG_PARTITIONS);
    kafka_rig_topic(&rig->kafka, rig->results_topic, 1);
    kafka_rig_topic(&rig->kafka, rig->dead_topic, 1);
    rig->cmi = o->tls[0] != NULL ? hostile_http_start_tls(o->tls[0], o->tls[1], o->tls[2])
                                 : hostile_http_start();
    assert_string_equal(redis_server_ask(rig->redis, "FLUSHALL"), "+OK");
    hostile_http_ignore_keys(rig->cmi, !o->honours_key);
    consume_rig_configure(rig, o);
}

/* ---- events ---- */

static void put(struct record_header *headers, size_t *n, const char *name, const char *value)
{
    if (value != NULL)
        headers[(*n)++] = (struct record_header){view_of(name), view_of(value)};
}

struct view consume_rig_body(const struct consume_rig_event *e)
{
    return e->body_bytes > 0 ? (struct view){e->body, e->body_bytes} : view_of(or_empty(e->body));
}

static void produce(struct consume_rig *rig, const struct sink_port *to,
                    const struct consume_rig_event *e, const char *id)
{
    struct record_header headers[8];
    struct sink_record r = {.topic = rig->events_topic,
                            .has_key = true,
                            .key = view_of(e->key),
                            .has_value = true,
                            .value = consume_rig_body(e),
                            .headers = headers};
    struct fault f = {0};

    put(headers, &r.header_count, "content-type",
        e->content_type != NULL ? e->content_type : "application/json");
    if (!e->whole) {
        put(headers, &r.header_count, "ce_specversion", "1.0");
        put(headers, &r.header_count, "ce_id", id);
        put(headers, &r.header_count, "ce_source", rig->source);
        put(headers, &r.header_count, "ce_type", e->type);
        put(headers, &r.header_count, "ce_subject", e->subject);
        put(headers, &r.header_count, "ce_traceparent", e->traceparent);
        put(headers, &r.header_count, "ce_tracestate", e->tracestate);
    }
    if (!to->produce(to->ctx, &r, &f))
        fail_msg("%s", f.text);
}

static void on_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    struct consume_rig *rig = owner;

    (void)token;
    if (!delivered)
        fail_msg("an event was not published: %s", error);
    rig->published++;
}

static bool all_published(struct consume_rig_wait *w)
{
    return w->rig->published == w->rig->count;
}

static void on_sink_closed(void *owner)
{
    struct consume_rig *rig = owner;

    rig->sink = NULL;
}

static bool has_no_sink(struct consume_rig_wait *w)
{
    return w->rig->sink == NULL;
}

/* By a producer of its own, which asks for the run's topic before all else. */
void consume_rig_publish(struct consume_rig *rig, const struct consume_rig_event *events,
                         size_t count)
{
    struct kafka_conf conf = kafka_rig_conf(&rig->kafka, NULL);
    const char *topic = rig->events_topic;
    struct consume_rig_wait w = {.rig = rig};
    struct sink_port port;
    struct fault f = {0};

    rig->sink =
        kafka_sink_new(&rig->kafka.loop, &conf, &topic, 1, &rig->kafka.log, on_report, rig, &f);
    if (rig->sink == NULL)
        fail_msg("%s", f.text);
    port = kafka_sink_port(rig->sink);
    for (size_t i = 0; i < count; i++) {
        struct consume_rig_seen *seen = &rig->seen[rig->count];

        assert_in_range(rig->count, 0, CONSUME_RIG_EVENTS_MAX - 1);
        rig->events[rig->count] = events[i];
        *seen = (struct consume_rig_seen){.partition = -1};
        snprintf(seen->id, sizeof seen->id, "e%zu", rig->count++);
        produce(rig, &port, &events[i], seen->id);
    }
    consume_rig_until(&w, all_published, "until all is published");
    kafka_sink_close(rig->sink, CONSUME_RIG_PATIENCE_MS, on_sink_closed, rig);
    consume_rig_until(&w, has_no_sink, "until the producer is closed");
}

/* ---- what is committed ---- */

bool consume_rig_ask_committed(struct consume_rig *rig)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new(CONSUME_RIG_PARTITIONS);
    rd_kafka_resp_err_t err;

    for (int p = 0; p < CONSUME_RIG_PARTITIONS; p++)
        rd_kafka_topic_partition_list_add(list, rig->events_topic, p);
    err = rd_kafka_committed(rig->group, list, ANSWER_MS);
    for (int p = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && p < CONSUME_RIG_PARTITIONS; p++)
        rig->committed[p] = list->elems[p].offset > 0 ? list->elems[p].offset : 0;
    rd_kafka_topic_partition_list_destroy(list);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    /* librdkafka 2.0.2 may not find the group's coordinator again after an outage. */
    drop_group(rig);
    rig->group = make_group(rig);
    return false;
}

static bool all_committed(struct consume_rig *rig)
{
    int64_t sum = 0;

    if (!consume_rig_ask_committed(rig))
        return false;
    for (int p = 0; p < CONSUME_RIG_PARTITIONS; p++)
        sum += rig->committed[p];
    return sum == (int64_t)rig->count;
}

static bool is_over(struct consume_rig_wait *w)
{
    struct consume_rig *rig = w->rig;

    if (rig->open == 0 && rig->exit_signal == SIGKILL)
        return true;
    return consume_rig_lives(rig) && rig->open == 2 && all_committed(rig);
}

bool consume_rig_until_done(struct consume_rig *rig)
{
    consume_rig_until(&(struct consume_rig_wait){.rig = rig}, is_over, "until all is committed");
    return rig->open == 2;
}
