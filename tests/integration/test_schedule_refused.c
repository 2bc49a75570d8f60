/* The schedule's scripts where Redis refuses something half way: a user who may not XADD, an outbox
 * that is none. Nothing of the change is there then, however often it is tried, and all of it once
 * it is allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_hand.h"

#include <stdio.h>
#include <string.h>

extern const char redis_script_rights[];
extern const char redis_script_bind[];
extern const char redis_script_callback[];
extern const char redis_script_consent[];
extern const char redis_script_effect[];
extern const char redis_script_forget[];
extern const char redis_script_message[];
extern const char redis_script_purge[];
extern const char redis_script_stored[];
extern const char redis_script_swap[];

static void ask(const char *command)
{
    assert_true(redis_server_ask(hand_rig.server, command)[0] != '-');
}

/* Each way to be refused, and what ends it. */
static const struct way {
    const char *refuse;
    const char *allow;
} ways[] = {
    {"ACL SETUSER default -xadd", "ACL SETUSER default +xadd"},
    {"SET s:{07}:out x", "DEL s:{07}:out"},
};
#define WAYS (sizeof ways / sizeof ways[0])

static size_t told(enum schedule_event_type type)
{
    size_t n = 0;

    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    for (size_t i = 0; i < hand_rig.outbox.count; i++)
        n += hand_rig.events[i].type == type;
    return n;
}

static void a_finish_that_can_t_be_told_changes_nothing(void **state)
{
    const struct settlement settled[] = {
        {.index = 0, .attempt = 1, .state = SETTLEMENT_HANDLED, .address = VIEW("+1")},
        {.index = 1, .attempt = 1, .state = SETTLEMENT_FAILED, .address = VIEW("+2")}};
    const struct schedule_write w = {.settled = settled, .settled_count = 2};

    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct rig_message m = hand_posted(&hand_rig, 2);
        struct rig_slice s = hand_slice(&hand_rig, 0);

        assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_DONE);
        slice_settle(&s.claimed.slice, 0, SLICE_OK);
        slice_settle(&s.claimed.slice, 1, SLICE_DEAD);
        slice_end_pass(&s.claimed.slice);
        ask(ways[i].refuse);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].finish, &s, w),
                             SCHEDULE_FAILED);
            s.claimed.slice.sequence--;
            hand_expect_counts(&hand_rig, m.id, 0, 0, 0);
            assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_LIVE);
        }
        ask(ways[i].allow);
        assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].finish, &s, w), SCHEDULE_DONE);
        hand_expect_counts(&hand_rig, m.id, 1, 1, 0);
        assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
        hand_expect_sound(&hand_rig, m.id);
        assert_int_equal(told(SCHEDULE_EVENT_SETTLED), 1);
        assert_int_equal(schedule_rig_sent(&hand_rig, 0, HAND_SHARD), SCHEDULE_DONE);
    }
}

static const char *receipt(const char *id, const char *what)
{
    const struct view args[] = {view_of(id), VIEW("0"), VIEW("0"),   view_of(what),
                                VIEW("x"),   VIEW("y"), VIEW("1000")};

    return schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_RECEIPT), args,
                            7);
}

static void a_receipt_that_can_t_be_told_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct rig_message failed = hand_posted(&hand_rig, 1);
        struct rig_message arrived;
        struct rig_slice s = hand_slice(&hand_rig, 0);

        assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
        arrived = hand_posted(&hand_rig, 1);
        s = hand_slice(&hand_rig, 0);
        assert_int_equal(hand_progress(&hand_rig, 0, &s, 1), SCHEDULE_DONE);
        assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_AGAIN, HAND_LATER_MS), SCHEDULE_DONE);
        (void)told(SCHEDULE_EVENT_SETTLED);
        assert_int_equal(schedule_rig_sent(&hand_rig, 0, HAND_SHARD), SCHEDULE_DONE);
        ask(ways[i].refuse);
        for (int k = 0; k < 3; k++) {
            assert_string_not_equal(receipt(failed.id, "late"), "done");
            assert_string_not_equal(receipt(arrived.id, "delivered"), "done");
            hand_expect_counts(&hand_rig, failed.id, 1, 0, 0);
            hand_expect_counts(&hand_rig, arrived.id, 0, 0, 0);
        }
        ask(ways[i].allow);
        assert_string_equal(receipt(failed.id, "late"), "done");
        assert_string_equal(receipt(arrived.id, "delivered"), "done");
        hand_expect_counts(&hand_rig, failed.id, 0, 1, 0);
        hand_expect_counts(&hand_rig, arrived.id, 1, 0, 0);
        assert_int_equal(hand_field(&hand_rig, arrived.id, "st"), STORE_CLOSED);
        hand_expect_sound(&hand_rig, failed.id);
        hand_expect_sound(&hand_rig, arrived.id);
        ask("DEL s:{07}:out"); /* their settlements are none */
    }
}

static void a_call_s_end_that_can_t_be_told_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct rig_message m = {
            .kind = STORE_CALLBACK, .count = 1, .at_ms = 1, .retries = 2, .retry_delay_s = 300};
        struct callback_put put = {.result = CALLBACK_SUCCESSFUL};
        struct callback_state after;
        struct rig_slice s;
        struct fault f = {0};
        struct schedule_call_end e;

        schedule_rig_new_id(HAND_SHARD, m.id);
        schedule_rig_post(&hand_rig, &m);
        s = hand_slice(&hand_rig, 0);
        assert_int_equal(hand_progress(&hand_rig, 0, &s, 1), SCHEDULE_DONE);
        after = s.message.callback;
        assert_int_equal(callback_put(&after, &put, hand_rig.claimed.now_ms, 300000, &f), 0);
        s.claimed.slice.sequence++;
        e = (struct schedule_call_end){.lease = &s.claimed.lease,
                                       .slice = &s.claimed.slice,
                                       .state = &after,
                                       .retention_ms = 1000};
        ask(ways[i].refuse);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(schedule_rig_end_call(&hand_rig, 0, e), SCHEDULE_FAILED);
            assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_LIVE);
            assert_int_equal(hand_field(&hand_rig, m.id, "ver"), 1);
        }
        ask(ways[i].allow);
        assert_int_equal(schedule_rig_end_call(&hand_rig, 0, e), SCHEDULE_DONE);
        assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
        hand_expect_sound(&hand_rig, m.id);
        assert_int_equal(told(SCHEDULE_EVENT_CALLED_LAST), 1);
        assert_int_equal(schedule_rig_sent(&hand_rig, 0, HAND_SHARD), SCHEDULE_DONE);
    }
}

static void a_deletion_that_can_t_be_told_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAYS; i++) {
        struct rig_message m = hand_posted(&hand_rig, 2);

        ask(ways[i].refuse);
        for (int k = 0; k < 3; k++) {
            schedule_rig_delete(&hand_rig, m.id, 1);
            assert_int_equal(hand_rig.effect, EFFECT_LOST);
            assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_LIVE);
            hand_expect_counts(&hand_rig, m.id, 0, 0, 0);
        }
        ask(ways[i].allow);
        schedule_rig_delete(&hand_rig, m.id, 1);
        assert_int_equal(hand_rig.effect, EFFECT_DONE);
        hand_expect_counts(&hand_rig, m.id, 0, 0, 2);
        hand_expect_sound(&hand_rig, m.id);
        assert_int_equal(told(SCHEDULE_EVENT_CANCELLED), 1);
        assert_int_equal(schedule_rig_sent(&hand_rig, 0, HAND_SHARD), SCHEDULE_DONE);
    }
}

/* ---- who may not ---- */

static const char *trouble_of(const char *user, bool scheduled)
{
    static char text[512];
    const struct redis_conf conf = {.address = hand_rig.server->address,
                                    .user = user,
                                    .password = "p",
                                    .timeout_ms = 5000,
                                    .scheduled = scheduled};
    struct fault f = {0};
    struct redis *r = redis_new(&hand_rig.loop, &conf, hand_rig.cmi.log, &f);

    assert_non_null(r);
    while (!redis_up(r) && strstr(redis_trouble(r), "may not") == NULL &&
           strstr(redis_trouble(r), "EVAL") == NULL)
        uv_run(&hand_rig.loop, UV_RUN_ONCE);
    snprintf(text, sizeof text, "%s", redis_up(r) ? "" : redis_trouble(r));
    redis_close(r, NULL, NULL);
    uv_run(&hand_rig.loop, UV_RUN_NOWAIT);
    return text;
}

static void a_user_who_may_not_run_a_command_is_told_which(void **state)
{
    (void)state;
    ask("ACL SETUSER most on >p ~s:* &w:* +@all -@admin -@dangerous +role");
    assert_string_equal(trouble_of("most", true), "");
    ask("ACL SETUSER most -xadd -publish");
    assert_non_null(strstr(trouble_of("most", true), "its user may not run PUBLISH, XADD on "));
    assert_string_equal(trouble_of("most", false), "");
    ask("ACL SETUSER most +xadd +publish resetkeys ~s:*:m:*");
    assert_non_null(strstr(trouble_of("most", true), "XADD"));
    assert_null(strstr(trouble_of("most", true), "HSET,"));
    ask("ACL SETUSER most ~* -eval");
    assert_non_null(strstr(trouble_of("most", true), "EVAL, which the schedule needs, is refused"));
}

/* What a script runs stands in rights.lua. */
static void expect_listed(const char *script)
{
    for (const char *at = script; (at = strstr(at, "call('")) != NULL;) {
        char name[32];
        char listed[40];

        at += strlen("call('");
        view_copy((struct view){at, strcspn(at, "'")}, name, sizeof name);
        snprintf(listed, sizeof listed, "{'%s'", name);
        if (strstr(redis_script_rights, listed) == NULL)
            fail_msg("rights.lua does not know %s", name);
    }
}

static void every_command_of_the_scripts_is_asked_for(void **state)
{
    static const char *const others[] = {
        redis_script_bind,   redis_script_callback, redis_script_consent,
        redis_script_effect, redis_script_forget,   redis_script_message,
        redis_script_purge,  redis_script_stored,   redis_script_swap};

    (void)state;
    for (int i = 0; i < SCHEDULE_SCRIPT_COUNT; i++)
        expect_listed(schedule_script((enum schedule_script)i)->text);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        expect_listed(others[i]);
}

/* ---- what an older release may have left ---- */

static void fsck_opens_what_was_closed_too_soon(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 2);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    const struct view args[] = {view_of(m.id), VIEW("1")};
    char command[160];

    (void)state;
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_DONE);
    snprintf(command, sizeof command, "HSET s:{07}:m:%s st 2 purge 4000000000000 ok 16", m.id);
    ask(command);
    snprintf(command, sizeof command, "ZADD s:{07}:gc 4000000000000 %s", m.id);
    ask(command);
    assert_string_equal(
        schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_FSCK), args, 2),
        "closed-too-soon");
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_LIVE);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&hand_rig, m.id, 2, 0, 0);
    hand_expect_sound(&hand_rig, m.id);
}

static void fsck_sees_to_it_that_what_is_closed_goes_at_last(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 1);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    const struct view args[] = {view_of(m.id), VIEW("1")};

    (void)state;
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    ask("DEL s:{07}:gc");
    assert_string_equal(
        schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_FSCK), args, 2),
        "kept-for-ever");
    hand_expect_sound(&hand_rig, m.id);
    assert_string_equal(redis_server_ask(hand_rig.server, "ZCARD s:{07}:gc"), ":1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_finish_that_can_t_be_told_changes_nothing, hand_empty),
        cmocka_unit_test_setup(a_receipt_that_can_t_be_told_changes_nothing, hand_empty),
        cmocka_unit_test_setup(a_call_s_end_that_can_t_be_told_changes_nothing, hand_empty),
        cmocka_unit_test_setup(a_deletion_that_can_t_be_told_changes_nothing, hand_empty),
        cmocka_unit_test_setup(a_user_who_may_not_run_a_command_is_told_which, hand_empty),
        cmocka_unit_test(every_command_of_the_scripts_is_asked_for),
        cmocka_unit_test_setup(fsck_opens_what_was_closed_too_soon, hand_empty),
        cmocka_unit_test_setup(fsck_sees_to_it_that_what_is_closed_goes_at_last, hand_empty),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
