/* dlq_put: how many letters are out without their marks, and what becomes of those that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producers/dlq_put.h"

#include <stdio.h>
#include <string.h>

#define LETTERS_MAX 2000
#define SENT_MAX    (4 * LETTERS_MAX)

/* A sink that notes what it is given, and reports when the test says so. */
struct sink {
    uint64_t sent[SENT_MAX]; /* tokens, in their order */
    size_t count;
    size_t reported;
    size_t room; /* 0: any */
};

static struct sink sink;
static struct dlq_put put;
static struct dlq_letter letters[LETTERS_MAX];
static struct dlq_letter *sorted[LETTERS_MAX];
static struct record_header headers[LETTERS_MAX][DLQ_PUT_HEADERS];
static char keys[LETTERS_MAX][8];

static bool produce(void *ctx, const struct sink_record *r, struct fault *f)
{
    struct sink *s = ctx;

    assert_in_range(s->count, 0, SENT_MAX - 1);
    if (s->room > 0 && s->count - s->reported >= s->room)
        return fault_set(f, FAULT_RETRY, "it is full");
    assert_string_equal(r->topic, r->token % 2 == 1 ? "dead" : "events");
    s->sent[s->count++] = r->token;
    return true;
}

/* Letters of partition 0, but for the last `beside`, which are of partition 1; each of its own key
 * but for those that a test gives another one's. */
static void start(size_t count, size_t beside)
{
    memset(&sink, 0, sizeof sink);
    for (size_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
        sorted[i] = &letters[i];
        letters[i] = (struct dlq_letter){
            .place = {0, (int64_t)i},
            .event = {.topic = VIEW("events"),
                      .partition = i >= count - beside,
                      .offset = (int64_t)i},
            .has_key = true,
            .key = view_of(keys[i]),
            .headers = headers[i],
        };
    }
    dlq_put_init(&put, "dead", sorted, count, (struct sink_port){&sink, produce});
    dlq_put_step(&put);
}

/* The oldest that is not reported yet. */
static uint64_t report(bool delivered, const char *error)
{
    uint64_t token = sink.sent[sink.reported];

    assert_in_range(sink.reported, 0, sink.count - 1);
    sink.reported++;
    dlq_put_report(&put, token, delivered, error);
    return token;
}

/* After the marks before it. */
static uint64_t report_letter(bool delivered, const char *error)
{
    while (sink.sent[sink.reported] % 2 == 1)
        (void)report(true, NULL);
    return report(delivered, error);
}

static void deliver_all(void)
{
    dlq_put_step(&put);
    while (!dlq_put_done(&put)) {
        assert_in_range(sink.reported, 0, sink.count - 1);
        (void)report(true, NULL);
        dlq_put_step(&put);
    }
}

/* The first letter and its mark. */
static void begin(void)
{
    assert_int_equal(sink.count, 1);
    (void)report(true, NULL);
    dlq_put_step(&put);
    assert_int_equal(sink.count, 2);
    (void)report(true, NULL);
    dlq_put_step(&put);
}

static size_t times_sent(size_t letter)
{
    size_t n = 0;

    for (size_t i = 0; i < sink.count; i++)
        n += sink.sent[i] == 2 * letter;
    return n;
}

static void no_more_are_out_than_may_be_repeated(void **state)
{
    (void)state;
    start(LETTERS_MAX, 0);
    begin();
    assert_int_equal(sink.count, 2 + DLQ_PUT_OPEN_MAX);
    for (size_t i = 0; i < DLQ_PUT_OPEN_MAX; i++)
        assert_int_equal(report(true, NULL) % 2, 0);
    dlq_put_step(&put);
    assert_int_equal(sink.count, 2 + 2 * DLQ_PUT_OPEN_MAX); /* marks alone */
    assert_int_equal(put.marked, 1);
    (void)report(true, NULL);
    dlq_put_step(&put);
    assert_int_equal(sink.count, 3 + 2 * DLQ_PUT_OPEN_MAX);
    deliver_all();
    assert_int_equal(put.put, LETTERS_MAX);
    assert_int_equal(put.marked, LETTERS_MAX);
    assert_int_equal(sink.count, 2 * LETTERS_MAX);
}

/* Where the queue is full of letters, each mark comes before the next of them. */
static void a_mark_waits_for_its_room_and_goes_first(void **state)
{
    (void)state;
    start(LETTERS_MAX, 0);
    begin();
    sink.room = 3;
    deliver_all();
    assert_int_equal(put.marked, LETTERS_MAX);
}

static void what_can_not_be_marked_is_one(void **state)
{
    (void)state;
    start(LETTERS_MAX, 0);
    (void)report(true, NULL);
    dlq_put_step(&put);
    for (unsigned i = 0; i < DLQ_PUT_TRIES; i++) {
        assert_int_equal(report(false, "Broker: Topic authorization failed"), 1);
        dlq_put_step(&put);
    }
    assert_true(dlq_put_done(&put));
    assert_int_equal(put.put, 1);
    assert_int_equal(put.marked, 0);
    assert_non_null(strstr(put.error, "Topic authorization failed"));
}

/* The producer was replaced: all that was on its way is given back. */
static void marks_that_fail_together_are_sent_again(void **state)
{
    (void)state;
    start(LETTERS_MAX, 0);
    begin();
    for (size_t i = 0; i < DLQ_PUT_OPEN_MAX; i++)
        (void)report(true, NULL);
    dlq_put_step(&put);
    for (size_t i = 0; i < DLQ_PUT_OPEN_MAX; i++)
        (void)report(false, "Local: Purged in queue");
    deliver_all();
    assert_int_equal(put.put, LETTERS_MAX);
    assert_int_equal(put.marked, LETTERS_MAX);
}

static void of_a_batch_that_is_refused_each_goes_once_more_by_itself(void **state)
{
    const char *const errors[] = {SINK_TOO_LARGE, SINK_INVALID};

    (void)state;
    for (size_t e = 0; e < 2; e++) {
        start(5, 0);
        begin();
        for (size_t i = 1; i < 5; i++)
            assert_int_equal(report(false, errors[e]), 2 * i);
        for (size_t i = 1; i < 5; i++) {
            dlq_put_step(&put);
            assert_int_equal(report_letter(i != 2, errors[e]), 2 * i); /* nothing between */
        }
        deliver_all();
        assert_int_equal(put.put, 4);
        assert_int_equal(put.marked, 4);
        assert_int_equal(put.refused, 1);
        assert_int_equal(put.left, 0);
        assert_int_equal(letters[2].state, DLQ_PUT_LEFT);
    }
}

static void what_may_yet_be_taken_keeps_its_place_in_its_partition(void **state)
{
    (void)state;
    start(LETTERS_MAX, 1);
    begin();
    for (size_t i = 1; i <= DLQ_PUT_OPEN_MAX; i++)
        (void)report(i == 1, "Broker: Not enough in-sync replicas");
    for (unsigned i = 0; i < DLQ_PUT_TRIES; i++) {
        dlq_put_step(&put);
        assert_int_equal(report_letter(false, "Broker: Not enough in-sync replicas"), 4);
    }
    deliver_all();
    assert_int_equal(put.put, 3); /* the first two, and the other partition's */
    assert_int_equal(put.marked, 3);
    assert_int_equal(put.refused, 1);
    assert_int_equal(put.left, LETTERS_MAX - 4);
    assert_int_equal(letters[LETTERS_MAX - 1].state, DLQ_PUT_MARKED);
}

/* Of 1 to 3, 1 fails; 3 is of its key, and went through. */
static void what_its_key_has_gone_past_is_left(void **state)
{
    (void)state;
    for (unsigned same = 0; same < 2; same++) {
        start(4, 0);
        if (same)
            letters[3].key = letters[1].key;
        begin();
        (void)report(false, SINK_PERHAPS "Local: Purged in flight");
        (void)report(true, NULL);
        (void)report(true, NULL);
        dlq_put_step(&put);
        deliver_all();
        assert_int_equal(times_sent(1), same ? 1 : 2);
        assert_int_equal(put.refused, same);
        assert_int_equal(put.put, 4 - same);
        assert_int_equal(put.marked, 4 - same);
    }
}

static void told_to_stop_it_sends_marks_alone(void **state)
{
    (void)state;
    start(LETTERS_MAX, 0);
    begin();
    dlq_put_stop(&put);
    deliver_all();
    assert_int_equal(put.put, 1 + DLQ_PUT_OPEN_MAX);
    assert_int_equal(put.marked, 1 + DLQ_PUT_OPEN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_are_out_than_may_be_repeated),
        cmocka_unit_test(a_mark_waits_for_its_room_and_goes_first),
        cmocka_unit_test(what_can_not_be_marked_is_one),
        cmocka_unit_test(marks_that_fail_together_are_sent_again),
        cmocka_unit_test(of_a_batch_that_is_refused_each_goes_once_more_by_itself),
        cmocka_unit_test(what_may_yet_be_taken_keeps_its_place_in_its_partition),
        cmocka_unit_test(what_its_key_has_gone_past_is_left),
        cmocka_unit_test(told_to_stop_it_sends_marks_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
