/* http_client.h's kill points: what a server has seen when the client dies there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/http_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *self;

static void on_reply(void *owner, const struct http_reply *reply)
{
    bool *replied = owner;

    (void)reply;
    *replied = true;
}

/* The other process: two calls, one after the other, and 0 if it lives that long. */
static int client(const char *url, const char *method)
{
    const struct http_destination to = {.url = url,
                                        .slots = 1,
                                        .timeout_ms = HTTP_RIG_LONG_MS,
                                        .connect_timeout_ms = HTTP_RIG_LONG_MS};
    struct http_call call = {.method = method, .path = VIEW("/callbacks")};
    struct http_client *c;
    struct http_port port;
    struct fault f = {0};
    bool replied;
    uv_loop_t loop;

    if (strcmp(method, "POST") == 0)
        call.body = VIEW("{\"a body\": 1}");
    uv_loop_init(&loop);
    c = http_client_new(&loop, &to, 1, on_reply, &replied, &f);
    if (c == NULL)
        return 1;
    port = http_client_port(c);
    for (int i = 0; i < 2; i++) {
        replied = false;
        if (!port.submit(port.ctx, &call, &f))
            return 1;
        while (!replied)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    http_client_close(c, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

struct end {
    int status;
    size_t requests; /* read whole by the server */
};

/* requests: how many should arrive; it waits for them. */
static struct end run_with(struct http_rig *b, const char *point, const char *method,
                           size_t requests)
{
    struct end e = {.requests = 0};
    size_t before = hostile_http_count(b->server);
    pid_t pid = fork();

    if (pid == 0) {
        setenv("CMIBRIDGE_FAULT_POINT", point, 1);
        execl(self, self, hostile_http_url(b->server), method, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &e.status, WUNTRACED), pid);
    if (WIFSTOPPED(e.status)) {
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    hostile_http_wait(b->server, before + requests);
    hostile_http_down(b->server);
    hostile_http_up(b->server);
    e.requests = hostile_http_count(b->server) - before;
    return e;
}

static void the_server_has_seen_what_the_point_says(void **state)
{
    static const struct {
        const char *point;
        const char *method;
        bool dies;
        size_t requests;
    } rows[] = {
        {"request_half_sent:1", "POST", true, 0},  {"request_half_sent:2", "POST", true, 1},
        {"request_half_sent:3", "POST", false, 2}, {"request_sent:1", "POST", true, 1},
        {"request_sent:2", "POST", true, 2},       {"request_sent:2", "DELETE", true, 2},
        {"reply_read:1", "POST", true, 1},         {"reply_read:2", "DELETE", true, 2},
        {"reply_read:3", "POST", false, 2},        {"polled:1", "POST", false, 2},
    };
    struct http_rig *b = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct end e = run_with(b, rows[i].point, rows[i].method, rows[i].requests);
        bool died = WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGKILL;
        bool lived = WIFEXITED(e.status) && WEXITSTATUS(e.status) == 0;

        if (!(rows[i].dies ? died : lived) || e.requests != rows[i].requests)
            fail_msg("%s, %s: status %d, %zu requests", rows[i].point, rows[i].method, e.status,
                     e.requests);
    }
}

static void it_may_be_stopped_instead(void **state)
{
    struct http_rig *b = *state;
    const struct end e = run_with(b, "reply_read:1:stop", "POST", 1);

    assert_true(WIFSTOPPED(e.status) && WSTOPSIG(e.status) == SIGSTOP);
    assert_int_equal(e.requests, 1);
}

static void a_point_that_is_none_ends_the_program(void **state)
{
    static const char *const bad[] = {"reply_raed:1", "reply_read", "reply_read:0", "reply_read:x"};
    struct http_rig *b = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct end e = run_with(b, bad[i], "POST", 0);

        assert_false(WIFEXITED(e.status) && WEXITSTATUS(e.status) == 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        HTTP_RIG_TEST(the_server_has_seen_what_the_point_says),
        HTTP_RIG_TEST(it_may_be_stopped_instead),
        HTTP_RIG_TEST(a_point_that_is_none_ends_the_program),
    };

    if (argc == 3)
        return client(argv[1], argv[2]);
#ifndef CMIBRIDGE_FAULT_POINTS
    printf("skipped: this build has no kill points\n");
    return 77;
#endif
    self = argv[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
