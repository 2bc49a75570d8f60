/* The schedule's scripts on a redis-server whose clock is set back by an hour: what goes by itself
 * after a while does so after that while, not after the hour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/clock_shift.h"
#include "tests/fakes/schedule_hand.h"

#define HOUR_MS INT64_C(3600000)
#define GAP_MS  60000

static int start(void **state)
{
    clock_shift_begin();
    (void)hand_start(state);
    clock_shift_end();
    return 0;
}

static int stop(void **state)
{
    (void)hand_stop(state);
    clock_shift_done();
    return 0;
}

static int empty(void **state)
{
    clock_shift_set(0);
    return hand_empty(state);
}

/* Nor is it shorter than whoever reserved the address has asked for. */
static void an_address_stays_reserved_no_longer_than_it_was(void **state)
{
    const struct view addresses[] = {VIEW("+8")};
    const uint32_t destinations[] = {0};
    const struct schedule_recipients first = {.gap_ms = GAP_MS,
                                              .holder = VIEW("one"),
                                              .message = "0123456789ABCDEF0123456789ABCDEF",
                                              .destinations = destinations,
                                              .addresses = addresses,
                                              .count = 1};
    struct schedule_recipients second = first;

    (void)state;
    second.holder = VIEW("two");
    second.gap_ms = GAP_MS / 10;
    assert_int_equal(hand_gap(&hand_rig, &first), 0);
    clock_shift_set(-HOUR_MS);
    assert_int_equal(hand_gap(&hand_rig, &second), GAP_MS);
    clock_shift_set(GAP_MS - HOUR_MS + 1);
    assert_int_equal(hand_gap(&hand_rig, &second), 0);
    clock_shift_set(-HOUR_MS);
    assert_int_equal(hand_gap(&hand_rig, &first), GAP_MS / 10);
}

static bool reads(unsigned owner)
{
    schedule_rig_read_outbox(&hand_rig, owner, HAND_SHARD);
    return !hand_rig.outbox.other;
}

/* Whoever reads it may be dead; while it is not, it is the only one. */
static void an_outbox_waits_for_its_reader_no_longer_than_ever(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 1);

    (void)state;
    schedule_rig_delete(&hand_rig, m.id, 1);
    assert_true(reads(0));
    assert_int_equal(hand_rig.outbox.count, 1);
    clock_shift_set(-HOUR_MS);
    assert_false(reads(1));
    clock_shift_set(REDIS_SCHEDULE_READER_MS - HOUR_MS + 1000);
    assert_true(reads(1));
    assert_int_equal(hand_rig.outbox.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_address_stays_reserved_no_longer_than_it_was, empty),
        cmocka_unit_test_setup(an_outbox_waits_for_its_reader_no_longer_than_ever, empty),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
