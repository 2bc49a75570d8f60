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
    pacer_init(&p, 0, 1);
    assert_true(pacer_watch(&p, 0));
    pacer_granted(&p, 1, 0, 0, 0);
    assert_int_equal(pacer_ask(&p, 1, 1000, 0), 0);
    assert_true(pacer_take(&p, 1000, 0));
    assert_true(pacer_take(&p, 1000, 0));
}

static void a_sender_without_a_rate_hears_of_pauses_elsewhere(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 0, 1);
    assert_true(pacer_watch(&p, 0));
    assert_false(pacer_watch(&p, 1)); /* one at a time */
    assert_false(pacer_take(&p, 1, 1));
    assert_true(pacer_wake_ms(&p, 1, 1) == INT64_MAX); /* when the answer comes */
    pacer_granted(&p, 1, 0, 0, 2);
    assert_true(pacer_take(&p, 1000, 2)); /* it has no rate */
    assert_false(pacer_watch(&p, 1 + PACER_WATCH_MS));
    assert_true(pacer_watch(&p, 2 + PACER_WATCH_MS));
    assert_true(pacer_take(&p, 1, 2 + PACER_WATCH_MS)); /* that keeps nothing waiting */
    pacer_granted(&p, 0, 0, 3000, 800);                 /* shut */
    assert_false(pacer_take(&p, 1, 3799));
    assert_false(pacer_watch(&p, 3799));
    assert_int_equal(pacer_wake_ms(&p, 1, 900), 3800);
    assert_false(pacer_take(&p, 1, 3800)); /* it may last longer by now */
    assert_true(pacer_watch(&p, 3800));
    pacer_granted(&p, 0, 0, 2000, 3801);
    assert_int_equal(pacer_wake_ms(&p, 1, 3801), 5801);
    assert_true(pacer_watch(&p, 5801));
    pacer_granted(&p, 1, 0, 0, 5802);
    assert_true(pacer_take(&p, 1, 5802));
    pacer_init(&p, 10, 1);
    assert_false(pacer_watch(&p, 0)); /* its grants say so */
}

static void a_sender_without_a_rate_that_was_idle_looks_first(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 0, 1);
    assert_true(pacer_watch(&p, 0));
    pacer_granted(&p, 1, 0, 0, 0);
    assert_true(pacer_take(&p, 1, PACER_KNOWN_MS - 1));
    assert_false(pacer_take(&p, 1, PACER_KNOWN_MS));
    assert_int_equal(pacer_wake_ms(&p, 1, PACER_KNOWN_MS), PACER_KNOWN_MS);
    assert_true(pacer_watch(&p, PACER_KNOWN_MS));
    pacer_granted(&p, 1, 0, 0, PACER_KNOWN_MS + 3);
    assert_true(pacer_take(&p, 1, PACER_KNOWN_MS + 3));
}

static void a_sender_that_can_t_look_goes_on_without(void **state)
{
    struct pacer p;
    const int64_t again_ms = 100 + PACER_AGAIN_MS;

    (void)state;
    pacer_init(&p, 0, 1);
    assert_true(pacer_watch(&p, 0));
    pacer_lost(&p, 100);
    assert_true(pacer_take(&p, 1, 100));
    assert_false(pacer_watch(&p, again_ms - 1));
    assert_true(pacer_watch(&p, again_ms));
    assert_true(pacer_take(&p, 1, 100 + PACER_BLIND_MS - 1));
    pacer_granted(&p, 0, 0, 3000, again_ms + 5000);
    assert_false(pacer_take(&p, 1, again_ms + 5000));
}

static void parts_are_asked_for_ahead_and_go_one_after_the_other(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 100, 1);
    assert_false(pacer_take(&p, 1, 0));
    assert_int_equal(pacer_ask(&p, 1, 1000, 0), 20);
    assert_int_equal(pacer_ask(&p, 1, 1000, 0), 0); /* one at a time */
    assert_true(pacer_wake_ms(&p, 1, 0) == INT64_MAX);
    pacer_granted(&p, 20, 3000, 0, 5);
    assert_false(pacer_take(&p, 1, 7));
    assert_int_equal(pacer_wake_ms(&p, 1, 7), 8);
    for (int64_t i = 0; i < 10; i++) {
        assert_int_equal(pacer_ask(&p, 1, 1000, 8 + 10 * i), 0); /* there are enough */
        assert_true(pacer_take(&p, 1, 8 + 10 * i));
        assert_false(pacer_take(&p, 1, 17 + 10 * i));
    }
    assert_int_equal(pacer_ask(&p, 1, 1000, 100), 20);
    pacer_granted(&p, 20, 150000, 0, 100); /* another process has got some in between */
    assert_int_equal(pacer_ask(&p, 1, 1000, 100), 0);
    for (int64_t i = 0; i < 10; i++)
        assert_true(pacer_take(&p, 1, 108 + 10 * i));
    assert_false(pacer_take(&p, 1, 249));
    assert_int_equal(pacer_wake_ms(&p, 1, 249), 250);
    assert_true(pacer_take(&p, 1, 250));
}

static void what_came_late_is_made_up_for_a_little_at_once(void **state)
{
    struct pacer p;
    int64_t n = 0;

    (void)state;
    pacer_init(&p, 100, 1);
    assert_int_equal(pacer_ask(&p, 1, 1000, 0), 20);
    pacer_granted(&p, 20, 0, 0, 0);
    while (pacer_take(&p, 1, 500))
        n++;
    assert_int_equal(n, 1 + PACER_SLACK_MS * 100 / 1000);
    assert_int_equal(pacer_wake_ms(&p, 1, 500), 510);
    pacer_init(&p, 100, 15);
    assert_int_equal(pacer_ask(&p, 1, 1000, 1000), 20);
    pacer_granted(&p, 20, -140000, 0, 1000); /* so many had gathered */
    for (n = 0; pacer_take(&p, 1, 1000); n++)
        ;
    assert_int_equal(n, 15);
}

static void a_bucket_that_lends_no_more_says_when(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 10, 1);
    assert_int_equal(pacer_ask(&p, 1, 1, 5), 1);
    pacer_granted(&p, 0, 0, 150, 5);
    assert_int_equal(pacer_ask(&p, 1, 1, 100), 0);
    assert_int_equal(pacer_wake_ms(&p, 1, 100), 155);
    assert_int_equal(pacer_ask(&p, 1, 1, 155), 1);
    pacer_lost(&p, 160);
    assert_int_equal(pacer_ask(&p, 1, 1, 160), 0);
    assert_int_equal(pacer_ask(&p, 1, 1, 160 + PACER_AGAIN_MS), 1);
}

static void a_message_of_many_parts_gathers_them(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 1, 1);
    for (int64_t i = 0; i < 7; i++) {
        assert_false(pacer_take(&p, 7, 1000 * i));
        assert_int_equal(pacer_ask(&p, 7, 7, 1000 * i), 1);
        pacer_granted(&p, 1, 0, 0, 1000 * i);
    }
    assert_true(pacer_take(&p, 7, 7000));
    pacer_put_back(&p, 7);
    assert_true(pacer_take(&p, 7, 7000));
    assert_int_equal(pacer_ask(&p, 7, 7, 7000), 1);
    pacer_granted(&p, 1, 0, 0, 7000);
    assert_false(pacer_take(&p, 1, 13000)); /* it was more than its time has let through */
    assert_true(pacer_take(&p, 1, 14000));
}

static void what_the_gateway_says_holds_everything(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 10, 1);
    assert_int_equal(pacer_ask(&p, 1, 5, 0), 2);
    pacer_granted(&p, 2, 0, 0, 0);
    assert_true(pacer_hold(&p, 5000, 10));
    assert_false(pacer_hold(&p, 1000, 20)); /* held already, and not for less */
    assert_false(pacer_take(&p, 1, 5009));
    assert_int_equal(pacer_ask(&p, 1, 5, 5009), 0);
    assert_int_equal(pacer_wake_ms(&p, 1, 20), 5010);
    assert_true(pacer_take(&p, 1, 5010));
}

static void others_are_told_where_a_pause_lasts_longer(void **state)
{
    struct pacer p;

    (void)state;
    pacer_init(&p, 0, 1);
    assert_true(pacer_hold(&p, 2000, 1000));
    assert_false(pacer_hold(&p, 2000, 1000 + PACER_SAME_MS)); /* but it lasts as long itself */
    assert_int_equal(p.held_to_ms, 3000 + PACER_SAME_MS);
    assert_true(pacer_hold(&p, 2000, 1001 + PACER_SAME_MS)); /* not little by little */
    assert_true(pacer_hold(&p, 300000, 1200));
    assert_false(pacer_hold(&p, 300000, 1201));
    pacer_untold(&p);
    assert_true(pacer_hold(&p, 200000, 1202));
    assert_int_equal(p.held_to_ms, 301201);
    pacer_init(&p, 0, 1);
    assert_true(pacer_watch(&p, 1000));
    pacer_granted(&p, 0, 0, 5000, 1000); /* they know it: it comes from there */
    assert_false(pacer_hold(&p, 5000, 1000));
    assert_true(pacer_hold(&p, 6000, 1000));
    pacer_init(&p, 0, 1);
    assert_true(pacer_watch(&p, 1000));
    assert_true(pacer_hold(&p, 60000, 1000));
    pacer_granted(&p, 0, 0, 5000, 1001); /* they have heard of a shorter one alone */
    assert_int_equal(p.held_to_ms, 61000);
    assert_true(pacer_hold(&p, 59000, 1002));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_without_a_rate_asks_for_nothing),
        cmocka_unit_test(a_sender_without_a_rate_hears_of_pauses_elsewhere),
        cmocka_unit_test(a_sender_without_a_rate_that_was_idle_looks_first),
        cmocka_unit_test(a_sender_that_can_t_look_goes_on_without),
        cmocka_unit_test(parts_are_asked_for_ahead_and_go_one_after_the_other),
        cmocka_unit_test(what_came_late_is_made_up_for_a_little_at_once),
        cmocka_unit_test(a_bucket_that_lends_no_more_says_when),
        cmocka_unit_test(a_message_of_many_parts_gathers_them),
        cmocka_unit_test(what_the_gateway_says_holds_everything),
        cmocka_unit_test(others_are_told_where_a_pause_lasts_longer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
