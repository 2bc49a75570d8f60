/*
 * A message that is due and whose queue has no channel, since it is only kept, on fakes in virtual
 * time: it is said in a figure, and the process is as ready as any.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#define DUE_MS    1000
#define LONG_MS   200000 /* its source is forgotten meanwhile, and found again */
#define STEPS_MAX 400000

static struct send_world world;

static int64_t kept(void)
{
    return stat_value(
        stats_get(world.process[0].stats, STAT_GAUGE, "cmibridge_sources_without_channel", "", ""));
}

static void expect_ready(void)
{
    struct buf why;

    buf_init(&why, 1024);
    if (!schedule_ready(world.process[0].loop, &why))
        fail_msg("not ready: %s", buf_text(&why));
    buf_done(&why);
}

static void step_to(int64_t count)
{
    for (size_t i = 0; i < STEPS_MAX && kept() != count; i++)
        send_world_step(&world);
    assert_int_equal(kept(), count);
}

static void a_source_without_a_channel_is_a_figure_and_no_lack(void **state)
{
    int64_t long_ms;

    (void)state;
    send_world_init_empty(&world, 1);
    send_world_add(&world, 0, 1, DUE_MS)->source = "kept@x";
    send_world_boot(&world, 0);
    step_to(1);
    for (long_ms = world.now_ms + LONG_MS; world.now_ms < long_ms;) {
        send_world_step(&world);
        expect_ready();
        assert_int_equal(kept(), 1);
    }
    send_world_delete(&world, 0);
    step_to(0);
    expect_ready();
    send_world_done(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_without_a_channel_is_a_figure_and_no_lack),
    };

    return cmocka_run_group_tests_name("kept", tests, NULL, NULL);
}
