/* phone_twin: numbers that have two spellings, and those that have one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/phone_twin.h"

#include <string.h>

static void each_of_two_spellings_leads_to_the_other(void **state)
{
    static const char *const pairs[][2] = {
        {"5215512345678", "525512345678"},
        {"5491123456789", "541123456789"},
        {"5511987654321", "551187654321"},
        {"5531967654321", "553167654321"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        for (int from = 0; from < 2; from++) {
            char out[PHONE_TWIN_MAX];

            if (!phone_twin(view_of(pairs[i][from]), out) || strcmp(out, pairs[i][1 - from]) != 0)
                fail_msg("%s", pairs[i][from]);
        }
}

static void others_have_one(void **state)
{
    static const char *const others[] = {
        "",
        "52",
        "358401234567",
        "52551234567",    /* too short */
        "52155123456789", /* too long */
        "5225512345678",  /* eleven digits, and no 1 */
        "521123456789a",
        "551132345678",  /* Brazil's landlines begin with 2 to 5 */
        "5511932345678", /* nor is this a mobile's of before */
        "5511887654321",
        "052155123456",
    };

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char out[PHONE_TWIN_MAX] = "untouched";

        if (phone_twin(view_of(others[i]), out))
            fail_msg("%s: %s", others[i], out);
        assert_string_equal(out, "untouched");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_two_spellings_leads_to_the_other),
        cmocka_unit_test(others_have_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
