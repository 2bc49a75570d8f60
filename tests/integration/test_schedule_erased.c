/* Whoever holds a slice has its addresses as they were claimed. Where somebody is erased out of a
 * message's destinations meanwhile (server/redis/swap.lua), it hands over nothing more of that
 * message; who claims it then does, with the new ones. What came of who was erased names nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/address_list.h"
#include "bridge/core/settlement.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_hand.h"

#include <stdio.h>
#include <string.h>

#define NOBODY SCHEDULE_RIG_NOBODY

static bool erase(const struct rig_message *m, size_t k, size_t was, size_t empty)
{
    return schedule_rig_erase(&hand_rig, m, k, was, empty);
}

static void expect_address(const struct rig_slice *s, size_t i, const char *text)
{
    struct view list = s->claimed.addresses;
    struct view address = VIEW_NONE;
    size_t count = 0;

    assert_true(address_list_open(&list, &count) && i < count);
    for (size_t n = 0; n <= i; n++)
        assert_true(address_list_next(&list, &address));
    assert_true(view_is(address, text));
}

/* As the sending loop does: nothing of it is out. It is written, and told once more. */
static void put_down(unsigned owner, struct rig_slice *s)
{
    slice_take_back(&s->claimed.slice, 0);
    assert_int_equal(hand_write(&hand_rig, owner, hand_rig.ports[owner].release, s,
                                (struct schedule_write){.token = 1}),
                     SCHEDULE_PAUSED);
}

static void who_has_it_from_before_hands_over_no_more_and_who_claims_it_then_does(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 5);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct rig_slice refused;

    (void)state;
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_DONE);
    assert_true(erase(&m, 0, NOBODY, 3));
    refused = s;
    assert_int_equal(hand_progress(&hand_rig, 0, &refused, 4), SCHEDULE_PAUSED);
    slice_settle(&s.claimed.slice, 0, SLICE_OK); /* what was out comes in */
    slice_settle(&s.claimed.slice, 1, SLICE_OK);
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_PAUSED);
    hand_expect_counts(&hand_rig, m.id, 2, 0, 0);
    put_down(0, &s);
    hand_expect_sound(&hand_rig, m.id);

    s = hand_slice(&hand_rig, 1); /* at once: it is not paused */
    assert_int_equal(s.claimed.slice.attempt, 1);
    assert_int_equal(s.claimed.slice.crashes, 0);
    assert_int_equal(slice_left(&s.claimed.slice), 3);
    assert_false(slice_doubtful(&s.claimed.slice, 2));
    expect_address(&s, 2, "+3");
    expect_address(&s, 3, "");
    assert_int_equal(hand_progress(&hand_rig, 1, &s, 5), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&hand_rig, 1, &s, SLICE_AGAIN, 0), SCHEDULE_DONE);
    s = hand_slice(&hand_rig, 1);
    assert_int_equal(s.claimed.slice.attempt, 2);
    assert_int_equal(hand_progress(&hand_rig, 1, &s, 5), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&hand_rig, 1, &s, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&hand_rig, m.id, 5, 0, 0);
    assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
    hand_expect_sound(&hand_rig, m.id);
}

static void so_do_those_who_have_its_other_slices(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 2500);
    struct rig_slice held[3];

    (void)state;
    assert_int_equal(hand_claim(&hand_rig, 0), 3);
    memcpy(held, hand_rig.slices, sizeof held);
    assert_true(erase(&m, 1, NOBODY, 999));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].progress, &held[i],
                                    (struct schedule_write){.token = 1}),
                         SCHEDULE_PAUSED);
        put_down(0, &held[i]);
    }
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 3);
    memcpy(held, hand_rig.slices, sizeof held);
    for (size_t i = 0; i < 3; i++) {
        if (held[i].claimed.lease.slice == 1)
            expect_address(&held[i], 999, "");
        assert_int_equal(hand_progress(&hand_rig, 0, &held[i], 500), SCHEDULE_DONE);
    }
    assert_true(erase(&m, 1, 999, 0)); /* the next one is told, too */
    assert_int_equal(hand_progress(&hand_rig, 0, &held[0], 500), SCHEDULE_PAUSED);
}

static void what_was_never_claimed_is_told_nothing(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 3);
    struct rig_slice s;

    (void)state;
    assert_true(erase(&m, 0, NOBODY, 0)); /* nor was anything of its shard */
    s = hand_slice(&hand_rig, 0);
    expect_address(&s, 0, "");
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 3), SCHEDULE_DONE);
}

/* That says more: it is not claimed anew. */
static void of_a_deleted_one_it_is_told_that(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 3);
    struct rig_slice s = hand_slice(&hand_rig, 0);

    (void)state;
    assert_true(erase(&m, 0, NOBODY, 0));
    schedule_rig_delete(&hand_rig, m.id, 1);
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 3), SCHEDULE_CANCELLED);
}

static void a_list_that_has_changed_meanwhile_says_nothing(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 3);
    struct rig_slice s = hand_slice(&hand_rig, 0);

    (void)state;
    assert_false(erase(&m, 0, 1, 2));
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 3), SCHEDULE_DONE);
    assert_int_equal(hand_field(&hand_rig, m.id, "er"), 0);
}

/* purge.lua takes its slices first; nothing may come back. */
static void a_message_that_is_gone_stays_so(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 1500);
    char command[128];

    (void)state;
    (void)snprintf(command, sizeof command, "DEL s:{07}:m:%s", m.id);
    assert_string_equal(redis_server_ask(hand_rig.server, command), ":1");
    assert_true(erase(&m, 1, NOBODY, 0));
    (void)snprintf(command, sizeof command, "EXISTS s:{07}:m:%s", m.id);
    assert_string_equal(redis_server_ask(hand_rig.server, command), ":0");
}

/* ---- what came of it ---- */

/* As the gateway said it, of the destination with that index, "+<index + 1>". */
static struct settlement said_of(uint16_t i, enum settlement_state state)
{
    static const char *const addresses[] = {"+1", "+2", "+3"};
    static const char *const ids[] = {"id-1", "id-2", "id-3"};

    return (struct settlement){.index = i,
                               .attempt = 1,
                               .state = state,
                               .reason = VIEW("not-now"),
                               .provider_id = view_of(ids[i]),
                               .at_ms = 5,
                               .retry_at_ms = 7,
                               .address = view_of(addresses[i])};
}

/* Of slice 0, from that byte on; what is neither a letter nor a digit is a dot. */
static void expect_kept(const struct rig_message *m, int from, const char *text)
{
    char command[192];

    (void)snprintf(
        command, sizeof command,
        "EVAL \"return (string.gsub(redis.call('GETRANGE',KEYS[1],%d,-1),'%%W','.'))\" 1 "
        "s:{07}:o:%s:0",
        from, m->id);
    assert_string_equal(redis_server_ask(hand_rig.server, command), text);
}

/* The next one of the event. */
static void expect_told(struct view *blob, const struct settlement *said)
{
    struct settlement told;

    assert_true(settlement_next_event(blob, &told));
    assert_int_equal(told.index, said->index);
    assert_int_equal(told.attempt, said->attempt);
    assert_int_equal(told.state, said->state);
    assert_int_equal(told.at_ms, said->at_ms);
    assert_int_equal(told.retry_at_ms, said->retry_at_ms);
    assert_true(view_eq(told.reason, said->reason));
    assert_true(view_eq(told.provider_id, said->provider_id));
    assert_true(view_eq(told.address, said->address));
}

static struct settlement nobody(struct settlement said)
{
    said.reason = said.provider_id = said.address = VIEW_NONE;
    return said;
}

static void what_was_out_of_who_is_erased_names_nobody(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 3);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct settlement said[] = {said_of(0, SETTLEMENT_HANDLED), said_of(1, SETTLEMENT_FAILED),
                                said_of(1, SETTLEMENT_FAILED), said_of(2, SETTLEMENT_HANDLED)};
    struct view blob;

    (void)state;
    said[2].reason = VIEW("expired"); /* ours, and no number */
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 3), SCHEDULE_DONE);
    assert_true(erase(&m, 0, NOBODY, 1));
    slice_settle(&s.claimed.slice, 0, SLICE_OK);
    slice_settle(&s.claimed.slice, 1, SLICE_DEAD);
    slice_settle(&s.claimed.slice, 2, SLICE_OK);
    assert_int_equal(
        hand_write(&hand_rig, 0, hand_rig.ports[0].progress, &s,
                   (struct schedule_write){.token = 1, .settled = said, .settled_count = 4}),
        SCHEDULE_PAUSED);
    expect_kept(&m, 0, "......not.nowid.1............expired......not.nowid.3");
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    assert_int_equal(hand_rig.outbox.count, 1);
    blob = hand_rig.events[0].blob;
    expect_told(&blob, &said[0]);
    said[1] = nobody(said[1]);
    expect_told(&blob, &said[1]);
    said[2].provider_id = said[2].address = VIEW_NONE;
    expect_told(&blob, &said[2]);
    expect_told(&blob, &said[3]);
    assert_int_equal(blob.n, 0);
}

static void hear(const struct rig_message *m, const struct settlement *said, const char *index)
{
    struct view args[] = {view_of(m->id), VIEW("0"), view_of(index), VIEW("late"),
                          VIEW_NONE,      VIEW_NONE, VIEW("3600000")};
    struct buf kept;
    struct buf event;

    buf_init(&kept, 100);
    buf_init(&event, 100);
    settlement_put_kept(&kept, said);
    settlement_put_event(&event, said);
    args[4] = buf_view(&kept);
    args[5] = buf_view(&event);
    assert_string_equal(
        schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_RECEIPT), args, 7),
        "done");
    buf_done(&kept);
    buf_done(&event);
}

/* It has the address: it was looked up before. The list is too long to lie beside the message. */
static void a_receipt_of_who_was_erased_names_nobody(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 30);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct settlement said[] = {said_of(1, SETTLEMENT_LATE), said_of(2, SETTLEMENT_LATE)};
    struct view blob;

    (void)state;
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 30), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    assert_true(erase(&m, 0, NOBODY, 1));
    hear(&m, &said[0], "1");
    hear(&m, &said[1], "2");
    expect_kept(&m, 30 * 6, "............not.nowid.3");
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    assert_int_equal(hand_rig.outbox.count, 3);
    said[0] = nobody(said[0]);
    for (size_t i = 0; i < 2; i++) {
        blob = hand_rig.events[1 + i].blob;
        expect_told(&blob, &said[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            who_has_it_from_before_hands_over_no_more_and_who_claims_it_then_does, hand_empty),
        cmocka_unit_test_setup(so_do_those_who_have_its_other_slices, hand_empty),
        cmocka_unit_test_setup(what_was_never_claimed_is_told_nothing, hand_empty),
        cmocka_unit_test_setup(of_a_deleted_one_it_is_told_that, hand_empty),
        cmocka_unit_test_setup(a_list_that_has_changed_meanwhile_says_nothing, hand_empty),
        cmocka_unit_test_setup(a_message_that_is_gone_stays_so, hand_empty),
        cmocka_unit_test_setup(what_was_out_of_who_is_erased_names_nobody, hand_empty),
        cmocka_unit_test_setup(a_receipt_of_who_was_erased_names_nobody, hand_empty),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
