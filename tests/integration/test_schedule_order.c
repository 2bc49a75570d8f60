/* The schedule's scripts on a real redis-server: messages that go one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_hand.h"

#include <stdio.h>

/* The first is due. */
static void post_two(struct rig_message m[2])
{
    m[0] = hand_message(1);
    m[1] = hand_message(1);
    m[0].next = m[1].id;
    m[1].behind = m[0].id;
    for (size_t i = 0; i < 2; i++) {
        schedule_rig_post(&hand_rig, &m[i]);
        assert_int_equal(hand_rig.effect, EFFECT_DONE);
        hand_expect_sound(&hand_rig, m[i].id);
    }
}

static void expect_claimed(const struct rig_message *m)
{
    assert_int_equal(hand_claim(&hand_rig, 0), 1);
    assert_string_equal(hand_rig.slices[0].message.id, m->id);
    hand_expect_sound(&hand_rig, m->id);
}

static void one_behind_another_waits_until_that_has_ended(void **state)
{
    static const enum slice_outcome ends[] = {SLICE_OK, SLICE_DEAD};
    struct rig_message m[2];
    struct rig_slice s;

    for (size_t i = 0; i < 2; i++) {
        struct view resume[2] = {VIEW_NONE, VIEW("")};

        hand_empty(state);
        post_two(m);
        resume[0] = view_of(m[1].id);
        assert_string_equal(schedule_rig_run(&hand_rig, HAND_SHARD,
                                             schedule_script(SCHEDULE_SCRIPT_PAUSE), resume, 2),
                            "behind");
        expect_claimed(&m[0]);
        s = hand_rig.slices[0];
        assert_int_equal(hand_claim(&hand_rig, 1), 0);
        assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_AGAIN, 1), SCHEDULE_DONE);
        expect_claimed(&m[0]);
        s = hand_rig.slices[0];
        assert_int_equal(hand_finish(&hand_rig, 0, &s, ends[i], 0), SCHEDULE_DONE);
        hand_expect_sound(&hand_rig, m[1].id);
        expect_claimed(&m[1]);
    }
    m[0] = hand_message(1);
    m[0].behind = s.message.id; /* that has ended already */
    schedule_rig_post(&hand_rig, &m[0]);
    expect_claimed(&m[0]);
}

static void one_behind_a_deleted_one_waits_for_what_is_out(void **state)
{
    struct rig_message m[2];
    struct rig_slice s;

    (void)state;
    post_two(m);
    expect_claimed(&m[0]);
    s = hand_rig.slices[0];
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 1), SCHEDULE_DONE); /* it is out */
    schedule_rig_delete(&hand_rig, m[0].id, 1);
    assert_int_equal(hand_rig.effect, EFFECT_DONE);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_CANCELLED);
    expect_claimed(&m[1]);

    hand_empty(NULL);
    post_two(m);
    schedule_rig_delete(&hand_rig, m[0].id, 1);
    expect_claimed(&m[1]);
}

static void fsck_finds_one_that_waits_for_nothing(void **state)
{
    struct view args[2] = {VIEW_NONE, VIEW("1")};
    struct rig_message m[2];
    char command[128];

    (void)state;
    post_two(m);
    expect_claimed(&m[0]);
    snprintf(command, sizeof command, "HSET s:{07}:m:%s st 2", m[0].id);
    assert_string_equal(redis_server_ask(hand_rig.server, command), ":0");
    args[0] = view_of(m[1].id);
    assert_string_equal(
        schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_FSCK), args, 2),
        "waits-for-nothing");
    expect_claimed(&m[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_behind_another_waits_until_that_has_ended, hand_empty),
        cmocka_unit_test_setup(one_behind_a_deleted_one_waits_for_what_is_out, hand_empty),
        cmocka_unit_test_setup(fsck_finds_one_that_waits_for_nothing, hand_empty),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
