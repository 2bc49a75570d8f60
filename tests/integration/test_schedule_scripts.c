/* All scripts as Redis gets them: it compiles each, knows it by the digest we made, and runs it
 * under the flags that it is meant to have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/redis_schedule_scripts.h"
#include "server/scripts.h"
#include "tests/fakes/schedule_rig.h"

#include <string.h>

/* What would make one unbounded, or not the same on a replica, or touch another slot. */
static const char *const unwelcome[] = {"'KEYS'",      "'SCAN'",     "redis.pcall", "'s:{",
                                        "math.random", "while true", "loadstring",  "dofile"};

static void expect_sound(struct schedule_rig *rig, const struct redis_script *s, const char *flags)
{
    const char *words[] = {"SCRIPT", "LOAD", s->text};

    assert_int_equal(strncmp(s->text, flags, strlen(flags)), 0);
    for (size_t i = 0; i < sizeof unwelcome / sizeof unwelcome[0]; i++)
        if (strstr(s->text, unwelcome[i]) != NULL)
            fail_msg("a script has %s: %.200s", unwelcome[i], s->text);
    assert_string_equal(schedule_rig_text(rig, words, 3), s->sha);
}

static void every_script_compiles_and_is_known_by_its_digest(void **state)
{
    static const char *const of_the_server[SCRIPT_COUNT] = {
        [SCRIPT_EFFECT] = "#!lua\n",
        [SCRIPT_EFFECT_FREES] = "#!lua flags=allow-oom\n",
        [SCRIPT_CALLBACK] = "#!lua\n",
        [SCRIPT_MESSAGE] = "#!lua flags=no-writes\n",
        [SCRIPT_STORED] = "#!lua flags=no-writes\n",
        [SCRIPT_CONSENT] = "#!lua flags=allow-oom\n",
        [SCRIPT_PURGE] = "#!lua flags=allow-oom\n",
        [SCRIPT_BIND] = "#!lua flags=allow-oom\n",
        [SCRIPT_SWAP] = "#!lua flags=allow-oom\n",
        [SCRIPT_FORGET] = "#!lua flags=allow-oom\n",
    };
    static struct schedule_rig rig;

    (void)state;
    schedule_rig_start(&rig, NULL, 0);
    for (int i = 0; i < SCHEDULE_SCRIPT_COUNT; i++)
        expect_sound(&rig, schedule_script((enum schedule_script)i), "#!lua flags=allow-oom\n");
    for (int i = 0; i < SCRIPT_COUNT; i++)
        expect_sound(&rig, script_of((enum script_name)i), of_the_server[i]);
    schedule_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_compiles_and_is_known_by_its_digest)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
