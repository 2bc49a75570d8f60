/*
 * How late `schedule` says that it was, on fakes in virtual time: after what a message waited for,
 * its time or the end of its rest, and after nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "tests/fakes/send_world.h"

#include <stdio.h>
#include <string.h>

#define DUE_MS    1000
#define REST_MS   70000
#define STEPS_MAX 400000
#define MESSAGE   0
#define CALL      (-1)

static struct send_world world;

/* Of the figure's buckets, that of so many seconds. */
static int64_t late_up_to(const char *seconds)
{
    struct buf page;
    struct view count;
    char series[80];
    const char *at;
    int64_t n = -1;

    buf_init(&page, 1 << 20);
    stats_render(world.process[0].stats, &page);
    (void)snprintf(series, sizeof series, "cmibridge_lateness_seconds_bucket{le=\"%s\"} ", seconds);
    at = strstr(buf_text(&page), series);
    assert_non_null(at);
    count = view_of(at + strlen(series));
    assert_true(num_int(view_cut(&count, '\n'), &n));
    buf_done(&page);
    return n;
}

/* Two, the second of which must rest after its time, are sent by a process that begins then. */
static void run(int sender, int64_t rest_ms, int64_t from_ms)
{
    send_world_init_empty(&world, 1);
    for (int i = 0; i < 2; i++)
        send_world_add(&world, sender, 1, DUE_MS)->callback.max_calls = 1;
    world.model.messages[1].park_ms = rest_ms > 0 ? WORLD_EPOCH_MS + DUE_MS + rest_ms : 0;
    world.now_ms = from_ms;
    send_world_boot(&world, 0);
    for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++)
        send_world_step(&world);
    assert_true(send_world_finished(&world));
    send_world_check_end(&world);
    assert_int_equal(late_up_to("+Inf"), 2);
}

static void what_is_begun_when_it_is_due_is_not_late(void **state)
{
    static const int senders[] = {MESSAGE, CALL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        run(senders[i], 0, 0);
        assert_int_equal(late_up_to("1"), 2);
        send_world_done(&world);
    }
}

static void what_nobody_has_begun_in_time_is_late(void **state)
{
    static const int senders[] = {MESSAGE, CALL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        run(senders[i], 0, DUE_MS + 40000);
        assert_int_equal(late_up_to("10"), 0);
        assert_int_equal(late_up_to("60"), 2);
        send_world_done(&world);
    }
}

/* Some claim has left it until then: its sender could not send. */
static void what_rested_is_late_after_its_rest(void **state)
{
    static const int senders[] = {MESSAGE, CALL};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        run(senders[i], REST_MS, 0);
        assert_int_equal(late_up_to("1"), 2);
        send_world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_begun_when_it_is_due_is_not_late),
        cmocka_unit_test(what_nobody_has_begun_in_time_is_late),
        cmocka_unit_test(what_rested_is_late_after_its_rest),
    };

    return cmocka_run_group_tests_name("lateness", tests, NULL, NULL);
}
