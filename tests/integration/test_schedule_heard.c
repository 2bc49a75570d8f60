/* The schedule's scripts on a real redis-server: receipts of what somebody holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_hand.h"

/* It says of the message's second destination that it failed after all. */
static const char *receipt(const char *id)
{
    const struct view args[] = {view_of(id), VIEW("0"), VIEW("1"), VIEW("late"),
                                VIEW(""),    VIEW(""),  VIEW("1")};

    return schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_RECEIPT), args,
                            7);
}

/* The second holder finds it as new as the first did. */
static void what_is_put_down_untouched_keeps_no_receipt(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 2);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct rig_slice s = hand_slice(&hand_rig, i);

        assert_int_equal(hand_progress(&hand_rig, i, &s, 2), SCHEDULE_DONE);
        assert_string_equal(receipt(m.id), "early");
        assert_string_equal(receipt(m.id), "again");
        slice_take_back(&s.claimed.slice, 0);
        assert_int_equal(hand_write(&hand_rig, i, hand_rig.ports[i].release, &s,
                                    (struct schedule_write){.token = 1}),
                         SCHEDULE_DONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_down_untouched_keeps_no_receipt),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
