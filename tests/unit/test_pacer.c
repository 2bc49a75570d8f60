#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/pacer.h"

static void a_sender_without_a_rate_asks_for_nothing(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 0);
    assert_int_equal(pacer_ask(&p, 1000, 0), 0);
    assert_true(pacer_take(&p, 1000, 0));
    assert_true(pacer_take(&p, 1000, 0));
}

static void a_sender_without_a_rate_hears_of_pauses_elsewhere(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 0);
    assert_true(pacer_watch(&p, 0));
    assert_false(pacer_watch(&p, 1)); /* one at a time */
    pacer_granted(&p, 1, 0, 2);
    assert_true(pacer_take(&p, 1000, 2)); /* it has no rate */
    assert_false(pacer_watch(&p, 1 + PACER_WATCH_MS));
    assert_true(pacer_watch(&p, 2 + PACER_WATCH_MS));
    pacer_lost(&p, 510);
    assert_true(pacer_take(&p, 1, 510));
    assert_true(pacer_watch(&p, 510 + PACER_AGAIN_MS));
    pacer_granted(&p, 0, 3000, 800); /* shut */
    assert_false(pacer_take(&p, 1, 3799));
    assert_int_equal(pacer_wake_ms(&p, 900), 3800);
    assert_true(pacer_take(&p, 1, 3800));
    pacer_init(&p, 10);
    assert_false(pacer_watch(&p, 0)); /* its grants say so */
}

static void parts_are_asked_for_a_fifth_of_a_second_at_a_time(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 100);
    assert_false(pacer_take(&p, 1, 0));
    assert_int_equal(pacer_ask(&p, 1000, 0), 20);
    assert_int_equal(pacer_ask(&p, 1000, 0), 0); /* one at a time */
    assert_true(pacer_wake_ms(&p, 0) == INT64_MAX);
    pacer_granted(&p, 20, 150, 5);
    assert_true(pacer_take(&p, 19, 5));
    assert_false(pacer_take(&p, 2, 5));
    assert_true(pacer_take(&p, 1, 5));
    assert_int_equal(pacer_ask(&p, 1, 100), 0); /* the bucket has said when */
    assert_int_equal(pacer_wake_ms(&p, 100), 155);
    assert_int_equal(pacer_ask(&p, 1, 155), 1);
    pacer_lost(&p, 160);
    assert_int_equal(pacer_ask(&p, 1, 160), 0);
    assert_int_equal(pacer_ask(&p, 1, 160 + PACER_AGAIN_MS), 1);
}

static void a_message_of_many_parts_gathers_them(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 1);
    for (int64_t i = 0; i < 7; i++) {
        assert_false(pacer_take(&p, 7, i));
        assert_int_equal(pacer_ask(&p, 7, i), 1);
        pacer_granted(&p, 1, 0, i);
    }
    assert_true(pacer_take(&p, 7, 7));
    pacer_put_back(&p, 7);
    assert_true(pacer_take(&p, 7, 7));
}

static void what_the_gateway_says_holds_everything(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 10);
    assert_int_equal(pacer_ask(&p, 5, 0), 2);
    pacer_granted(&p, 2, 0, 0);
    assert_true(pacer_hold(&p, 5000, 10));
    assert_false(pacer_hold(&p, 1000, 20)); /* held already, and not for less */
    assert_false(pacer_take(&p, 1, 5009));
    assert_int_equal(pacer_ask(&p, 5, 5009), 0);
    assert_int_equal(pacer_wake_ms(&p, 20), 5010);
    assert_true(pacer_take(&p, 1, 5010));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_without_a_rate_asks_for_nothing),
        cmocka_unit_test(a_sender_without_a_rate_hears_of_pauses_elsewhere),
        cmocka_unit_test(parts_are_asked_for_a_fifth_of_a_second_at_a_time),
        cmocka_unit_test(a_message_of_many_parts_gathers_them),
        cmocka_unit_test(what_the_gateway_says_holds_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
