/*
 * The schedule's scripts on a real redis-server: each is bounded. What one call does, in commands,
 * does not grow with what waits behind it, be that a thousand or three: so none holds up the server
 * for longer, whatever was posted. (How long it takes depends on the machine, and is measured by
 * ./dev bench.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/schedule_hand.h"

#include <stdio.h>
#include <string.h>

#define FEW  1000 /* more than any bound */
#define MANY 3000

static void post(size_t count, const char *source)
{
    assert_string_equal(redis_server_ask(hand_rig.server, "FLUSHALL"), "+OK");
    for (size_t i = 0; i < count; i++) {
        struct rig_message m = hand_message(1);

        m.source = source;
        schedule_rig_post(&hand_rig, &m);
        assert_int_equal(hand_rig.effect, EFFECT_DONE);
    }
}

/* In a shard of that backlog. */
typedef void something(size_t backlog);

static int64_t cost_of(something *prepare, something *call, size_t backlog)
{
    int64_t before;

    prepare(backlog);
    before = hand_commands(&hand_rig);
    call(backlog);
    return hand_commands(&hand_rig) - before;
}

static void expect_bounded(something *prepare, something *call)
{
    int64_t first = cost_of(prepare, call, FEW); /* may have to teach Redis the script */
    int64_t few = cost_of(prepare, call, FEW);
    int64_t many = cost_of(prepare, call, MANY);

    print_message("%d commands\n", (int)few);
    assert_true(few > 1 && few <= first);
    assert_int_equal(many, few);
}

/* ---- claims ---- */

static void post_due(size_t count)
{
    post(count, "s1");
}

static void claim(size_t backlog)
{
    (void)backlog;
    assert_int_equal(hand_claim(&hand_rig, 0), hand_usual.slices);
}

static void a_claim_is_bounded_whatever_is_due(void **state)
{
    (void)state;
    expect_bounded(post_due, claim);
}

/* As the claim looks at a part of them only, there is more to do at once. */
static void claim_none(size_t backlog)
{
    const struct schedule_closed closed = {.source = VIEW("s1"), .until_ms = HAND_LATER_MS};
    struct schedule_claim c = hand_usual;

    (void)backlog;
    c.closed = &closed;
    c.closed_count = 1;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 0);
    assert_true(hand_rig.claimed.next_ms <= hand_rig.claimed.now_ms);
}

static void a_claim_is_bounded_whatever_can_t_be_sent(void **state)
{
    (void)state;
    expect_bounded(post_due, claim_none);
}

/* Their holder is gone. */
static void post_leased(size_t count)
{
    struct schedule_claim c = hand_usual;
    size_t left = count;

    post_due(count);
    c.lease_ms = 3600000;
    c.slices = SCHEDULE_CLAIM_MAX;
    while (left > 0)
        left -= hand_claim_of(&hand_rig, 0, c);
    assert_string_equal(
        redis_server_ask(hand_rig.server,
                         "EVAL \"for _,v in ipairs(redis.call('ZRANGE','s:{07}:lease',0,"
                         "-1)) do redis.call('ZADD','s:{07}:lease',1,v) end return 1\" 0"),
        ":1");
}

static void a_claim_is_bounded_however_many_leases_ran_out(void **state)
{
    (void)state;
    expect_bounded(post_leased, claim);
}

/* ---- writes, and the outbox ---- */

static struct rig_slice held;

static void post_and_hold(size_t count)
{
    post_due(count);
    assert_int_equal(hand_claim(&hand_rig, 0), hand_usual.slices);
    held = hand_rig.slices[0];
}

static void finish(size_t backlog)
{
    (void)backlog;
    assert_int_equal(hand_finish(&hand_rig, 0, &held, SLICE_OK, 0), SCHEDULE_DONE);
}

static void a_write_is_bounded_whatever_waits(void **state)
{
    (void)state;
    expect_bounded(post_and_hold, finish);
}

static void fill_outbox(size_t count)
{
    char command[128];

    assert_string_equal(redis_server_ask(hand_rig.server, "FLUSHALL"), "+OK");
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(command, sizeof command,
                       "XADD s:{07}:out %zu-1 t completed m %032zX at 1 c \"1 1 0 0 0\"", i + 1, i);
        assert_int_not_equal(redis_server_ask(hand_rig.server, command)[0], '-');
    }
}

static void read_outbox(size_t backlog)
{
    (void)backlog;
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
}

static void a_reading_of_the_outbox_is_bounded(void **state)
{
    (void)state;
    expect_bounded(fill_outbox, read_outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_is_bounded_whatever_is_due),
        cmocka_unit_test(a_claim_is_bounded_whatever_can_t_be_sent),
        cmocka_unit_test(a_claim_is_bounded_however_many_leases_ran_out),
        cmocka_unit_test(a_write_is_bounded_whatever_waits),
        cmocka_unit_test(a_reading_of_the_outbox_is_bounded),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
