/* http_server: a real socket, a loop in a child process, a client that says what it likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/io/http_server.h"
#include "tests/fakes/probe.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#define BODY_MAX    1000
#define BODIES_MAX  1500
#define CONNECTIONS 4
#define LARGE_BYTES 20000000
#define HEAD_MAX    4096
#define TIME_MS     1500

/* ---- the child: echoes; /later answers at a later turn, /drain when it drains ---- */

struct child {
    uv_loop_t loop;
    uv_signal_t term;
    uv_timer_t later;
    struct http_server *http;
    struct http_visit *held[16];
    size_t held_count;
    struct http_visit *at_drain;
    struct http_visit *large;
    int says; /* a pipe to the parent */
    bool failed;
};

static void answer(struct http_visit *v, int status, struct view body)
{
    struct http_field type = {VIEW("Content-Type"), VIEW("text/plain")};

    http_visit_answer(v, status, &type, 1, body);
}

static void release(struct child *c)
{
    for (size_t i = 0; i < c->held_count; i++)
        answer(c->held[i], 200, VIEW("later"));
    c->held_count = 0;
}

static void on_later(uv_timer_t *timer)
{
    release(timer->data);
}

static void answer_large(struct http_visit *v)
{
    char *large = mem_zeroed(LARGE_BYTES, 1);

    memset(large, 'x', LARGE_BYTES);
    answer(v, 200, (struct view){large, LARGE_BYTES});
    mem_free(large);
}

static void on_large(uv_timer_t *timer)
{
    struct child *c = timer->data;

    answer_large(c->large);
}

static size_t admit(void *ctx, struct http_visit *v, const struct http_request *r)
{
    (void)ctx;
    if (view_is(r->path, "/early"))
        answer(v, 403, VIEW("not you"));
    return BODY_MAX;
}

static void serve(void *ctx, struct http_visit *v, const struct http_request *r)
{
    struct child *c = ctx;
    struct buf all;

    if (view_is(r->path, "/later")) {
        c->held[c->held_count++] = v;
        uv_timer_start(&c->later, on_later, 1, 0);
        return;
    }
    if (view_is(r->path, "/drain")) {
        c->at_drain = v;
        c->failed = c->failed || write(c->says, "d", 1) != 1;
        return;
    }
    if (view_is(r->path, "/large")) {
        answer_large(v);
        return;
    }
    if (view_is(r->path, "/large-later")) {
        c->large = v;
        uv_timer_start(&c->later, on_large, 2 * TIME_MS, 0);
        return;
    }
    buf_init(&all, 65536);
    buf_put(&all, r->method);
    buf_put_char(&all, ' ');
    buf_put(&all, r->path);
    buf_put_char(&all, ' ');
    buf_put(&all, r->query);
    buf_put_char(&all, ' ');
    buf_put(&all, r->body);
    answer(v, 200, buf_view(&all));
    buf_done(&all);
}

static void ended(void *ctx)
{
    struct child *c = ctx;

    http_server_free(c->http);
    uv_close((uv_handle_t *)&c->term, NULL);
    uv_close((uv_handle_t *)&c->later, NULL);
}

static void on_term(uv_signal_t *signal, int number)
{
    struct child *c = signal->data;

    (void)number;
    http_server_drain(c->http, ended, c);
    release(c);
    if (c->at_drain != NULL)
        answer(c->at_drain, 200, VIEW("drained"));
}

static int child_main(int says)
{
    struct child c = {.says = says};
    struct http_server_conf conf = {.address = "127.0.0.1:0",
                                    .connections_max = CONNECTIONS,
                                    .head_max_bytes = HEAD_MAX,
                                    .bodies_max_bytes = BODIES_MAX,
                                    .request_time_ms = TIME_MS};
    struct http_server_owner owner = {.ctx = &c, .admit = admit, .serve = serve};
    struct fault f = {0};
    unsigned port = 0;

    uv_loop_init(&c.loop);
    uv_signal_init(&c.loop, &c.term);
    uv_timer_init(&c.loop, &c.later);
    c.term.data = c.later.data = &c;
    c.http = http_server_new(&c.loop, &conf, owner, &f);
    if (c.http == NULL)
        return 1;
    uv_signal_start(&c.term, on_term, SIGTERM);
    port = http_server_port(c.http);
    if (write(says, &port, sizeof port) != sizeof port)
        return 1;
    uv_run(&c.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&c.loop) == 0 && !c.failed ? 0 : 1;
}

static pid_t child_pid;
static unsigned port;
static int child_says = -1;

static int start(void **state)
{
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    child_pid = fork();
    assert_true(child_pid >= 0);
    if (child_pid == 0) {
        close(pipe_fds[0]);
        exit(child_main(pipe_fds[1]));
    }
    close(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], &port, sizeof port), sizeof port);
    child_says = pipe_fds[0];
    return 0;
}

/* The child must end by itself, with nothing leaked. */
static int stop(void **state)
{
    int status = 0;

    (void)state;
    kill(child_pid, SIGTERM);
    assert_int_equal(waitpid(child_pid, &status, 0), child_pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(child_says);
    return 0;
}

/* ---- tests ---- */

static void a_request_arrives_as_it_was_sent(void **state)
{
    struct probe_reply r = probe_ask(port, "POST", "/a%2Fb/c?x=%20&y", "", "the body");

    (void)state;
    assert_int_equal(r.status, 200);
    assert_true(view_is(r.body, "POST /a%2Fb/c x=%20&y the body"));
    assert_string_equal(probe_header(&r, "Content-Type"), "text/plain");
    probe_done(&r);
    r = probe_ask(port, "GET", "http://somewhere.example/a?b", "", NULL);
    assert_true(view_is(r.body, "GET /a b "));
    probe_done(&r);
}

static void head_is_answered_without_the_body(void **state)
{
    struct probe_reply r = probe_ask(port, "HEAD", "/a", "", NULL);

    (void)state;
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.n, 0);
    assert_string_equal(probe_header(&r, "Content-Length"), "9");
    probe_done(&r);
}

static void an_answer_may_come_later_and_the_connection_lives_on(void **state)
{
    int fd = probe_connect(port);

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
    int fd = probe_connect(port);
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
            int fd = probe_connect(port);
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
    for (size_t n = BODY_MAX; n <= BODY_MAX + 1; n++) {
        snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);
        text = filled(head, n, "");
        assert_int_equal(probe_raw(port, text), n == BODY_MAX ? 200 : 413);
        mem_free(text);
        snprintf(head, sizeof head,
                 "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
        text = filled(head, n, "\r\n0\r\n\r\n");
        assert_int_equal(probe_raw(port, text), n == BODY_MAX ? 200 : 413);
        mem_free(text);
    }
    /* target and header fields count together: "/", "Host", "x", "A" and the value */
    text = filled("GET / HTTP/1.1\r\nHost: x\r\nA: ", HEAD_MAX - 7, "\r\n\r\n");
    assert_int_equal(probe_raw(port, text), 200);
    mem_free(text);
    text = filled("GET / HTTP/1.1\r\nHost: x\r\nA: ", HEAD_MAX - 6, "\r\n\r\n");
    assert_int_equal(probe_raw(port, text), 431);
    mem_free(text);
    text = filled("GET /", HTTP_RULES_TARGET_MAX, " HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(probe_raw(port, text), 414);
    mem_free(text);
    for (size_t extra = 0; extra <= 1; extra++) {
        buf_init(&many, 65536);
        buf_put_text(&many, "GET / HTTP/1.1\r\nHost: x\r\n");
        for (size_t i = 0; i < HTTP_RULES_HEADERS_MAX - 1 + extra; i++)
            buf_printf(&many, "H%zu: v\r\n", i);
        buf_put_text(&many, "\r\n");
        assert_int_equal(probe_raw(port, buf_text(&many)), extra == 0 ? 200 : 431);
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
        {"GET / HTTP/1.1\r\nHost: x\r\nCookie: ", ";", HEAD_MAX, "b=2\r\n\r\n", 431},
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
        if (probe_raw(port, buf_text(&head)) != rows[i].status)
            fail_msg("row %zu is not answered with %d", i, rows[i].status);
        buf_done(&head);
    }
}

static void a_refused_body_is_read_over_and_the_connection_lives_on(void **state)
{
    int fd = probe_connect(port);
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
    assert_int_equal(probe_raw(port, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                     "Content-Length: 1001\r\n\r\n"),
                     413);
    assert_int_equal(probe_raw(port, "POST /early HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                     "Content-Length: 10\r\n\r\n"),
                     403);
}

static void all_bodies_together_have_a_limit(void **state)
{
    int fd = probe_connect(port);
    char *part = filled("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", 999, "");
    char *whole = filled("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n", 600, "");
    struct probe_reply r;

    (void)state;
    probe_send(fd, view_of(part));
    /* The child reads in the order of arrival once this has been answered after that was read. */
    while (probe_raw(port, whole) != 503)
        continue;
    probe_send(fd, VIEW("a"));
    r = probe_read(fd, false);
    assert_int_equal(r.status, 200);
    probe_done(&r);
    probe_close(fd);
    assert_int_equal(probe_raw(port, whole), 200);
    mem_free(part);
    mem_free(whole);
}

static void a_request_that_drips_is_cut_with_408(void **state)
{
    int fd = probe_connect(port);
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
               HTTP_SERVER_READ_OVER_MAX + 4 * BODY_MAX, "");
    int fd = probe_connect(port);
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
    assert_int_equal(probe_raw(port, endless), 403); /* more than is read over */
    mem_free(endless);
}

static void a_head_that_never_ends_and_a_connection_that_idles_are_cut(void **state)
{
    int idle = probe_connect(port);
    int head = probe_connect(port);
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
    int idle[CONNECTIONS];

    (void)state;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct probe_reply r;

        idle[i] = probe_connect(port);
        probe_send(idle[i], VIEW("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        r = probe_read(idle[i], false);
        assert_int_equal(r.status, 200);
        probe_done(&r);
    }
    /* The idle ones are cut at their deadline; only then can this one have been served. */
    assert_int_equal(probe_raw(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_true(probe_is_closed(idle[0]));
    for (size_t i = 0; i < CONNECTIONS; i++)
        probe_close(idle[i]);
}

static void await_bytes(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, PROBE_PATIENCE_MS), 1);
}

static void a_large_answer_arrives_whole(void **state)
{
    struct probe_reply r = probe_ask(port, "GET", "/large", "", NULL);

    (void)state;
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body.n, LARGE_BYTES);
    probe_done(&r);
}

/* A large answer may take long; that must not move anybody else's deadline, even where it was the
 * only one. */
static void who_reads_slowly_does_not_lengthen_the_others_time(void **state)
{
    int slow = probe_connect(port);
    int half = -1;
    struct probe_reply r;

    (void)state;
    probe_send(slow, VIEW("GET /large-later HTTP/1.1\r\nHost: x\r\n\r\n"));
    await_bytes(slow);
    half = probe_connect(port);
    probe_send(half, VIEW("GET / HTTP/1.1\r\n"));
    r = probe_read(half, false);
    assert_int_equal(r.status, 408);
    probe_done(&r);
    probe_close(half);
    probe_close(slow);
}

static void a_client_that_goes_away_while_it_waits_does_no_harm(void **state)
{
    int fd = probe_connect(port);

    (void)state;
    probe_send(fd, VIEW("GET /later HTTP/1.1\r\nHost: x\r\n\r\n"));
    probe_close(fd);
    fd = probe_connect(port);
    probe_send(fd, VIEW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"));
    probe_close(fd);
    assert_int_equal(probe_raw(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
}

static void draining_lets_the_waiting_end_and_closes_the_rest(void **state)
{
    int waits = probe_connect(port);
    int idle = probe_connect(port);
    char taken = 0;
    struct probe_reply r;

    probe_send(idle, VIEW("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    r = probe_read(idle, false);
    probe_done(&r);
    probe_send(waits, VIEW("GET /drain HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert_int_equal(read(child_says, &taken, 1), 1);
    stop(state);
    r = probe_read(waits, false);
    assert_int_equal(r.status, 200);
    assert_true(view_is(r.body, "drained"));
    assert_string_equal(probe_header(&r, "Connection"), "close");
    probe_done(&r);
    assert_true(probe_is_closed(idle));
    probe_close(waits);
    probe_close(idle);
    start(state);
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
    snprintf(taken, sizeof taken, "127.0.0.1:%u", port);
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
        cmocka_unit_test(the_limits_hold_at_one_over),
        cmocka_unit_test(many_small_parts_of_a_head_are_answered),
        cmocka_unit_test(a_refused_body_is_read_over_and_the_connection_lives_on),
        cmocka_unit_test(an_expected_continue_is_refused_before_the_body),
        cmocka_unit_test(all_bodies_together_have_a_limit),
        cmocka_unit_test(a_request_that_drips_is_cut_with_408),
        cmocka_unit_test(a_refusal_is_told_though_its_body_never_ends),
        cmocka_unit_test(a_head_that_never_ends_and_a_connection_that_idles_are_cut),
        cmocka_unit_test(the_connection_past_the_limit_waits_for_its_turn),
        cmocka_unit_test(a_large_answer_arrives_whole),
        cmocka_unit_test(who_reads_slowly_does_not_lengthen_the_others_time),
        cmocka_unit_test(a_client_that_goes_away_while_it_waits_does_no_harm),
        cmocka_unit_test(draining_lets_the_waiting_end_and_closes_the_rest),
        cmocka_unit_test(an_address_that_makes_no_sense_is_said_so),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
