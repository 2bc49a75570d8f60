/* serve: what holds how much may be under way, and how long it may take to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "tests/fakes/serve_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB       1024u
#define MIB       (1024u * KIB)
#define TRIES_MAX 200

static struct serve_rig rig;

/* A POST of so many bytes that make no sense, the last so many of them not sent: the connection. */
static int post(const char *path, size_t size, size_t unsent)
{
    int fd = probe_connect(rig.port);
    char *body = mem_zeroed(size, 1);
    char head[256];

    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n",
             path, size);
    memset(body, 'a', size);
    probe_send(fd, view_of(head));
    probe_send(fd, (struct view){body, size - unsent});
    mem_free(body);
    return fd;
}

static int status_of(int fd)
{
    struct probe_reply r = probe_read(fd, false);
    int status = r.status;

    probe_done(&r);
    probe_close(fd);
    return status;
}

#define MESSAGES "/RI/cmi/messages"

static void bodies_together_have_the_limit_that_is_set(void **state)
{
    int held = -1;
    int tries = 0;

    (void)state;
    serve_rig_start(&rig, "limits: {body: 2MiB, bodies: 6MiB}\n"
                          "channels.gate: {type: webhook, url: 'http://127.0.0.1:9',\n"
                          "  signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
    held = post(MESSAGES, 2 * MIB, MIB / 2);
    /* Until the server has read the other one; before that, neither is too much. */
    while (status_of(post(MESSAGES, MIB / 2 + KIB, 0)) != 503)
        assert_true(++tries < TRIES_MAX);
    /* A receipt as large as any has room all the same. */
    assert_int_equal(status_of(post("/receipts/gate", 4 * MIB, 0)), 401);
    probe_close(held);
    serve_rig_done(&rig);
}

static void large_bodies_need_not_be_allowed_for_many(void **state)
{
    int fds[8];

    (void)state;
    serve_rig_start(&rig, "limits: {body: 1MiB}\n"
                          "channels.gate: {type: webhook, url: 'http://127.0.0.1:9',\n"
                          "  signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
    for (size_t i = 0; i < 8; i++)
        fds[i] = post(MESSAGES, MIB, 1);
    for (size_t i = 0; i < 8; i++)
        probe_send(fds[i], VIEW("a"));
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(status_of(fds[i]), 400);
    serve_rig_done(&rig);
}

static void a_receipt_may_be_larger_than_any_request(void **state)
{
    (void)state;
    serve_rig_start(&rig, "limits: {body: 64KiB}\n"
                          "channels.gate: {type: webhook, url: 'http://127.0.0.1:9',\n"
                          "  signing_secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}\n");
    assert_int_equal(status_of(post("/receipts/gate", 300 * KIB, 0)), 401);
    assert_int_equal(status_of(post("/receipts/gate", 4 * MIB, 0)), 401);
    serve_rig_done(&rig);
}

#define MANY 200000 /* destinations: more than sockets hold on the way */

static int get(const char *path)
{
    int fd = probe_connect(rig.port);
    char head[256];

    snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    probe_send(fd, view_of(head));
    return fd;
}

static void answers_together_have_the_limit_that_is_set(void **state)
{
    char path[128];
    char first[16];
    struct probe_reply r;
    struct buf body;
    int tries = 0;
    int held = -1;

    (void)state;
    setenv("CMIBRIDGE_SERVER_CORS_ORIGINS", "https://desk.example.com", 1);
    setenv("CMIBRIDGE_REDIS_TIMEOUT", "60s", 1); /* MANY at once, however slow the machine */
    serve_rig_start(&rig, "limits.answers: 1MiB\n");
    unsetenv("CMIBRIDGE_REDIS_TIMEOUT");
    unsetenv("CMIBRIDGE_SERVER_CORS_ORIGINS");
    buf_init(&body, 32 * MIB);
    buf_put_text(
        &body,
        "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
        "\"sendTime\":\"2035-03-12T09:00:00.000Z\",\"destinations\":{\"destination\":[");
    for (int i = 0; i < MANY; i++)
        buf_printf(&body, "%s{\"address\":\"+358%d\"}", i > 0 ? "," : "", 400000000 + i);
    buf_put_text(&body, "]}}");
    r = probe_ask(rig.port, "POST", MESSAGES, "Content-Type: application/json\r\n",
                  buf_text(&body));
    if (r.status != 201)
        fail_msg("%d %.*s", r.status, VIEW_ARG(r.body));
    snprintf(path, sizeof path, MESSAGES "/%.*s", VIEW_ARG(r.body));
    probe_done(&r);
    buf_done(&body);

    held = get(path); /* one alone may have more */
    assert_int_equal(recv(held, first, sizeof first, MSG_WAITALL), sizeof first);
    assert_memory_equal(first, "HTTP/1.1 200 OK", 15);
    assert_int_equal(status_of(get(path)), 503);
    assert_int_equal(status_of(get(MESSAGES)), 503);
    r = probe_ask(rig.port, "GET", MESSAGES, "Origin: https://desk.example.com\r\n", NULL);
    assert_int_equal(r.status, 503); /* and its page may read when to ask again */
    assert_string_equal(probe_header(&r, "Retry-After"), "1");
    assert_string_equal(probe_header(&r, "Access-Control-Allow-Origin"),
                        "https://desk.example.com");
    assert_non_null(strstr(probe_header(&r, "Access-Control-Expose-Headers"), "Retry-After"));
    assert_string_equal(probe_header(&r, "Vary"), "Origin");
    assert_string_equal(probe_header(&r, "Link"), "");
    probe_done(&r);
    assert_int_equal(status_of(get("/RI/cmi/callbacks")), 200);
    probe_close(held);
    while (status_of(get(MESSAGES)) != 200) /* until the server knows */
        assert_true(++tries < TRIES_MAX);
    assert_int_equal(status_of(get(path)), 200);
    serve_rig_done(&rig);
}

/* ---- the end ---- */

/* A request of which the server has the head only, told to stop: the connection. */
static int half_sent_at_a_stop(const char *more)
{
    static const char head[] = "POST /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\n"
                               "Content-Type: application/json\r\nExpect: 100-continue\r\n"
                               "Content-Length: 50\r\n\r\n";
    struct probe_reply r;
    int fd;

    serve_rig_start(&rig, more);
    fd = probe_connect(rig.port);
    probe_send(fd, view_of(head));
    r = probe_read(fd, true);
    assert_int_equal(r.status, 100);
    probe_done(&r);
    assert_int_equal(kill(rig.pid, SIGTERM), 0);
    assert_true(serve_rig_await(&rig, "event=draining"));
    return fd;
}

static void ended_well(void)
{
    int status = 0;

    assert_int_equal(waitpid(rig.pid, &status, 0), rig.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(rig.log_fd);
    serve_rig_restart(&rig);
    serve_rig_done(&rig);
}

static void a_stop_waits_as_long_as_is_set(void **state)
{
    int fd = half_sent_at_a_stop("server.drain: 10min\n");

    (void)state;
    probe_send(fd, VIEW("{\"customerNumber\":\"1\",\"callbackQueueNumber\":\"153\"}"));
    assert_int_equal(status_of(fd), 201);
    ended_well();
}

#define SOME_ID   "000000000000000000000000000000C1"
#define RECORDING "/callRecordings/" SOME_ID

/* Twelve of a million characters that JSON writes with six bytes each. */
static void one_thing_that_is_too_long_for_an_answer_is_said_to_be_kept(void **state)
{
    static const char event[] =
        "[{\"specversion\":\"1.0\",\"source\":\"/t\",\"id\":\"1\","
        "\"type\":\"callrecording.created\","
        "\"subject\":\"callRecordings/000000000000000000000000000000C1\",\"time\":"
        "\"2026-01-01T00:00:00Z\",\"data\":{\"call_id\":\"" SOME_ID "\",\"contact_id\":\"" SOME_ID
        "\","
        "\"owner_id\":\"" SOME_ID
        "\",\"owner_type\":\"user\",\"owner_name\":\"o\",\"file_name\":\"f\"}}]";
    struct probe_reply r;
    char id[33];
    struct buf body;

    (void)state;
    serve_rig_start(&rig, "");
    r = probe_ask(rig.port, "POST", "/ingest",
                  "Content-Type: application/cloudevents-batch+json\r\n", event);
    assert_int_equal(r.status, 200);
    assert_null(strstr(r.body.p, "error"));
    probe_done(&r);
    buf_init(&body, 8 * MIB);
    buf_put_text(&body, "{\"userSessionId\":\"s\",\"description\":\"");
    for (int i = 0; i < 1000000; i++)
        buf_put_text(&body, "\\u0001");
    buf_put_text(&body, "\"}");
    for (int i = 0; i < 12; i++)
        serve_create(&rig, RECORDING "/listenLog", "", buf_text(&body), id);
    serve_expect(&rig, "GET", RECORDING, "", NULL, 500,
                 "what is shown with this one, such as a transcript, is longer than the 64 MiB of "
                 "an answer; it is kept, but can't be shown at once\n");
    serve_expect(&rig, "GET", RECORDING "/listenLog", "", NULL, 400,
                 "the answer is longer than 64 MiB; ask for less by limit\n");
    r = probe_ask(rig.port, "GET", "/RI/cmi" RECORDING "/listenLog?limit=2", "", NULL);
    assert_int_equal(r.status, 200);
    assert_true(r.body.n > 12 * 1000000);
    probe_done(&r);
    serve_holds(&rig, "/callRecordings", "000000000000000000000000000000C1");
    buf_done(&body);
    serve_rig_done(&rig);
}

/* Else it would be told 408. */
static void and_no_longer(void **state)
{
    int fd = half_sent_at_a_stop("server.drain: 0s\nlimits.request_time: 2s\n");

    (void)state;
    assert_true(probe_is_closed(fd));
    probe_close(fd);
    ended_well();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_together_have_the_limit_that_is_set),
        cmocka_unit_test(large_bodies_need_not_be_allowed_for_many),
        cmocka_unit_test(a_receipt_may_be_larger_than_any_request),
        cmocka_unit_test(answers_together_have_the_limit_that_is_set),
        cmocka_unit_test(one_thing_that_is_too_long_for_an_answer_is_said_to_be_kept),
        cmocka_unit_test(a_stop_waits_as_long_as_is_set),
        cmocka_unit_test(and_no_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
