/* `cmibridge erase` in places of Redis that little leads to: where a callback waits to be called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define OUTPUT_MAX 65536
#define WHO        "+358 40 765-4321"
#define DIGITS     "358407654321"
#define OTHER      "+358407654322"

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

/* As spoilt.lua writes it. */
static void spoil(const char *shard, const char *text)
{
    char command[160];

    snprintf(command, sizeof command,
             "XADD s:{%s}:bad 1-1 id 1-1 t settled2 m A0000000000000000000000000000001 b <%s>",
             shard, text);
    assert_string_equal(redis_server_ask(rig.redis, command), "1-1");
}

static void what_nobody_could_read_is_looked_in_too(void **state)
{
    (void)state;
    spoil("01", DIGITS);
    spoil("63", "00" DIGITS);
    spoil("02", "+358409999999");
    erase("--dry-run", "\"unreadable\":2,\"outbox\":0}");
    assert_string_equal(redis_server_ask(rig.redis, "XLEN s:{01}:bad"), ":1");
    erase("", "\"unreadable\":2,\"outbox\":0}");
    assert_string_equal(redis_server_ask(rig.redis, "XLEN s:{01}:bad"), ":0");
    assert_string_equal(redis_server_ask(rig.redis, "XLEN s:{63}:bad"), ":0");
    assert_string_equal(redis_server_ask(rig.redis, "XLEN s:{02}:bad"), ":1");
    erase("", "\"unreadable\":0,\"outbox\":0}");
}

static bool is_taken(const char *id)
{
    char command[96];

    snprintf(command, sizeof command, "HEXISTS s:{%02u}:m:%s er", shard_of(view_of(id)), id);
    return strcmp(redis_server_ask(rig.redis, command), ":1") == 0;
}

/* It waits for two seconds there, unless the machine sleeps for as long. */
static void stopped_between_two_passes_it_is_asked_again(void **state)
{
    char command[256];
    char id[33];
    FILE *first;
    int status;

    (void)state;
    serve_create(
        &rig, "/messages", "",
        "{\"message\":\"Hi\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
        "\"sendTime\":\"2035-03-04T12:00:00Z\",\"destinations\":[{\"address\":\"" OTHER "\"}]}",
        id);
    serve_expect(&rig, "POST", "/customerConsents", "",
                 "{\"address\":\"" OTHER "\",\"usage\":\"whatsapp\",\"consent\":false}", 204, NULL);
    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" erase --config %s " OTHER " 2>&1",
             rig.config);
    first = popen(command, "r");
    assert_non_null(first);
    while (!is_taken(id))
        continue;
    serve_rig_stop(&rig);
    while (fgetc(first) != EOF)
        continue;
    status = pclose(first);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    serve_rig_restart(&rig);
    if (WEXITSTATUS(status) == 1)
        serve_holds(&rig, "/customerConsents", OTHER);
    snprintf(command, sizeof command, "erase --config %s --json " OTHER, rig.config);
    run(command, 0, "\"redis\":{\"destinations\":0,");
    serve_lacks(&rig, "/customerConsents", OTHER);
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
        cmocka_unit_test(what_nobody_could_read_is_looked_in_too),
        cmocka_unit_test(stopped_between_two_passes_it_is_asked_again),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
