#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/settlement.h"
#include "bridge/core/slice.h"

#include <string.h>

static const uint8_t holder[SLICE_HOLDER_BYTES] = "0123456789abcde";

static struct slice untouched(size_t count)
{
    struct slice s;

    assert_true(slice_read(&s, VIEW_NONE, count));
    return s;
}

/* What is written and read again. */
static struct slice again(const struct slice *s)
{
    struct buf b;
    struct slice read;

    buf_init(&b, SLICE_RECORD_MAX);
    slice_write(s, &b);
    assert_false(b.full);
    assert_true(slice_read(&read, buf_view(&b), s->count));
    buf_done(&b);
    return read;
}

static void a_destination_s_status_follows_from_what_is_stored(void **state)
{
    struct slice s = untouched(10);
    struct slice read;

    (void)state;
    assert_int_equal(slice_status(&s, VIEW_NONE, 0), SLICE_ADDED);
    slice_claim(&s, holder);
    slice_hand_over(&s, 4);
    slice_settle(&s, 0, SLICE_DEAD);
    slice_settle(&s, 1, SLICE_OK);
    slice_settle(&s, 2, SLICE_AGAIN);
    read = again(&s);
    assert_int_equal(slice_status(&read, VIEW_NONE, 0), SLICE_FAILED);
    assert_int_equal(slice_status(&read, VIEW_NONE, 1), SLICE_HANDLED);
    assert_int_equal(slice_status(&read, VIEW("\x40"), 1), SLICE_FAILED);
    assert_int_equal(slice_status(&read, VIEW("\x20"), 2), SLICE_PROCESSING);
    assert_int_equal(slice_status(&read, VIEW_NONE, 9), SLICE_PROCESSING);
    assert_int_equal(slice_ended(&read), 2);
    assert_string_equal(slice_status_name(SLICE_PROCESSING), "PROCESSING");
}

static void what_was_handed_over_and_not_settled_is_in_doubt(void **state)
{
    struct slice s = untouched(1000);
    struct slice next;

    (void)state;
    slice_claim(&s, holder);
    slice_hand_over(&s, 13);
    slice_settle(&s, 3, SLICE_OK);
    slice_settle(&s, 12, SLICE_AGAIN);
    assert_int_equal(slice_out(&s), 11);
    assert_int_equal(slice_left(&s), 998);

    next = again(&s);
    assert_memory_equal(next.holder, holder, sizeof holder);
    slice_claim(&next, holder);
    assert_int_equal(next.attempt, 1);
    assert_int_equal(slice_next(&next, 0), 0);
    assert_int_equal(slice_next(&next, 3), 4);
    assert_int_equal(slice_next(&next, 12), 13);
    assert_true(slice_doubtful(&next, 4));
    assert_false(slice_doubtful(&next, 13));
    slice_hand_over(&next, 20);
    assert_false(slice_doubtful(&next, 13));
}

static void a_pass_ends_when_all_is_settled_and_the_next_has_what_is_to_be_tried_again(void **state)
{
    struct slice s = untouched(9);

    (void)state;
    slice_claim(&s, holder);
    slice_hand_over(&s, 9);
    for (size_t i = 0; i < 9; i++)
        slice_settle(&s, i, i % 4 == 0 ? SLICE_AGAIN : SLICE_OK);
    assert_int_equal(slice_next(&s, 0), 9);
    slice_end_pass(&s);
    assert_int_equal(slice_out(&s), 0);
    s = again(&s);
    assert_int_equal(slice_status(&s, VIEW_NONE, 8), SLICE_PROCESSING);
    slice_claim(&s, holder);
    assert_int_equal(s.attempt, 2);
    assert_int_equal(slice_left(&s), 3);
    assert_int_equal(slice_next(&s, 1), 4);
    assert_int_equal(slice_next(&s, 5), 8);
    assert_false(slice_doubtful(&s, 0));
}

static void what_was_not_sent_can_be_taken_back(void **state)
{
    struct slice s = untouched(30);

    (void)state;
    slice_claim(&s, holder);
    slice_hand_over(&s, 20);
    slice_settle(&s, 0, SLICE_OK);
    slice_take_back(&s, 5);
    assert_int_equal(slice_out(&s), 4);
    s = again(&s);
    assert_true(slice_doubtful(&s, 4));
    assert_false(slice_doubtful(&s, 5));
}

static void some_wait_longer_than_their_pass(void **state)
{
    struct slice s = untouched(1000);
    size_t n = 0;

    (void)state;
    assert_true(slice_put_off_first_ms(&s) == INT64_MAX);
    slice_claim(&s, holder);
    slice_hand_over(&s, 1000);
    for (size_t i = 0; i < 1000; i++)
        slice_settle(&s, i, SLICE_AGAIN);
    while (slice_put_off(&s, 999 - n, INT64_MAX - 100 - (int64_t)n))
        n++;
    assert_int_equal(n, SLICE_PUT_OFF_MAX);
    slice_end_pass(&s);
    s = again(&s);
    assert_int_equal(s.put_off, SLICE_PUT_OFF_MAX);
    assert_true(slice_put_off_first_ms(&s) == INT64_MAX - 100 - (SLICE_PUT_OFF_MAX - 1));
    slice_claim(&s, holder);
    slice_settle(&s, 1000 - SLICE_PUT_OFF_MAX, SLICE_OK); /* the first */
    s = again(&s);
    assert_int_equal(s.put_off, SLICE_PUT_OFF_MAX - 1);
    assert_true(slice_put_off_first_ms(&s) == INT64_MAX - 100 - (SLICE_PUT_OFF_MAX - 2));
    slice_settle(&s, 999, SLICE_AGAIN); /* it is tried again, and waits no longer than the others */
    assert_int_equal(again(&s).put_off, SLICE_PUT_OFF_MAX - 2);
}

static void a_record_is_small_when_little_is_to_say(void **state)
{
    struct slice s = untouched(1000);
    struct buf b;

    (void)state;
    buf_init(&b, SLICE_RECORD_MAX);
    slice_claim(&s, holder);
    slice_hand_over(&s, 1000);
    slice_write(&s, &b);
    assert_int_equal(b.n, SLICE_HEAD_BYTES + SLICE_BITMAP_BYTES);
    for (size_t i = 0; i < 1000; i++)
        slice_settle(&s, i, SLICE_OK);
    slice_end_pass(&s);
    buf_clear(&b);
    slice_write(&s, &b);
    assert_int_equal(b.n, SLICE_HEAD_BYTES);
    buf_done(&b);
}

static void what_is_no_record_is_refused(void **state)
{
    struct slice s = untouched(10);
    struct slice read;
    struct buf b;
    char bad[SLICE_RECORD_MAX];

    (void)state;
    buf_init(&b, SLICE_RECORD_MAX);
    slice_claim(&s, holder);
    slice_write(&s, &b);
    for (size_t n = 1; n < b.n; n++)
        assert_false(slice_read(&read, (struct view){b.p, n}, 10));
    assert_true(slice_read(&read, buf_view(&b), 10));
    slice_settle(&s, 9, SLICE_AGAIN);
    assert_true(slice_put_off(&s, 9, 1));
    buf_clear(&b);
    slice_write(&s, &b);
    for (size_t n = 1; n < b.n; n++)
        if (n != b.n - 11) /* that is one of which nothing is put off */
            assert_false(slice_read(&read, (struct view){b.p, n}, 10));
    memcpy(bad, b.p, b.n);
    bad[b.n - 9] = 10; /* the destination */
    assert_false(slice_read(&read, (struct view){bad, b.n}, 10));
    bad[b.n - 9] = 8; /* it has not ended, either */
    assert_true(slice_read(&read, (struct view){bad, b.n}, 10));
    s = untouched(10);
    slice_claim(&s, holder);
    buf_clear(&b);
    slice_write(&s, &b);
    assert_false(slice_read(&read, buf_view(&b), 8)); /* more bits than destinations */
    assert_false(slice_read(&read, buf_view(&b), 1)); /* more bytes */
    assert_false(slice_read(&read, buf_view(&b), 9));
    memcpy(bad, b.p, b.n);
    bad[7] = 11; /* watermark */
    assert_false(slice_read(&read, (struct view){bad, b.n}, 10));
    memcpy(bad, b.p, b.n);
    bad[9] = 11; /* ok */
    assert_false(slice_read(&read, (struct view){bad, b.n}, 10));
    buf_done(&b);
}

static void settlements_come_back_as_they_were_put(void **state)
{
    static char longer[300];
    struct settlement in[] = {
        {.index = 999,
         .attempt = 11,
         .state = SETTLEMENT_HANDLED,
         .possible_duplicate = true,
         .provider_id = VIEW("wamid.X"),
         .at_ms = 1234567890123,
         .address = VIEW("+49170")},
        {.index = 0,
         .attempt = 1,
         .state = SETTLEMENT_AGAIN,
         .reason = VIEW("503"),
         .at_ms = 1,
         .retry_at_ms = INT64_MAX,
         .address = VIEW("a@b")},
        {.index = 1, .state = SETTLEMENT_FAILED, .overtaken = true, .reason = {longer, 300}},
    };
    struct buf kept;
    struct buf event;
    struct view rest;
    struct settlement out;

    (void)state;
    memset(longer, 'x', sizeof longer);
    buf_init(&kept, 4096);
    buf_init(&event, 4096);
    for (size_t i = 0; i < 3; i++) {
        settlement_put_kept(&kept, &in[i]);
        settlement_put_event(&event, &in[i]);
    }
    rest = buf_view(&event);
    for (size_t i = 0; i < 3; i++) {
        assert_true(settlement_next_event(&rest, &out));
        assert_int_equal(out.index, in[i].index);
        assert_int_equal(out.attempt, in[i].attempt);
        assert_int_equal(out.state, in[i].state);
        assert_int_equal(out.possible_duplicate, in[i].possible_duplicate);
        assert_int_equal(out.overtaken, in[i].overtaken);
        assert_int_equal(out.reason.n, in[i].reason.n > 255 ? 255 : in[i].reason.n);
        assert_true(view_eq(out.provider_id, in[i].provider_id));
        assert_true(view_eq(out.address, in[i].address));
        assert_true(out.at_ms == in[i].at_ms && out.retry_at_ms == in[i].retry_at_ms);
    }
    assert_false(settlement_next_event(&rest, &out));
    rest = buf_view(&kept);
    for (size_t i = 0; i < 3; i++)
        assert_true(settlement_next_kept(&rest, &out) && out.index == in[i].index);
    assert_int_equal(rest.n, 0);
    for (size_t n = 0; n < event.n; n++) { /* cut anywhere: what is whole, and no more */
        size_t whole = 0;

        for (rest = (struct view){event.p, n}; settlement_next_event(&rest, &out); whole++)
            continue;
        assert_true(whole < 3);
    }
    assert_string_equal(settlement_state_name(SETTLEMENT_LATE), "late");
    buf_done(&kept);
    buf_done(&event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_destination_s_status_follows_from_what_is_stored),
        cmocka_unit_test(what_was_handed_over_and_not_settled_is_in_doubt),
        cmocka_unit_test(
            a_pass_ends_when_all_is_settled_and_the_next_has_what_is_to_be_tried_again),
        cmocka_unit_test(what_was_not_sent_can_be_taken_back),
        cmocka_unit_test(some_wait_longer_than_their_pass),
        cmocka_unit_test(a_record_is_small_when_little_is_to_say),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(settlements_come_back_as_they_were_put),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
