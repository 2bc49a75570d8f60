#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/far_clock.h"
#include "bridge/core/rng.h"

static void the_quickest_answer_tells_most(void **state)
{
    struct far_clock c = {0};

    (void)state;
    far_clock_heard(&c, 100, 130, 5110);
    assert_true(c.known);
    assert_int_equal(c.ahead_ms, 4979);
    far_clock_heard(&c, 140, 141, 5141);
    assert_int_equal(c.ahead_ms, 4999);
    far_clock_heard(&c, 150, 400, 5160); /* slow: tells less */
    assert_int_equal(c.ahead_ms, 4999);
}

static void what_a_slow_answer_says_holds_once_it_is_all_there_is(void **state)
{
    struct far_clock c = {0};

    (void)state;
    far_clock_heard(&c, 0, 0, 5000);
    assert_int_equal(c.ahead_ms, 4999);
    far_clock_heard(&c, 990, 1010, 5995); /* the next window begins with it */
    assert_int_equal(c.ahead_ms, 4999);
    far_clock_heard(&c, 1990, 2010, 6995);
    assert_int_equal(c.ahead_ms, 4984);
}

static void a_clock_that_was_set_is_believed(void **state)
{
    struct far_clock c = {0};

    (void)state;
    far_clock_heard(&c, 100, 101, 5100);
    assert_int_equal(c.ahead_ms, 4998);
    far_clock_heard(&c, 110, 111, 4110); /* back by a second */
    assert_int_equal(c.ahead_ms, 3998);
    far_clock_heard(&c, 120, 121, 9120); /* and forth */
    assert_int_equal(c.ahead_ms, 8998);
}

/* In microseconds, so that what is lost by rounding down shows. */
static void it_is_never_ahead_of_the_far_one(void **state)
{
    struct rng rng = {.state = 7};

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct far_clock c = {0};
        int64_t ahead_us = (int64_t)(rng_next(&rng) % 10000000);
        int64_t now_us = (int64_t)(rng_next(&rng) % 10000000);

        for (int i = 0; i < 500; i++) {
            int64_t asked_us = now_us;
            int64_t there_us = asked_us + (int64_t)(rng_next(&rng) % 3000);

            now_us = there_us + (int64_t)(rng_next(&rng) % 3000);
            far_clock_heard(&c, asked_us / 1000, now_us / 1000, (there_us + ahead_us) / 1000);
            for (int64_t later_us = now_us; later_us < now_us + 3000; later_us += 250) {
                assert_true((later_us / 1000 + c.ahead_ms) * 1000 <= later_us + ahead_us);
                assert_true(later_us / 1000 + c.most_ms >= (later_us + ahead_us) / 1000);
            }
            assert_true((now_us / 1000 + c.ahead_ms) * 1000 > now_us + ahead_us - 9000);
            now_us += (int64_t)(rng_next(&rng) % 20000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quickest_answer_tells_most),
        cmocka_unit_test(what_a_slow_answer_says_holds_once_it_is_all_there_is),
        cmocka_unit_test(a_clock_that_was_set_is_believed),
        cmocka_unit_test(it_is_never_ahead_of_the_far_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
