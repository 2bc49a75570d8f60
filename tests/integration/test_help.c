/* Every command, and each of its own, says what it does when it is asked: on standard output, with
 * 0, and does nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/view.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX 16384

static struct buf output;

/* Its exit code; `output` is what it printed, of standard output or of the other. */
static int run(const char *arguments, const char *streams)
{
    char command[1024];

    (void)snprintf(command, sizeof command, "'%s' %s </dev/null %s", getenv("CMIBRIDGE_BIN"),
                   arguments, streams);
    return shell_run(command, &output);
}

static void helps(const char *command)
{
    static const char *const asks[] = {"--help", "-h", "--config /nowhere --help"};
    struct view rest = view_of(command);
    char name[16];
    char usage[64];

    view_copy(view_cut(&rest, ' '), name, sizeof name);
    (void)snprintf(usage, sizeof usage, "usage: cmibridge %s", name);
    for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
        char arguments[256];

        if (i == 2 && strcmp(command, "tether") == 0)
            continue; /* all but the first is another program's */
        (void)snprintf(arguments, sizeof arguments, "%s %s", command, asks[i]);
        assert_int_equal(run(arguments, "2>/dev/null"), 0);
        if (strncmp(output.p, usage, strlen(usage)) != 0)
            fail_msg("cmibridge %s prints: %s", arguments, output.p);
        (void)run(arguments, "2>&1 >/dev/null");
        assert_int_equal(output.n, 0);
    }
}

/* As the list that all of them together print has them. */
static void every_command_for_people_helps(void **state)
{
    char list[OUTPUT_MAX];
    unsigned count = 0;

    (void)state;
    assert_int_equal(run("--help", ""), 0);
    view_copy(buf_view(&output), list, sizeof list);
    for (char *line = list; line != NULL; line = strchr(line, '\n')) {
        struct view rest;
        char name[16];

        line += *line == '\n';
        if (strncmp(line, "  ", 2) != 0)
            continue;
        rest = view_of(line + 2);
        view_copy(view_cut(&rest, ' '), name, sizeof name);
        helps(name);
        count++;
    }
    assert_true(count >= 11);
}

static void so_do_their_own_and_those_for_programs(void **state)
{
    static const char *const commands[] = {"schedule fsck",   "dlq list",        "dlq show",
                                           "dlq replay",      "campaign list",   "campaign show",
                                           "campaign pause",  "campaign resume", "campaign cancel",
                                           "campaign missed", "campaign show 1", "users add",
                                           "users passwd",    "users token",     "users list",
                                           "broker",          "broker a:1",      "carrier",
                                           "tether",          "outcomes",        "watch"};

    (void)state;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        helps(commands[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_for_people_helps),
        cmocka_unit_test(so_do_their_own_and_those_for_programs),
    };

    int failed;

    buf_init(&output, OUTPUT_MAX);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&output);
    return failed;
}
