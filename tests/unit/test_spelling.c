/* spelling: what is a letter or two off is found, what is another word is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/spelling.h"

#include <string.h>

static void a_distance_counts_letters(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } rows[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"brokers", "brokers", 0},
        {"broker", "brokers", 1},
        {"borkers", "brokers", 1}, /* two swapped */
        {"dealy", "delay", 1},
        {"brakers", "brokers", 1},
        {"kitten", "sitting", 3},
    };
    char longer[SPELLING_WORD_MAX + 2] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(spelling_distance(view_of(rows[i].a), view_of(rows[i].b)),
                         rows[i].distance);
        assert_int_equal(spelling_distance(view_of(rows[i].b), view_of(rows[i].a)),
                         rows[i].distance);
    }
    memset(longer, 'a', SPELLING_WORD_MAX + 1);
    assert_int_equal(spelling_distance(view_of(longer), view_of(longer)), SPELLING_WORD_MAX);
}

static void the_nearest_word_is_near_or_none(void **state)
{
    static const char *const words[] = {"error", "earliest", "latest", NULL};

    (void)state;
    assert_string_equal(spelling_nearest(VIEW("lattest"), words), "latest");
    assert_string_equal(spelling_nearest(VIEW("ealriest"), words), "earliest");
    assert_null(spelling_nearest(VIEW("newest"), words));
    assert_null(spelling_nearest(VIEW(""), words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_distance_counts_letters),
        cmocka_unit_test(the_nearest_word_is_near_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
