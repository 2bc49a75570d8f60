/* What `serve` logs of requests, and how SIGHUP changes it: its configuration, read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/json_lines.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CALLBACK "{\"customerNumber\":\"1\",\"callbackQueueNumber\":\"505\"}"
#define NOBODY   "2B8ED95B0EC911E79675005056A75D91"
#define TRACED   "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
#define TRACE    "trace=0af7651916cd43dd8448eb211c80319c"

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

/* A line that is awaited comes after all that were said before it. */
static void await(const char *text)
{
    if (!serve_rig_await(&rig, text))
        fail_msg("serve ended: %s", buf_text(&rig.log));
}

static void assert_silent(const char *text)
{
    if (strstr(buf_text(&rig.log), text) != NULL)
        fail_msg("%s is in: %s", text, buf_text(&rig.log));
}

static void each_answered_write_is_a_line_and_what_is_read_is_none(void **state)
{
    char id[33];

    (void)state;
    buf_clear(&rig.log);
    serve_expect(&rig, "GET", "/callbacks/" NOBODY, TRACED, NULL, 404, NULL);
    serve_expect(&rig, "POST", "/callbacks", "", "{}", 400, NULL);
    await("level=info event=request method=POST route=/callbacks status=400");
    assert_silent(TRACE);
    serve_create(&rig, "/callbacks", TRACED, CALLBACK, id);
    await("level=info event=request method=POST route=/callbacks status=201");
    await(id);
    await(TRACE);
}

static void what_serve_could_not_do_is_a_warning(void **state)
{
    (void)state;
    buf_clear(&rig.log);
    redis_server_kill(rig.redis);
    await("event=store_away");
    serve_expect(&rig, "POST", "/callbacks", TRACED, CALLBACK, 503, NULL);
    serve_expect(&rig, "GET", "/callbacks", "", NULL, 503, NULL);
    await("level=warn event=request method=POST route=/callbacks status=503");
    await("level=warn event=request method=GET route=/callbacks status=503");
    await(TRACE);
    redis_server_restart(rig.redis);
    await("event=store_ready");
}

/* The configuration, with `more` behind it from where it was `kept` bytes long. */
static void configure(long kept, const char *more)
{
    FILE *file = fopen(rig.config, "r+");

    assert_non_null(file);
    assert_int_equal(fseek(file, kept, SEEK_SET), 0);
    fputs(more, file);
    assert_int_equal(fflush(file), 0);
    assert_int_equal(ftruncate(fileno(file), ftell(file)), 0);
    assert_int_equal(fclose(file), 0);
    buf_clear(&rig.log);
    assert_int_equal(kill(rig.pid, SIGHUP), 0);
}

static long configured(void)
{
    FILE *file = fopen(rig.config, "r");
    long n;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    n = ftell(file);
    assert_int_equal(fclose(file), 0);
    return n;
}

/* said: at a SIGHUP, and so after what the write would have said. */
static void expect_no_line_of_a_write(const char *said)
{
    char id[33];

    buf_clear(&rig.log);
    serve_create(&rig, "/callbacks", "", CALLBACK, id);
    assert_int_equal(kill(rig.pid, SIGHUP), 0);
    await(said);
    assert_silent("status=201");
}

static void a_reload_takes_the_level_and_names_what_waits_for_a_restart(void **state)
{
    const long kept = configured();
    const char *said;
    char id[33];

    (void)state;
    configure(kept, "log: {level: warn}\nlimits: {remarks: 1KiB}\n");
    await(
        "event=setting_needs_restart setting=limits.remarks text=\"it differs from what runs, and "
        "waits for a restart\"");
    assert_non_null(strstr(buf_text(&rig.log), "event=setting_changed setting=log.level"));
    expect_no_line_of_a_write("event=setting_needs_restart");

    /* One with a mistake changes nothing, and the mistake is named. */
    configure(kept, "log: {level: loud}\n");
    await("event=reload_refused");
    await("log.level is 'loud'");
    expect_no_line_of_a_write("event=reload_refused");

    configure(kept, "");
    await("event=reloaded");
    serve_create(&rig, "/callbacks", "", CALLBACK, id);
    await("level=info event=request method=POST route=/callbacks status=201");
    said = buf_text(&rig.log);
    assert_null(strstr(said, "event=setting_needs_restart"));
}

/* In a pipe as on a terminal. */
static void lines_have_the_format_that_the_configuration_names(void **state)
{
    static const struct {
        const char *format;
        const char *begins;
        const char *holds;
    } rows[] = {
        {"auto", "ts=", " level=error event=not_started error=\""},
        {"logfmt", "ts=", " level=error event=not_started error=\""},
        {"json", "{\"ts\":\"", "\"level\":\"error\",\"event\":\"not_started\",\"error\":\""},
        {"terminal", "", "Z ERROR not_started "},
    };
    struct buf said;

    (void)state;
    buf_init(&said, 1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char command[512];

        snprintf(command, sizeof command,
                 "CMIBRIDGE_LOG_FORMAT=%s CMIBRIDGE_HISTORY_FILE=%s/no-such/history.sqlite "
                 "\"$CMIBRIDGE_BIN\" serve --config %s 2>&1",
                 rows[i].format, rig.dir, rig.config);
        assert_int_not_equal(shell_run(command, &said), COMMAND_OK);
        if (!view_starts(buf_view(&said), view_of(rows[i].begins)) ||
            strstr(buf_text(&said), rows[i].holds) == NULL)
            fail_msg("%s: %s", rows[i].format, buf_text(&said));
        if (strcmp(rows[i].format, "json") == 0)
            json_log(buf_view(&said));
    }
    buf_done(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answered_write_is_a_line_and_what_is_read_is_none),
        cmocka_unit_test(what_serve_could_not_do_is_a_warning),
        cmocka_unit_test(a_reload_takes_the_level_and_names_what_waits_for_a_restart),
        cmocka_unit_test(lines_have_the_format_that_the_configuration_names),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
