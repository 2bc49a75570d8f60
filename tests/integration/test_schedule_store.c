/* The schedule's scripts and ports/schedule.h on a real redis-server, one story after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/address_list.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct schedule_event *event(size_t i, enum schedule_event_type type)
{
    assert_true(i < hand_rig.outbox.count);
    assert_int_equal(hand_rig.events[i].type, type);
    return &hand_rig.events[i];
}

/* ---- messages ---- */

static void a_message_is_claimed_sent_and_completed(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 3);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct view list = s.claimed.addresses;
    struct view address = VIEW_NONE;
    size_t count = 0;
    const struct schedule_event *e = NULL;
    struct settlement settled;
    struct view blob;

    (void)state;
    assert_string_equal(s.message.id, m.id);
    assert_int_equal(s.message.kind, SCHEDULE_MESSAGE);
    assert_int_equal(s.message.destinations, 3);
    assert_int_equal(s.message.attempts_max, 2);
    assert_int_equal(s.message.retry_delay_ms, 60000);
    assert_true(view_is(s.message.source, "s1") && view_is(s.message.body, "Hello"));
    assert_true(address_list_open(&list, &count) && count == 3);
    assert_true(address_list_next(&list, &address) && view_is(address, "+1"));
    assert_int_equal(s.claimed.slice.attempt, 1);
    assert_int_equal(s.claimed.due_ms, 1);
    assert_false(s.claimed.cancelled || s.claimed.timed_out);
    assert_int_equal(slice_left(&s.claimed.slice), 3);
    assert_int_equal(hand_claim(&hand_rig, 1), 0); /* nobody else gets it */
    assert_int_equal(hand_rig.claimed.next_ms, s.claimed.expires_ms);

    assert_int_equal(hand_progress(&hand_rig, 0, &s, 3), SCHEDULE_DONE);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&hand_rig, m.id, 3, 0, 0);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, 0);

    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    e = event(0, SCHEDULE_EVENT_SETTLED);
    assert_string_equal(e->message, m.id);
    blob = e->blob;
    for (uint16_t i = 0; i < 3; i++)
        assert_true(settlement_next_event(&blob, &settled) && settled.index == i &&
                    settled.state == SETTLEMENT_HANDLED);
    assert_true(e->completes); /* one entry says both */
    assert_int_equal(e->added, 3);
    assert_int_equal(e->ok, 3);
    assert_false(hand_rig.outbox.more);
    schedule_rig_read_outbox(&hand_rig, 1, HAND_SHARD);
    assert_true(hand_rig.outbox.other);
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    assert_int_equal(hand_rig.outbox.count, 1); /* they stay until they are sent */
    assert_int_equal(schedule_rig_sent(&hand_rig, 0, HAND_SHARD), SCHEDULE_DONE);
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    assert_int_equal(hand_rig.outbox.count, 0);
}

static void what_fails_for_now_comes_again_with_the_next_number(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 9);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    int64_t again_ms = s.claimed.expires_ms + 60000;

    (void)state;
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 9), SCHEDULE_DONE);
    slice_settle(&s.claimed.slice, 4, SLICE_OK);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_AGAIN, again_ms), SCHEDULE_DONE);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, again_ms); /* exact */

    m = hand_posted(&hand_rig, 2);
    s = hand_slice(&hand_rig, 0);
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_AGAIN, 0), SCHEDULE_DONE);
    s = hand_slice(&hand_rig, 1);
    assert_int_equal(s.claimed.slice.attempt, 2);
    assert_int_equal(s.claimed.slice.doubt, 0);
    assert_int_equal(slice_left(&s.claimed.slice), 2);
    assert_int_equal(hand_progress(&hand_rig, 1, &s, 2), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&hand_rig, 1, &s, SLICE_DEAD, 0), SCHEDULE_DONE);
    hand_expect_counts(&hand_rig, m.id, 0, 2, 0);
    assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
}

static void who_lost_the_lease_changes_nothing(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 5);
    struct schedule_claim brief = hand_usual;
    struct rig_slice first;
    struct rig_slice second;

    (void)state;
    brief.lease_ms = 1;
    assert_int_equal(hand_claim_of(&hand_rig, 0, brief), 1);
    first = hand_rig.slices[0];
    slice_hand_over(&first.claimed.slice, 4);
    slice_settle(&first.claimed.slice, 1, SLICE_OK);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].progress, &first,
                                (struct schedule_write){.lease_ms = 1}),
                     SCHEDULE_DONE);
    while (hand_claim(&hand_rig, 1) == 0)
        continue; /* its lease is over in a moment */
    second = hand_rig.slices[0];
    assert_int_equal(second.claimed.slice.attempt, 1);
    assert_int_equal(second.claimed.slice.crashes, 1);
    assert_int_equal(second.claimed.slice.doubt, 4);
    assert_true(slice_doubtful(&second.claimed.slice, 0));
    assert_false(slice_doubtful(&second.claimed.slice, 4));
    assert_int_equal(slice_next(&second.claimed.slice, 1), 2); /* 1 is settled */
    assert_int_equal(hand_progress(&hand_rig, 0, &first, 5), SCHEDULE_FENCED);
    assert_int_equal(hand_finish(&hand_rig, 0, &first, SLICE_OK, 0), SCHEDULE_FENCED);
    hand_expect_counts(&hand_rig, m.id, 1, 0, 0);
    assert_int_equal(hand_progress(&hand_rig, 1, &second, 5), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&hand_rig, 1, &second, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&hand_rig, m.id, 5, 0, 0);
}

static void a_write_repeated_is_done_once(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 4);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct schedule_write w = {.lease = &s.claimed.lease,
                               .slice = &s.claimed.slice,
                               .settled_count = 1,
                               .lease_ms = HAND_LEASE_MS};
    struct settlement settled = {.index = 0, .attempt = 1, .state = SETTLEMENT_HANDLED};
    char command[96];

    (void)state;
    w.settled = &settled;
    slice_hand_over(&s.claimed.slice, 4);
    slice_settle(&s.claimed.slice, 0, SLICE_OK);
    s.claimed.slice.sequence++;
    for (int i = 0; i < 3; i++)
        assert_int_equal(schedule_rig_write(&hand_rig, 0, hand_rig.ports[0].progress, w),
                         SCHEDULE_DONE);
    hand_expect_counts(&hand_rig, m.id, 1, 0, 0);
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    assert_int_equal(hand_rig.outbox.count, 1);
    /* Whatever became of the message since: only the next write is told. */
    (void)snprintf(command, sizeof command, "HSET s:{07}:m:%s pz 1", m.id);
    assert_string_equal(redis_server_ask(hand_rig.server, command), ":1");
    assert_int_equal(schedule_rig_write(&hand_rig, 0, hand_rig.ports[0].progress, w),
                     SCHEDULE_DONE);
    s.claimed.slice.sequence++;
    w.settled_count = 0;
    assert_int_equal(schedule_rig_write(&hand_rig, 0, hand_rig.ports[0].progress, w),
                     SCHEDULE_PAUSED);
    s.claimed.slice.sequence += 2; /* one that does not follow is a defect, and drops the lease */
    s.claimed.slice.ok++;
    assert_int_equal(schedule_rig_write(&hand_rig, 0, hand_rig.ports[0].progress, w),
                     SCHEDULE_FENCED);
    hand_expect_counts(&hand_rig, m.id, 1, 0, 0);
}

static void a_head_start_is_recorded_by_the_claim(void **state)
{
    struct schedule_claim c = hand_usual;
    struct rig_message gated = hand_message(3);

    (void)state;
    c.head_start = 10;
    c.gated = VIEW("WhatsApp");
    (void)hand_posted(&hand_rig, 30);
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 1);
    assert_int_equal(hand_rig.slices[0].claimed.slice.watermark, 10);
    assert_int_equal(hand_rig.slices[0].claimed.slice.doubt, 0);
    gated.sub_type = "whatsAPP";
    schedule_rig_post(&hand_rig, &gated);
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 1);
    assert_int_equal(hand_rig.slices[0].claimed.slice.watermark, 0);
}

static void a_release_costs_no_attempt(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 8);
    struct rig_slice s = hand_slice(&hand_rig, 0);

    (void)state;
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.token = 1}),
                     SCHEDULE_DONE);
    hand_expect_sound(&hand_rig, m.id);
    schedule_rig_put(&hand_rig, &m, 1); /* it was claimed, and stays so (contract 17) */
    assert_int_equal(hand_rig.effect, EFFECT_CLAIMED);

    s = hand_slice(&hand_rig, 0);
    assert_int_equal(s.claimed.slice.attempt, 1);
    assert_int_equal(s.claimed.slice.doubt, 0);
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 6), SCHEDULE_DONE);
    slice_settle(&s.claimed.slice, 0, SLICE_OK);
    slice_take_back(&s.claimed.slice, 3);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.token = 1}),
                     SCHEDULE_DONE);
    schedule_rig_put(&hand_rig, &m, 1);
    assert_int_equal(hand_rig.effect, EFFECT_CLAIMED);
    s = hand_slice(&hand_rig, 1);
    assert_int_equal(s.claimed.slice.attempt, 1);
    assert_int_equal(s.claimed.slice.crashes, 0);
    assert_int_equal(s.claimed.slice.doubt, 3);
    hand_expect_sound(&hand_rig, m.id);
}

static void what_was_put_down_before_it_began_is_cancelled_whole(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 8);
    struct rig_slice s = hand_slice(&hand_rig, 0);

    (void)state;
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.at_ms = HAND_LATER_MS, .park = true}),
                     SCHEDULE_DONE);
    schedule_rig_delete(&hand_rig, m.id, 1);
    assert_int_equal(hand_rig.effect, EFFECT_DONE);
    hand_expect_counts(&hand_rig, m.id, 0, 0, 8);
    assert_int_equal(hand_field(&hand_rig, m.id, "out"), 0);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, 0);
}

/* It may end between `campaign cancel` looking at it and cancelling it. */
static void what_has_ended_is_not_cancelled(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 2);
    struct rig_slice s = hand_slice(&hand_rig, 0);

    (void)state;
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    schedule_rig_cancel(&hand_rig, m.id, 1);
    assert_int_equal(hand_rig.effect, EFFECT_ENDED);
    schedule_rig_delete(&hand_rig, m.id, 1);
    assert_int_equal(hand_rig.effect, EFFECT_DONE);
    hand_expect_sound(&hand_rig, m.id);
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    for (size_t i = 0; i < hand_rig.outbox.count; i++)
        assert_int_not_equal(hand_rig.events[i].type, SCHEDULE_EVENT_CANCELLED);
    assert_true(hand_rig.outbox.count > 0);
}

static void a_message_waits_while_its_window_is_shut(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 2500);
    struct rig_slice s;

    (void)state;
    assert_int_equal(hand_claim(&hand_rig, 0), 3);
    s = hand_rig.slices[0];
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.at_ms = HAND_LATER_MS, .park = true}),
                     SCHEDULE_DONE);
    s = hand_rig.slices[1];
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.token = 1}), /* at once */
                     SCHEDULE_DONE);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    s = hand_rig.slices[2];
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, HAND_LATER_MS);
}

static void what_is_due_soon_is_claimed_before_it_is(void **state)
{
    struct schedule_claim c = hand_usual;
    struct rig_message m = hand_message(3);
    struct rig_slice s;

    (void)state;
    assert_int_equal(hand_claim(&hand_rig, 0), 0); /* tells the time */
    m.at_ms = hand_rig.claimed.now_ms + 60000;
    schedule_rig_post(&hand_rig, &m);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, m.at_ms);
    c.ahead_ms = 10000;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 0);
    assert_int_equal(hand_rig.claimed.next_ms, m.at_ms - 10000);
    c.ahead_ms = 120000;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 1);
    s = hand_rig.slices[0];
    assert_int_equal(s.claimed.due_ms, m.at_ms);
    /* Put off, it is not to be had before that, and whoever has it is told. */
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.at_ms = m.at_ms + 30000, .park = true}),
                     SCHEDULE_DONE);
    c.ahead_ms = 70000;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 0);
    assert_int_equal(hand_rig.claimed.next_ms, m.at_ms + 30000 - 70000);
    c.ahead_ms = 120000;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 1);
    assert_int_equal(hand_rig.slices[0].message.not_before_ms, m.at_ms + 30000);
    hand_expect_sound(&hand_rig, m.id);
}

static void a_deleted_message_s_requests_come_in_and_the_rest_is_cancelled(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 1500);
    struct rig_slice a;
    struct rig_slice b;
    const struct schedule_event *e = NULL;

    (void)state;
    assert_int_equal(hand_claim(&hand_rig, 0), 2);
    a = hand_rig.slices[0];
    b = hand_rig.slices[1];
    assert_int_equal(hand_progress(&hand_rig, 0, &a, 20), SCHEDULE_DONE);
    assert_int_equal(hand_progress(&hand_rig, 0, &b, 7), SCHEDULE_DONE);
    for (size_t i = 0; i < 5; i++)
        slice_settle(&a.claimed.slice, i, SLICE_OK);
    assert_int_equal(hand_progress(&hand_rig, 0, &a, 20), SCHEDULE_DONE);
    schedule_rig_delete(&hand_rig, m.id, 1);
    assert_int_equal(hand_rig.effect, EFFECT_DONE);
    hand_expect_counts(&hand_rig, m.id, 5, 0, 1500 - 5 - 15 - 7);
    assert_int_equal(hand_field(&hand_rig, m.id, "out"), 15 + 7);
    hand_expect_sound(&hand_rig, m.id);

    /* Nothing more is handed over. */
    assert_int_equal(hand_progress(&hand_rig, 0, &a, 21), SCHEDULE_CANCELLED);
    slice_take_back(&a.claimed.slice, 20);
    a.claimed.slice.sequence--; /* it was not written */
    for (size_t i = 5; i < 10; i++)
        slice_settle(&a.claimed.slice, i, i < 8 ? SLICE_OK : SLICE_AGAIN);
    assert_int_equal(hand_progress(&hand_rig, 0, &a, 20), SCHEDULE_CANCELLED);
    hand_expect_counts(&hand_rig, m.id, 8, 0, 1500 - 5 - 15 - 7 + 2);
    assert_int_equal(hand_field(&hand_rig, m.id, "out"), 10 + 7);
    hand_expect_sound(&hand_rig, m.id);
    slice_settle(&a.claimed.slice, 10, SLICE_DEAD);
    for (size_t i = 11; i < 1000; i++)
        slice_settle(&a.claimed.slice, i, SLICE_AGAIN);
    slice_end_pass(&a.claimed.slice);
    assert_int_equal(
        hand_write(&hand_rig, 0, hand_rig.ports[0].finish, &a, (struct schedule_write){.token = 1}),
        SCHEDULE_CANCELLED);
    hand_expect_counts(&hand_rig, m.id, 8, 1, 1500 - 9 - 7);
    assert_int_equal(hand_field(&hand_rig, m.id, "out"), 7);
    hand_expect_sound(&hand_rig, m.id);

    /* The other one's holder is gone: whoever takes over tells. */
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &b,
                                (struct schedule_write){.token = 1}),
                     SCHEDULE_CANCELLED);
    b = hand_slice(&hand_rig, 1);
    assert_true(b.claimed.cancelled);
    assert_int_equal(slice_out(&b.claimed.slice), 7);
    for (size_t i = 0; i < 500; i++)
        slice_settle(&b.claimed.slice, i, SLICE_AGAIN);
    slice_end_pass(&b.claimed.slice);
    assert_int_equal(
        hand_write(&hand_rig, 1, hand_rig.ports[1].finish, &b, (struct schedule_write){.token = 1}),
        SCHEDULE_CANCELLED);
    hand_expect_counts(&hand_rig, m.id, 8, 1, 1500 - 9);
    assert_int_equal(hand_field(&hand_rig, m.id, "out"), 0);
    assert_int_equal(hand_claim(&hand_rig, 1), 0);
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    e = event(0, SCHEDULE_EVENT_CANCELLED);
    assert_int_equal(e->added, 1500);
    assert_int_equal(e->ok, 5);
    assert_int_equal(e->out, 22);
    assert_int_equal(e->cancelled, 1500 - 27);
}

static void a_paused_message_hands_nothing_over_until_it_goes_on(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 10);
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct view pause[] = {view_of(m.id), VIEW("1")};
    struct view resume[] = {view_of(m.id), VIEW("")};
    const struct redis_script *script = schedule_script(SCHEDULE_SCRIPT_PAUSE);

    (void)state;
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_DONE);
    assert_string_equal(schedule_rig_run(&hand_rig, HAND_SHARD, script, pause, 2), "done");
    s.claimed.slice.sequence--; /* the same again, as after a lost reply: it was written */
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 2), SCHEDULE_DONE);
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 3), SCHEDULE_PAUSED);
    slice_take_back(&s.claimed.slice, 2);
    s.claimed.slice.sequence--;
    slice_settle(&s.claimed.slice, 0, SLICE_OK);
    slice_settle(&s.claimed.slice, 1, SLICE_OK);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.token = 1}),
                     SCHEDULE_PAUSED);
    hand_expect_counts(&hand_rig, m.id, 2, 0, 0);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, 0);
    assert_string_equal(schedule_rig_run(&hand_rig, HAND_SHARD, script, resume, 2), "done");
    s = hand_slice(&hand_rig, 0);
    assert_int_equal(s.claimed.slice.attempt, 1);
    assert_int_equal(slice_left(&s.claimed.slice), 8);
    resume[0] = VIEW("00000000000000000000000000000000");
    assert_string_equal(schedule_rig_run(&hand_rig, HAND_SHARD, script, resume, 2), "gone");
}

static const char *resumed(const char *id)
{
    const struct view args[] = {view_of(id), VIEW("0")};

    return schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_PAUSE), args, 2);
}

/* One of its slices was put back before it was begun, one in the middle; one waits for its retry.
 */
static void what_rests_is_looked_at_at_once_by_a_resume_but_no_retry_is(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 2500);
    struct schedule_write rest = {.at_ms = HAND_LATER_MS, .park = true};
    struct rig_slice s[3];

    (void)state;
    assert_int_equal(hand_claim(&hand_rig, 0), 3);
    memcpy(s, hand_rig.slices, sizeof s);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s[0], rest),
                     SCHEDULE_DONE);
    assert_int_equal(hand_progress(&hand_rig, 0, &s[1], 5), SCHEDULE_DONE);
    slice_settle(&s[1].claimed.slice, 0, SLICE_OK);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s[1], rest),
                     SCHEDULE_DONE);
    assert_int_equal(hand_progress(&hand_rig, 0, &s[2], 500), SCHEDULE_DONE);
    assert_int_equal(hand_finish(&hand_rig, 0, &s[2], SLICE_AGAIN, HAND_LATER_MS), SCHEDULE_DONE);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, HAND_LATER_MS);

    assert_string_equal(resumed(m.id), "done");
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_not_equal(hand_rig.slices[i].claimed.lease.slice, s[2].claimed.lease.slice);
    assert_string_equal(resumed(m.id), "done"); /* nothing rests: nothing is changed */
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    hand_expect_sound(&hand_rig, m.id);
}

static const char *receipt(const char *id, const char *index, const char *what)
{
    static const struct settlement said = {.state = SETTLEMENT_LATE};
    const struct redis_script *script = schedule_script(SCHEDULE_SCRIPT_RECEIPT);
    const char *answer = NULL;
    struct buf kept;
    struct buf sent;
    struct view args[6] = {view_of(id), VIEW("0"), view_of(index), view_of(what)};

    buf_init(&kept, 100);
    buf_init(&sent, 100);
    settlement_put_kept(&kept, &said);
    settlement_put_event(&sent, &said);
    args[4] = buf_view(&kept);
    args[5] = buf_view(&sent);
    answer = schedule_rig_run(&hand_rig, HAND_SHARD, script, args, 6);
    buf_done(&kept);
    buf_done(&sent);
    return answer;
}

static void a_receipt_makes_of_what_was_handled_a_failure_once(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 20);
    struct rig_slice s;

    (void)state;
    assert_string_equal(receipt(m.id, "1", "late"), "gone"); /* nothing was sent */
    s = hand_slice(&hand_rig, 0);
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 12), SCHEDULE_DONE);
    assert_string_equal(receipt(m.id, "19", "late"), "open");
    assert_string_equal(receipt(m.id, "20", "late"), "gone");
    assert_string_equal(receipt(m.id, "9", "late"), "early"); /* before the reply */
    assert_string_equal(receipt(m.id, "10", "late"), "early");
    assert_string_equal(receipt(m.id, "11", "late"), "early");
    hand_expect_counts(&hand_rig, m.id, 0, 0, 0);
    slice_settle(&s.claimed.slice, 9, SLICE_OK);
    slice_settle(&s.claimed.slice, 8, SLICE_OK);
    slice_settle(&s.claimed.slice, 10, SLICE_AGAIN);
    slice_settle(&s.claimed.slice, 11, SLICE_DEAD);
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 12), SCHEDULE_DONE);
    hand_expect_counts(&hand_rig, m.id, 1, 2, 0); /* 9 has failed since; 11 has, anyway */
    hand_expect_sound(&hand_rig, m.id);
    assert_string_equal(receipt(m.id, "8", "delivered"), "done");
    assert_string_equal(receipt(m.id, "8", "delivered"), "again");
    assert_string_equal(receipt(m.id, "8", "late"), "done"); /* of another copy */
    assert_string_equal(receipt(m.id, "8", "late"), "again");
    hand_expect_counts(&hand_rig, m.id, 1, 2, 0);
    assert_string_equal(receipt(m.id, "8", "part"), "done"); /* while its slice is held */
    assert_string_equal(receipt(m.id, "8", "part"), "again");
    assert_string_equal(receipt(m.id, "9", "late"), "again");
    assert_string_equal(receipt(m.id, "11", "late"), "again");
    hand_expect_counts(&hand_rig, m.id, 0, 3, 0);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_AGAIN, 0), SCHEDULE_DONE);
    hand_expect_sound(&hand_rig, m.id);
    s = hand_slice(&hand_rig, 0);
    assert_int_equal(hand_finish(&hand_rig, 0, &s, SLICE_OK, 0), SCHEDULE_DONE);
    hand_expect_counts(&hand_rig, m.id, 17, 3, 0); /* 10 was handled at its second attempt */
    assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
    hand_expect_sound(&hand_rig, m.id);
    assert_string_equal(receipt(m.id, "0", "late"), "done"); /* long after */
    hand_expect_counts(&hand_rig, m.id, 16, 4, 0);
}

/* ---- fairness, limits ---- */

static void many_slices_delay_one_by_no_more_than_a_turn(void **state)
{
    struct schedule_claim c = hand_usual;
    struct rig_message small;
    size_t before = 0;
    bool seen = false;

    (void)state;
    (void)hand_posted(&hand_rig, 40000);
    c.slices = 4;
    for (int i = 0; i < 3; i++)
        assert_int_equal(hand_claim_of(&hand_rig, 0, c), 4);
    small = hand_posted(&hand_rig, 10);
    while (!seen) {
        assert_int_equal(hand_claim_of(&hand_rig, 0, c), 4);
        for (size_t i = 0; i < 4 && !seen; i++) {
            seen = strcmp(hand_rig.slices[i].message.id, small.id) == 0;
            before += !seen;
        }
    }
    assert_true(before <= 2); /* one quantum */
}

static void a_claim_takes_no_more_than_it_is_asked_for(void **state)
{
    struct schedule_claim c = hand_usual;

    (void)state;
    (void)hand_posted(&hand_rig, 5000);
    c.slices = 0;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 0);
    assert_true(hand_rig.claimed.next_ms <= hand_rig.claimed.now_ms); /* there is something */
    c.slices = 10;
    c.destinations = 1500;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 2);
    assert_true(hand_rig.claimed.next_ms <= hand_rig.claimed.now_ms);
    c.destinations = 100000;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 3);
}

static void nothing_is_claimed_while_the_outbox_is_full(void **state)
{
    static const char *const fill[] = {
        "EVAL", "for i = 1, 100000 do redis.call('XADD', 's:{07}:out', '*', 't', 'x') end return 1",
        "0"};

    (void)state;
    (void)hand_posted(&hand_rig, 1);
    assert_int_equal(schedule_rig_integer(&hand_rig, fill, 3), 1);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_true(hand_rig.claimed.outbox_full);
    assert_string_equal(redis_server_ask(hand_rig.server, "DEL s:{07}:out"), ":1");
    assert_int_equal(hand_claim(&hand_rig, 0), 1);
}

/* ---- what a check finds ---- */

static void fsck_repairs_what_can_be_derived(void **state)
{
    static const struct {
        const char *before; /* what breaks it: around its id */
        const char *behind;
        const char *word;
    } rows[] = {
        {"DEL s:{07}:q:", "", "slice-lost"},
        {"ZREM s:{07}:due ", "", "unreachable"},
        {"HSET s:{07}:m:", " ok 5", "count-ok"},
        {"ZADD s:{07}:lease 9e15 ", "/0", "lease-without-holder"},
        {"ZADD s:{07}:due 4100000000000 ", "", "reachable-late"},
        {"ZADD s:{07}:act 0 ", "", "reachable-twice"},
    };
    const struct redis_script *script = schedule_script(SCHEDULE_SCRIPT_FSCK);
    struct rig_message m;
    struct rig_slice s;
    char command[128];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct view args[2] = {VIEW_NONE, VIEW("1")};

        hand_empty(state);
        m = hand_posted(&hand_rig, 10);
        s = hand_slice(&hand_rig, 0); /* so that there is a record */
        assert_int_equal(hand_progress(&hand_rig, 0, &s, 1), SCHEDULE_DONE);
        slice_settle(&s.claimed.slice, 0, SLICE_OK);
        assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                    (struct schedule_write){.at_ms = HAND_LATER_MS}),
                         SCHEDULE_DONE);
        hand_expect_sound(&hand_rig, m.id);
        snprintf(command, sizeof command, "%s%s%s", rows[i].before, m.id, rows[i].behind);
        redis_server_ask(hand_rig.server, command);
        args[0] = view_of(m.id);
        assert_string_equal(schedule_rig_run(&hand_rig, HAND_SHARD, script, args, 2), rows[i].word);
        hand_expect_sound(&hand_rig, m.id);
    }
}

/* Of a slice that is held: its lease is gone, or ends when nobody waits any more. */
static void fsck_repairs_leases(void **state)
{
    static const struct {
        const char *command; /* before "<id>/0" */
        const char *word;
    } rows[] = {
        {"ZREM s:{07}:lease ", "held-without-lease"},
        {"ZADD s:{07}:lease 9007199254740991 ", "lease-too-long"},
    };
    char command[128];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct view args[2] = {VIEW_NONE, VIEW("1")};
        struct rig_message m;

        hand_empty(state);
        m = hand_posted(&hand_rig, 10);
        assert_int_equal(hand_claim(&hand_rig, 0), 1);
        snprintf(command, sizeof command, "%s%s/0", rows[i].command, m.id);
        redis_server_ask(hand_rig.server, command);
        args[0] = view_of(m.id);
        assert_string_equal(
            schedule_rig_run(&hand_rig, HAND_SHARD, schedule_script(SCHEDULE_SCRIPT_FSCK), args, 2),
            rows[i].word);
        hand_expect_sound(&hand_rig, m.id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_message_is_claimed_sent_and_completed, hand_empty),
        cmocka_unit_test_setup(what_fails_for_now_comes_again_with_the_next_number, hand_empty),
        cmocka_unit_test_setup(who_lost_the_lease_changes_nothing, hand_empty),
        cmocka_unit_test_setup(a_write_repeated_is_done_once, hand_empty),
        cmocka_unit_test_setup(a_head_start_is_recorded_by_the_claim, hand_empty),
        cmocka_unit_test_setup(a_release_costs_no_attempt, hand_empty),
        cmocka_unit_test_setup(what_was_put_down_before_it_began_is_cancelled_whole, hand_empty),
        cmocka_unit_test_setup(what_has_ended_is_not_cancelled, hand_empty),
        cmocka_unit_test_setup(a_message_waits_while_its_window_is_shut, hand_empty),
        cmocka_unit_test_setup(what_is_due_soon_is_claimed_before_it_is, hand_empty),
        cmocka_unit_test_setup(a_deleted_message_s_requests_come_in_and_the_rest_is_cancelled,
                               hand_empty),
        cmocka_unit_test_setup(what_rests_is_looked_at_at_once_by_a_resume_but_no_retry_is,
                               hand_empty),
        cmocka_unit_test_setup(a_paused_message_hands_nothing_over_until_it_goes_on, hand_empty),
        cmocka_unit_test_setup(a_receipt_makes_of_what_was_handled_a_failure_once, hand_empty),
        cmocka_unit_test_setup(many_slices_delay_one_by_no_more_than_a_turn, hand_empty),
        cmocka_unit_test_setup(a_claim_takes_no_more_than_it_is_asked_for, hand_empty),
        cmocka_unit_test_setup(nothing_is_claimed_while_the_outbox_is_full, hand_empty),
        cmocka_unit_test_setup(fsck_repairs_what_can_be_derived, hand_empty),
        cmocka_unit_test_setup(fsck_repairs_leases, hand_empty),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
