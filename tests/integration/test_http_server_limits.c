/* http_server: its limits, and who takes his time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/io/http_server.h"
#include "tests/fakes/echo_server.h"
#include "tests/fakes/probe.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static char *filled(const char *before, size_t n, const char *after)
{
    size_t before_n = strlen(before);
    size_t after_n = strlen(after);
    char *text = mem_zeroed(before_n + n + after_n + 1, 1);

    memcpy(text, before, before_n);
    memset(text + before_n, 'a', n);
    memcpy(text + before_n + n, after, after_n + 1);
    return text;
}

static void the_limits_hold_at_one_over(void **state)
{
    char head[128];
    char *text = NULL;
    struct buf many;

    (void)state;
    for (size_t n = ECHO_SERVER_BODY_MAX; n <= ECHO_SERVER_BODY_MAX + 1; n++) {
        snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);
        text = filled(head, n, "");
        assert_int_equal(probe_raw(echo_server.port, text), n == ECHO_SERVER_BODY_MAX ? 200 : 413);
        mem_free(text);
        snprintf(head, sizeof head,
                 "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
        text = filled(head, n, "\r\n0\r\n\r\n");
        assert_int_equal(probe_raw(echo_server.port, text), n == ECHO_SERVER_BODY_MAX ? 200 : 413);
        mem_free(text);
    }
    /* target and header fields count together: "/", "Host", "x", "A" and the value */
    text = filled("GET / HTTP/1.1\r\nHost: x\r\nA: ", ECHO_SERVER_HEAD_MAX - 7, "\r\n\r\n");
    assert_int_equal(probe_raw(echo_server.port, text), 200);
    mem_free(text);
    text = filled("GET / HTTP/1.1\r\nHost: x\r\nA: ", ECHO_SERVER_HEAD_MAX - 6, "\r\n\r\n");
    assert_int_equal(probe_raw(echo_server.port, text), 431);
    mem_free(text);
    text = filled("GET /", HTTP_RULES_TARGET_MAX, " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(probe_raw(echo_server.port, text), 414);
    mem_free(text);
    for (size_t extra = 0; extra <= 1; extra++) {
        buf_init(&many, 65536);
        buf_put_text(&many, "GET / HTTP/1.1\r\nHost: x\r\n");
        for (size_t i = 0; i < HTTP_RULES_HEADERS_MAX - 1 + extra; i++)
            buf_printf(&many, "H%zu: v\r\n", i);
        buf_put_text(&many, "\r\n");
        assert_int_equal(probe_raw(echo_server.port, buf_text(&many)), extra == 0 ? 200 : 431);
        buf_done(&many);
    }
}

/* As many parameters, cookies or header fields as the limits of a head leave room for, and as short
 * as they can be: each is answered. */
static void many_small_parts_of_a_head_are_answered(void **state)
{
    static const struct {
        const char *before;
        const char *part;
        size_t count;
        const char *after;
        int status;
    } rows[] = {
        {"GET /?", "_a=1&", 700, "x HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /?", "a&", 1800, "x HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /?", "&", 4000, "x HTTP/1.1\r\nHost: x\r\n\r\n", 200},
        {"GET /?", "&", HTTP_RULES_TARGET_MAX, "x HTTP/1.1\r\nHost: x\r\n\r\n", 414},
        {"GET / HTTP/1.1\r\nHost: x\r\nCookie: ", "a=1; ", 700, "b=2\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHost: x\r\nCookie: ", ";", 4000, "b=2\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\nHost: x\r\nCookie: ", ";", ECHO_SERVER_HEAD_MAX, "b=2\r\n\r\n", 431},
        {"GET / HTTP/1.1\r\nHost: x\r\n", "A: 1\r\n", 700, "\r\n", 431},
        {"GET / HTTP/1.1\r\nHost: x\r\n", "A:\r\n", 4000, "\r\n", 431},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf head;

        buf_init(&head, 65536);
        buf_put_text(&head, rows[i].before);
        for (size_t n = 0; n < rows[i].count; n++)
            buf_put_text(&head, rows[i].part);
        buf_put_text(&head, rows[i].after);
        if (probe_raw(echo_server.port, buf_text(&head)) != rows[i].status)
            fail_msg("row %zu is not answered with %d", i, rows[i].status);
        buf_done(&head);
    }
}

static void a_refused_body_is_read_over_and_the_connection_lives_on(void **state)
{
    int fd = probe_connect(echo_server.port);
    char *text = filled("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", 100000, "");
    struct probe_reply r;

    (void)state;
    probe_send(fd, view_of(text));
    r = probe_read(fd, false);
    assert_int_equal(r.status, 413);
    probe_done(&r);
    probe_send(fd, VIEW("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    r = probe_read(fd, false);
    assert_int_equal(r.status, 200);
    probe_done(&r);
    probe_close(fd);
    mem_free(text);
}

static void an_expected_continue_is_refused_before_the_body(void **state)
{
    (void)state;
    assert_int_equal(probe_raw(echo_server.port,
                               "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                               "Content-Length: 1001\r\n\r\n"),
                     413);
    assert_int_equal(probe_raw(echo_server.port,
                               "POST /early HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                               "Content-Length: 10\r\n\r\n"),
                     403);
}

static void all_bodies_together_have_a_limit(void **state)
{
    int fd = probe_connect(echo_server.port);
    char *part = filled("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", 999, "");
    char *whole = filled("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n", 600, "");
    struct probe_reply r;

    (void)state;
    probe_send(fd, view_of(part));
    /* The child reads in the order of arrival once this has been answered after that was read. */
    while (probe_raw(echo_server.port, whole) != 503)
        continue;
    probe_send(fd, VIEW("a"));
    r = probe_read(fd, false);
    assert_int_equal(r.status, 200);
    probe_done(&r);
    probe_close(fd);
    assert_int_equal(probe_raw(echo_server.port, whole), 200);
    mem_free(part);
    mem_free(whole);
}

static void a_request_that_drips_is_cut_with_408(void **state)
{
    int fd = probe_connect(echo_server.port);
    struct probe_reply r;

    (void)state;
    probe_send(fd, VIEW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"));
    for (int i = 0; i < 999; i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (poll(&p, 1, 10) > 0)
            break; /* the answer: else a byte each 10 ms */
        probe_send(fd, VIEW("a"));
    }
    r = probe_read(fd, false);
    assert_int_equal(r.status, 408);
    assert_true(probe_is_closed(fd));
    probe_done(&r);
    probe_close(fd);
}

static void a_refusal_is_told_though_its_body_never_ends(void **state)
{
    static const char early[] =
        "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\na";
    char *endless =
        filled("POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n",
               HTTP_SERVER_READ_OVER_MAX + 4 * ECHO_SERVER_BODY_MAX, "");
    int fd = probe_connect(echo_server.port);
    struct probe_reply r;

    (void)state;
    probe_send(fd, view_of(early));
    r = probe_read(fd, false);
    assert_int_equal(r.status, 403);
    assert_string_equal(r.body.p, "not you");
    assert_string_equal(probe_header(&r, "Content-Type"), "text/plain");
    assert_string_equal(probe_header(&r, "Connection"), "close");
    probe_done(&r);
    assert_true(probe_is_closed(fd));
    probe_close(fd);
    assert_int_equal(probe_raw(echo_server.port, endless), 403); /* more than is read over */
    mem_free(endless);
}

static void a_head_that_never_ends_and_a_connection_that_idles_are_cut(void **state)
{
    int idle = probe_connect(echo_server.port);
    int head = probe_connect(echo_server.port);
    struct probe_reply r;

    (void)state;
    probe_send(head, VIEW("GET / HTTP/1.1\r\nHost: x\r\n"));
    r = probe_read(head, false);
    assert_int_equal(r.status, 408);
    probe_done(&r);
    assert_true(probe_is_closed(idle));
    probe_close(idle);
    probe_close(head);
}

static void the_connection_past_the_limit_waits_for_its_turn(void **state)
{
    int idle[ECHO_SERVER_CONNECTIONS];

    (void)state;
    for (size_t i = 0; i < ECHO_SERVER_CONNECTIONS; i++) {
        struct probe_reply r;

        idle[i] = probe_connect(echo_server.port);
        probe_send(idle[i], VIEW("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        r = probe_read(idle[i], false);
        assert_int_equal(r.status, 200);
        probe_done(&r);
    }
    /* The idle ones are cut at their deadline; only then can this one have been served. */
    assert_int_equal(probe_raw(echo_server.port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_true(probe_is_closed(idle[0]));
    for (size_t i = 0; i < ECHO_SERVER_CONNECTIONS; i++)
        probe_close(idle[i]);
}

static void await_bytes(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, PROBE_PATIENCE_MS), 1);
}

/* A large answer may take long; that must not move anybody else's deadline, even where it was the
 * only one. */
static void who_reads_slowly_does_not_lengthen_the_others_time(void **state)
{
    int slow = probe_connect(echo_server.port);
    int half = -1;
    struct probe_reply r;

    (void)state;
    probe_send(slow, VIEW("GET /large-later HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_bytes(slow);
    half = probe_connect(echo_server.port);
    probe_send(half, VIEW("GET / HTTP/1.1\r\n"));
    r = probe_read(half, false);
    assert_int_equal(r.status, 408);
    probe_done(&r);
    probe_close(half);
    probe_close(slow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limits_hold_at_one_over),
        cmocka_unit_test(many_small_parts_of_a_head_are_answered),
        cmocka_unit_test(a_refused_body_is_read_over_and_the_connection_lives_on),
        cmocka_unit_test(an_expected_continue_is_refused_before_the_body),
        cmocka_unit_test(all_bodies_together_have_a_limit),
        cmocka_unit_test(a_request_that_drips_is_cut_with_408),
        cmocka_unit_test(a_refusal_is_told_though_its_body_never_ends),
        cmocka_unit_test(a_head_that_never_ends_and_a_connection_that_idles_are_cut),
        cmocka_unit_test(the_connection_past_the_limit_waits_for_its_turn),
        cmocka_unit_test(who_reads_slowly_does_not_lengthen_the_others_time),
    };

    return cmocka_run_group_tests(tests, echo_server_start, echo_server_stop);
}
