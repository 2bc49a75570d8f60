/* backoff: the bounds of the wait at every attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/backoff.h"
#include "bridge/core/rng.h"

static void the_ceiling_doubles_up_to_the_cap(void **state)
{
    static const struct {
        struct backoff b;
        unsigned attempt;
        int64_t ceiling_ms;
    } rows[] = {
        {{100, 60000}, 0, 100},
        {{100, 60000}, 1, 200},
        {{100, 60000}, 9, 51200},
        {{100, 60000}, 10, 60000},
        {{100, 60000}, 62, 60000},
        {{100, 60000}, 63, 60000},
        {{100, 60000}, UINT32_MAX, 60000},
        {{100, 50}, 0, 50},
        {{100, 400}, 2, 400},
        {{100, 401}, 2, 400},
        {{1, INT64_MAX}, 62, INT64_C(1) << 62},
        {{1, INT64_MAX}, 63, INT64_MAX},
        {{2, INT64_MAX}, 62, INT64_MAX},
        {{INT64_MAX, INT64_MAX}, 0, INT64_MAX},
        {{0, 60000}, 5, 0},
        {{-1, 60000}, 5, 0},
        {{100, 0}, 5, 0},
        {{100, -1}, 5, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_true(backoff_ceiling_ms(&rows[i].b, rows[i].attempt) == rows[i].ceiling_ms);
}

static void the_wait_is_anywhere_between_nothing_and_the_ceiling(void **state)
{
    const struct backoff b = {100, 60000};
    unsigned tenths[10] = {0};
    struct rng rng = rng_of(1);

    (void)state;
    assert_true(backoff_wait_ms(&b, 3, 0, 0) == 0);
    assert_true(backoff_wait_ms(&b, 3, 0, 800) == 800);
    assert_true(backoff_wait_ms(&b, 3, 0, 801) == 0);
    for (int i = 0; i < 10000; i++) {
        int64_t wait_ms = backoff_wait_ms(&b, 3, 0, rng_next(&rng));

        assert_in_range(wait_ms, 0, 800);
        tenths[wait_ms * 10 / 801]++;
    }
    for (size_t i = 0; i < 10; i++)
        assert_in_range(tenths[i], 800, 1200);
}

static void the_floor_is_a_minimum_with_jitter_on_top(void **state)
{
    const struct backoff b = {100, 60000};
    const struct backoff widest = {INT64_MAX, INT64_MAX};

    (void)state;
    assert_true(backoff_wait_ms(&b, 0, 120000, 0) == 120000);
    assert_true(backoff_wait_ms(&b, 0, 120000, 100) == 120100);
    assert_true(backoff_wait_ms(&b, 0, -5, 7) == 7);
    assert_true(backoff_wait_ms(&widest, 0, INT64_MAX, 5) == INT64_MAX);
    assert_true(backoff_wait_ms(&widest, 0, 1, INT64_MAX) == INT64_MAX);
    assert_true(backoff_wait_ms(&widest, 0, 1, INT64_MAX - 1) == INT64_MAX);
    assert_true(backoff_wait_ms(&widest, 0, 0, UINT64_MAX) == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_doubles_up_to_the_cap),
        cmocka_unit_test(the_wait_is_anywhere_between_nothing_and_the_ceiling),
        cmocka_unit_test(the_floor_is_a_minimum_with_jitter_on_top),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
