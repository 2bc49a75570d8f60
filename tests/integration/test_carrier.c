/* The pretend carrier of `cmibridge dev`: its test numbers, however they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "tests/fakes/probe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE_URL "http://127.0.0.1:"

static pid_t carrier;
static unsigned port;

static int start(void **state)
{
    const char *binary = getenv("CMIBRIDGE_BIN");
    char line[64];
    struct view rest;
    int64_t number = 0;
    FILE *says;
    int fds[2];

    (void)state;
    assert_non_null(binary);
    assert_int_equal(pipe(fds), 0);
    carrier = fork();
    assert_true(carrier >= 0);
    if (carrier == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(binary, binary, "carrier", "--listen", "127.0.0.1:0", "--log", "/dev/null", "--calls",
              "/dev/null", (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    says = fdopen(fds[0], "r");
    assert_non_null(says);
    assert_non_null(fgets(line, sizeof line, says));
    rest = view_of(line);
    assert_true(view_starts(rest, VIEW(BASE_URL)));
    rest = view_skip(rest, strlen(BASE_URL));
    assert_true(num_in(view_cut(&rest, '\n'), 1, 65535, &number));
    port = (unsigned)number;
    fclose(says);
    return 0;
}

static int stop(void **state)
{
    int status = 0;

    (void)state;
    assert_int_equal(kill(carrier, SIGTERM), 0);
    assert_int_equal(waitpid(carrier, &status, 0), carrier);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return 0;
}

static void expect(const char *to, int attempt, int status)
{
    char body[256];
    struct probe_reply r;

    (void)snprintf(body, sizeof body,
                   "{\"id\":\"m-0\",\"attempt\":%d,\"source\":\"s\",\"to\":\"%s\"}", attempt, to);
    r = probe_ask(port, "POST", "/messages", "Content-Type: application/json\r\n", body);
    if (r.status != status)
        fail_msg("to %s, attempt %d: %d instead of %d", to, attempt, r.status, status);
    probe_done(&r);
}

static void a_test_number_is_one_however_it_is_written(void **state)
{
    static const struct {
        const char *to;
        int first;
        int second;
    } numbers[] = {
        {"+358401230000", 400, 400},
        {"+358 40 123 00 00", 400, 400},
        {"+358-40-123-00-00", 400, 400},
        {"+358 40 123 05 03", 503, 200},
        {"(040) 123 05.03 ", 503, 200},
        {"+358 40 123 04 29", 429, 429},
        {"+358401230001", 200, 200},
        {"+358 40 123 00 00 1", 200, 200},
        {"429", 200, 200},
        {"", 200, 200},
    };

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        expect(numbers[i].to, 1, numbers[i].first);
        expect(numbers[i].to, 2, numbers[i].second);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_test_number_is_one_however_it_is_written),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
