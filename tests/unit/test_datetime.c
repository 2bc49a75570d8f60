/* datetime: RFC 3339 in and out, and the four ways to write Retry-After. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"

#include <stdio.h>
#include <string.h>

static int64_t instant(const char *text)
{
    int64_t ms = 0;
    struct fault f = {0};

    if (!datetime_parse(view_of(text), &ms, &f))
        fail_msg("%s", f.text);
    return ms;
}

static void what_is_finer_than_milliseconds_is_kept_where_it_is_asked_for(void **state)
{
    static const struct {
        const char *text;
        uint32_t ns;
        const char *same;
    } rows[] = {
        {"2011-12-31T13:15:30Z", 0, "2011-12-31T13:15:30.000Z"},
        {"2011-12-31T13:15:30.123Z", 0, "2011-12-31T13:15:30.123Z"},
        {"2011-12-31T13:15:30.123000Z", 0, "2011-12-31T13:15:30.123Z"},
        {"2011-12-31T13:15:30.1234+02:00", 400000, "2011-12-31T11:15:30.123400000Z"},
        {"2011-12-31T13:15:30.123456789Z", 456789, "2011-12-31T13:15:30.123456789Z"},
        {"2011-12-31T13:15:30.9999999999999Z", 999999, "2011-12-31T13:15:30.999999999Z"},
        {"2011-12-31T13:15:30.000000001Z", 1, "2011-12-31T13:15:30.000000001Z"},
        {"2016-12-31T23:59:60Z", 999999, "2016-12-31T23:59:59.999999999Z"},
    };
    char out[DATETIME_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t ns = 1;
        int64_t ms = 0;
        struct fault f = {0};

        assert_true(datetime_parse_finer(view_of(rows[i].text), &ms, &ns, &f));
        assert_int_equal(ms, instant(rows[i].text));
        assert_int_equal(ns, rows[i].ns);
        datetime_format_finer(ms, ns, out);
        assert_string_equal(out, rows[i].same);
    }
}

static void every_accepted_form_names_its_instant(void **state)
{
    static const struct {
        const char *text;
        const char *same;
    } rows[] = {
        {"2011-12-31T13:15:30.123Z", "2011-12-31T13:15:30.123Z"},
        {"2011-12-31t13:15:30.123z", "2011-12-31T13:15:30.123Z"},
        {"2011-12-31 13:15:30.123Z", "2011-12-31T13:15:30.123Z"},
        {"2011-12-31 13:15:30+02:00", "2011-12-31T11:15:30.000Z"},
        {"2011-12-31T13:15:30.5Z", "2011-12-31T13:15:30.500Z"},
        {"2011-12-31T13:15:30.12Z", "2011-12-31T13:15:30.120Z"},
        {"2011-12-31T13:15:30.1239999999999999999999Z", "2011-12-31T13:15:30.123Z"},
        {"2011-12-31T13:15:30+02:00", "2011-12-31T11:15:30.000Z"},
        {"2011-12-31T13:15:30+02:30", "2011-12-31T10:45:30.000Z"},
        {"2011-12-31T23:15:30-02:00", "2012-01-01T01:15:30.000Z"},
        {"2011-12-31T13:15:30-00:00", "2011-12-31T13:15:30.000Z"},
        {"2011-12-31T13:15:30+23:59", "2011-12-30T13:16:30.000Z"},
        {"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60.000Z", "2016-12-31T23:59:59.999Z"},
        {"2020-02-29T00:00:00Z", "2020-02-29T00:00:00.000Z"},
        {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"},
        {"2020-12-31T23:59:59.999Z", "2020-12-31T23:59:59.999Z"},
        {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
        {"0001-01-01T00:00:00-01:00", "0001-01-01T01:00:00.000Z"},
    };
    char out[DATETIME_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        datetime_format(instant(rows[i].text), out);
        assert_string_equal(out, rows[i].same);
    }
}

static void known_instants_are_the_milliseconds_that_they_are(void **state)
{
    (void)state;
    assert_true(instant("1970-01-01T00:00:00Z") == 0);
    assert_true(instant("2001-09-09T01:46:40Z") == INT64_C(1000000000000));
    assert_true(instant("2038-01-19T03:14:08.001Z") == INT64_C(2147483648001));
    assert_true(instant("1969-12-31T23:59:59.999Z") == -1);
    assert_true(instant("0001-01-01T00:00:00Z") == DATETIME_MIN_MS);
    assert_true(instant("9999-12-31T23:59:59.999Z") == DATETIME_MAX_MS);
}

static void each_day_of_the_calendar_comes_back_as_it_was(void **state)
{
    char out[DATETIME_TEXT_MAX];
    char last[DATETIME_TEXT_MAX] = "";
    const int64_t day = INT64_C(86400000);

    (void)state;
    for (int64_t ms = DATETIME_MIN_MS; ms <= DATETIME_MAX_MS; ms += day) {
        datetime_format(ms, out);
        assert_true(strcmp(last, out) < 0); /* so every day has a text of its own */
        assert_true(instant(out) == ms);
        memcpy(last, out, sizeof last);
    }
    assert_string_equal(last, "9999-12-31T00:00:00.000Z");
}

static void what_is_no_time_is_refused_and_changes_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "2020",
        "2020-06-31T00:00:00Z",
        "2019-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2020-00-01T00:00:00Z",
        "2020-13-01T00:00:00Z",
        "2020-01-00T00:00:00Z",
        "2020-01-32T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2020-01-01",
        "2020-01-01  00:00:00Z",
        "2020-01-01_00:00:00Z",
        "2020-01-01T00:00:00",
        "2020-01-01T00:00:00.5",
        "2020-01-01T00:00:00+0200",
        "2020-01-01T00:00:00 +02:00",
        "2020-01-01T00:00:00 Z",
        "2020-01-01T24:00:00Z",
        "2020-01-01T00:60:00Z",
        "2020-01-01T00:00:61Z",
        "2020-01-01T00:00Z",
        "2020-01-01T00:00:00.Z",
        "2020-01-01T00:00:00,5Z",
        "2020-01-01T00:00:00+24:00",
        "2020-01-01T00:00:00+00:60",
        "2020-01-01T00:00:00+00",
        "2020-01-01T00:00:00+2:00",
        "2020-01-01T00:00:00*02:00",
        "2020-01-01T00:00:00ZZ",
        "2020-01-01T00:00:00Z ",
        " 2020-01-01T00:00:00Z",
        "2020-1-01T00:00:00Z",
        "+2020-01-01T00:00:00Z",
        "12020-01-01T00:00:00Z",
        "2020/01-01T00:00:00Z",
        "2020-01/01T00:00:00Z",
        "2020-01-01T00-00:00Z",
        "2020-01-01T00:00-00Z",
        "2020-01-01T0x:00:00Z",
        "2020-01-01T00:0x:00Z",
        "2020-01-01T00:00:0xZ",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59.999-00:01",
        "٢٠٢٠-01-01T00:00:00Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fault f = {0};
        int64_t ms = 7;

        assert_false(datetime_parse(view_of(bad[i]), &ms, &f));
        assert_int_equal(f.cls, FAULT_REJECT);
        assert_int_equal(ms, 7);
    }
}

static void the_sentence_quotes_a_date_and_nothing_else(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
    } rows[] = {
        {"2020-06-31T00:00:00Z", "'2020-06-31T00:00:00Z'"},
        {"2020-06-30 10:00:00", "'2020-06-30 10:00:00'"},
        {"2020-06-30", "'2020-06-30'"},
        {"+358401234567", "(13 characters)"},
        {"0401-23-4567", "(12 characters)"},
        {"2020-06-30T10:00:00 my secret", "(29 characters)"},
        {"2020-06-30T10:00:00.00000000000000000000000000x", "(47 characters)"},
        {"", "(0 characters)"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        int64_t ms;
        char sentence[FAULT_TEXT_MAX];

        assert_false(datetime_parse(view_of(rows[i].text), &ms, &f));
        (void)snprintf(sentence, sizeof sentence,
                       "%s is no time; write it like 2011-12-31T13:15:30.123Z or "
                       "2011-12-31T15:15:30+02:00",
                       rows[i].shown);
        assert_string_equal(f.text, sentence);
    }
}

static void a_time_out_of_range_is_written_as_the_nearest(void **state)
{
    char out[DATETIME_TEXT_MAX];

    (void)state;
    datetime_format(INT64_MIN, out);
    assert_string_equal(out, "0001-01-01T00:00:00.000Z");
    datetime_format(INT64_MAX, out);
    assert_string_equal(out, "9999-12-31T23:59:59.999Z");
}

#define NOW "1994-11-06T08:49:00Z" /* 37 s before RFC 9110's example */
#define MAX 3600000

static void every_form_of_retry_after_gives_its_wait(void **state)
{
    static const struct {
        const char *now;
        const char *value;
        int64_t wait_ms;
    } rows[] = {
        {NOW, "0", 0},
        {NOW, "120", 120000},
        {NOW, " 007\t", 7000},
        {NOW, "3600", MAX},
        {NOW, "3601", MAX},
        {NOW, "1000000000", MAX},
        {NOW, "9223372036854775807", MAX},
        {NOW, "9223372036854775808", MAX},
        {NOW, "1000000000000000000000000000000", MAX},
        {NOW, "Sun, 06 Nov 1994 08:49:37 GMT", 37000},
        {NOW, "Sunday, 06-Nov-94 08:49:37 GMT", 37000},
        {NOW, "Sun Nov  6 08:49:37 1994", 37000},
        {NOW, "Sun Nov 06 08:49:37 1994", 37000},
        {NOW, "sun, 06 nov 1994 08:49:37 gmt", 37000},
        {NOW, "Sun, 06 Nov 1994 08:48:59 GMT", 0}, /* over */
        {NOW, "Thu, 31 Dec 9999 23:59:60 GMT", MAX},
        {NOW, "Mon, 01 Jan 0001 00:00:00 GMT", 0},
        /* Two digits of a year: the last one that is not over 50 years ahead. */
        {"2020-01-01T00:00:00Z", "Wednesday, 01-Jan-20 00:00:09 GMT", 9000},
        {"2020-01-01T00:00:00Z", "Wednesday, 01-Jan-70 00:00:00 GMT", MAX},
        {"2020-01-01T00:00:00Z", "Wednesday, 01-Jan-71 00:00:00 GMT", 0},
        {"1999-12-31T23:59:59Z", "Saturday, 01-Jan-00 00:00:00 GMT", 1000},
        {"2060-01-01T00:00:00Z", "Thursday, 01-Jan-05 00:00:00 GMT", MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t wait_ms = -7;

        assert_true(
            datetime_retry_after(view_of(rows[i].value), instant(rows[i].now), MAX, &wait_ms));
        assert_true(wait_ms == rows[i].wait_ms);
    }
}

static void an_unreadable_retry_after_is_said_to_be_so(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1 2",
        "soon",
        "0x10",
        "Sun",
        "Sun, ",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Foo, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT ,",
        "Sunday, 06-Nov-94 08:49:37",
        "Sunday, 06-Nov-94T08:49:37 GMT",
        "Sunday, 06-Nov 94 08:49:37 GMT",
        "Sunday, 06-Foo-94 08:49:37 GMT",
        "Sunday, 06 Nov-94 08:49:37 GMT",
        "Sunday, 6-Nov-94 08:49:37 GMT",
        "Sunday, 29-Feb-95 08:49:37 GMT",
        "Sunday 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Foo  6 08:49:37 1994",
        "1994-11-06T08:49:37Z",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t wait_ms = -7;

        assert_false(datetime_retry_after(view_of(bad[i]), instant(NOW), MAX, &wait_ms));
        assert_true(wait_ms == -7);
    }
}

static void a_clock_at_the_end_of_the_world_does_no_harm(void **state)
{
    int64_t wait_ms;

    (void)state;
    assert_true(
        datetime_retry_after(VIEW("Sun, 06 Nov 1994 08:49:37 GMT"), INT64_MIN, MAX, &wait_ms));
    assert_true(wait_ms == MAX);
    assert_true(
        datetime_retry_after(VIEW("Sun, 06 Nov 1994 08:49:37 GMT"), INT64_MAX, MAX, &wait_ms));
    assert_true(wait_ms == 0);
    assert_true(
        datetime_retry_after(VIEW("Sunday, 06-Nov-94 08:49:37 GMT"), INT64_MAX, MAX, &wait_ms));
    assert_true(wait_ms == 0);
    /* The year -6: none such. */
    assert_false(
        datetime_retry_after(VIEW("Sunday, 06-Nov-94 08:49:37 GMT"), INT64_MIN, MAX, &wait_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_finer_than_milliseconds_is_kept_where_it_is_asked_for),
        cmocka_unit_test(every_accepted_form_names_its_instant),
        cmocka_unit_test(known_instants_are_the_milliseconds_that_they_are),
        cmocka_unit_test(each_day_of_the_calendar_comes_back_as_it_was),
        cmocka_unit_test(what_is_no_time_is_refused_and_changes_nothing),
        cmocka_unit_test(the_sentence_quotes_a_date_and_nothing_else),
        cmocka_unit_test(a_time_out_of_range_is_written_as_the_nearest),
        cmocka_unit_test(every_form_of_retry_after_gives_its_wait),
        cmocka_unit_test(an_unreadable_retry_after_is_said_to_be_so),
        cmocka_unit_test(a_clock_at_the_end_of_the_world_does_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
