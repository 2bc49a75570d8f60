/* notice_log: lines that can't be forged, flood nobody, and never hold the program up. */
#define _XOPEN_SOURCE 700 /* posix_openpt */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/num.h"
#include "bridge/io/notice_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int64_t wall = INT64_C(1323695730123); /* 2011-12-12T13:15:30.123Z */
static int64_t mono;

static int64_t fake_wall(void)
{
    return wall;
}

static int64_t fake_mono(void)
{
    return mono;
}

struct rig {
    int ends[2];
    struct notice_log *log;
    const struct notice *port;
    struct buf got;
};

static void rig_open(struct rig *r, enum notice_log_format format)
{
    struct notice_log_conf conf = {0, format, NOTICE_INFO, fake_wall, fake_mono};

    assert_int_equal(pipe(r->ends), 0);
    assert_int_equal(fcntl(r->ends[0], F_SETFL, O_NONBLOCK), 0);
    conf.fd = r->ends[1];
    mono = 1000000;
    r->log = notice_log_new(&conf);
    r->port = notice_log_port(r->log);
    buf_init(&r->got, 1 << 20);
}

/* What was written since the last call. */
static const char *rig_read(struct rig *r)
{
    char piece[4096];
    ssize_t n;

    buf_clear(&r->got);
    while ((n = read(r->ends[0], piece, sizeof piece)) > 0)
        buf_put(&r->got, (struct view){piece, (size_t)n});
    return buf_text(&r->got);
}

static void rig_close(struct rig *r)
{
    notice_log_free(r->log);
    (void)close(r->ends[0]);
    (void)close(r->ends[1]);
    buf_done(&r->got);
}

static void a_line_has_its_time_level_event_and_fields(void **state)
{
    static const char *const wanted[] = {
        [NOTICE_LOG_AUTO] = "ts=2011-12-12T13:15:30.123Z level=warn event=breaker_opened "
                            "target=main failures=-5\n",
        [NOTICE_LOG_LOGFMT] = "ts=2011-12-12T13:15:30.123Z level=warn event=breaker_opened "
                              "target=main failures=-5\n",
        [NOTICE_LOG_JSON] = "{\"ts\":\"2011-12-12T13:15:30.123Z\",\"level\":\"warn\",\"event\":"
                            "\"breaker_opened\",\"target\":\"main\",\"failures\":-5}\n",
        [NOTICE_LOG_TERMINAL] = "13:15:30.123Z WARN  breaker_opened           target=main "
                                "failures=-5\n",
    };

    (void)state;
    for (int format = NOTICE_LOG_AUTO; format <= NOTICE_LOG_TERMINAL; format++) {
        struct rig r;

        rig_open(&r, (enum notice_log_format)format);
        notice_say(r.port, NOTICE_WARN, "breaker_opened", NOTICE_TEXT("target", "main"),
                   NOTICE_INT("failures", -5));
        assert_string_equal(rig_read(&r), wanted[format]);
        rig_close(&r);
    }
}

static void texts_are_quoted_and_escaped_so_that_none_can_pass_for_a_line(void **state)
{
    const struct {
        struct view text;
        const char *logfmt;
        const char *json;
    } rows[] = {
        {{"", 0}, "\"\"", "\"\""},
        {VIEW("plain-text/1:2"), "plain-text/1:2", "\"plain-text/1:2\""},
        {VIEW("a b"), "\"a b\"", "\"a b\""},
        {VIEW("a=b"), "\"a=b\"", "\"a=b\""},
        {VIEW("a\"b\\c"), "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\""},
        {VIEW("a\nlevel=error\r\t"), "\"a\\nlevel=error\\r\\t\"", "\"a\\nlevel=error\\r\\t\""},
        {VIEW("\033[31mred\0\x7f"), "\"\\u001b[31mred\\u0000\\u007f\"",
         "\"\\u001b[31mred\\u0000\\u007f\""},
        {VIEW("h\xc3\xa4h"), "\"h\xc3\xa4h\"", "\"h\xc3\xa4h\""},
        {VIEW("\xc2\x9b"), "\"\\u009b\"", "\"\\u009b\""},
        {VIEW("\xe2\x80\xae"), "\"\\u202e\"", "\"\\u202e\""},
        {VIEW("a\xff\xc3"), "\"a\\ufffd\\ufffd\"", "\"a\\ufffd\\ufffd\""},
        {VIEW("\xf0\x9f\x98\x80"), "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig r;
        struct buf line;

        buf_init(&line, 4096);
        rig_open(&r, NOTICE_LOG_LOGFMT);
        notice_say(r.port, NOTICE_INFO, "e", NOTICE_VIEW("t", rows[i].text));
        buf_printf(&line, "ts=2011-12-12T13:15:30.123Z level=info event=e t=%s\n", rows[i].logfmt);
        assert_string_equal(rig_read(&r), buf_text(&line));
        rig_close(&r);
        rig_open(&r, NOTICE_LOG_JSON);
        notice_say(r.port, NOTICE_INFO, "e", NOTICE_VIEW("t", rows[i].text));
        buf_clear(&line);
        buf_printf(&line,
                   "{\"ts\":\"2011-12-12T13:15:30.123Z\",\"level\":\"info\",\"event\":\"e\","
                   "\"t\":%s}\n",
                   rows[i].json);
        assert_string_equal(rig_read(&r), buf_text(&line));
        rig_close(&r);
        buf_done(&line);
    }
}

static void what_is_below_the_level_is_not_said(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r, NOTICE_LOG_LOGFMT);
    notice_say(r.port, NOTICE_DEBUG, "e", NOTICE_INT("n", 1));
    assert_string_equal(rig_read(&r), "");
    notice_log_set_least(r.log, NOTICE_DEBUG);
    notice_say(r.port, NOTICE_DEBUG, "e", NOTICE_INT("n", 1));
    assert_non_null(strstr(rig_read(&r), "level=debug"));
    assert_int_equal(notice_log_level_of("warn"), NOTICE_WARN);
    assert_int_equal(notice_log_format_of("json"), NOTICE_LOG_JSON);
    rig_close(&r);
}

static void a_line_is_one_write_of_a_bounded_length(void **state)
{
    char large[3 * NOTICE_LOG_FIELD_MAX];
    struct notice_field fields[40];
    struct rig r;

    (void)state;
    memset(large, 'x', sizeof large);
    for (size_t i = 0; i < 40; i++)
        fields[i] = NOTICE_VIEW("k", ((struct view){large, sizeof large}));
    rig_open(&r, NOTICE_LOG_JSON);
    r.port->say(r.port->ctx, NOTICE_INFO, "e", fields, 40);
    (void)rig_read(&r);
    assert_true(r.got.n <= NOTICE_LOG_LINE_MAX);
    assert_true(r.got.n > NOTICE_LOG_LINE_MAX - 2 * NOTICE_LOG_FIELD_MAX);
    assert_true(view_starts(buf_view(&r.got), VIEW("{\"ts\"")));
    assert_string_equal(buf_text(&r.got) + r.got.n - strlen("x…\",\"cut\":true}\n"),
                        "x…\",\"cut\":true}\n");
    rig_close(&r);
}

static size_t lines(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

static void identical_lines_are_counted_instead_of_written(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r, NOTICE_LOG_LOGFMT);
    for (int i = 0; i < NOTICE_LOG_BURST + 12; i++) {
        notice_say(r.port, NOTICE_INFO, "e", NOTICE_TEXT("k", "same"));
        notice_say(r.port, NOTICE_INFO, "e", NOTICE_INT("k", i)); /* each is another */
    }
    assert_int_equal(lines(rig_read(&r)), NOTICE_LOG_BURST + NOTICE_LOG_BURST + 12);
    mono += NOTICE_LOG_WINDOW_MS;
    notice_say(r.port, NOTICE_INFO, "e", NOTICE_TEXT("k", "same"));
    assert_string_equal(rig_read(&r),
                        "ts=2011-12-12T13:15:30.123Z level=info event=e suppressed=12 k=same\n");
    notice_say(r.port, NOTICE_INFO, "e", NOTICE_TEXT("k", "same"));
    assert_string_equal(rig_read(&r), "ts=2011-12-12T13:15:30.123Z level=info event=e k=same\n");
    rig_close(&r);
}

static void what_was_suppressed_is_said_also_if_it_never_comes_again(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r, NOTICE_LOG_LOGFMT);
    for (int i = 0; i < NOTICE_LOG_BURST + 3; i++)
        notice_say(r.port, NOTICE_WARN, "e", NOTICE_TEXT("k", "same"));
    (void)rig_read(&r);
    mono += NOTICE_LOG_WINDOW_MS;
    notice_say(r.port, NOTICE_INFO, "other", NOTICE_INT("n", 1));
    assert_string_equal(
        rig_read(&r), "ts=2011-12-12T13:15:30.123Z level=warn event=lines_suppressed of=e count=3\n"
                      "ts=2011-12-12T13:15:30.123Z level=info event=other n=1\n");
    for (int i = 0; i < NOTICE_LOG_BURST + 2; i++)
        notice_say(r.port, NOTICE_WARN, "last", NOTICE_TEXT("k", "same"));
    (void)rig_read(&r);
    notice_log_free(r.log);
    r.log = NULL;
    assert_string_equal(
        rig_read(&r),
        "ts=2011-12-12T13:15:30.123Z level=warn event=lines_suppressed of=last count=2\n");
    rig_close(&r);
}

static void more_kinds_than_are_remembered_lose_no_count(void **state)
{
    struct rig r;
    const char *text;
    size_t told = 0;

    (void)state;
    rig_open(&r, NOTICE_LOG_LOGFMT);
    for (int i = 0; i < NOTICE_LOG_BURST + 1; i++)
        notice_say(r.port, NOTICE_INFO, "e", NOTICE_INT("k", -1));
    for (int i = 0; i < 2 * NOTICE_LOG_KINDS; i++) {
        mono++;
        notice_say(r.port, NOTICE_INFO, "e", NOTICE_INT("k", i));
    }
    text = rig_read(&r);
    for (; (text = strstr(text, "lines_suppressed of=e count=1")) != NULL; text++)
        told++;
    assert_int_equal(told, 1);
    rig_close(&r);
}

static void a_reader_that_takes_nothing_does_not_hold_the_program_up(void **state)
{
    struct rig r;
    const char *text;
    int64_t dropped;
    int said = 0;

    (void)state;
    rig_open(&r, NOTICE_LOG_LOGFMT);
    while (notice_log_dropped(r.log) == 0)
        notice_say(r.port, NOTICE_INFO, "e", NOTICE_INT("n", said++));
    for (int i = 0; i < 1000; i++)
        notice_say(r.port, NOTICE_INFO, "e", NOTICE_INT("n", said++));
    dropped = notice_log_dropped(r.log);
    assert_int_equal(dropped, 1001);
    assert_int_equal(lines(rig_read(&r)), said - dropped);
    notice_say(r.port, NOTICE_INFO, "again", NOTICE_INT("n", 1));
    text = rig_read(&r);
    assert_string_equal(text,
                        "ts=2011-12-12T13:15:30.123Z level=warn event=lines_dropped count=1001\n"
                        "ts=2011-12-12T13:15:30.123Z level=info event=again n=1\n");
    rig_close(&r);
}

#define THREADS 4
#define LINES   150 /* of each; all of them fit into a pipe */

struct talker {
    const struct notice *port;
    int64_t first;
};

static void *talk(void *arg)
{
    const struct talker *t = arg;

    for (int64_t i = 0; i < LINES; i++)
        notice_say(t->port, NOTICE_INFO, "e", NOTICE_INT("n", t->first + i));
    return NULL;
}

static void lines_of_several_threads_stay_whole(void **state)
{
    struct talker talkers[THREADS];
    pthread_t threads[THREADS];
    bool seen[THREADS * LINES] = {false};
    struct view rest;
    struct rig r;

    (void)state;
    rig_open(&r, NOTICE_LOG_LOGFMT);
    for (int i = 0; i < THREADS; i++) {
        talkers[i] = (struct talker){r.port, i * LINES};
        assert_int_equal(pthread_create(&threads[i], NULL, talk, &talkers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)rig_read(&r);
    assert_int_equal(lines(buf_text(&r.got)), THREADS * LINES);
    rest = buf_view(&r.got);
    while (rest.n > 0) {
        const struct view head = VIEW("ts=2011-12-12T13:15:30.123Z level=info event=e n=");
        struct view line = view_cut(&rest, '\n');
        int64_t n;

        assert_true(view_starts(line, head));
        assert_true(num_in(view_skip(line, head.n), 0, THREADS * LINES - 1, &n));
        assert_false(seen[n]);
        seen[n] = true;
    }
    rig_close(&r);
}

static void a_terminal_is_painted_unless_no_color_says_not_to(void **state)
{
    struct notice_log_conf conf = {0, NOTICE_LOG_AUTO, NOTICE_INFO, fake_wall, fake_mono};
    int master = posix_openpt(O_RDWR | O_NOCTTY);

    (void)state;
    if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
        print_message("skipped: this machine has no pseudo terminals\n");
        skip();
    }
    conf.fd = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(conf.fd >= 0);
    setenv("TERM", "xterm", 1);
    for (int painted = 0; painted < 2; painted++) {
        struct notice_log *log;
        char text[512];
        ssize_t n;

        if (painted == 1)
            unsetenv("NO_COLOR");
        else
            setenv("NO_COLOR", "1", 1);
        log = notice_log_new(&conf);
        notice_say(notice_log_port(log), NOTICE_WARN, "e", NOTICE_INT("n", 1));
        n = read(master, text, sizeof text - 1);
        assert_true(n > 0);
        text[n] = '\0';
        assert_int_equal(strstr(text, "\033[33mWARN \033[0m") != NULL, painted);
        assert_int_equal(strstr(text, "13:15:30.123Z WARN  e") != NULL, !painted);
        notice_log_free(log);
    }
    (void)close(conf.fd);
    (void)close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_its_time_level_event_and_fields),
        cmocka_unit_test(texts_are_quoted_and_escaped_so_that_none_can_pass_for_a_line),
        cmocka_unit_test(what_is_below_the_level_is_not_said),
        cmocka_unit_test(a_line_is_one_write_of_a_bounded_length),
        cmocka_unit_test(identical_lines_are_counted_instead_of_written),
        cmocka_unit_test(what_was_suppressed_is_said_also_if_it_never_comes_again),
        cmocka_unit_test(more_kinds_than_are_remembered_lose_no_count),
        cmocka_unit_test(a_reader_that_takes_nothing_does_not_hold_the_program_up),
        cmocka_unit_test(lines_of_several_threads_stay_whole),
        cmocka_unit_test(a_terminal_is_painted_unless_no_color_says_not_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
