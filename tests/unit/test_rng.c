/* rng: the published sequence, and even spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/rng.h"

static void the_sequence_is_the_published_one(void **state)
{
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317),  UINT64_C(3203168211198807973),
        UINT64_C(9817491932198370423),  UINT64_C(4593380528125082431),
        UINT64_C(16408922859458223821),
    };
    struct rng r = rng_of(1234567);

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_true(rng_next(&r) == expected[i]);
}

static void a_copy_goes_on_as_the_original_does(void **state)
{
    struct rng a = rng_of(7);
    struct rng b;

    (void)state;
    (void)rng_next(&a);
    b = a;
    assert_true(rng_next(&a) == rng_next(&b));
    assert_true(rng_next(&a) != rng_next(&a));
}

static void below_draws_each_number_as_often(void **state)
{
    unsigned drawn[6] = {0};
    struct rng r = rng_of(42);

    (void)state;
    for (int i = 0; i < 60000; i++)
        drawn[rng_below(&r, 6)]++;
    for (size_t i = 0; i < 6; i++)
        assert_in_range(drawn[i], 9500, 10500);
    assert_true(rng_below(&r, 1) == 0);
}

/* Of 2^64 numbers 3/4 · 2^64 are a third too few to go round: a remainder alone would give the
 * lowest third twice as often as the others. */
static void below_is_even_for_the_largest_ranges_too(void **state)
{
    const uint64_t n = (UINT64_C(1) << 63) + (UINT64_C(1) << 62);
    unsigned lowest_third = 0;
    struct rng r = rng_of(42);

    (void)state;
    for (int i = 0; i < 30000; i++) {
        uint64_t k = rng_below(&r, n);

        assert_true(k < n);
        lowest_third += k < n / 3;
    }
    assert_in_range(lowest_third, 9500, 10500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_the_published_one),
        cmocka_unit_test(a_copy_goes_on_as_the_original_does),
        cmocka_unit_test(below_draws_each_number_as_often),
        cmocka_unit_test(below_is_even_for_the_largest_ranges_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
