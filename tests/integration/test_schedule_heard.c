/* The schedule's scripts on a real redis-server: receipts of what somebody holds, and of more than
 * one copy of a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/settlement.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_hand.h"

#include <string.h>

/* Of the message's second destination. */
static const char *receipt(const char *id, const char *what)
{
    bool fails = strcmp(what, "late") == 0 || strcmp(what, "part") == 0;
    const struct settlement s = {.index = 1,
                                 .state = fails ? SETTLEMENT_LATE : SETTLEMENT_DELIVERED};
    struct view args[] = {view_of(id), VIEW("0"), VIEW("1"), view_of(what),
                          VIEW_NONE,   VIEW_NONE, VIEW("1")};
    struct buf kept;
    struct buf event;
    const char *answer = NULL;

    buf_init(&kept, 64);
    buf_init(&event, 64);
    settlement_put_kept(&kept, &s);
    settlement_put_event(&event, &s);
    args[4] = buf_view(&kept);
    args[5] = buf_view(&event);
    answer =
        schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_RECEIPT), args, 7);
    buf_done(&kept);
    buf_done(&event);
    return answer;
}

/* Receipts that were told, and whether the last of them is of another copy. */
static size_t told(bool *copy)
{
    size_t n = 0;

    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    for (size_t i = 0; i < hand_rig.outbox.count; i++) {
        struct view blob = hand_rig.events[i].blob;
        struct settlement s;

        if (hand_rig.events[i].type != SCHEDULE_EVENT_RECEIPT)
            continue;
        assert_true(settlement_next_event(&blob, &s));
        *copy = s.possible_duplicate;
        n++;
    }
    return n;
}

static struct rig_slice handed_over(struct rig_message *m)
{
    struct rig_slice s;

    *m = hand_posted(&hand_rig, 2);
    s = hand_slice(&hand_rig, 0);
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_DONE);
    return s;
}

static void expect(const struct rig_message *m, int64_t ok, int64_t dead)
{
    hand_expect_counts(&hand_rig, m->id, ok, dead, 0);
    hand_expect_sound(&hand_rig, m->id);
}

/* The second holder finds it as new as the first did. */
static void what_is_put_down_untouched_keeps_no_receipt(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 2);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig_slice s = hand_slice(&hand_rig, i);

        assert_int_equal(hand_progress(&hand_rig, i, &s, 2), SCHEDULE_DONE);
        assert_string_equal(receipt(m.id, "late"), "early");
        assert_string_equal(receipt(m.id, "late"), "again");
        slice_take_back(&s.claimed.slice, 0);
        assert_int_equal(hand_write(&hand_rig, i, hand_rig.ports[i].release, &s,
                                    (struct schedule_write){.token = 1}),
                         SCHEDULE_DONE);
    }
}

/* It is told, but who was reached was: nobody need send again. */
static void what_fails_of_a_text_that_has_arrived_is_another_copy(void **state)
{
    static const char *const arrived[] = {"delivered", "read"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig_message m;
        struct rig_slice s = handed_over(&m);
        bool copy = true;

        assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
        assert_string_equal(receipt(m.id, arrived[i]), "done");
        assert_true(told(&copy) == 1 && !copy);
        assert_string_equal(receipt(m.id, "late"), "done");
        assert_true(told(&copy) == 2 && copy);
        expect(&m, 2, 0);
        assert_string_equal(receipt(m.id, "late"), "again");
        assert_true(told(&copy) == 2);
        (void)hand_empty(NULL);
    }
}

/* Its last part's delivery says nothing of the others. */
static void a_text_fails_with_any_part_though_its_last_one_arrived(void **state)
{
    struct rig_message m;
    struct rig_slice s = handed_over(&m);
    bool copy = true;

    (void)state;
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    assert_string_equal(receipt(m.id, "delivered"), "done");
    assert_string_equal(receipt(m.id, "late"), "done");
    assert_string_equal(receipt(m.id, "part"), "done");
    assert_true(told(&copy) == 3 && !copy);
    expect(&m, 1, 1);
    assert_string_equal(receipt(m.id, "part"), "again");
    assert_string_equal(receipt(m.id, "late"), "again");
    assert_string_equal(receipt(m.id, "read"), "done");
    expect(&m, 1, 1);
}

static void what_has_failed_stays_so_and_its_delivery_is_told(void **state)
{
    struct rig_message m;
    struct rig_slice s = handed_over(&m);

    (void)state;
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    assert_string_equal(receipt(m.id, "late"), "done");
    assert_string_equal(receipt(m.id, "delivered"), "done");
    assert_string_equal(receipt(m.id, "late"), "again");
    expect(&m, 1, 1);
}

/* Both come before the reply is recorded, whatever that is. */
static void a_copy_of_what_is_out_and_has_arrived_fails_alone(void **state)
{
    static const enum slice_outcome outcomes[] = {SLICE_OK, SLICE_AGAIN};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig_message m;
        struct rig_slice s = handed_over(&m);
        bool copy = false;

        assert_string_equal(receipt(m.id, "delivered"), "early");
        assert_string_equal(receipt(m.id, "late"), "done");
        assert_true(told(&copy) == 2 && copy);
        assert_int_equal(hand_finish(&hand_rig, 0, &s, outcomes[i], HAND_LATER_MS), SCHEDULE_DONE);
        assert_string_equal(receipt(m.id, "late"), "again");
        expect(&m, outcomes[i] == SLICE_OK ? 2 : 1, 0);
        (void)hand_empty(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_put_down_untouched_keeps_no_receipt, hand_empty),
        cmocka_unit_test_setup(what_fails_of_a_text_that_has_arrived_is_another_copy, hand_empty),
        cmocka_unit_test_setup(a_text_fails_with_any_part_though_its_last_one_arrived, hand_empty),
        cmocka_unit_test_setup(what_has_failed_stays_so_and_its_delivery_is_told, hand_empty),
        cmocka_unit_test_setup(a_copy_of_what_is_out_and_has_arrived_fails_alone, hand_empty),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
