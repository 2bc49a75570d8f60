/*
 * A gateway that fails for a while, on fakes in virtual time: requests that were sent before its
 * breaker opened end one by one, while others try it. There is one trial at a time, and only its
 * end says how it goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/run/schedule_state.h" /* what is out, and the breaker */
#include "tests/fakes/send_world.h"

#define DUE_MS    1000
#define SEEDS     50
#define STEPS_MAX 200000
#define SLOTS     8
#define FAILS_MS  30000
#define SLOW_MS   1000

static struct send_world world;

static struct sent {
    uint32_t generation;
    int64_t at_ms;
} sent[2 * SLOTS];

/* Requests that are out, by whether the breaker has opened since they were sent. */
struct out {
    size_t since;
    size_t before;
};

static struct out look_at_out(const struct schedule *s, const struct channel_of *c,
                              int64_t opened_ms)
{
    struct out o = {0};

    assert_true(s->send_count <= 2 * SLOTS);
    for (size_t i = 0; i < s->send_count; i++) {
        const struct send *d = s->sends[i];

        if (!d->out || d->channel != c)
            continue;
        if (sent[i].at_ms == 0 || sent[i].generation != d->generation)
            sent[i] = (struct sent){d->generation, world.now_ms};
        if (sent[i].at_ms > opened_ms)
            o.since++;
        else
            o.before++;
    }
    return o;
}

static size_t fail_for_a_while(const struct schedule *s)
{
    const struct channel_of *c = &s->channels[0];
    struct out last = {0};
    int64_t opened_ms = INT64_MAX;
    unsigned opened = 0;
    size_t crossed = 0;

    while (world.now_ms < FAILS_MS) {
        struct out now;

        send_world_step(&world);
        now = look_at_out(s, c, opened_ms);
        if (c->breaker.opened != opened) {
            /* Of those that were out, it was the trial that has ended. */
            assert_true(opened == 0 || last.since == 0 || now.since == last.since - 1);
            opened = c->breaker.opened;
            opened_ms = world.now_ms;
            now = look_at_out(s, c, opened_ms);
        }
        if (opened > 0)
            assert_true(now.since <= 1);
        crossed += now.since == 1 && last.since == 1 && now.before < last.before;
        last = now;
    }
    return crossed;
}

static void only_the_trial_s_end_decides(void **state)
{
    size_t crossed = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        memset(sent, 0, sizeof sent);
        send_world_init_empty(&world, seed);
        world.faults.carrier_ms = SLOW_MS;
        world.faults.error_500 = 1000;
        world.channels[0].slots = SLOTS;
        world.conf.in_flight = 2 * SLOTS;
        world.conf.breaker = (struct breaker_policy){2, {50, 400}};
        for (int i = 0; i < SEND_STORE_MESSAGES_MAX; i++)
            send_world_add(&world, 0, SEND_STORE_DEST_MAX, DUE_MS)->attempts_max = 1000;
        send_world_boot(&world, 0);
        crossed += fail_for_a_while(world.process[0].loop);
        world.faults.error_500 = 0;
        for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++)
            send_world_step(&world);
        assert_true(send_world_finished(&world));
        send_world_check_end(&world);
        send_world_done(&world);
    }
    assert_true(crossed > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_trial_s_end_decides),
    };

    return cmocka_run_group_tests_name("trials", tests, NULL, NULL);
}
