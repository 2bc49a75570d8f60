/* `cmibridge erase` in places of Redis that little leads to: where a callback waits to be called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <string.h>

#define OUTPUT_MAX 65536
#define WHO        "+358 40 765-4321"

static struct serve_rig rig;
static struct buf output;

static void run(const char *arguments, int code, const char *text)
{
    char command[512];
    int got;

    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" %s 2>&1", arguments);
    got = shell_run(command, &output);
    if (got != code || strstr(buf_text(&output), text) == NULL)
        fail_msg("%s: %d, and '%s' is not in: %s", arguments, got, text, buf_text(&output));
}

static void erase(const char *options, const char *text)
{
    char arguments[256];

    snprintf(arguments, sizeof arguments, "erase --config %s --json %s '" WHO "'", rig.config,
             options);
    run(arguments, 0, text);
}

static void nothing_points_to_a_callback_that_has_gone(void **state)
{
    char fsck[160];
    char id[33];

    (void)state;
    snprintf(fsck, sizeof fsck, "schedule fsck --dry-run --config %s", rig.config);
    serve_create(&rig, "/callbacks", "",
                 "{\"customerNumber\":\"" WHO "\",\"callbackQueueNumber\":\"153\"}", id);
    run(fsck, 0, "; 0 found");
    erase("", "\"callbacks\":1,");
    serve_lacks(&rig, "/callbacks", id);
    run(fsck, 0, "; 0 found");
}

static int start(void **state)
{
    (void)state;
    buf_init(&output, OUTPUT_MAX);
    serve_rig_start(&rig, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    buf_done(&output);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_points_to_a_callback_that_has_gone),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
