/* The schedule's scripts where somebody has damaged what lies in Redis: one thing, and its shard's
 * others go on; an entry of the outbox, and those behind it are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_hand.h"

#include <stdio.h>
#include <string.h>

/* A % in the command is the id. */
static const char *ask_of(const char *command, const char *id)
{
    const char *reply;
    struct buf line;

    buf_init(&line, 1024);
    for (const char *at = command; *at != '\0'; at++)
        if (*at == '%')
            buf_put_text(&line, id);
        else
            buf_put(&line, (struct view){at, 1});
    reply = redis_server_ask(hand_rig.server, buf_text(&line));
    buf_done(&line);
    assert_true(reply[0] != '-');
    return reply;
}

static const char *fsck(const char *id)
{
    const struct view args[] = {view_of(id), VIEW("1")};

    return schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_FSCK), args, 2);
}

static const struct damage {
    const char *before; /* so that the key is free, or NULL */
    const char *command;
    const char *fsck; /* its first word, and: can it be repaired? */
    bool repaired;
} damages[] = {
    {NULL, "SET s:{07}:q:% x", "queue-damaged", true},
    {NULL, "SET s:{07}:sl:% x", "damaged", false},
    {NULL, "HDEL s:{07}:m:% n", "damaged", false},
    {NULL, "HSET s:{07}:m:% n 0", "damaged", false},
    {NULL, "HSET s:{07}:m:% at soon", "damaged", false},
    {NULL, "HSET s:{07}:sl:% 0 short", "slice-damaged", false},
    {"DEL s:{07}:m:%", "SET s:{07}:m:% x", "damaged", false},
};

/* Ten in one shard; the third is damaged before it is claimed. */
static void what_is_damaged_stops_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        const struct damage *d = &damages[i];
        char ids[10][GUID_TEXT_MAX];
        size_t came = 0;

        hand_empty(NULL);
        for (size_t k = 0; k < 10; k++) {
            struct rig_message m = hand_posted(&hand_rig, 1);

            memcpy(ids[k], m.id, sizeof ids[k]);
        }
        if (d->before != NULL)
            (void)ask_of(d->before, ids[2]);
        (void)ask_of(d->command, ids[2]);
        for (size_t k = 0; k < 3; k++) {
            came += hand_claim(&hand_rig, 0);
            for (size_t n = 0; n < hand_rig.claimed.slice_count; n++)
                assert_string_not_equal(hand_rig.slices[n].claimed.lease.id, ids[2]);
        }
        assert_int_equal(came, 9);
        assert_int_equal(hand_rig.claimed.damaged, 0); /* not found again with each claim */
        assert_string_equal(ask_of("ZCARD s:{07}:lease", ""), ":9");
        assert_string_equal(ask_of("HLEN s:{07}:aside", ""), ":1");
        assert_string_equal(fsck(ids[2]), d->fsck);
        assert_string_equal(ask_of("HLEN s:{07}:aside", ""), d->repaired ? ":0" : ":1");
        assert_int_equal(hand_claim(&hand_rig, 0), d->repaired);
        if (d->repaired)
            hand_expect_sound(&hand_rig, ids[2]);
    }
}

/* Three slices, one of which is damaged while it waits for its next attempt: the others are sent.
 */
static void a_damaged_slice_stops_no_other_of_its_message(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 3 * SLICE_DESTINATIONS_MAX);
    char command[160];

    (void)state;
    (void)ask_of("HSET s:{07}:sl:% 1 short", m.id);
    assert_int_equal(hand_claim(&hand_rig, 0) + hand_claim(&hand_rig, 0), 2);
    snprintf(command, sizeof command, "HEXISTS s:{07}:aside %s/1", m.id);
    assert_string_equal(redis_server_ask(hand_rig.server, command), ":1");
    assert_string_equal(fsck(m.id), "slice-damaged");
    snprintf(command, sizeof command, "HDEL s:{07}:sl:%s 1", m.id); /* somebody mends it */
    assert_true(redis_server_ask(hand_rig.server, command)[0] == ':');
    assert_string_equal(fsck(m.id), "aside");
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 1);
}

/* Its record has all its bytes, and means nothing: only who claims it sees that. */
static void a_record_that_the_claimer_can_t_read_is_put_aside(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 1);
    struct rig_slice s = hand_slice(&hand_rig, 0);

    (void)state;
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_AGAIN, 0), SCHEDULE_DONE);
    (void)ask_of("HSET s:{07}:sl:% 0 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.damaged, 1);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.damaged, 0);
    assert_string_equal(fsck(m.id), "slice-damaged");
}

/* What it holds when its record is damaged can't be written, and is let go of. */
static void a_lease_s_end_on_a_damaged_slice_stops_no_other(void **state)
{
    struct schedule_claim soon = hand_usual;
    struct rig_message m = hand_posted(&hand_rig, 1);

    (void)state;
    soon.lease_ms = 1;
    assert_int_equal(hand_claim_of(&hand_rig, 0, soon), 1);
    (void)ask_of("HSET s:{07}:sl:% 0 short", m.id);
    (void)hand_posted(&hand_rig, 1);
    while (hand_claim(&hand_rig, 1) == 0) /* until that lease, too, is over */
        continue;
    while (ask_of("HLEN s:{07}:aside", "")[1] == '0')
        (void)hand_claim(&hand_rig, 1);
    assert_string_equal(ask_of("ZCARD s:{07}:lease", ""), ":1");
}

/* ACL: a claim whose marking breaks off has its leases, or took nothing. */
static void a_claim_that_is_refused_takes_nothing(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 1);

    (void)state;
    assert_string_equal(redis_server_ask(hand_rig.server, "SET s:{07}:act x"), "+OK");
    schedule_rig_claim(&hand_rig, 0, &hand_usual);
    assert_int_equal(hand_rig.claimed.state, SCHEDULE_FAILED);
    assert_string_equal(redis_server_ask(hand_rig.server, "EXISTS s:{07}:aside"), ":0");
    assert_string_equal(redis_server_ask(hand_rig.server, "DEL s:{07}:act"), ":1");
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 1);
}

static void an_error_names_the_key_of_the_shard(void **state)
{
    const struct view args[] = {VIEW("reader"), VIEW("1"), VIEW("1000"), VIEW("0")};

    (void)state;
    assert_string_equal(redis_server_ask(hand_rig.server, "SET s:{07}:out x"), "+OK");
    assert_non_null(strstr(
        schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_OUTBOX), args, 4),
        ": s:{07}:out is a string"));
}

static void fsck_is_bounded_whatever_a_message_says(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 2);

    (void)state;
    (void)ask_of("HSET s:{07}:m:% C 2000000000", m.id);
    assert_string_equal(fsck(m.id), "count-slices");
    hand_expect_sound(&hand_rig, m.id);
    (void)ask_of("HSET s:{07}:m:% n 2000000000 C 2000000", m.id);
    assert_string_equal(fsck(m.id), "damaged");
}

/* ---- the outbox ---- */

static void an_entry_that_can_t_be_read_stops_no_other(void **state)
{
    static const char *const spoilt[] = {
        "XADD s:{07}:out * foo bar",
        "XADD s:{07}:out * t settled m x at y k z b junk",
        "XADD s:{07}:out * t settled m 00000000000000000000000000000000 at 1 k 0 b zz",
        "XADD s:{07}:out * t completed m 00000000000000000000000000000000 at 1 c a",
        "XADD s:{07}:out * t newkind m 00000000000000000000000000000000 at 1",
    };
    struct rig_message m = hand_posted(&hand_rig, 1);
    struct rig_slice s = hand_slice(&hand_rig, 0);

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_true(redis_server_ask(hand_rig.server, spoilt[i])[0] != '-');
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    assert_int_equal(hand_rig.outbox.state, SCHEDULE_DONE);
    assert_int_equal(hand_rig.outbox.unreadable, 5);
    assert_int_equal(hand_rig.outbox.count, 1);
    assert_string_equal(hand_rig.events[0].message, m.id);
    assert_int_equal(schedule_rig_sent(&hand_rig, 0, HAND_SHARD), SCHEDULE_DONE);
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD); /* the script may have had to be taught */
    assert_int_equal(hand_rig.outbox.unreadable, 0);
    assert_string_equal(redis_server_ask(hand_rig.server, "XLEN s:{07}:out"), ":0");
    assert_string_equal(redis_server_ask(hand_rig.server, "XLEN s:{07}:bad"), ":5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_damaged_stops_nothing_else, hand_empty),
        cmocka_unit_test_setup(a_damaged_slice_stops_no_other_of_its_message, hand_empty),
        cmocka_unit_test_setup(a_record_that_the_claimer_can_t_read_is_put_aside, hand_empty),
        cmocka_unit_test_setup(a_lease_s_end_on_a_damaged_slice_stops_no_other, hand_empty),
        cmocka_unit_test_setup(a_claim_that_is_refused_takes_nothing, hand_empty),
        cmocka_unit_test_setup(an_error_names_the_key_of_the_shard, hand_empty),
        cmocka_unit_test_setup(fsck_is_bounded_whatever_a_message_says, hand_empty),
        cmocka_unit_test_setup(an_entry_that_can_t_be_read_stops_no_other, hand_empty),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
