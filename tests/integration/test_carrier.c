/* The pretend carrier of `cmibridge dev`: its test numbers, however they are written, and what its
 * logs say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/num.h"
#include "standalone/file.h"
#include "tests/fakes/probe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE_URL "http://127.0.0.1:"
#define LOG_MAX  65536

static pid_t carrier;
static unsigned port;
static char directory[] = "/tmp/cmibridge-carrier-XXXXXX";
static char messages[64];
static char calls[64];

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
    assert_non_null(mkdtemp(directory));
    (void)snprintf(messages, sizeof messages, "%s/messages.jsonl", directory);
    (void)snprintf(calls, sizeof calls, "%s/calls.jsonl", directory);
    assert_int_equal(pipe(fds), 0);
    carrier = fork();
    assert_true(carrier >= 0);
    if (carrier == 0) {
        dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(binary, binary, "carrier", "--listen", "127.0.0.1:0", "--log", messages, "--calls",
              calls, (char *)NULL);
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
    unlink(messages);
    unlink(calls);
    assert_int_equal(rmdir(directory), 0);
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
    assert_string_equal(probe_header(&r, "Retry-After"), status == 429 ? "2" : "");
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

/* ---- the logs ---- */

static void ask(const char *path, const char *headers, const char *body, int status,
                const char *answer)
{
    struct probe_reply r = probe_ask(port, "POST", path, headers, body);

    assert_int_equal(r.status, status);
    if (strstr(r.body.p, answer) == NULL)
        fail_msg("POST %s: %.*s", path, VIEW_ARG(r.body));
    probe_done(&r);
}

/* What has come into the log since `seen` bytes, without the lines' times; the next `seen`. */
static size_t expect_lines(const char *log, size_t seen, const char *lines)
{
    struct buf text;
    struct buf untimed;
    struct view rest;
    struct fault f = {0};
    size_t n;

    buf_init(&text, LOG_MAX);
    buf_init(&untimed, LOG_MAX);
    assert_true(file_get(log, &text, &f));
    n = text.n;
    for (rest = view_skip(buf_view(&text), seen); rest.n > 0;) {
        struct view line = view_cut(&rest, '\n');

        assert_true(view_starts(line, VIEW("{\"time_ms\":1")));
        (void)view_cut(&line, ',');
        buf_put(&untimed, line);
        buf_put_char(&untimed, '\n');
    }
    assert_string_equal(buf_text(&untimed), lines);
    buf_done(&text);
    buf_done(&untimed);
    return n;
}

#define LINE(to, parts, key)                                                                       \
    "\"source\":\"12345678@sms.example.com\",\"to\":\"" to "\",\"parts\":" parts                   \
    ",\"idempotency_key\":\"" key "\"}\n"
#define MESSAGE(to, more)                                                                          \
    "{\"id\":\"m-0\",\"attempt\":1,\"source\":\"12345678@sms.example.com\",\"to\":\"" to "\"" more \
    "}"
#define KEY(key) "Content-Type: application/json\r\nIdempotency-Key: " key "\r\n"

static void the_log_has_each_message_that_was_taken_as_often_as_it_was(void **state)
{
    struct stat st;
    size_t seen;

    (void)state;
    expect("+358401230001", 1, 200);
    assert_int_equal(stat(messages, &st), 0);
    seen = (size_t)st.st_size;
    ask("/messages", KEY("k-1"), MESSAGE("+358 40 1", ",\"parts\":3"), 200, "{\"id\":\"carrier-");
    seen = expect_lines(messages, seen, LINE("+358 40 1", "3", "k-1"));
    ask("/messages", KEY("k-1"), MESSAGE("+358 40 1", ",\"parts\":3"), 200, "{\"id\":\"carrier-");
    ask("/messages", KEY("k-2"), MESSAGE("+358 40 2", ""), 200, "{\"id\":\"carrier-");
    seen =
        expect_lines(messages, seen, LINE("+358 40 1", "3", "k-1") LINE("+358 40 2", "1", "k-2"));
    ask("/messages", KEY("k-3"), MESSAGE("+358400000", ""), 400, "not in use");
    ask("/messages", KEY("k-4"), MESSAGE("+358400503", ""), 503, "unavailable");
    ask("/messages", KEY("k-5"), MESSAGE("+358400429", ""), 429, "too fast");
    (void)expect_lines(messages, seen, "");
}

#define CALL(attempt) "{\"callbackId\":\"c-1\",\"attempt\":" attempt "}"

static void the_first_call_of_a_callback_is_busy_and_each_later_one_reaches_it(void **state)
{
    (void)state;
    ask("/calls", KEY("c-1-1"), CALL("1"), 200, "{\"result\":\"BUSY\"}");
    ask("/calls", KEY("c-1-2"), CALL("2"), 200, "{\"result\":\"SUCCESSFUL\"}");
    (void)expect_lines(calls, 0,
                       "\"callback_id\":\"c-1\",\"attempt\":1,\"result\":\"BUSY\"}\n"
                       "\"callback_id\":\"c-1\",\"attempt\":2,\"result\":\"SUCCESSFUL\"}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_test_number_is_one_however_it_is_written),
        cmocka_unit_test(the_log_has_each_message_that_was_taken_as_often_as_it_was),
        cmocka_unit_test(the_first_call_of_a_callback_is_busy_and_each_later_one_reaches_it),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
