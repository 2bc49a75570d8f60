/* cmibridge check --connect: what each peer says to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/io/crypto.h"
#include "bridge/io/http_server.h"
#include "bridge/io/kafka_broker.h"
#include "tests/fakes/check_rig.h"
#include "tests/fakes/hostile_http.h"
#include "tests/fakes/redis_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct check_rig *r = *state;
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
    check_rig_write(r, yaml);
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r, "kafka                ok ");
    check_rig_out_has(r, "1 broker, contact-events with 3 partitions");
    check_rig_out_has(r, "redis                ok ");
    check_rig_out_has(r, "it is up and keeps what it acknowledges (appendfsync always)");
    check_rig_out_has(r, "target good          ok ");
    check_rig_out_has(r, "/RI/cmi: 200 to GET /callbacks?limit=1\n");
    check_rig_out_has(r, "target good ingest   ok ");
    check_rig_out_has(r, "target bad           FAILED ");
    check_rig_out_has(r,
                      ": 401 to GET /callbacks?limit=1: the credentials are refused: no, Bearer (9 "
                      "characters), +…567\n");
    assert_int_equal(cmi.questions, 3);

    assert_string_equal(redis_server_ask(redis, "CONFIG SET appendfsync everysec"), "+OK");
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r, "redis                FAILED ");
    check_rig_out_has(r, "appendfsync is 'everysec'; the durable profile needs 'always'");

    setenv("CMIBRIDGE_REDIS_DURABLE", "false", 1);
    setenv("CMIBRIDGE_TARGETS_BAD_TOKEN", "right", 1);
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_OK);
    check_rig_err_has(r, "warning: CMIBRIDGE_REDIS_DURABLE: redis.durable is false");
    check_rig_out_has(r, "with everysec up to 5191, measured");

    assert_string_equal(redis_server_ask(redis, "ACL SETUSER default -xadd"), "+OK");
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_OK); /* consume alone */
    setenv("CMIBRIDGE_SERVER_ANONYMOUS_LOGIN", "dev", 1);
    setenv("CMIBRIDGE_HISTORY_FILE", "/nonexistent/history.sqlite", 1);
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r, "redis                FAILED ");
    check_rig_out_has(r, ": its user may not run XADD on the keys s:* and the channels w:*");
    unsetenv("CMIBRIDGE_SERVER_ANONYMOUS_LOGIN");
    unsetenv("CMIBRIDGE_HISTORY_FILE");
    assert_string_equal(redis_server_ask(redis, "ACL SETUSER default +xadd -getex"), "+OK");
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r, ": its user may not run GETEX on the keys cmi:*, which consume needs");
    (void)CHECK(r, "--config", "FILE", "--for", "schedule", "--connect"); /* it does not */
    check_rig_out_has(r, "redis                ok ");
    check_rig_out_has(r, "cmi-outcomes with ");
    assert_null(strstr(check_rig_out(r), "cmi-results")); /* consume's, as its group */
    assert_null(strstr(check_rig_out(r), "cmi-dead-letters"));
    assert_null(strstr(check_rig_out(r), "group"));
    assert_null(strstr(check_rig_out(r), "target "));
    assert_string_equal(redis_server_ask(redis, "ACL SETUSER default +getex"), "+OK");
    (void)CHECK(r, "--config", "FILE", "--for", "consume", "--connect");
    check_rig_out_has(r, "target good          ok ");
    assert_null(strstr(check_rig_out(r), "cmi-outcomes")); /* schedule's */
    (void)CHECK(r, "--config", "FILE", "--connect");
    assert_null(strstr(check_rig_out(r), "cmi-outcomes")); /* which has nothing to send by */

    cmi.status = 302;
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r, "302 to GET /callbacks?limit=1: it redirects elsewhere");
    cmi.status = 201;
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r, "201 to GET /callbacks?limit=1: that is no answer of a working CMI");
    cmi = (struct cmi){.status = 200, .body = "\r\n<!DOCTYPE html><p>Sign on"};
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r,
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
    struct check_rig *r = *state;

    check_rig_write(r, "kafka: {brokers: '127.0.0.1:1'}\n"
                       "redis: {address: 'unix:/nonexistent/socket'}\n"
                       "targets: {m: {url: 'http://127.0.0.1:1/RI/cmi'}}\n");
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r, "kafka                FAILED 127.0.0.1:1: no broker answers: ");
    check_rig_out_has(r, "Connection refused");
    check_rig_out_has(r, "redis                FAILED Redis at unix:/nonexistent/socket: ");
    check_rig_out_has(r, "target m             FAILED http://127.0.0.1:1/RI/cmi: ");
}

static void brokers_that_nobody_asked_for_needs_are_passed_over(void **state)
{
    struct check_rig *r = *state;

    check_rig_write(r, "kafka: {outcomes_topic: ''}\n");
    assert_int_equal(CHECK(r, "--config", "FILE"), COMMAND_OK);
    check_rig_out_has(r, "schedule             ready\n");
    assert_int_equal(CHECK(r, "--config", "FILE", "--for", "schedule"), COMMAND_OK);
    check_rig_write(r, "kafka: {brokers: '127.0.0.1:1', outcomes_topic: ''}\n"
                       "redis: {address: 'unix:/nonexistent/socket'}\n");
    (void)CHECK(r, "--config", "FILE", "--for", "schedule", "--connect");
    check_rig_out_has(r, "redis                FAILED ");
    assert_null(strstr(check_rig_out(r), "kafka"));
    (void)CHECK(r, "--config", "FILE", "--for", "schedule", "--for", "dlq", "--connect");
    check_rig_out_has(r, "kafka                FAILED ");
    (void)CHECK(r, "--config", "FILE", "--for", "publish", "--connect");
    assert_null(strstr(check_rig_out(r), "redis  "));
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
    struct check_rig *r = *state;
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
    check_rig_write(r, yaml);
    assert_int_equal(CHECK(r, "--config", "FILE", "--connect"), COMMAND_UNAVAILABLE);
    check_rig_out_has(r, "channel hook         ok ");
    check_rig_out_has(r, "/hook: 200 to OPTIONS\n");
    check_rig_out_has(r, "channel bot          ok ");
    check_rig_out_has(r, "channel cloud        ok ");
    check_rig_out_has(r, "channel conv         ok ");
    check_rig_out_has(r, "channel gone         FAILED http://127.0.0.1:1/hook: ");
    check_rig_out_has(r, "dialler              ok ");
    (void)CHECK(r, "--config", "FILE", "--for", "consume", "--connect");
    assert_null(strstr(check_rig_out(r), "channel ")); /* they are schedule's */
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
    check_rig_out_has(r, "channel bot          FAILED ");
    check_rig_out_has(r, ": 401 to a question: the credentials are refused: ");
    check_rig_out_has(r, " is (5 characters), PW-123, call +…567\n"); /* the bot's own */
    check_rig_out_has(
        r, ": Basic (12 characters) is 12:ab, (6 characters), call +…567\n"); /* conv's */
    assert_null(strstr(check_rig_out(r), "358401234567"));
    hostile_http_stop(gateway);
}

static void redis_by_its_default_is_no_peer_of_a_producer_s_file(void **state)
{
    static const struct {
        const char *yaml;
        bool asked;
    } rows[] = {
        {"{}", false}, /* a producer's */
        {"redis: {address: '127.0.0.1:1'}", true},
        {"redis: {sentinels: '127.0.0.1:1', primary: x}", true},
    };
    struct check_rig *r = *state;
    struct fault f = {0};
    struct kafka_broker *kafka = kafka_broker_start(1, &f);

    assert_non_null(kafka);
    setenv("CMIBRIDGE_KAFKA_BROKERS", kafka_broker_bootstrap(kafka), 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_rig_write(r, rows[i].yaml);
        assert_int_equal(CHECK(r, "--config", "FILE", "--connect"),
                         rows[i].asked ? COMMAND_UNAVAILABLE : COMMAND_OK);
        check_rig_out_has(r, "kafka                ok ");
        assert_int_equal(strstr(check_rig_out(r), "redis                FAILED ") != NULL,
                         rows[i].asked);
    }
    unsetenv("CMIBRIDGE_KAFKA_BROKERS");
    kafka_broker_stop(kafka);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK_RIG_TEST(brokers_that_nobody_asked_for_needs_are_passed_over),
        CHECK_RIG_TEST(every_peer_is_tried_and_said_in_a_line),
        CHECK_RIG_TEST(a_peer_that_is_not_there_fails_with_the_reason),
        CHECK_RIG_TEST(every_channel_is_tried_without_sending_anything),
        CHECK_RIG_TEST(redis_by_its_default_is_no_peer_of_a_producer_s_file),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
