/* The schedule's scripts on a real redis-server: sources that are closed to a claim, or nearly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "bridge/core/utf8.h"
#include "tests/fakes/schedule_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void what_can_t_be_sent_from_here_leaves_until_then(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 3000);
    struct rig_message other = hand_message(1);
    const struct schedule_closed closed = {.source = VIEW("s1"), .until_ms = HAND_LATER_MS};
    struct schedule_claim c = hand_usual;

    (void)state;
    other.source = "s2";
    schedule_rig_post(&hand_rig, &other);
    c.closed = &closed;
    c.closed_count = 1;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 1);
    assert_string_equal(hand_rig.slices[0].message.id, other.id);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_claim(&hand_rig, 0), 0);
    assert_int_equal(hand_rig.claimed.next_ms, hand_rig.slices[0].claimed.expires_ms);
}

/* What hand 0 or 1 gets of the shard, where s1 has so much left. */
static size_t paced_until(unsigned owner, struct schedule_closed left, int64_t until_ms)
{
    struct schedule_claim c = hand_usual;

    left.source = VIEW("s1");
    left.until_ms = until_ms;
    c.closed = &left;
    c.closed_count = 1;
    return hand_claim_of(&hand_rig, owner, c);
}

static size_t paced(unsigned owner, struct schedule_closed left)
{
    return paced_until(owner, left, HAND_LATER_MS);
}

static void wake(const struct rig_message *m) /* it rests no longer */
{
    char command[128];

    (void)snprintf(command, sizeof command, "HDEL s:{07}:m:%s pk", m->id);
    redis_server_ask(hand_rig.server, command);
    (void)snprintf(command, sizeof command, "ZADD s:{07}:due 1 %s", m->id);
    redis_server_ask(hand_rig.server, command);
}

static void a_full_source_takes_small_ones_and_no_more_of_what_it_has(void **state)
{
    struct rig_message large = hand_posted(&hand_rig, 5000);
    struct rig_message small;
    struct rig_message other;

    (void)state;
    assert_int_equal(paced(0, (struct schedule_closed){.more = 50, .room = 3000}), 1);
    assert_int_equal(paced(0, (struct schedule_closed){.room = 2000}), 0); /* it rests */
    hand_expect_sound(&hand_rig, large.id);
    small = hand_posted(&hand_rig, 10);
    wake(&large);
    assert_int_equal(paced(0, (struct schedule_closed){.room = 20}), 1);
    assert_string_equal(hand_rig.slices[0].message.id, small.id);
    small = hand_posted(&hand_rig, 11);
    assert_int_equal(paced(0, (struct schedule_closed){.room = 20}), 0);
    wake(&small);
    other = hand_posted(&hand_rig, 2500);
    assert_int_equal(paced(0, (struct schedule_closed){.room = 1999}), 1);
    assert_string_equal(hand_rig.slices[0].message.id, small.id);
    wake(&other);
    assert_int_equal(paced(0, (struct schedule_closed){.room = 2000}), 1); /* its first slice */
    assert_string_equal(hand_rig.slices[0].message.id, other.id);
    wake(&other);
    assert_int_equal(paced(0, (struct schedule_closed){.more = 1001, .room = 3000}), 2);
    wake(&other);
    wake(&large);
    assert_int_equal(paced(1, (struct schedule_closed){.more = 1001, .room = 3000, .alone = true}),
                     0);
    wake(&large);
    assert_int_equal(paced(1, (struct schedule_closed){.more = 1, .room = 3000}), 1);
    hand_expect_sound(&hand_rig, large.id);
    hand_expect_sound(&hand_rig, other.id);
}

/* The slices of one who has not renewed its lease for half of it keep nobody from the others. */
static void who_is_behind_has_a_message_alone_no_longer(void **state)
{
    const struct schedule_closed alone = {.more = 1, .room = 5000, .alone = true};
    struct rig_message large = hand_posted(&hand_rig, 5000);
    char command[128];

    (void)state;
    assert_int_equal(paced(0, alone), 1);
    assert_int_equal(paced(1, alone), 0);
    wake(&large);
    assert_int_equal(paced(0, alone), 1); /* it is not kept from its own */
    (void)snprintf(command, sizeof command, "ZADD s:{07}:lease XX %lld %s/0",
                   (long long)(hand_rig.slices[0].claimed.expires_ms - hand_usual.lease_ms / 2),
                   large.id);
    redis_server_ask(hand_rig.server, command);
    assert_int_equal(paced(1, alone), 0); /* one of two is renewed */
    wake(&large);
    command[strlen(command) - 1] = '1';
    redis_server_ask(hand_rig.server, command);
    assert_int_equal(paced(1, alone), 1);
    hand_expect_sound(&hand_rig, large.id);
}

static int64_t rests_until(const struct rig_message *m)
{
    char command[128];
    int64_t ms = 0;

    (void)snprintf(command, sizeof command, "ZSCORE s:{07}:due %s", m->id);
    assert_true(num_int(view_of(redis_server_ask(hand_rig.server, command)), &ms));
    return ms;
}

#define LINE      300 /* more than a claim looks at */
#define LINE_RATE 5

/* So many of them can't go in less time, however many shards there are. */
static void those_that_find_no_room_at_a_rate_rest_in_line(void **state)
{
    static struct rig_message m[LINE];
    const struct schedule_closed full = {.rate = LINE_RATE};
    struct rig_message large;
    int64_t first = INT64_MAX;
    int64_t last = 0;
    int64_t asked_ms;

    (void)state;
    assert_int_equal(hand_claim(&hand_rig, 0), 0); /* tells the time */
    asked_ms = hand_rig.claimed.now_ms;
    for (size_t i = 0; i < LINE; i++)
        m[i] = hand_posted(&hand_rig, 1);
    for (size_t i = 0; i < LINE; i += 100)
        assert_int_equal(paced_until(0, full, hand_rig.claimed.now_ms + 2000), 0);
    for (size_t i = 0; i < LINE; i++) {
        int64_t at = rests_until(&m[i]);

        first = at < first ? at : first;
        last = at > last ? at : last;
    }
    assert_in_range(first - asked_ms, 1000, 10000);
    assert_in_range(last - first, LINE * 1000 / LINE_RATE, SCHEDULE_LINE_MS);
    /* Of more than one slice: its next one may be needed soon. */
    large = hand_posted(&hand_rig, 3000);
    asked_ms = hand_rig.claimed.now_ms;
    assert_int_equal(paced_until(0, full, asked_ms + 2000), 0);
    assert_in_range(rests_until(&large) - asked_ms, 1000, 10000);
    hand_expect_sound(&hand_rig, m[0].id);
}

/* More sources than a claim can name, each by itself: one slice of a message, and as much as there
 * is room for of all its messages. */
static void a_source_that_is_not_named_is_one_of_the_others(void **state)
{
    static struct schedule_closed closed[SCHEDULE_CLOSED_MAX];
    static char names[SCHEDULE_CLOSED_MAX][1024];
    const struct schedule_closed others = {.until_ms = HAND_LATER_MS, .room = 3000};
    struct schedule_claim c = hand_usual;
    struct rig_message large = hand_posted(&hand_rig, 5000);
    struct rig_message m;

    (void)state;
    for (size_t i = 0; i < SCHEDULE_CLOSED_MAX; i++) {
        memset(names[i], 'x', sizeof names[i] - 8);
        (void)snprintf(names[i] + sizeof names[i] - 8, 8, " %zu", i);
        closed[i] = (struct schedule_closed){.source = view_of(names[i]),
                                             .until_ms = i == 0 ? 0 : HAND_LATER_MS};
    }
    m = hand_message(3000);
    m.source = names[0]; /* open */
    schedule_rig_post(&hand_rig, &m);
    m = hand_message(3000);
    m.source = names[SCHEDULE_CLOSED_MAX - 1];
    schedule_rig_post(&hand_rig, &m);
    c.closed = closed;
    c.closed_count = SCHEDULE_CLOSED_MAX;
    c.others = &others;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 1 + 3);
    m = hand_message(10);
    m.source = "s2";
    schedule_rig_post(&hand_rig, &m);
    schedule_rig_new_id(HAND_SHARD, m.id);
    schedule_rig_post(&hand_rig, &m);
    wake(&large);
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 2); /* of s1 there is one out */
    for (size_t i = 0; i < 2; i++)
        assert_true(view_is(hand_rig.slices[i].message.source, "s2"));
    hand_expect_sound(&hand_rig, large.id);
}

static struct rig_message posted_by(const char *source, size_t count)
{
    struct rig_message m = hand_message(count);

    m.source = source;
    schedule_rig_new_id(HAND_SHARD, m.id);
    schedule_rig_post(&hand_rig, &m);
    return m;
}

/* Contract 13: without surrounding blanks and case. One room, one line, for all its spellings. */
static void a_source_is_one_however_it_is_spelled(void **state)
{
    const struct schedule_closed full = {.rate = LINE_RATE};
    struct rig_message m = posted_by(" S1\t", 10);
    struct rig_message behind;

    (void)state;
    (void)posted_by("s1", 10);
    (void)posted_by("S1", 10);
    assert_int_equal(paced(0, (struct schedule_closed){.room = 20}), 1);
    hand_expect_sound(&hand_rig, m.id);
    assert_int_equal(hand_empty(NULL), 0);
    assert_int_equal(hand_claim(&hand_rig, 0), 0); /* tells the time */
    m = posted_by(" S1", 1);
    behind = posted_by("s1", 1);
    assert_int_equal(paced_until(0, full, hand_rig.claimed.now_ms + 2000), 0);
    assert_int_equal(llabs(rests_until(&m) - rests_until(&behind)), 4 * 1000 / LINE_RATE);
}

/* The script and the C side know the same small letters. All that have two bytes or one: */
static void every_capital_letter_is_known_in_a_source(void **state)
{
    static char source[3 * 0x800];
    static char small[sizeof source];
    struct schedule_closed closed = {.source = {small, 0}, .until_ms = HAND_LATER_MS};
    struct schedule_claim c = hand_usual;

    (void)state;
    for (uint32_t code = '!'; code < 0x810; code++)
        closed.source.n += utf8_write(code, source + closed.source.n);
    utf8_small((struct view){source, closed.source.n}, small);
    (void)posted_by(source, 1);
    c.closed = &closed;
    c.closed_count = 1;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 0);
    small[0]++;
    assert_int_equal(hand_empty(NULL), 0);
    (void)posted_by(source, 1);
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 1); /* it was closed by that */
}

/* What waits all the same would be in doubt for nothing. */
static void of_what_has_to_wait_little_is_handed_over_at_once(void **state)
{
    const struct schedule_closed left = {.until_ms = HAND_LATER_MS,
                                         .source = VIEW("s1"),
                                         .more = 3000,
                                         .room = 3000,
                                         .head_start = 12};
    static const size_t marks[] = {5, 5, 2, 0};
    struct schedule_claim c = hand_usual;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        (void)hand_posted(&hand_rig, 8);
    c.head_start = 5;
    c.closed = &left;
    c.closed_count = 1;
    assert_int_equal(hand_claim_of(&hand_rig, 0, c), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct slice *s = &hand_rig.slices[i].claimed.slice;

        assert_int_equal(s->watermark, marks[i]);
        assert_int_equal(slice_out(s), marks[i]);
        hand_expect_sound(&hand_rig, hand_rig.slices[i].message.id);
    }
}

/* How long a message rests that is so late, where its source is unknown until then. */
static int64_t rest_of(int64_t late_ms, int64_t until_ms)
{
    struct schedule_closed unknown = {.source = VIEW("s1"), .unknown = true};
    struct schedule_claim c = hand_usual;
    struct rig_message m = hand_message(1);

    assert_int_equal(hand_empty(NULL), 0);
    assert_int_equal(hand_claim(&hand_rig, 0), 0); /* tells the time */
    m.at_ms = hand_rig.claimed.now_ms - late_ms;
    schedule_rig_post(&hand_rig, &m);
    unknown.until_ms = hand_rig.claimed.now_ms + until_ms;
    c.closed = &unknown;
    c.closed_count = 1;
    assert_int_equal(hand_claim_of(&hand_rig, 1, c), 0);
    hand_expect_sound(&hand_rig, m.id);
    return hand_rig.claimed.next_ms - hand_rig.claimed.now_ms;
}

/* Another process may know it: it is left to others the longer, the later it is. */
static void what_nobody_here_knows_is_left_to_others(void **state)
{
    (void)state;
    assert_in_range(rest_of(0, 600000), 250, 15000);
    assert_in_range(rest_of(100000, 600000), 25000, 40000);
    assert_in_range(rest_of(4000000, 60000), 0, 60000);
}

/* So long it rests, by a claim that does not know its source. */
static int64_t rest_now(void)
{
    struct schedule_closed unknown = {.source = VIEW("s1"), .unknown = true};
    struct schedule_claim c = hand_usual;

    unknown.until_ms = hand_rig.claimed.now_ms + 600000;
    c.closed = &unknown;
    c.closed_count = 1;
    assert_int_equal(hand_claim_of(&hand_rig, 1, c), 0);
    return hand_rig.claimed.next_ms - hand_rig.claimed.now_ms;
}

/* Of a campaign somebody has sent something: its next slices are looked at soon. Who has only put
 * it down does not know its source either. */
static void of_what_was_begun_the_rest_is_left_for_seconds_only(void **state)
{
    struct rig_message m = hand_message(2500);
    struct schedule_claim one = hand_usual;
    struct rig_slice s;

    (void)state;
    one.slices = 1;
    for (int begun = 0; begun < 2; begun++) {
        assert_int_equal(hand_empty(NULL), 0);
        assert_int_equal(hand_claim(&hand_rig, 0), 0); /* tells the time */
        m.at_ms = hand_rig.claimed.now_ms - 100000;
        schedule_rig_post(&hand_rig, &m);
        assert_int_equal(hand_claim_of(&hand_rig, 0, one), 1);
        s = hand_rig.slices[0];
        if (begun)
            assert_int_equal(hand_progress(&hand_rig, 0, &s, 10), SCHEDULE_DONE);
        else
            slice_take_back(&s.claimed.slice, 0);
        assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                    (struct schedule_write){.token = 1}),
                         SCHEDULE_DONE);
        assert_in_range(rest_now(), begun ? 4000 : 25000, begun ? 5000 : 60000);
    }
}

#define AHEAD_MS 600000

/* A claim of hand 1, which can't send from s1 by a fault of its own. */
static size_t own(struct schedule_closed closed)
{
    struct schedule_claim c = hand_usual;

    closed.source = VIEW("s1");
    closed.until_ms = HAND_LATER_MS;
    closed.own = true;
    c.ahead_ms = AHEAD_MS;
    c.closed = &closed;
    c.closed_count = 1;
    return hand_claim_of(&hand_rig, 1, c);
}

/* It stays where it was, and is not looked at all the time. */
static void expect_left(const struct rig_message *m)
{
    assert_int_equal(own((struct schedule_closed){0}), 0);
    assert_int_equal(hand_field(&hand_rig, m->id, "pk"), 0);
    assert_in_range(hand_rig.claimed.next_ms - hand_rig.claimed.now_ms, 1, 250);
    hand_expect_sound(&hand_rig, m->id);
}

/* Who can send it has had no time for that: it is not even due, but claimed ahead. */
static void what_one_process_can_t_send_is_left_to_the_others(void **state)
{
    struct rig_message m = hand_message(1);
    struct schedule_claim ahead = hand_usual;

    (void)state;
    ahead.ahead_ms = AHEAD_MS;
    assert_int_equal(hand_claim(&hand_rig, 0), 0); /* tells the time */
    m.at_ms = hand_rig.claimed.now_ms + AHEAD_MS / 2;
    schedule_rig_post(&hand_rig, &m);
    expect_left(&m);
    assert_int_equal(own((struct schedule_closed){.room = 2}), 1); /* to try with */
    assert_int_equal(hand_write(&hand_rig, 1, hand_rig.ports[1].release, &hand_rig.slices[0],
                                (struct schedule_write){.token = 1, .at_ms = m.at_ms}),
                     SCHEDULE_DONE);
    expect_left(&m);
    assert_int_equal(hand_claim_of(&hand_rig, 0, ahead), 1);
    assert_string_equal(hand_rig.slices[0].message.id, m.id);
}

/* However long ago it was due: another is at it. Where nobody is, it rests. */
static void a_message_that_others_send_does_not_rest(void **state)
{
    struct rig_message m = hand_posted(&hand_rig, 5000);
    struct schedule_claim one = hand_usual;
    struct rig_slice s;

    (void)state;
    one.slices = 1;
    for (size_t i = 1; i <= 3; i++) {
        assert_int_equal(hand_claim_of(&hand_rig, 0, one), 1);
        s = hand_rig.slices[0];
        expect_left(&m);
    }
    assert_int_equal(hand_empty(NULL), 0);
    m = hand_posted(&hand_rig, 5000);
    assert_int_equal(hand_claim_of(&hand_rig, 0, one), 1);
    s = hand_rig.slices[0];
    slice_take_back(&s.claimed.slice, 0);
    assert_int_equal(hand_write(&hand_rig, 0, hand_rig.ports[0].release, &s,
                                (struct schedule_write){.token = 1}),
                     SCHEDULE_DONE);
    assert_int_equal(own((struct schedule_closed){0}), 0);
    assert_true(hand_field(&hand_rig, m.id, "pk") > hand_rig.claimed.now_ms);
    hand_expect_sound(&hand_rig, m.id);
}

/* Of two claims' looks: what nobody takes rests, and what is behind it is found. */
static void what_nobody_sends_keeps_no_others_waiting(void **state)
{
    struct rig_message other = hand_message(1);

    (void)state;
    for (size_t i = 0; i < 200; i++)
        (void)hand_posted(&hand_rig, 1);
    other.source = "s2";
    other.at_ms++;
    schedule_rig_post(&hand_rig, &other);
    assert_int_equal(own((struct schedule_closed){0}), 0);
    assert_int_equal(hand_rig.claimed.next_ms, hand_rig.claimed.now_ms);
    assert_int_equal(own((struct schedule_closed){0}), 1);
    assert_string_equal(hand_rig.slices[0].message.id, other.id);
    assert_true(hand_rig.claimed.next_ms > hand_rig.claimed.now_ms);
}

/* More of it is in act than a claim looks at: what is due before it looks again has its time. */
static void what_is_left_hides_nothing_that_is_due_sooner(void **state)
{
    struct schedule_claim few = hand_usual;
    struct rig_message m = hand_message(1);
    int64_t ends_ms;

    (void)state;
    assert_int_equal(hand_claim(&hand_rig, 0), 0); /* tells the time */
    m.at_ms = hand_rig.claimed.now_ms + AHEAD_MS / 2;
    for (size_t i = 0; i < 200; i++) {
        schedule_rig_new_id(HAND_SHARD, m.id);
        schedule_rig_post(&hand_rig, &m);
    }
    few.ahead_ms = AHEAD_MS;
    few.slices = SCHEDULE_CLAIM_MAX;
    few.destinations = 1; /* all others that it has found due go into act */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(hand_claim_of(&hand_rig, 0, few), 1);
    few.lease_ms = 100;
    assert_int_equal(hand_claim_of(&hand_rig, 0, few), 1);
    ends_ms = hand_rig.slices[0].claimed.expires_ms;
    assert_int_equal(own((struct schedule_closed){0}), 0);
    assert_true(hand_rig.claimed.next_ms > hand_rig.claimed.now_ms);
    assert_true(hand_rig.claimed.next_ms <= ends_ms || hand_rig.claimed.now_ms >= ends_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_can_t_be_sent_from_here_leaves_until_then, hand_empty),
        cmocka_unit_test_setup(a_full_source_takes_small_ones_and_no_more_of_what_it_has,
                               hand_empty),
        cmocka_unit_test_setup(who_is_behind_has_a_message_alone_no_longer, hand_empty),
        cmocka_unit_test_setup(those_that_find_no_room_at_a_rate_rest_in_line, hand_empty),
        cmocka_unit_test_setup(a_source_that_is_not_named_is_one_of_the_others, hand_empty),
        cmocka_unit_test_setup(a_source_is_one_however_it_is_spelled, hand_empty),
        cmocka_unit_test_setup(every_capital_letter_is_known_in_a_source, hand_empty),
        cmocka_unit_test_setup(of_what_has_to_wait_little_is_handed_over_at_once, hand_empty),
        cmocka_unit_test(what_nobody_here_knows_is_left_to_others),
        cmocka_unit_test(of_what_was_begun_the_rest_is_left_for_seconds_only),
        cmocka_unit_test_setup(what_one_process_can_t_send_is_left_to_the_others, hand_empty),
        cmocka_unit_test_setup(a_message_that_others_send_does_not_rest, hand_empty),
        cmocka_unit_test_setup(what_nobody_sends_keeps_no_others_waiting, hand_empty),
        cmocka_unit_test_setup(what_is_left_hides_nothing_that_is_due_sooner, hand_empty),
    };

    return cmocka_run_group_tests(tests, hand_start, hand_stop);
}
