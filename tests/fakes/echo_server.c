#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/echo_server.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/io/http_server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* ---- the server's process ---- */

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
    char *large = mem_zeroed(ECHO_SERVER_LARGE_BYTES, 1);

    memset(large, 'x', ECHO_SERVER_LARGE_BYTES);
    answer(v, 200, (struct view){large, ECHO_SERVER_LARGE_BYTES});
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
    return ECHO_SERVER_BODY_MAX;
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
        uv_timer_start(&c->later, on_large, 2 * ECHO_SERVER_TIME_MS, 0);
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
                                    .connections_max = ECHO_SERVER_CONNECTIONS,
                                    .head_max_bytes = ECHO_SERVER_HEAD_MAX,
                                    .bodies_max_bytes = ECHO_SERVER_BODIES_MAX,
                                    .request_time_ms = ECHO_SERVER_TIME_MS};
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

/* ---- the test's side ---- */

struct echo_server echo_server;

int echo_server_start(void **state)
{
    int pipe_fds[2];

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    echo_server.pid = fork();
    assert_true(echo_server.pid >= 0);
    if (echo_server.pid == 0) {
        close(pipe_fds[0]);
        exit(child_main(pipe_fds[1]));
    }
    close(pipe_fds[1]);
    assert_int_equal(read(pipe_fds[0], &echo_server.port, sizeof echo_server.port),
                     sizeof echo_server.port);
    echo_server.says = pipe_fds[0];
    return 0;
}

int echo_server_stop(void **state)
{
    int status = 0;

    (void)state;
    kill(echo_server.pid, SIGTERM);
    assert_int_equal(waitpid(echo_server.pid, &status, 0), echo_server.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close(echo_server.says);
    return 0;
}
