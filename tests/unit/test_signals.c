/* signals: one asks to drain, the second to stop, SIGHUP to read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/signals.h"

#include <signal.h>
#include <string.h>
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_drains_and_the_second_stops),
        cmocka_unit_test(a_lost_pipe_does_not_end_the_process_nor_does_watching_keep_the_loop),
        cmocka_unit_test(what_comes_too_early_is_heard_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
