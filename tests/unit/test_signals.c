/* signals: one asks to drain, the second to stop, SIGHUP to read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/io/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

struct heard {
    char said[16];
    size_t n;
};

static void hear(struct heard *h, char c)
{
    assert_true(h->n < sizeof h->said - 1);
    h->said[h->n++] = c;
}

static void drain(void *ctx)
{
    hear(ctx, 'd');
}

static void stop(void *ctx)
{
    hear(ctx, 's');
}

static void reload(void *ctx)
{
    hear(ctx, 'r');
}

static void too_late(uv_timer_t *timer)
{
    (void)timer;
    fail_msg("the signal was not heard");
}

/* Sends the signal to this process and waits until it was heard. */
static void send_signal(uv_loop_t *loop, const struct heard *h, int number)
{
    size_t before = h->n;
    uv_timer_t patience;

    assert_int_equal(uv_timer_init(loop, &patience), 0);
    assert_int_equal(uv_timer_start(&patience, too_late, 60000, 0), 0);
    assert_int_equal(kill(getpid(), number), 0);
    while (h->n == before)
        (void)uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&patience, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
}

static void the_first_drains_and_the_second_stops(void **state)
{
    struct heard h = {{0}, 0};
    struct signals_owner owner = {&h, drain, stop, reload};
    struct fault f = {0};
    struct signals *s;
    uv_loop_t loop;

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    s = signals_new(&loop, &owner, &f);
    assert_non_null(s);
    send_signal(&loop, &h, SIGHUP);
    send_signal(&loop, &h, SIGTERM);
    send_signal(&loop, &h, SIGHUP);
    send_signal(&loop, &h, SIGINT);
    send_signal(&loop, &h, SIGTERM);
    assert_string_equal(h.said, "rdrss");
    signals_free(s);
    signals_free(NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_lost_pipe_does_not_end_the_process_nor_does_watching_keep_the_loop(void **state)
{
    struct signals_owner owner = {0};
    struct fault f = {0};
    struct signals *s;
    uv_loop_t loop;
    int ends[2];

    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    s = signals_new(&loop, &owner, &f);
    assert_non_null(s);
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    assert_int_equal(write(ends[1], "x", 1), -1);
    (void)close(ends[1]);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0); /* returns: nothing holds it */
    signals_free(s);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void what_comes_too_early_is_heard_later(void **state)
{
    struct heard h = {{0}, 0};
    struct signals_owner owner = {&h, drain, stop, reload};
    struct fault f = {0};
    struct signals *s;
    uv_loop_t loop;

    (void)state;
    signals_hold();
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    s = signals_new(&loop, &owner, &f);
    assert_non_null(s);
    send_signal(&loop, &h, SIGTERM);
    while (h.n < 2)
        (void)uv_run(&loop, UV_RUN_ONCE);
    assert_non_null(strchr(h.said, 'r'));
    signals_free(s);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* It comes while the configuration is read, from a pipe here, which has a mistake. */
static void no_program_ends_by_a_reload_that_comes_early(void **state)
{
    static const char *const commands[] = {"consume", "schedule", "serve"};
    const char *program = getenv("CMIBRIDGE_BIN");
    char path[] = "/tmp/cmibridge-signals-XXXXXX";

    (void)state;
    assert_non_null(program);
    assert_non_null(mkdtemp(path));
    assert_int_equal(chdir(path), 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        int status = 0;
        pid_t pid;
        int fd;

        assert_int_equal(mkfifo("conf", 0600), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            (void)execl(program, "cmibridge", commands[i], "--config", "conf", (char *)NULL);
            _exit(127);
        }
        fd = open("conf", O_WRONLY); /* until it reads */
        assert_true(fd >= 0);
        assert_int_equal(kill(pid, SIGHUP), 0);
        assert_int_equal(write(fd, "none: 1\n", 8), 8);
        (void)close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != COMMAND_CONFIG)
            fail_msg("%s ended with status %d", commands[i], status);
        assert_int_equal(unlink("conf"), 0);
    }
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_drains_and_the_second_stops),
        cmocka_unit_test(a_lost_pipe_does_not_end_the_process_nor_does_watching_keep_the_loop),
        cmocka_unit_test(what_comes_too_early_is_heard_later),
        cmocka_unit_test(no_program_ends_by_a_reload_that_comes_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
