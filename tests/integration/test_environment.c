/* No setting of the environment reaches a test, or what it starts. Those that ctest gives this one
 * are in tests/CMakeLists.txt. It names nothing of fakes/environment.h, like most of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void settings_are_gone_and_what_is_none_stays(void **state)
{
    static const char *const gone[] = {"CMIBRIDGE_KAFKA_BROKERS", "CMIBRIDGE_REDIS_ADDRESS",
                                       "CMIBRIDGE_RETENTION", "CMIBRIDGE_LOG_LEVEL"};
    static const char *const left[] = {"CMIBRIDGE_SEED", "CMIBRIDGE_TEST_KAFKA", "CMIBRIDGE_BIN",
                                       "MY_CMIBRIDGE_KAFKA_BROKERS"};

    (void)state;
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        if (getenv(gone[i]) != NULL)
            fail_msg("%s is still there", gone[i]);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        if (getenv(left[i]) == NULL)
            fail_msg("%s is not there", left[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_gone_and_what_is_none_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
