/* sightings: the first of each name is told, then how many came meanwhile, and never a flood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/sightings.h"

#include <stdio.h>

static int64_t add(struct sightings *s, const char *name, int64_t now_ms)
{
    bool others = true;
    int64_t n = sightings_add(s, view_of(name), now_ms, &others);

    assert_false(others);
    return n;
}

/* The same of name number i of many. */
static int64_t add_number(struct sightings *s, unsigned i, int64_t now_ms, bool *others)
{
    char name[16];

    snprintf(name, sizeof name, "made.up.%u", i);
    return sightings_add(s, view_of(name), now_ms, others);
}

static void the_first_of_each_name_is_told_and_then_how_many_came(void **state)
{
    struct sightings s = {.count = 0};
    const int64_t next = 1 + SIGHTINGS_EVERY_MS;

    (void)state;
    assert_int_equal(add(&s, "a", 0), 1);
    assert_int_equal(add(&s, "b", 1), 1);
    assert_int_equal(add(&s, "", 1), 1);
    for (int64_t ms = 1; ms < SIGHTINGS_EVERY_MS; ms += SIGHTINGS_EVERY_MS / 5)
        assert_int_equal(add(&s, "b", ms), 0);
    assert_int_equal(add(&s, "a", next - 2), 0);
    assert_int_equal(add(&s, "a", next - 1), 2);
    assert_int_equal(add(&s, "b", next), 6);
    assert_int_equal(add(&s, "b", next), 0);
    assert_int_equal(add(&s, "a", 3 * next), 1); /* long after: nothing came meanwhile */
}

static void names_without_end_take_no_more_room_and_are_told_together(void **state)
{
    struct sightings s = {.count = 0};
    int64_t told = 0;
    bool others;

    (void)state;
    for (unsigned i = 0; i < SIGHTINGS_NAMES; i++) {
        assert_int_equal(add_number(&s, i, 5, &others), 1);
        assert_false(others);
    }
    assert_int_equal(add_number(&s, 1000, 5, &others), 1);
    assert_true(others);
    for (unsigned i = 1001; i < 3000; i++)
        told += add_number(&s, i, 6, &others);
    assert_int_equal(told, 0);
    assert_int_equal(add_number(&s, 7, 6, &others), 0); /* one that is known is itself still */
    assert_false(others);
    for (unsigned i = 0; i < SIGHTINGS_NAMES; i++) /* and so are all whose time has come */
        assert_int_equal(add_number(&s, i, 5 + SIGHTINGS_EVERY_MS, &others), i == 7 ? 2 : 1);
    assert_int_equal(add_number(&s, 3000, 5 + SIGHTINGS_EVERY_MS, &others), 2000);
    assert_true(others);
}

/* What comes no more makes room for what does. */
static void a_name_that_was_not_seen_for_long_gives_up_its_place(void **state)
{
    struct sightings s = {.count = 0};
    bool others;

    (void)state;
    for (unsigned i = 0; i < SIGHTINGS_NAMES; i++)
        (void)add_number(&s, i, i == 9 ? 0 : 10, &others);
    assert_int_equal(add_number(&s, 1000, SIGHTINGS_EVERY_MS, &others), 1);
    assert_false(others);
    assert_int_equal(add_number(&s, 1000, SIGHTINGS_EVERY_MS, &others), 0);
    assert_int_equal(add_number(&s, 9, SIGHTINGS_EVERY_MS, &others), 1);
    assert_true(others);
    assert_int_equal(add_number(&s, 8, SIGHTINGS_EVERY_MS, &others), 0);
    assert_false(others);
}

static void what_came_of_one_that_gave_up_its_place_is_told_of_with_the_rest(void **state)
{
    struct sightings s = {.count = 0};
    bool others;

    (void)state;
    for (unsigned i = 0; i < SIGHTINGS_NAMES; i++)
        (void)add_number(&s, i, i == 9 ? 0 : 10, &others);
    assert_int_equal(add_number(&s, 9, 20, &others), 0);
    assert_int_equal(add_number(&s, 9, 20, &others), 0);
    assert_int_equal(add_number(&s, 1000, SIGHTINGS_EVERY_MS, &others), 1);
    assert_false(others);
    assert_int_equal(add_number(&s, 9, SIGHTINGS_EVERY_MS, &others), 2 + 1);
    assert_true(others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_each_name_is_told_and_then_how_many_came),
        cmocka_unit_test(names_without_end_take_no_more_room_and_are_told_together),
        cmocka_unit_test(a_name_that_was_not_seen_for_long_gives_up_its_place),
        cmocka_unit_test(what_came_of_one_that_gave_up_its_place_is_told_of_with_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
