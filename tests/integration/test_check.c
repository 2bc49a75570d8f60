/* cmibridge check, as an operator runs it: the binary, its words and its exit code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/core/buf.h"
#include "bridge/io/crypto.h"
#include "bridge/io/http_server.h"
#include "bridge/io/kafka_broker.h"
#include "tests/fakes/hostile_http.h"
#include "tests/fakes/redis_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define ARGS_MAX    12
#define PATIENCE_MS 60000

struct run {
    uv_loop_t loop;
    uv_process_t process;
    uv_pipe_t pipes[2]; /* stdout, stderr */
    uv_timer_t patience;
    struct buf said[2];
    char piece[65536];
    int64_t code;
    int open; /* pipes and process that have not ended */
    char dir[64];
    char file[96];
};

static void close_one(struct run *r, uv_handle_t *handle)
{
    uv_close(handle, NULL);
    if (--r->open == 0)
        uv_close((uv_handle_t *)&r->patience, NULL);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *room)
{
    struct run *r = handle->loop->data;

    (void)size;
    *room = uv_buf_init(r->piece, sizeof r->piece);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
    struct run *r = stream->loop->data;
    size_t which = stream == (uv_stream_t *)&r->pipes[1];

    if (n > 0)
        buf_put(&r->said[which], (struct view){piece->base, (size_t)n});
    else if (n < 0)
        close_one(r, (uv_handle_t *)stream);
}

static void on_exit_code(uv_process_t *process, int64_t code, int signal)
{
    struct run *r = process->loop->data;

    r->code = signal != 0 ? -signal : code;
    close_one(r, (uv_handle_t *)process);
}

static void on_late(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("cmibridge check did not end");
}

static int set_up(void **state)
{
    struct run *r = calloc(1, sizeof *r);

    assert_non_null(r);
    (void)uv_loop_init(&r->loop);
    r->loop.data = r;
    buf_init(&r->said[0], 1 << 20);
    buf_init(&r->said[1], 1 << 20);
    (void)snprintf(r->dir, sizeof r->dir, "/tmp/cmibridge-check-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->file, sizeof r->file, "%s/c.yaml", r->dir);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct run *r = *state;

    (void)unlink(r->file);
    (void)rmdir(r->dir);
    buf_done(&r->said[0]);
    buf_done(&r->said[1]);
    assert_int_equal(uv_run(&r->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&r->loop), 0);
    free(r);
    return 0;
}

static void write_file(struct run *r, const char *yaml)
{
    FILE *to = fopen(r->file, "wb");

    assert_non_null(to);
    assert_int_equal(fwrite(yaml, 1, strlen(yaml), to), strlen(yaml));
    assert_int_equal(fclose(to), 0);
}

/* Runs `cmibridge check` with these words (after `--config FILE`, if there is a file). The loop
 * turns meanwhile, so that servers on it answer. */
static int64_t check(struct run *r, const char *const *words)
{
    char *args[ARGS_MAX + 4] = {0};
    char *binary = getenv("CMIBRIDGE_BIN");
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
    uv_process_options_t options = {.stdio = stdio, .stdio_count = 3, .exit_cb = on_exit_code};
    size_t n = 0;

    assert_non_null(binary);
    args[n++] = binary;
    args[n++] = strdup("check");
    for (size_t i = 0; words[i] != NULL; i++)
        args[n++] = strdup(strcmp(words[i], "FILE") == 0 ? r->file : words[i]);
    for (int i = 0; i < 2; i++) {
        buf_clear(&r->said[i]);
        assert_int_equal(uv_pipe_init(&r->loop, &r->pipes[i], 0), 0);
        stdio[i + 1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        stdio[i + 1].data.stream = (uv_stream_t *)&r->pipes[i];
    }
    options.file = binary;
    options.args = args;
    r->open = 3;
    (void)uv_timer_init(&r->loop, &r->patience);
    (void)uv_timer_start(&r->patience, on_late, PATIENCE_MS, 0);
    assert_int_equal(uv_spawn(&r->loop, &r->process, &options), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(uv_read_start((uv_stream_t *)&r->pipes[i], on_room, on_read), 0);
    while (r->open > 0)
        (void)uv_run(&r->loop, UV_RUN_ONCE);
    for (size_t i = 1; i < n; i++)
        free(args[i]);
    return r->code;
}
#define CHECK(r, ...) check((r), (const char *const[]){__VA_ARGS__, NULL})

static const char *out(struct run *r)
{
    return buf_text(&r->said[0]);
}

static const char *err(struct run *r)
{
    return buf_text(&r->said[1]);
}

static void assert_says(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, text);
}

static void every_mistake_is_told_at_once_and_the_code_is_3(void **state)
{
    struct run *r = *state;

    write_file(r, "kafka:\n  brokres: a\nretry:\n  base: 500\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_string_equal(out(r), "");
    assert_says(err(r), "c.yaml:2: kafka.brokres is no setting; did you mean kafka.brokers?\n");
    assert_says(err(r), "c.yaml:4: retry.base is '500'; write it with its unit");
    assert_says(err(r), "\n2 mistakes\n");
    write_file(r, "targets:\n  my target:\n    url: 'http://h/RI/cmi'\n    token: file:/nope\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), "c.yaml:2: ");
    assert_says(err(r), "c.yaml:4: targets.my target.token: ");
    assert_says(err(r), "\n2 mistakes\n");
    assert_int_equal(CHECK(r, "--config", "/nonexistent"), COMMAND_CONFIG);
    assert_says(err(r), "/nonexistent: can't be opened");
}

static void routes_that_part_what_belongs_together_are_warned_of(void **state)
{
    struct run *r = *state;

#define TWO_TARGETS                                                                                \
    "kafka:\n  brokers: a\ntargets:\n  one:\n    url: http://h/RI/cmi\n    ingest: /ingest\n"      \
    "  two:\n    url: http://i/RI/cmi\nroutes:\n  '*': one\n"
    write_file(r, TWO_TARGETS "  message.*: two\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(err(r), "");
    write_file(r, TWO_TARGETS "  message.*: two\n  message.cancelled: one\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(err(r), "warning: routes: message.requested goes to two and "
                                "message.cancelled to one; what is made in one is not there in "
                                "the other\n");
}

static void types_that_no_target_takes_are_warned_of(void **state)
{
    struct run *r = *state;

#define A_VENDOR_S_WARNING                                                                         \
    "warning: routes: no target takes the history events contact.*, chat.*, email.*, "             \
    "callrecording.*, scriptresult.*: such events become dead letters (events.unrouted)\n"
#define A_VENDOR "kafka:\n  brokers: a\ntargets:\n  vendor:\n    url: http://h/RI/cmi\n"
    write_file(r, A_VENDOR);
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(err(r), A_VENDOR_S_WARNING);
    write_file(r, A_VENDOR "    ingest: /ingest\nroutes:\n  callback.*: vendor\n"
                           "  message.requested: vendor\n  contact.*: vendor\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(err(r), "warning: routes: no target takes the writes chat.*, "
                                "callrecording.*, message.updated, message.cancelled, "
                                "customerconsent.*: such events become dead letters "
                                "(events.unrouted)\n"
                                "warning: routes: no target takes the history events chat.*, "
                                "email.*, callrecording.*, scriptresult.*: such events become "
                                "dead letters (events.unrouted)\n");
    write_file(r, A_VENDOR "events:\n  unrouted: skip\n");
    assert_int_equal(CHECK(r, "-c", "FILE"), COMMAND_OK);
    assert_string_equal(err(r), "");
}

static void what_only_the_library_knows_to_be_wrong_is_told_too(void **state)
{
    struct run *r = *state;

    write_file(r, "kafka:\n  brokers: a\n  properties:\n"
                  "    partition.assignment.strategy: cooperative-sticky\n"
                  "    acks: 1\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), "c.yaml:4: kafka.properties: cooperative-sticky");
    assert_says(err(r), "c.yaml:5: kafka.properties: acks must stay all");
    write_file(r, "kafka:\n  brokers: a\n  properties:\n    no.such: x\n"
                  "    linger.ms: abc\n    lingr.ms: 3\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), "c.yaml:4: kafka.properties: no.such is none of librdkafka's\n");
    assert_says(err(r), "c.yaml:5: kafka.properties: linger.ms: ");
    assert_says(err(r),
                "c.yaml:6: kafka.properties: lingr.ms is none of librdkafka's; did you mean "
                "linger.ms?\n");
    assert_says(err(r), "3 mistakes");
    write_file(r, "kafka:\n  brokers: a\n  properties: {message.max.bytes: 999999999999}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), "c.yaml:3: kafka.properties: message.max.bytes is 999999999999; it must be "
                        "1000 to 1000000000\n1 mistake\n");
    write_file(r, "kafka:\n  brokers: a\n  properties: {message.max.bytes: 5}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), " is outside allowed range 1000..1000000000\n1 mistake\n");
}

/* What the settings' rules, the library and the files have to say, in one list by line. */
static void what_each_part_knows_is_told_together_in_the_order_of_the_file(void **state)
{
    struct run *r = *state;
    char line[256];
    const char *rest;
    long last = 0;

    write_file(r, "kafka:\n"
                  "  brokerz: a\n"
                  "  properties:\n"
                  "    enable.auto.comit: true\n"
                  "    acks: 1\n"
                  "    sasl.pasword: x\n"
                  "    group.id: g\n"
                  "    linger.ms: abc\n"
                  "  topics: ['^(']\n"
                  "  instance_id: x\n"
                  "  assign: all\n"
                  "targets:\n"
                  "  m: {url: https://a, ca: README.md}\n"
                  "  n: {url: https://a, ca: /nonexistent, key: README.md}\n"
                  "channels:\n"
                  "  c: {type: webhook, url: https://a, zone: No/Where, hours: Mo}\n"
                  "retry: {base: soon}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), "c.yaml:2: kafka.brokerz is no setting; did you mean kafka.brokers?\n");
    assert_says(err(r),
                "c.yaml:4: kafka.properties: enable.auto.comit is none of librdkafka's; did "
                "you mean enable.auto.commit?\n");
    assert_says(err(r), "c.yaml:5: kafka.properties: acks must stay all");
    assert_says(err(r), "c.yaml:6: kafka.properties: sasl.pasword is none of librdkafka's; did you "
                        "mean sasl.password?\n");
    assert_says(err(r), "c.yaml:7: kafka.properties: group.id can't be set here");
    assert_says(err(r), "c.yaml:8: kafka.properties: linger.ms: ");
    assert_says(err(r), "c.yaml:9: kafka.topics[0] is '^(', which is no regular expression");
    assert_says(err(r), "c.yaml:10: kafka.instance_id goes with kafka.assign: group only\n");
    assert_says(err(r), "c.yaml:13: targets.m: README.md holds no certificate");
    assert_says(err(r), "c.yaml:14: targets.n.ca is /nonexistent, which can't be read");
    assert_says(err(r), "c.yaml:16: channels.c.zone: ");
    assert_says(err(r), "c.yaml:17: retry.base is 'soon'");
    for (rest = err(r); (rest = strstr(rest, "c.yaml:")) != NULL;) {
        long at = strtol(rest + strlen("c.yaml:"), NULL, 10);

        rest += strlen("c.yaml:");

        assert_true(at >= last);
        last = at;
    }
    (void)snprintf(line, sizeof line, "%s", strrchr(err(r), '\n') - strlen("14 mistakes"));
    assert_string_equal(line, "14 mistakes\n");
}

/* What librdkafka would refuse only when `consume` starts. */
static void properties_that_do_not_go_together_are_told_all_at_once(void **state)
{
    struct run *r = *state;

    write_file(r, "kafka:\n  brokers: a\n  properties:\n"
                  "    max.poll.interval.ms: 1000\n"
                  "    linger.ms: 7\n"
                  "    retries: 0\n"
                  "    max.in.flight: 10\n"
                  "    fetch.max.bytes: 100\n"
                  "targets: {m: {url: https://a}}\n");
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "consume"), COMMAND_CONFIG);
    assert_says(err(r), "c.yaml:4: kafka.properties: max.poll.interval.ms: ");
    assert_says(err(r), "c.yaml:6: kafka.properties: retries: ");
    assert_says(err(r), "c.yaml:7: kafka.properties: max.in.flight: ");
    assert_says(err(r), "c.yaml:8: kafka.properties: fetch.max.bytes: ");
    assert_says(err(r), "\n4 mistakes\n");
    assert_string_equal(out(r), "");
}

static void a_file_that_is_no_certificate_is_told(void **state)
{
    struct run *r = *state;

    write_file(r, "targets:\n  m:\n    url: https://a\n    ca: README.md\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), "c.yaml:4: targets.m: README.md holds no certificate of an authority\n");
    write_file(r, "targets: {m: {url: 'https://a', auth: certificate, certificate: README.md,\n"
                  "              key: README.md}}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), "targets.m: README.md and README.md are no certificate and key in PEM");
}

static void it_says_which_commands_are_ready(void **state)
{
    struct run *r = *state;

    write_file(r, "kafka: {brokers: a}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_OK);
    assert_says(out(r), "consume              lacks\n");
    assert_says(out(r), "targets is empty: where to write is not known");
    assert_says(out(r), "publish              ready\n");
    assert_string_equal(err(r), "");
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "publish"), COMMAND_OK);
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "consume"), COMMAND_CONFIG);
    assert_says(err(r), "1 mistake\n");
}

static void values_are_shown_with_their_origin_but_no_secret_is(void **state)
{
    struct run *r = *state;

    write_file(r, "targets: {m: {url: https://a, auth: bearer, token: hunter2}}\n"
                  "kafka: {properties: {sasl.password: hunter3, security.protocol: SSL}}\n");
    assert_int_equal(CHECK(r, "--config", "FILE", "--print"), COMMAND_OK);
    assert_says(out(r), "targets.m.url                        https://a ");
    assert_says(out(r), "c.yaml:1\n");
    assert_says(out(r), "targets.m.token                      (secret) ");
    assert_says(out(r), "kafka.properties.security.protocol   SSL ");
    assert_says(out(r), "# default\n");
    assert_null(strstr(out(r), "hunter"));
    assert_null(strstr(err(r), "hunter"));
}

static void the_sample_that_it_prints_is_good_for_every_command(void **state)
{
    struct run *r = *state;

    assert_int_equal(CHECK(r, "--print-sample"), COMMAND_OK);
    write_file(r, out(r));
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "consume", "--for", "serve", "--for",
                           "publish", "--for", "dlq"),
                     COMMAND_OK);
    assert_string_equal(err(r), A_VENDOR_S_WARNING); /* its target may be a vendor's */
    assert_int_equal(CHECK(r, "--print-docs"), COMMAND_OK);
    assert_says(out(r), "# Configuration\n");
}

static void words_that_make_no_sense_are_refused(void **state)
{
    struct run *r = *state;

    assert_int_equal(CHECK(r, "--conect"), COMMAND_USAGE);
    assert_says(err(r), "'--conect' makes no sense here");
    assert_int_equal(CHECK(r, "--config"), COMMAND_USAGE);
    assert_int_equal(CHECK(r, "--for", "nobody"), COMMAND_USAGE);
    assert_int_equal(CHECK(r, "--help"), COMMAND_OK);
    assert_says(out(r), "usage: cmibridge check");
}

/* ---- with peers ---- */

struct cmi {
    int status;         /* to a GET with the right credentials */
    const char *body;   /* of it; NULL: "[]" */
    unsigned questions; /* how many came */
};

static size_t admit(void *ctx, struct http_visit *v, const struct http_request *request)
{
    (void)ctx;
    (void)v;
    (void)request;
    return 0;
}

static void answer(void *ctx, struct http_visit *v, const struct http_request *request)
{
    struct cmi *cmi = ctx;
    size_t count = 0;
    struct view auth =
        http_field_find(request->headers, request->header_count, "Authorization", &count);

    cmi->questions++;
    if (view_is(request->method, "OPTIONS")) {
        http_visit_answer(v, view_is(request->path, "/ingest") ? 204 : 404, NULL, 0, VIEW_NONE);
        return;
    }
    assert_true(view_is(request->path, "/RI/cmi/callbacks"));
    if (view_is(auth, "Bearer right"))
        http_visit_answer(v, cmi->status, NULL, 0, view_of(cmi->body != NULL ? cmi->body : "[]"));
    else
        http_visit_answer(v, 401, NULL, 0, VIEW("no, Bearer wrong-one, +358 40 1234567\nmore"));
}

static void every_peer_is_tried_and_said_in_a_line(void **state)
{
    struct run *r = *state;
    struct cmi cmi = {.status = 200};
    struct http_server_conf conf = {.address = "127.0.0.1:0",
                                    .connections_max = 16,
                                    .head_max_bytes = 16384,
                                    .bodies_max_bytes = 65536,
                                    .request_time_ms = 10000};
    struct fault f = {0};
    struct redis_server *redis;
    struct kafka_broker *kafka;
    struct http_server *http;
    char yaml[1024];

    redis_server_need();
    redis = redis_server_start(NULL);
    kafka = kafka_broker_start(1, &f);
    assert_non_null(kafka);
    assert_true(kafka_broker_topic(kafka, "contact-events", 3, &f));
    http = http_server_new(&r->loop, &conf,
                           (struct http_server_owner){.ctx = &cmi, .admit = admit, .serve = answer},
                           &f);
    assert_non_null(http);
    (void)snprintf(yaml, sizeof yaml,
                   "kafka: {brokers: '%s'}\nredis: {address: '%s'}\n"
                   "targets:\n"
                   "  good: {url: 'http://127.0.0.1:%u/RI/cmi', auth: bearer, token: right, "
                   "ingest: /ingest}\n"
                   "  bad: {url: 'http://127.0.0.1:%u/RI/cmi', auth: bearer, token: wrong-one}\n"
                   "routes: {'*': good}\n",
                   kafka_broker_bootstrap(kafka), redis->address, http_server_port(http),
                   http_server_port(http));
    write_file(r, yaml);
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), "kafka                ok ");
    assert_says(out(r), "1 broker, contact-events with 3 partitions");
    assert_says(out(r), "redis                ok ");
    assert_says(out(r), "it is up and keeps what it acknowledges (appendfsync always)");
    assert_says(out(r), "target good          ok ");
    assert_says(out(r), "/RI/cmi: 200 to GET /callbacks?limit=1\n");
    assert_says(out(r), "target good ingest   ok ");
    assert_says(out(r), "target bad           FAILED ");
    assert_says(out(r),
                ": 401 to GET /callbacks?limit=1: the credentials are refused: no, Bearer (9 "
                "characters), +…567\n");
    assert_int_equal(cmi.questions, 3);

    assert_string_equal(redis_server_ask(redis, "CONFIG SET appendfsync everysec"), "+OK");
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), "redis                FAILED ");
    assert_says(out(r), "appendfsync is 'everysec'; the durable profile needs 'always'");

    setenv("CMIBRIDGE_REDIS_DURABLE", "false", 1);
    setenv("CMIBRIDGE_TARGETS_BAD_TOKEN", "right", 1);
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_OK);
    assert_says(err(r), "warning: CMIBRIDGE_REDIS_DURABLE: redis.durable is false");
    assert_says(out(r), "with everysec up to 5191, measured");

    assert_string_equal(redis_server_ask(redis, "ACL SETUSER default -xadd"), "+OK");
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_OK); /* consume alone */
    setenv("CMIBRIDGE_SERVER_ANONYMOUS_LOGIN", "dev", 1);
    setenv("CMIBRIDGE_HISTORY_FILE", "/nonexistent/history.sqlite", 1);
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), "redis                FAILED ");
    assert_says(out(r), ": its user may not run XADD on the keys s:* and the channels w:*");
    unsetenv("CMIBRIDGE_SERVER_ANONYMOUS_LOGIN");
    unsetenv("CMIBRIDGE_HISTORY_FILE");
    assert_string_equal(redis_server_ask(redis, "ACL SETUSER default +xadd -getex"), "+OK");
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), ": its user may not run GETEX on the keys cmi:*, which consume needs");
    (void)CHECK(r, "--config", "FILE", "--for", "schedule", "--connect"); /* it does not */
    assert_says(out(r), "redis                ok ");
    assert_says(out(r), "cmi-outcomes with ");
    assert_null(strstr(out(r), "cmi-results")); /* consume's, as its group */
    assert_null(strstr(out(r), "cmi-dead-letters"));
    assert_null(strstr(out(r), "group"));
    assert_null(strstr(out(r), "target "));
    assert_string_equal(redis_server_ask(redis, "ACL SETUSER default +getex"), "+OK");
    (void)CHECK(r, "--config", "FILE", "--for", "consume", "--connect");
    assert_says(out(r), "target good          ok ");
    assert_null(strstr(out(r), "cmi-outcomes")); /* schedule's */
    (void)CHECK(r, "--config", "FILE", "--connect");
    assert_null(strstr(out(r), "cmi-outcomes")); /* which has nothing to send by */

    cmi.status = 302;
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), "302 to GET /callbacks?limit=1: it redirects elsewhere");
    cmi.status = 201;
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), "201 to GET /callbacks?limit=1: that is no answer of a working CMI");
    cmi = (struct cmi){.status = 200, .body = "\r\n<!DOCTYPE html><p>Sign on"};
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r),
                "200 to GET /callbacks?limit=1: that is a page, of a login, say, and no list "
                "of callbacks");
    unsetenv("CMIBRIDGE_REDIS_DURABLE");
    unsetenv("CMIBRIDGE_TARGETS_BAD_TOKEN");

    http_server_free(http);
    kafka_broker_stop(kafka);
    redis_server_stop(redis);
}

static void a_peer_that_is_not_there_fails_with_the_reason(void **state)
{
    struct run *r = *state;

    write_file(r, "kafka: {brokers: '127.0.0.1:1'}\n"
                  "redis: {address: 'unix:/nonexistent/socket'}\n"
                  "targets: {m: {url: 'http://127.0.0.1:1/RI/cmi'}}\n");
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), "kafka                FAILED 127.0.0.1:1: no broker answers: ");
    assert_says(out(r), "Connection refused");
    assert_says(out(r), "redis                FAILED Redis at unix:/nonexistent/socket: ");
    assert_says(out(r), "target m             FAILED http://127.0.0.1:1/RI/cmi: ");
}

static void brokers_that_nobody_asked_for_needs_are_passed_over(void **state)
{
    struct run *r = *state;

    write_file(r, "kafka: {outcomes_topic: ''}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_OK);
    assert_says(out(r), "schedule             ready\n");
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "schedule"), COMMAND_OK);
    write_file(r, "kafka: {brokers: '127.0.0.1:1', outcomes_topic: ''}\n"
                  "redis: {address: 'unix:/nonexistent/socket'}\n");
    (void)CHECK(r, "--config", "FILE", "--for", "schedule", "--connect");
    assert_says(out(r), "redis                FAILED ");
    assert_null(strstr(out(r), "kafka"));
    (void)CHECK(r, "--config", "FILE", "--for", "schedule", "--for", "dlq", "--connect");
    assert_says(out(r), "kafka                FAILED ");
    (void)CHECK(r, "--config", "FILE", "--for", "publish", "--connect");
    assert_null(strstr(out(r), "redis  "));
}

static bool was_asked(struct hostile_http *gateway, const char *method, const char *path)
{
    for (size_t i = 0; i < hostile_http_count(gateway); i++) {
        const struct hostile_request *q = hostile_http_request(gateway, i);

        if (strcmp(q->method, method) == 0 && strcmp(q->path, path) == 0)
            return true;
    }
    return false;
}

/* Each by a question that sends nothing. */
static void every_channel_is_tried_without_sending_anything(void **state)
{
    struct run *r = *state;
    struct hostile_http *gateway = hostile_http_start();
    char yaml[2048];
    int port = hostile_http_port(gateway);

    hostile_http_default(gateway, (struct hostile_step){HOSTILE_REPLY, 200, NULL, "{}", 0});
    (void)snprintf(
        yaml, sizeof yaml,
        "channels:\n"
        "  hook: {type: webhook, url: 'http://127.0.0.1:%d/hook'}\n"
        "  bot: {type: telegram, url: 'http://127.0.0.1:%d', token: '12:ab'}\n"
        "  cloud: {type: whatsapp-cloud, url: 'http://127.0.0.1:%d/v25.0', auth: bearer,\n"
        "          token: x, phone_number_id: '77'}\n"
        "  conv: {type: sinch-conversation, url: "
        "'http://127.0.0.1:%d/v1/projects/P/messages:send',\n"
        "         auth: basic, user: me, password: PW-123, app_id: A}\n"
        "  gone: {type: webhook, url: 'http://127.0.0.1:1/hook'}\n"
        "callbacks: {dialler: {type: cmi, url: 'http://127.0.0.1:%d/RI/cmi'}}\n"
        "redis: {address: 'unix:/nonexistent/socket'}\n",
        port, port, port, port, port);
    write_file(r, yaml);
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), "channel hook         ok ");
    assert_says(out(r), "/hook: 200 to OPTIONS\n");
    assert_says(out(r), "channel bot          ok ");
    assert_says(out(r), "channel cloud        ok ");
    assert_says(out(r), "channel conv         ok ");
    assert_says(out(r), "channel gone         FAILED http://127.0.0.1:1/hook: ");
    assert_says(out(r), "dialler              ok ");
    (void)CHECK(r, "--config", "FILE", "--for", "consume", "--connect");
    assert_null(strstr(out(r), "channel ")); /* they are schedule's */
    assert_true(was_asked(gateway, "OPTIONS", "/hook"));
    assert_true(was_asked(gateway, "GET", "/bot12:ab/getMe"));
    assert_true(was_asked(gateway, "GET", "/v25.0/77?fields=id"));
    assert_true(was_asked(gateway, "GET", "/v1/projects/P/messages?page_size=1"));
    assert_true(was_asked(gateway, "GET", "/RI/cmi/callbacks?limit=1"));
    assert_int_equal(hostile_http_count(gateway), 5);

    hostile_http_default(
        gateway,
        (struct hostile_step){HOSTILE_REPLY, 401, NULL,
                              "Basic bWU6UFctMTIz is 12:ab, PW-123, call +358401234567", 0});
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    assert_says(out(r), "channel bot          FAILED ");
    assert_says(out(r), ": 401 to a question: the credentials are refused: ");
    assert_says(out(r), " is (5 characters), PW-123, call +…567\n"); /* the bot's own */
    assert_says(out(r),
                ": Basic (12 characters) is 12:ab, (6 characters), call +…567\n"); /* conv's */
    assert_null(strstr(out(r), "358401234567"));
    hostile_http_stop(gateway);
}

static void hours_and_zones_of_channels_and_queues_are_checked(void **state)
{
    struct run *r = *state;

    write_file(r, "channels:\n"
                  "  a: {type: webhook, url: 'http://127.0.0.1:1/x', hours: '8-20',\n"
                  "      zone: Europe/Helsinky}\n"
                  "  b: {type: webhook, url: 'http://127.0.0.1:1/x', hours: 'Mo-Fr 08:00-20:00',\n"
                  "      zone: UTC}\n"
                  "chats.queues:\n"
                  "  q: {id: 5B2B1B4A6B7F4B1B8E0F1A2B3C4D5E6F, channel: sms, name: Q,\n"
                  "      hours: noon, zone: Europe/Helsinki}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_CONFIG);
    assert_says(err(r), ":2: channels.a.hours: ");
    assert_says(err(r), ":8: chats.queues.q.hours: ");
    assert_says(err(r), "3 mistakes\n");
    assert_says(err(r),
                ":3: channels.a.zone: 'Europe/Helsinky' is no time zone of this system; did "
                "you mean Europe/Helsinki?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_mistake_is_told_at_once_and_the_code_is_3, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(types_that_no_target_takes_are_warned_of, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(routes_that_part_what_belongs_together_are_warned_of,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_only_the_library_knows_to_be_wrong_is_told_too, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            what_each_part_knows_is_told_together_in_the_order_of_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(properties_that_do_not_go_together_are_told_all_at_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_is_no_certificate_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_says_which_commands_are_ready, set_up, tear_down),
        cmocka_unit_test_setup_teardown(brokers_that_nobody_asked_for_needs_are_passed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(values_are_shown_with_their_origin_but_no_secret_is, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_sample_that_it_prints_is_good_for_every_command, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(words_that_make_no_sense_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_peer_is_tried_and_said_in_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peer_that_is_not_there_fails_with_the_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_channel_is_tried_without_sending_anything, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(hours_and_zones_of_channels_and_queues_are_checked, set_up,
                                        tear_down),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
