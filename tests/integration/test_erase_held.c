/* `cmibridge erase` while a `schedule` holds a message of the person: nothing of it reaches the
 * person any more, whatever is held, and though the consent that said so goes, too. Of the others
 * nothing is lost, or comes twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_rig.h"
#include "tests/fakes/shell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OTHERS     25             /* more than are out at a time, and before these: */
#define UNWILLING  "+35840001025" /* has withdrawn the consent, and is erased */
#define UNASKED    "+35840001026" /* is erased */
#define REMEMBERED "+35840001027" /* has withdrawn it */
#define COUNT      (OTHERS + 3)
#define LEASE      "120s" /* outlasts both erasures */
#define OUTPUT_MAX 65536

static struct send_rig rig; /* too much for the stack */
static struct buf output;

static void withdraw(const char *address)
{
    char body[128];

    (void)snprintf(body, sizeof body,
                   "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":false}", address);
    serve_expect(&rig.serve, "POST", "/customerConsents", "", body, 204, "");
}

static void erase(const char *address, const char *expected)
{
    char command[256];
    int code;

    (void)snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" erase --config %s --json %s 2>&1",
                   rig.serve.config, address);
    code = shell_run(command, &output);
    if (code != 0 || strstr(buf_text(&output), expected) == NULL)
        fail_msg("%d, and '%s' is not in: %s", code, expected, buf_text(&output));
}

static void expect_end(size_t i, unsigned accepted, const char *reason)
{
    const struct send_rig_seen *seen = &rig.messages[0].seen[i];

    if (seen->accepted != accepted || strcmp(seen->reason, reason) != 0 || seen->flagged)
        fail_msg("%zu was sent to %u times, '%s'%s", i, seen->accepted, seen->reason,
                 seen->flagged ? ", perhaps twice" : "");
}

static void who_is_erased_gets_nothing_that_is_held(void **state)
{
    char path[64];

    (void)state;
    send_rig_start_as(
        &rig, &(struct send_rig_options){.channel = "rate: 10, burst: 1", .timeout = "20s"});
    withdraw(UNWILLING);
    withdraw(REMEMBERED);
    (void)send_rig_post_whatsapp(&rig, COUNT, 0);
    assert_int_equal(setenv("CMIBRIDGE_SCHEDULE_LEASE", LEASE, 1), 0);
    send_rig_run(&rig, 0, "settled:3:stop");
    assert_int_equal(unsetenv("CMIBRIDGE_SCHEDULE_LEASE"), 0);
    send_rig_until_stopped(&rig, 0);
    erase(UNWILLING, "\"redis\":{\"destinations\":1,\"callbacks\":0,\"consents\":1,");
    erase(UNASKED, "\"redis\":{\"destinations\":1,\"callbacks\":0,\"consents\":0,");
    serve_lacks(&rig.serve, "/customerConsents", UNWILLING);
    assert_int_equal(kill(rig.schedule[0], SIGCONT), 0);
    send_rig_until_ended(&rig);

    send_rig_look(&rig);
    for (size_t i = 0; i < OTHERS; i++)
        expect_end(i, 1, "");
    expect_end(OTHERS, 0, "erased");
    expect_end(OTHERS + 1, 0, "erased");
    expect_end(OTHERS + 2, 0, "consent");
    assert_int_equal(rig.messages[0].handled, OTHERS);
    (void)snprintf(path, sizeof path, "/messages/%s", rig.messages[0].id);
    serve_holds(&rig.serve, path,
                "{\"address\":\"erased\",\"status\":\"FAILED\"},"
                "{\"address\":\"erased\",\"status\":\"FAILED\"},"
                "{\"address\":\"" REMEMBERED "\",\"status\":\"FAILED\"}]");
    serve_lacks(&rig.serve, path, "\"address\":\"erased\",\"status\":\"HANDLED\"");
    send_rig_done(&rig);
}

static int begin(void **state)
{
    buf_init(&output, OUTPUT_MAX);
    return send_rig_begin(state);
}

static int finish(void **state)
{
    buf_done(&output);
    return send_rig_finish(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_erased_gets_nothing_that_is_held),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
