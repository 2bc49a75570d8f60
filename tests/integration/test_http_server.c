/* http_server: what it reads and answers, on a real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/http_server.h"
#include "tests/fakes/echo_server.h"
#include "tests/fakes/probe.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static void a_request_arrives_as_it_was_sent(void **state)
{
    struct probe_reply r = probe_ask(echo_server.port, "POST", "/a%2Fb/c?x=%20&y", "", "the body");

    (void)state;
    assert_int_equal(r.status, 200);
    assert_true(view_is(r.body, "POST /a%2Fb/c x=%20&y the body"));
    assert_string_equal(probe_header(&r, "Content-Type"), "text/plain");
    probe_done(&r);
    r = probe_ask(echo_server.port, "GET", "http://somewhere.example/a?b", "", NULL);
    assert_true(view_is(r.body, "GET /a b "));
    probe_done(&r);
}

static void head_is_answered_without_the_body(void **state)
{
    struct probe_reply r = probe_ask(echo_server.port, "HEAD", "/a", "", NULL);

    (void)state;
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.n, 0);
    assert_string_equal(probe_header(&r, "Content-Length"), "9");
    probe_done(&r);
}

static void an_answer_may_come_later_and_the_connection_lives_on(void **state)
{
    int fd = probe_connect(echo_server.port);

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct probe_reply r;

        probe_send(fd, VIEW("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"));
        r = probe_read(fd, false);
        assert_int_equal(r.status, 200);
        assert_true(view_is(r.body, "later"));
        probe_done(&r);
    }
    probe_close(fd);
}

#define SMUGGLED "GET /x HTTP/1.1\r\nHost:y\r\n\r\n"

/* It is answered once, and the connection closed; status 0: not answered. */
static void assert_refused(struct view bytes, int status)
{
    int fd = probe_connect(echo_server.port);
    struct probe_reply r = {.status = 0};

    probe_send(fd, bytes);
    if (status != 0)
        r = probe_read(fd, false);
    if (r.status != status)
        fail_msg("%.*s: %d, not %d", VIEW_ARG(bytes), r.status, status);
    assert_true(probe_is_closed(fd));
    probe_done(&r);
    probe_close(fd);
}

static void what_two_parsers_read_differently_is_refused_and_the_connection_closed(void **state)
{
    static const struct {
        const char *bytes;
        int status;
    } rows[] = {
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
         "0\r\n\r\n",
         400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA\001: b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\001\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n 27\r\n\r\n" SMUGGLED, 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n 7\r\n\r\n" SMUGGLED, 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n" SMUGGLED, 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\nD: e\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n", 0}, /* these the library only closes */
        {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 0},
        {" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0},
        {"GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n", 0},
    };
    const struct view nuls[] = {
        VIEW("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"),
        VIEW("GET / HTTP/1.1\r\nHost: x\r\nA: b\0\0\r\nC: d\r\n\r\n"),
        VIEW("GET / HTTP/1.1\r\nHost: x\r\nA\0B: b\r\n\r\n"),
        VIEW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 27\0 5\r\n\r\n" SMUGGLED),
        VIEW("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\0, identity\r\n\r\n"
             "0\r\n\r\n"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(view_of(rows[i].bytes), rows[i].status);
    for (size_t i = 0; i < sizeof nuls / sizeof nuls[0]; i++)
        assert_refused(nuls[i], 400);
}

/* However its bytes come, and whatever else it has: what is counted of it is the same. */
static void an_unusual_head_that_all_read_alike_is_taken(void **state)
{
    static const char *const heads[] = {
        "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:x\r\nA:  b  \r\nC:\r\nD:   \r\nCookie: a=b; c\r\n\r\n",
        "GET http://x/?a=%20&b&&c= HTTP/1.1\r\nHost: \tx\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        for (size_t cut = 1; cut < strlen(heads[i]); cut += 3) {
            int fd = probe_connect(echo_server.port);
            struct probe_reply r;

            probe_send(fd, (struct view){heads[i], cut});
            probe_send(fd, view_of(heads[i] + cut));
            r = probe_read(fd, false);
            if (r.status != 200)
                fail_msg("head %zu, cut at %zu: %d", i, cut, r.status);
            probe_done(&r);
            probe_close(fd);
        }
}

static void a_large_answer_arrives_whole(void **state)
{
    struct probe_reply r = probe_ask(echo_server.port, "GET", "/large", "", NULL);

    (void)state;
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.n, ECHO_SERVER_LARGE_BYTES);
    probe_done(&r);
}

static void a_client_that_goes_away_while_it_waits_does_no_harm(void **state)
{
    int fd = probe_connect(echo_server.port);

    (void)state;
    probe_send(fd, VIEW("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"));
    probe_close(fd);
    fd = probe_connect(echo_server.port);
    probe_send(fd, VIEW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"));
    probe_close(fd);
    assert_int_equal(probe_raw(echo_server.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

static void draining_lets_the_waiting_end_and_closes_the_rest(void **state)
{
    int waits = probe_connect(echo_server.port);
    int idle = probe_connect(echo_server.port);
    char taken = 0;
    struct probe_reply r;

    probe_send(idle, VIEW("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    r = probe_read(idle, false);
    probe_done(&r);
    probe_send(waits, VIEW("GET /drain HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(read(echo_server.says, &taken, 1), 1);
    echo_server_stop(state);
    r = probe_read(waits, false);
    assert_int_equal(r.status, 200);
    assert_true(view_is(r.body, "drained"));
    assert_string_equal(probe_header(&r, "Connection"), "close");
    probe_done(&r);
    assert_true(probe_is_closed(idle));
    probe_close(waits);
    probe_close(idle);
    echo_server_start(state);
}

/* Of a server that is not to be had. */
static size_t admit(void *ctx, struct http_visit *v, const struct http_request *r)
{
    (void)ctx;
    (void)v;
    (void)r;
    return 0;
}

static void serve(void *ctx, struct http_visit *v, const struct http_request *r)
{
    (void)ctx;
    (void)v;
    (void)r;
}

static void an_address_that_makes_no_sense_is_said_so(void **state)
{
    static const char *const bad[] = {
        "", "8080", "localhost", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1"};
    struct http_server_conf conf = {.connections_max = 1, .request_time_ms = 1000};
    struct http_server_owner owner = {.admit = admit, .serve = serve};
    struct fault f = {0};
    char taken[32];
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        conf.address = bad[i];
        assert_null(http_server_new(&loop, &conf, owner, &f));
        assert_int_equal(f.cls, FAULT_REJECT);
    }
    snprintf(taken, sizeof taken, "127.0.0.1:%u", echo_server.port);
    conf.address = taken;
    assert_null(http_server_new(&loop, &conf, owner, &f));
    assert_int_equal(f.cls, FAULT_STOP);
    assert_non_null(strstr(f.text, taken));
    uv_loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_as_it_was_sent),
        cmocka_unit_test(head_is_answered_without_the_body),
        cmocka_unit_test(an_answer_may_come_later_and_the_connection_lives_on),
        cmocka_unit_test(what_two_parsers_read_differently_is_refused_and_the_connection_closed),
        cmocka_unit_test(an_unusual_head_that_all_read_alike_is_taken),
        cmocka_unit_test(a_large_answer_arrives_whole),
        cmocka_unit_test(a_client_that_goes_away_while_it_waits_does_no_harm),
        cmocka_unit_test(draining_lets_the_waiting_end_and_closes_the_rest),
        cmocka_unit_test(an_address_that_makes_no_sense_is_said_so),
    };

    return cmocka_run_group_tests(tests, echo_server_start, echo_server_stop);
}
