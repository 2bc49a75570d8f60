/* The schedule's scripts and ports/schedule.h on a real redis-server, callbacks, gates, recipients.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/address_list.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "bridge/io/redis_wake.h"
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

/* ---- callbacks ---- */

static struct rig_message posted_callback(void)
{
    struct rig_message m = {
        .kind = STORE_CALLBACK, .count = 1, .at_ms = 1, .retries = 2, .retry_delay_s = 300};

    schedule_rig_new_id(HAND_SHARD, m.id);
    schedule_rig_post(&hand_rig, &m);
    return m;
}

static struct schedule_call_end end_of(struct rig_slice *s, struct callback_state *after,
                                       enum callback_result result)
{
    struct callback_put put = {.result = result};
    struct fault f = {0};

    *after = s->message.callback;
    assert_int_equal(
        callback_put(after, &put, hand_rig.claimed.now_ms, s->message.retry_delay_ms, &f), 0);
    s->claimed.slice.sequence++;
    return (struct schedule_call_end){.lease = &s->claimed.lease,
                                      .slice = &s->claimed.slice,
                                      .state = after,
                                      .retention_ms = 1000};
}

static void a_callback_is_called_again_until_its_calls_are_used_up(void **state)
{
    struct rig_message m = posted_callback();
    struct callback_state after;
    struct rig_slice s = hand_slice(&hand_rig, 0);
    const struct schedule_event *e = NULL;

    (void)state;
    assert_int_equal(s.message.kind, SCHEDULE_CALLBACK);
    assert_int_equal(s.message.callback.max_calls, 3);
    assert_true(view_is(s.message.customer, "+491701"));
    for (int64_t failures = 1; failures <= 3; failures++) {
        assert_int_equal(s.message.callback.failures, failures - 1);
        assert_int_equal(s.message.calls, failures - 1);
        assert_int_equal(hand_progress(&hand_rig, 0, &s, 1), SCHEDULE_DONE); /* the call begins */
        hand_expect_sound(&hand_rig, m.id);
        assert_int_equal(schedule_rig_end_call(&hand_rig, 0, end_of(&s, &after, CALLBACK_BUSY)),
                         SCHEDULE_DONE);
        hand_expect_sound(&hand_rig, m.id);
        assert_int_equal(hand_field(&hand_rig, m.id, "fail"), failures);
        assert_int_equal(hand_claim(&hand_rig, 0), 0);
        if (failures < 3) {
            assert_int_equal(hand_rig.claimed.next_ms, after.next_call_ms);
            schedule_rig_put_callback(&hand_rig, m.id, hand_field(&hand_rig, m.id, "ver"), 1);
            s = hand_slice(&hand_rig, 0);
        }
    }
    assert_int_equal(hand_rig.claimed.next_ms, 0);
    assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
    assert_string_equal(redis_server_ask(hand_rig.server, "ZCARD s:{07}:callbacks"), ":0");
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    e = event(0, SCHEDULE_EVENT_CALLED);
    assert_int_equal(e->result, CALLBACK_BUSY);
    assert_int_equal(e->failures, 1);
    assert_int_equal(e->max_calls, 3);
    e = event(1, SCHEDULE_EVENT_CALLED); /* what a PUT said */
    assert_int_equal(e->result, CALLBACK_RESCHEDULE);
    assert_int_equal(e->failures, 1);
    assert_int_equal(e->max_calls, 3);
    assert_int_equal(e->next_call_ms, 1);
    e = event(4, SCHEDULE_EVENT_CALLED_LAST);
    assert_int_equal(e->result, CALLBACK_BUSY);
    assert_int_equal(e->failures, 3);
}

/* It says RESCHEDULE and no time, whoever asks it: no failure, and no more calls than there may be.
 */
static void a_dialler_that_only_puts_off_uses_the_calls_up(void **state)
{
    struct rig_message m = posted_callback();
    struct callback_state after;

    (void)state;
    for (int64_t call = 1; call <= 3; call++) {
        struct rig_slice s = hand_slice(&hand_rig, 0);
        struct callback_put put = {.result = CALLBACK_RESCHEDULE, .call = call};
        struct schedule_call_end e = end_of(&s, &after, CALLBACK_BUSY);
        struct fault f = {0};

        assert_int_equal(s.message.callback.idle, call - 1);
        assert_int_equal(s.message.callback.wishes, call - 1);
        s.claimed.slice.sequence--;
        assert_int_equal(hand_progress(&hand_rig, 0, &s, 1), SCHEDULE_DONE);
        s.claimed.slice.sequence++;
        after = s.message.callback;
        assert_int_equal(callback_put(&after, &put, hand_rig.claimed.now_ms, 0, &f), 0);
        assert_int_equal(after.open, call < 3);
        assert_int_equal(schedule_rig_end_call(&hand_rig, 0, e), SCHEDULE_DONE);
        hand_expect_sound(&hand_rig, m.id);
    }
    assert_int_equal(hand_field(&hand_rig, m.id, "fail"), 0);
    assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    schedule_rig_read_outbox(&hand_rig, 0, HAND_SHARD);
    assert_int_equal(event(2, SCHEDULE_EVENT_CALLED_LAST)->result, CALLBACK_RESCHEDULE);
}

static void a_call_of_unknown_fate_stays_open_until_its_time_is_over(void **state)
{
    struct rig_message m = posted_callback();
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct schedule_claim without = hand_usual; /* a dialler: to end it, none is needed */
    struct callback_state after;

    (void)state;
    slice_hand_over(&s.claimed.slice, 1);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].progress, &s,
                                (struct schedule_write){.lease_ms = 3600000}),
                     SCHEDULE_DONE);
    hand_expect_sound(&hand_rig, m.id); /* its answer may take that long */
    without.calls = false;
    assert_int_equal(hand_claim(&hand_rig, 1), 0); /* its process may be gone: nobody calls */
    assert_true(hand_rig.claimed.next_ms > hand_rig.claimed.now_ms + 3000000);
    s.claimed.slice.sequence++;
    assert_int_equal(schedule_rig_write(&hand_rig, 0, hand_rig.ports[0].progress,
                                        (struct schedule_write){.lease = &s.claimed.lease,
                                                                .slice = &s.claimed.slice,
                                                                .lease_ms = 1}),
                     SCHEDULE_DONE);
    while (hand_claim_of(&hand_rig, 1, without) == 0)
        continue;
    s = hand_rig.slices[0];
    assert_true(s.claimed.timed_out);
    assert_int_equal(s.message.calls, 1);
    assert_int_equal(schedule_rig_end_call(&hand_rig, 1, end_of(&s, &after, CALLBACK_OTHER)),
                     SCHEDULE_DONE);
    assert_int_equal(hand_field(&hand_rig, m.id, "fail"), 1);
}

static void calls_cost_nothing_where_there_is_no_dialler(void **state)
{
    struct schedule_claim without = hand_usual;
    int64_t before = 0;
    int64_t idle = 0;

    (void)state;
    without.calls = false;
    before = hand_commands(&hand_rig);
    assert_int_equal(hand_claim_of(&hand_rig, 1, without), 0);
    idle = hand_commands(&hand_rig) - before;
    for (int i = 0; i < 100; i++)
        (void)posted_callback();
    for (int i = 0; i < 2; i++) {
        before = hand_commands(&hand_rig);
        assert_int_equal(hand_claim_of(&hand_rig, 1, without), 0);
        assert_int_equal(hand_rig.claimed.next_ms, 0); /* they do not even wake it */
        assert_int_equal(hand_commands(&hand_rig) - before, idle);
    }
    assert_int_equal(hand_claim(&hand_rig, 0), 10); /* and none is put off for who has one */
    assert_int_equal(hand_claim_of(&hand_rig, 1, without), 0);
    assert_int_equal(hand_claim(&hand_rig, 0), 10);
}

static void a_result_from_elsewhere_wins_over_the_call_s(void **state)
{
    struct rig_message m = posted_callback();
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct callback_state after;

    (void)state;
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 1), SCHEDULE_DONE);
    schedule_rig_put_callback(&hand_rig, m.id, 1, -1); /* SUCCESSFUL: closed */
    assert_int_equal(hand_rig.effect, EFFECT_DONE);
    assert_int_equal(schedule_rig_end_call(&hand_rig, 0, end_of(&s, &after, CALLBACK_BUSY)),
                     SCHEDULE_FENCED);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, 0);
    assert_int_equal(hand_field(&hand_rig, m.id, "fail"), 0);

    m = posted_callback();
    s = hand_slice(&hand_rig, 0);
    schedule_rig_put_callback(&hand_rig, m.id, 1, 1); /* RESCHEDULE before it was begun */
    assert_int_equal(hand_progress(&hand_rig, 0, &s, 1), SCHEDULE_FENCED);
    s = hand_slice(&hand_rig, 1);
    assert_int_equal(hand_write(&hand_rig, 1, hand_rig.ports[1].release,
                                &s, /* no connection: nobody was called */
                                (struct schedule_write){.at_ms = HAND_LATER_MS}),
                     SCHEDULE_DONE);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, HAND_LATER_MS);
}

/* The call begins; its request may be out for so long. */
static void begin_call(struct rig_slice *s, int64_t out_ms)
{
    slice_hand_over(&s->claimed.slice, 1);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].progress, s,
                                (struct schedule_write){.lease_ms = 3600000, .out_ms = out_ms}),
                     SCHEDULE_DONE);
}

static int64_t version(const struct rig_message *m)
{
    return hand_field(&hand_rig, m->id, "ver");
}

/* Nobody can call: for as long as the request may be out, and that is what all wait for. */
static void expect_nobody_calls(const struct rig_message *m)
{
    for (unsigned owner = 0; owner < 2; owner++) {
        assert_int_equal(hand_claim(&hand_rig, owner), 0);
        assert_true(hand_rig.claimed.next_ms > hand_rig.claimed.now_ms + 3000000);
    }
    hand_expect_sound(&hand_rig, m->id);
}

static void a_wish_waits_for_the_call_that_is_out_and_its_result_counts(void **state)
{
    struct rig_message m = posted_callback();
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct callback_state after;

    (void)state;
    begin_call(&s, 3600000);
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 1); /* RESCHEDULE, at once */
    assert_int_equal(hand_rig.effect, EFFECT_DONE);
    expect_nobody_calls(&m);
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 2); /* and again */
    expect_nobody_calls(&m);
    assert_int_equal(schedule_rig_end_call(&hand_rig, 0, end_of(&s, &after, CALLBACK_BUSY)),
                     SCHEDULE_DONE);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_field(&hand_rig, m.id, "fail"), 1);
    assert_int_equal(hand_field(&hand_rig, m.id, "next"), 2); /* as wished, not after the delay */
    assert_int_equal(schedule_rig_end_call(&hand_rig, 0, end_of(&s, &after, CALLBACK_BUSY)),
                     SCHEDULE_FENCED); /* it was told once */
    s = hand_slice(&hand_rig, 1);
    assert_int_equal(s.message.calls, 1);
    assert_int_equal(s.message.callback.failures, 1);

    m = posted_callback();
    s = hand_slice(&hand_rig, 0);
    begin_call(&s, 3600000);
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 1);
    assert_int_equal(schedule_rig_end_call(&hand_rig, 0, end_of(&s, &after, CALLBACK_SUCCESSFUL)),
                     SCHEDULE_DONE); /* who was reached is not called again */
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_field(&hand_rig, m.id, "st"), STORE_CLOSED);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
}

static void a_result_that_was_put_stands_and_the_next_call_waits_for_the_request(void **state)
{
    struct rig_message m = posted_callback();
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct callback_state after;

    (void)state;
    begin_call(&s, 3600000);
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), -1); /* SUCCESSFUL */
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 1);  /* and opened again */
    expect_nobody_calls(&m);
    assert_int_equal(schedule_rig_end_call(&hand_rig, 0, end_of(&s, &after, CALLBACK_BUSY)),
                     SCHEDULE_FENCED);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_field(&hand_rig, m.id, "fail"), 0);
    assert_int_equal(hand_slice(&hand_rig, 1).message.calls, 1);
}

static void call_is_open(const struct rig_slice *s)
{
    hand_rig.ports[0].call_back(hand_rig.ports[0].ctx, &s->claimed.lease, &s->claimed.slice);
}

static void nothing_waits_for_a_request_that_is_not_out(void **state)
{
    struct rig_message m = posted_callback();
    struct rig_slice s = hand_slice(&hand_rig, 0);
    struct rig_slice other;

    (void)state;
    begin_call(&s, 3600000);
    call_is_open(&s); /* before the PUT */
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 1);
    other = s;
    s = hand_slice(&hand_rig, 0);
    begin_call(&s, 3600000);
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 1);
    call_is_open(&other); /* another's */
    expect_nobody_calls(&m);
    call_is_open(&s); /* after it */
    s = hand_slice(&hand_rig, 0);
    begin_call(&s, 1); /* whoever made it is killed */
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 1);
    while (hand_claim(&hand_rig, 1) == 0)
        continue;
    s = hand_rig.slices[0];
    assert_false(s.claimed.timed_out);
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 1);
    slice_hand_over(&s.claimed.slice, 1);
    assert_int_equal(hand_write(&hand_rig, 1, hand_rig.ports[1].progress, &s,
                                (struct schedule_write){.out_ms = 3600000}),
                     SCHEDULE_FENCED); /* it did not begin */
    s = hand_slice(&hand_rig, 0);
    begin_call(&s, 3600000);
    slice_take_back(&s.claimed.slice, 0);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.at_ms = HAND_LATER_MS}),
                     SCHEDULE_DONE); /* nor did this one */
    schedule_rig_put_callback(&hand_rig, m.id, version(&m), 1);
    (void)hand_slice(&hand_rig, 0);
}

/* ---- gates and recipients ---- */

static struct schedule_grant ask(const char *gate, double rate, double burst, unsigned want)
{
    struct schedule_ask a = {.gate = view_of(gate), .rate = rate, .burst = burst, .want = want};

    hand_rig.owed++;
    hand_rig.ports[0].ask(hand_rig.ports[0].ctx, &a);
    schedule_rig_await(&hand_rig);
    assert_int_equal(hand_rig.grant.state, SCHEDULE_DONE);
    return hand_rig.grant;
}

static bool works_elsewhere(unsigned owner, bool works)
{
    struct schedule_ask a = {.gate = VIEW("channel:c"), .works = works, .fails = !works};

    hand_rig.owed++;
    hand_rig.ports[owner].ask(hand_rig.ports[owner].ctx, &a);
    schedule_rig_await(&hand_rig);
    assert_int_equal(hand_rig.grant.state, SCHEDULE_DONE);
    return hand_rig.grant.works;
}

/* That it works is written down only where that helps somebody. */
static void a_gate_tells_one_whose_way_fails_that_anothers_works(void **state)
{
    (void)state;
    (void)works_elsewhere(1, true);
    assert_false(works_elsewhere(0, false)); /* it was not heard yet */
    (void)works_elsewhere(1, true);
    assert_true(works_elsewhere(0, false));
}

static void shut(const char *gate, int64_t for_ms, int64_t probe_ms)
{
    struct schedule_shut s = {
        .gate = view_of(gate), .for_ms = for_ms, .probe_ms = probe_ms, .why = VIEW("429")};

    hand_rig.owed++;
    hand_rig.ports[1].shut(hand_rig.ports[1].ctx, &s);
    schedule_rig_await(&hand_rig);
    assert_int_equal(hand_rig.state, SCHEDULE_DONE);
}

static void a_gate_grants_its_rate_and_can_be_shut_and_stopped(void **state)
{
    static const char longer[] = "a-source-whose-name-is-far-longer-than-what-a-key-of-the-store-"
                                 "would-take-at-once@sms.example.com";

    (void)state;
    assert_int_equal(ask("s1", 0.001, 5, 3).granted, 3);
    assert_int_equal(hand_rig.grant.lead_us,
                     -4000000000); /* five have gathered: all of them may go */
    assert_int_equal(ask("s1", 0.001, 5, 5).granted, 3); /* the third is lent */
    assert_true(hand_rig.grant.lead_us <= -900000000 &&
                hand_rig.grant.lead_us >= -1000000000 - 1000000);
    assert_int_equal(ask("s1", 0.001, 5, 3).granted, 0);
    assert_true(hand_rig.grant.wait_ms > 900000 && hand_rig.grant.wait_ms <= 1000000);
    assert_int_equal(ask("s2", 0.001, 5, 3).granted, 3); /* another's is another */
    assert_int_equal(ask("s3", 0, 0, 200).granted, 200);
    assert_int_equal(ask(longer, 0.001, 1, 9).granted, 2);
    assert_int_equal(ask(longer, 0.001, 1, 9).granted, 0);
    while (ask("s4", 100000, 1, 1).granted == 0)
        continue; /* tokens come back */

    shut("s2", 60000, 0);
    assert_int_equal(ask("s2", 0, 0, 1).granted, 0);
    assert_false(hand_rig.grant.stopped);
    assert_true(hand_rig.grant.wait_ms > 50000 && hand_rig.grant.wait_ms <= 60000);
    shut("s2", 5, 0); /* never shorter */
    assert_true(ask("s2", 0, 0, 1).wait_ms > 50000);
    hand_rig.owed++;
    hand_rig.ports[0].open(hand_rig.ports[0].ctx, 0, VIEW("s2"));
    schedule_rig_await(&hand_rig);
    assert_int_equal(ask("s2", 0, 0, 1).granted, 1);

    shut("sms", 0, 600000);
    assert_int_equal(ask("sms", 0, 0, 1).granted, 0);
    assert_true(hand_rig.grant.stopped);
    shut("sms", 0, 1); /* its probe is due in a moment */
    while (ask("sms", 0, 0, 9).granted == 0)
        assert_true(hand_rig.grant.stopped);
    assert_int_equal(hand_rig.grant.granted, 1);
    assert_true(hand_rig.grant.stopped);
}

static void consents_are_found_and_an_address_is_reserved_once(void **state)
{
    const struct view addresses[] = {VIEW("+49 170-1"), VIEW("\n0049170 2\r\n"), VIEW("3"),
                                     VIEW("-")};
    const uint32_t destinations[] = {0, 1, 2, 3};
    struct schedule_recipients r = {.usage = VIEW("whatsapp"),
                                    .gap_ms = 60000,
                                    .holder = VIEW("one"),
                                    .message = "0123456789ABCDEF0123456789ABCDEF",
                                    .destinations = destinations,
                                    .addresses = addresses,
                                    .count = 4};
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "HSET s:{%02u}:consent whatsapp_491701 1+491701",
             shard_of(VIEW("491701")));
    redis_server_ask(hand_rig.server, command);
    snprintf(command, sizeof command, "HSET s:{%02u}:consent whatsapp_491702 0+491702",
             shard_of(VIEW("491702")));
    redis_server_ask(hand_rig.server, command);
    for (int i = 0; i < 2; i++) {
        hand_recipients(&hand_rig, &r);
        assert_int_equal(hand_rig.recipients[0].consent, SCHEDULE_CONSENT_GIVEN);
        assert_int_equal(hand_rig.recipients[1].consent, SCHEDULE_CONSENT_WITHDRAWN);
        assert_int_equal(hand_rig.recipients[2].consent, SCHEDULE_CONSENT_NONE);
        for (int k = 0; k < 3; k += 2)
            assert_true(i == 0 ? hand_rig.recipients[k].wait_ms == 0
                               : hand_rig.recipients[k].wait_ms > 50000);
        assert_int_equal(hand_rig.recipients[1].wait_ms,
                         0); /* it does not go: nothing is reserved */
        assert_int_equal(hand_rig.recipients[3].consent, SCHEDULE_CONSENT_NONE);
        r.holder = VIEW("another");
    }
    r = (struct schedule_recipients){.count = 0};
    hand_recipients(&hand_rig, &r);
}

/* Whoever has reserved an address has it until that is over or given back; and nobody else can give
 * it back. */
static void a_reservation_is_its_holder_s(void **state)
{
    const struct view addresses[] = {VIEW("+8")};
    const uint32_t first[] = {0};
    const uint32_t second[] = {1}; /* the same number, written otherwise */
    struct schedule_recipients mine = {.gap_ms = 60000,
                                       .holder = VIEW("one"),
                                       .message = "0123456789ABCDEF0123456789ABCDEF",
                                       .destinations = first,
                                       .addresses = addresses,
                                       .count = 1};
    struct schedule_recipients same = mine;
    struct schedule_recipients other = mine;
    struct schedule_recipients longer = mine;

    (void)state;
    same.destinations = second;
    other.holder = VIEW("two");
    longer.gap_ms = 90000;
    assert_int_equal(hand_gap(&hand_rig, &mine), 0);
    assert_int_equal(hand_gap(&hand_rig, &mine), 0);
    assert_true(hand_gap(&hand_rig, &same) > 50000);
    assert_true(hand_gap(&hand_rig, &other) > 50000);
    assert_int_equal(hand_gap(&hand_rig, &longer), 0); /* it begins anew */
    assert_true(hand_gap(&hand_rig, &other) > 80000);
    hand_rig.ports[0].let_go(hand_rig.ports[0].ctx, &other);
    hand_rig.ports[0].let_go(hand_rig.ports[0].ctx, &same);
    assert_true(hand_gap(&hand_rig, &other) > 80000);
    hand_rig.ports[0].let_go(hand_rig.ports[0].ctx, &mine);
    assert_int_equal(hand_gap(&hand_rig, &other), 0);
    assert_true(hand_gap(&hand_rig, &mine) > 50000);
}

/* A gap is of two: who sends, and to whom. */
static void one_sender_s_gap_keeps_no_other_waiting(void **state)
{
    const struct view addresses[] = {VIEW("+9")};
    const uint32_t destinations[] = {0};
    struct schedule_recipients mine = {.gap_ms = 60000,
                                       .sender = VIEW("promotions@x"),
                                       .holder = VIEW("one"),
                                       .message = "0123456789ABCDEF0123456789ABCDEF",
                                       .destinations = destinations,
                                       .addresses = addresses,
                                       .count = 1};
    struct schedule_recipients again = mine;
    struct schedule_recipients urgent = mine;
    struct schedule_recipients next = mine;

    (void)state;
    again.holder = VIEW("two");
    urgent.sender = next.sender = VIEW("codes@x");
    urgent.gap_ms = next.gap_ms = 6000;
    next.holder = VIEW("two");
    assert_int_equal(hand_gap(&hand_rig, &mine), 0);
    assert_int_equal(hand_gap(&hand_rig, &urgent), 0);
    assert_true(hand_gap(&hand_rig, &again) > 50000);
    assert_in_range(hand_gap(&hand_rig, &next), 1, 6000);
    hand_rig.ports[0].let_go(hand_rig.ports[0].ctx, &urgent);
    assert_int_equal(hand_gap(&hand_rig, &next), 0);
    assert_true(hand_gap(&hand_rig, &again) > 50000);
}

/* What goes is noted under its consent, and nothing else is; until it is let go of. */
static void what_is_handed_over_is_noted_until_it_is_let_go_of(void **state)
{
    const struct view addresses[] = {VIEW("+7"), VIEW("+7"), VIEW("007")};
    const uint32_t destinations[] = {0, 12, 999};
    struct schedule_recipients r = {.usage = VIEW("whatsapp"),
                                    .message = "0123456789ABCDEF0123456789ABCDEF",
                                    .destinations = destinations,
                                    .addresses = addresses,
                                    .count = 3};
    char count[64];
    char consent[96];

    (void)state;
    snprintf(count, sizeof count, "HLEN s:{%02u}:hand:whatsapp_7", shard_of(VIEW("7")));
    snprintf(consent, sizeof consent, "HSET s:{%02u}:consent whatsapp_7 0+7", shard_of(VIEW("7")));
    r.needs_consent = true; /* and there is none */
    hand_recipients(&hand_rig, &r);
    assert_string_equal(redis_server_ask(hand_rig.server, count), ":0");
    r.needs_consent = false;
    hand_recipients(&hand_rig, &r);
    hand_recipients(&hand_rig, &r); /* marked again: the same */
    assert_string_equal(redis_server_ask(hand_rig.server, count), ":3");
    r.count = 2;
    hand_rig.ports[0].let_go(hand_rig.ports[0].ctx, &r);
    r.count = 0;
    hand_recipients(&hand_rig, &r); /* an answer that comes after */
    r.count = 3;
    assert_string_equal(redis_server_ask(hand_rig.server, count), ":1");
    redis_server_ask(hand_rig.server, consent);
    hand_recipients(&hand_rig, &r);
    assert_string_equal(redis_server_ask(hand_rig.server, count), ":1");
}

/* ---- hints ---- */

static struct heard {
    unsigned shard;
    int64_t due_ms;
} heard;

static void on_wake(void *owner, unsigned shard, int64_t due_ms)
{
    (void)owner;
    heard = (struct heard){shard, due_ms};
}

static void post_and_hear(int64_t at_ms)
{
    struct rig_message m = hand_message(1);

    heard.due_ms = 0;
    m.at_ms = at_ms;
    schedule_rig_post(&hand_rig, &m);
    while (heard.due_ms == 0)
        uv_run(&hand_rig.loop, UV_RUN_ONCE);
    assert_int_equal(heard.shard, HAND_SHARD);
    assert_int_equal(heard.due_ms, at_ms);
}

static void an_earlier_time_is_heard_of_and_again_after_redis_was_gone(void **state)
{
    const struct redis_conf conf = {.user = NULL};
    struct redis_wake *wake = redis_wake_new(&hand_rig.loop, hand_rig.redis, &conf, on_wake, NULL);

    (void)state;
    for (int i = 0; i < 2; i++) {
        while (!redis_wake_hears(wake))
            uv_run(&hand_rig.loop, UV_RUN_ONCE);
        post_and_hear(HAND_LATER_MS);
        post_and_hear(HAND_LATER_MS - 1);
        redis_server_restart(hand_rig.server);
        while (redis_wake_hears(wake) || redis_up(hand_rig.redis))
            uv_run(&hand_rig.loop, UV_RUN_ONCE);
        schedule_rig_await_up(&hand_rig);
        assert_string_equal(redis_server_ask(hand_rig.server, "FLUSHALL"), "+OK");
    }
    redis_wake_free(wake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_callback_is_called_again_until_its_calls_are_used_up, hand_empty),
        cmocka_unit_test_setup(a_dialler_that_only_puts_off_uses_the_calls_up, hand_empty),
        cmocka_unit_test_setup(a_call_of_unknown_fate_stays_open_until_its_time_is_over,
                               hand_empty),
        cmocka_unit_test_setup(calls_cost_nothing_where_there_is_no_dialler, hand_empty),
        cmocka_unit_test_setup(a_result_from_elsewhere_wins_over_the_call_s, hand_empty),
        cmocka_unit_test_setup(a_wish_waits_for_the_call_that_is_out_and_its_result_counts,
                               hand_empty),
        cmocka_unit_test_setup(a_result_that_was_put_stands_and_the_next_call_waits_for_the_request,
                               hand_empty),
        cmocka_unit_test_setup(nothing_waits_for_a_request_that_is_not_out, hand_empty),
        cmocka_unit_test_setup(a_gate_tells_one_whose_way_fails_that_anothers_works, hand_empty),
        cmocka_unit_test_setup(a_gate_grants_its_rate_and_can_be_shut_and_stopped, hand_empty),
        cmocka_unit_test_setup(consents_are_found_and_an_address_is_reserved_once, hand_empty),
        cmocka_unit_test_setup(a_reservation_is_its_holder_s, hand_empty),
        cmocka_unit_test_setup(one_sender_s_gap_keeps_no_other_waiting, hand_empty),
        cmocka_unit_test_setup(what_is_handed_over_is_noted_until_it_is_let_go_of, hand_empty),
        cmocka_unit_test_setup(an_earlier_time_is_heard_of_and_again_after_redis_was_gone,
                               hand_empty),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
