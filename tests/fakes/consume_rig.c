#define _GNU_SOURCE
#include "tests/fakes/consume_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_reader.h"
#include "tests/fakes/probe.h"

#include <librdkafka/rdkafka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_MAX     (16 << 20)
#define TICK_MS     10 /* between two questions whose answer no event brings */
#define ANSWER_MS   10000
#define FAULT_POINT "CMIBRIDGE_FAULT_POINT="

static void end_process(struct consume_rig *rig);

/* ---- the rig ---- */

static void wake_up(uv_timer_t *timer)
{
    (void)timer;
}

static void make_clients(struct consume_rig *rig)
{
    struct kafka_conf conf = kafka_rig_conf(&rig->kafka, (const char *const[]){"none"});
    struct rd_kafka_conf_s *made;
    struct fault f = {0};
    char error[256];

    rig->reader = kafka_reader_new(&conf, &f);
    if (rig->reader == NULL)
        fail_msg("%s", f.text);
    made = kafka_conf_make(&conf, KAFKA_SOURCE, &f);
    if (made == NULL)
        fail_msg("%s", f.text);
    rd_kafka_conf_set_log_cb(made, NULL);
    rig->group = rd_kafka_new(RD_KAFKA_CONSUMER, made, error, sizeof error);
    if (rig->group == NULL)
        fail_msg("%s", error);
}

void consume_rig_start(struct consume_rig *rig)
{
    redis_server_need();
    *rig = (struct consume_rig){.number = 0};
    kafka_rig_start(&rig->kafka, 1);
    rig->redis = redis_server_start(NULL);
    make_clients(rig);
    uv_timer_init(&rig->kafka.loop, &rig->tick);
    snprintf(rig->dir, sizeof rig->dir, "/tmp/cmibridge-consume-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    buf_init(&rig->log, LOG_MAX);
    buf_init(&rig->results, LOG_MAX);
}

void consume_rig_stop(struct consume_rig *rig)
{
    char file[96];

    end_process(rig);
    uv_close((uv_handle_t *)&rig->tick, NULL);
    hostile_http_stop(rig->cmi);
    kafka_reader_free(rig->reader);
    rd_kafka_destroy_flags(rig->group, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    kafka_rig_stop(&rig->kafka);
    redis_server_stop(rig->redis);
    snprintf(file, sizeof file, "%s/cmibridge.yaml", rig->dir);
    unlink(file);
    rmdir(rig->dir);
    buf_done(&rig->log);
    buf_done(&rig->results);
}

/* ---- a run ---- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void consume_rig_configure(struct consume_rig *rig, const struct consume_rig_options *o)
{
    char path[96];
    FILE *file;

    rig->options = *o;
    snprintf(path, sizeof path, "%s/cmibridge.yaml", rig->dir);
    file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "kafka:\n  brokers: %s\n  group: readers\n  topics: [%s]\n  assign: all\n"
            "  commit_interval: 10ms\n  results_topic: %s\n  dead_letters_topic: %s\n"
            "  properties:\n    fetch.wait.max.ms: \"10\"\n"
            "    reconnect.backoff.max.ms: \"200\"\n",
            kafka_broker_bootstrap(rig->kafka.broker), rig->events_topic, rig->results_topic,
            rig->dead_topic);
    fprintf(file, "targets:\n  cmi:\n    url: %s/RI/cmi\n    ingest: /ingest\n%s%s",
            hostile_http_url(rig->cmi), o->honours_key ? "    honours_key: true\n" : "",
            or_empty(o->target));
    fprintf(file, "retry:\n%s",
            o->retry != NULL ? o->retry : "  base: 20ms\n  max: 200ms\n  attempts: 10\n");
    fprintf(file, "breaker:\n%s",
            o->breaker != NULL ? o->breaker
                               : "  failures: 5\n  open_min: 20ms\n  open_max: 200ms\n");
    fprintf(file, "consume:\n  drain: %dms\n", o->drain_ms > 0 ? o->drain_ms : 20000);
    fprintf(file, "redis:\n  address: %s\n  timeout: 2s\n", rig->redis->address);
    fprintf(file, "admin:\n  listen: 127.0.0.1:0\nlog:\n  format: logfmt\n%s", or_empty(o->more));
    assert_int_equal(fclose(file), 0);
}

void consume_rig_begin(struct consume_rig *rig, const struct consume_rig_options *options)
{
    static const struct consume_rig_options none;
    const struct consume_rig_options *o = options != NULL ? options : &none;

    end_process(rig);
    hostile_http_stop(rig->cmi);
    rig->number++;
    rig->count = 0;
    rig->starts = 0;
    rig->deaths = 0;
    buf_clear(&rig->log);
    rig->log_at = 0;
    snprintf(rig->events_topic, sizeof rig->events_topic, "events-%u", rig->number);
    snprintf(rig->results_topic, sizeof rig->results_topic, "results-%u", rig->number);
    snprintf(rig->dead_topic, sizeof rig->dead_topic, "dead-%u", rig->number);
    snprintf(rig->source, sizeof rig->source, "/cc/run-%u", rig->number);
    kafka_rig_topic(&rig->kafka, rig->events_topic, CONSUME_RIG_PARTITIONS);
    kafka_rig_topic(&rig->kafka, rig->results_topic, 1);
    kafka_rig_topic(&rig->kafka, rig->dead_topic, 1);
    rig->cmi = o->tls[0] != NULL ? hostile_http_start_tls(o->tls[0], o->tls[1], o->tls[2])
                                 : hostile_http_start();
    hostile_http_ignore_keys(rig->cmi, !o->honours_key);
    consume_rig_configure(rig, o);
}

static void put(struct record_header *headers, size_t *n, const char *name, const char *value)
{
    if (value != NULL)
        headers[(*n)++] = (struct record_header){view_of(name), view_of(value)};
}

struct view consume_rig_body(const struct consume_rig_event *e)
{
    return e->body_bytes > 0 ? (struct view){e->body, e->body_bytes} : view_of(or_empty(e->body));
}

void consume_rig_publish(struct consume_rig *rig, const struct consume_rig_event *events,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct consume_rig_event *e = &events[i];
        struct record_header headers[8];
        struct sink_record r = {.topic = rig->events_topic,
                                .has_key = true,
                                .key = view_of(e->key),
                                .has_value = true,
                                .value = consume_rig_body(e),
                                .headers = headers};
        struct consume_rig_seen *seen;

        assert_in_range(rig->count, 0, CONSUME_RIG_EVENTS_MAX - 1);
        rig->events[rig->count] = *e;
        seen = &rig->seen[rig->count];
        *seen = (struct consume_rig_seen){.partition = -1};
        snprintf(seen->id, sizeof seen->id, "e%zu", rig->count++);
        put(headers, &r.header_count, "content-type",
            e->content_type != NULL ? e->content_type : "application/json");
        if (!e->whole) {
            put(headers, &r.header_count, "ce_specversion", "1.0");
            put(headers, &r.header_count, "ce_id", seen->id);
            put(headers, &r.header_count, "ce_source", rig->source);
            put(headers, &r.header_count, "ce_type", e->type);
            put(headers, &r.header_count, "ce_subject", e->subject);
            put(headers, &r.header_count, "ce_traceparent", e->traceparent);
        }
        kafka_rig_produce(&rig->kafka, &r);
    }
    kafka_rig_flush(&rig->kafka);
    assert_int_equal(rig->kafka.undelivered, 0);
}

/* ---- the process ---- */

static void close_one(struct consume_rig *rig, uv_handle_t *handle)
{
    uv_close(handle, NULL);
    rig->open--;
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *room)
{
    struct consume_rig *rig = handle->data;

    (void)size;
    *room = uv_buf_init(rig->piece, sizeof rig->piece);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
    struct consume_rig *rig = stream->data;

    if (n > 0)
        buf_put(&rig->log, (struct view){piece->base, (size_t)n});
    else if (n < 0)
        close_one(rig, (uv_handle_t *)stream);
}

static void on_exit_code(uv_process_t *process, int64_t code, int signal)
{
    struct consume_rig *rig = process->data;

    rig->exit_code = code;
    rig->exit_signal = signal;
    rig->deaths += signal == SIGKILL;
    close_one(rig, (uv_handle_t *)process);
}

/* This environment, with the fault point instead of any it holds. */
static char **environment(const char *fault_point, char text[64])
{
    size_t n = 0;
    size_t kept = 0;
    char **env;

    while (environ[n] != NULL)
        n++;
    env = mem_zeroed(n + 2, sizeof *env);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], FAULT_POINT, strlen(FAULT_POINT)) != 0)
            env[kept++] = environ[i];
    snprintf(text, 64, FAULT_POINT "%s", or_empty(fault_point));
    if (fault_point != NULL)
        env[kept] = text;
    return env;
}

void consume_rig_run(struct consume_rig *rig, const char *fault_point)
{
    char *program = getenv("CMIBRIDGE_BIN");
    char parent[16];
    char file[96];
    char text[64];
    char tether[] = "tether";
    char command[] = "consume";
    char option[] = "--config";
    char *args[] = {program, tether, parent, program, command, option, file, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&rig->pipe},
    };
    uv_process_options_t o = {
        .exit_cb = on_exit_code, .file = program, .args = args, .stdio_count = 3, .stdio = stdio};
    int err;

    assert_non_null(program); /* set by ctest */
    assert_int_equal(rig->open, 0);
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    snprintf(file, sizeof file, "%s/cmibridge.yaml", rig->dir);
    rig->log_at = rig->log.n;
    rig->starts++;
    uv_pipe_init(&rig->kafka.loop, &rig->pipe, 0);
    rig->pipe.data = rig;
    rig->process.data = rig;
    o.env = environment(fault_point, text);
    err = uv_spawn(&rig->kafka.loop, &rig->process, &o);
    mem_free(o.env);
    if (err != 0)
        fail_msg("%s can't be run: %s", program, uv_strerror(err));
    rig->open = 2;
    uv_read_start((uv_stream_t *)&rig->pipe, on_room, on_read);
}

struct waiting {
    struct consume_rig *rig;
    const char *text;
    int64_t least;
};

static void until(struct waiting *w, bool (*holds)(struct waiting *w), const char *what)
{
    struct consume_rig *rig = w->rig;
    uint64_t end = uv_hrtime() + CONSUME_RIG_PATIENCE_MS * UINT64_C(1000000);
    bool ok;

    uv_timer_start(&rig->tick, wake_up, TICK_MS, TICK_MS);
    while (!(ok = holds(w)) && uv_hrtime() < end)
        uv_run(&rig->kafka.loop, UV_RUN_ONCE);
    uv_timer_stop(&rig->tick);
    if (ok)
        return;
    print_message("%s\n", buf_text(&rig->log));
    fail_msg("run %u: waited in vain: %s %s", rig->number, what, or_empty(w->text));
}

static bool has_ended(struct waiting *w)
{
    return w->rig->open == 0;
}

int64_t consume_rig_ended(struct consume_rig *rig)
{
    until(&(struct waiting){.rig = rig}, has_ended, "for its end");
    return rig->exit_signal != 0 ? -rig->exit_signal : rig->exit_code;
}

void consume_rig_signal(struct consume_rig *rig, int signal)
{
    assert_int_equal(rig->open, 2);
    assert_int_equal(uv_process_kill(&rig->process, signal), 0);
}

void consume_rig_kill(struct consume_rig *rig)
{
    consume_rig_signal(rig, SIGKILL);
    assert_int_equal(consume_rig_ended(rig), -SIGKILL);
}

static void end_process(struct consume_rig *rig)
{
    if (rig->open == 0)
        return;
    (void)uv_process_kill(&rig->process, SIGKILL);
    (void)consume_rig_ended(rig);
}

/* ---- what it says of itself ---- */

bool consume_rig_said(struct consume_rig *rig, const char *text)
{
    return strstr(buf_text(&rig->log) + rig->log_at, text) != NULL;
}

/* Its log is read to the end before it counts as dead. */
static bool must_live(struct consume_rig *rig)
{
    if (rig->open > 0)
        return true;
    print_message("%s\n", buf_text(&rig->log));
    fail_msg("run %u: it ended by itself: code %d, signal %d", rig->number, (int)rig->exit_code,
             rig->exit_signal);
    return false;
}

static bool has_said(struct waiting *w)
{
    return consume_rig_said(w->rig, w->text) || !must_live(w->rig);
}

void consume_rig_until_said(struct consume_rig *rig, const char *text)
{
    until(&(struct waiting){.rig = rig, .text = text}, has_said, "until it says");
}

static unsigned admin_port(struct consume_rig *rig)
{
    const char *at;
    int64_t port = 0;
    struct view text;

    consume_rig_until_said(rig, "admin_port=");
    at = strstr(buf_text(&rig->log) + rig->log_at, "admin_port=") + strlen("admin_port=");
    text = (struct view){at, strspn(at, "0123456789")};
    assert_true(num_in(text, 1, 65535, &port));
    return (unsigned)port;
}

bool consume_rig_ready(struct consume_rig *rig, const char **why)
{
    static char said[2048];
    struct probe_reply r = probe_ask(admin_port(rig), "GET", "/readyz", "", NULL);
    bool ready = r.status == 200;

    view_copy(r.body, said, sizeof said);
    probe_done(&r);
    if (why != NULL)
        *why = said;
    return ready;
}

static bool is_ready(struct waiting *w)
{
    return must_live(w->rig) && consume_rig_ready(w->rig, NULL);
}

void consume_rig_until_ready(struct consume_rig *rig)
{
    until(&(struct waiting){.rig = rig}, is_ready, "until it is ready");
}

static bool has_metric(struct waiting *w)
{
    struct probe_reply r;
    int64_t value = -1;
    struct view rest;

    if (!must_live(w->rig))
        return false;
    r = probe_ask(admin_port(w->rig), "GET", "/metrics", "", NULL);
    assert_int_equal(r.status, 200);
    rest = r.body;
    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');

        if (view_starts(line, view_of(w->text)) && line.p[strlen(w->text)] == ' ')
            assert_true(num_in(view_skip(line, strlen(w->text) + 1), 0, INT64_MAX, &value));
    }
    probe_done(&r);
    return value >= w->least;
}

void consume_rig_until_metric(struct consume_rig *rig, const char *metric, int64_t least)
{
    until(&(struct waiting){.rig = rig, .text = metric, .least = least}, has_metric,
          "for the metric");
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
    return err == RD_KAFKA_RESP_ERR_NO_ERROR;
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

static bool is_over(struct waiting *w)
{
    struct consume_rig *rig = w->rig;

    if (rig->open == 0 && rig->exit_signal == SIGKILL)
        return true;
    return must_live(rig) && rig->open == 2 && all_committed(rig);
}

bool consume_rig_until_done(struct consume_rig *rig)
{
    until(&(struct waiting){.rig = rig}, is_over, "until all is committed");
    return rig->open == 2;
}
