#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"
#include "bridge/core/hours.h"
#include "bridge/io/zone_load.h"

#include <stdlib.h>
#include <string.h>

static int64_t at(const char *text)
{
    struct fault f = {0};
    int64_t ms;

    if (!datetime_parse(view_of(text), &ms, &f))
        fail_msg("%s", f.text);
    return ms;
}

static struct zone helsinki(void)
{
    struct fault f = {0};
    struct zone z;

    if (!zone_load("Europe/Helsinki", at("2026-01-01T00:00:00Z"), &z, &f)) {
        print_message("skipped: %s\n", f.text);
        exit(77);
    }
    return z;
}

static void local_hours_are_held_over_the_change_of_the_clocks(void **state)
{
    /* Clocks go from 03:00 to 04:00 on 29 March 2026, and back on 25 October. */
    static const struct {
        const char *hours;
        const char *now;
        const char *open;
    } rows[] = {
        {"", "2026-01-01T03:00:00Z", "2026-01-01T03:00:00Z"},
        {"08:00-21:00", "2026-01-01T05:59:59.999Z", "2026-01-01T06:00:00Z"},
        {"08:00-21:00", "2026-01-01T06:00:00Z", "2026-01-01T06:00:00Z"},
        {"08:00-21:00", "2026-01-01T18:59:59.999Z", "2026-01-01T18:59:59.999Z"},
        {"08:00-21:00", "2026-01-01T19:00:00Z", "2026-01-02T06:00:00Z"},
        {"08:00-21:00", "2026-07-01T04:00:00Z", "2026-07-01T05:00:00Z"},
        {"08:00-21:00", "2026-03-28T20:00:00Z", "2026-03-29T05:00:00Z"},
        {"08:00-21:00", "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z"},
        {"03:30-05:00", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"}, /* 03:30 is skipped */
        {"03:30-05:00", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"}, /* the first 03:30 */
        {"00:00-24:00", "2026-01-01T03:00:00Z", "2026-01-01T03:00:00Z"},
        {"Mo-Fr 08:00-20:00, Sa 10:00-13:00", "2026-01-03T11:30:00Z", "2026-01-05T06:00:00Z"},
        {"Mo-Fr 08:00-20:00, Sa 10:00-13:00", "2026-01-03T07:30:00Z", "2026-01-03T08:00:00Z"},
        {"Fr-Mo 10:00-11:00", "2026-01-06T00:00:00Z", "2026-01-09T08:00:00Z"},
        {"Th 08:00-09:00", "2026-01-01T08:00:00Z", "2026-01-08T06:00:00Z"},
        /* a night, over midnight and over the change */
        {"22:00-24:00, 00:00-06:00", "2026-03-28T19:59:59.999Z", "2026-03-28T20:00:00Z"},
        {"22:00-24:00, 00:00-06:00", "2026-03-28T21:59:59.999Z", "2026-03-28T21:59:59.999Z"},
        {"22:00-24:00, 00:00-06:00", "2026-03-28T22:00:00Z", "2026-03-28T22:00:00Z"},
        {"22:00-24:00, 00:00-06:00", "2026-03-29T02:59:59.999Z", "2026-03-29T02:59:59.999Z"},
        {"22:00-24:00, 00:00-06:00", "2026-03-29T03:00:00Z", "2026-03-29T19:00:00Z"},
        {"22:00-24:00, 00:00-06:00", "2026-10-25T03:59:59.999Z", "2026-10-25T03:59:59.999Z"},
        {"22:00-24:00, 00:00-06:00", "2026-10-25T04:00:00Z", "2026-10-25T20:00:00Z"},
        {"Su 00:00-06:00", "2026-03-28T21:00:00Z", "2026-03-28T22:00:00Z"}, /* local Sunday */
        /* 03:10 comes twice; the span was over after the first */
        {"02:00-03:30", "2026-10-25T00:10:00Z", "2026-10-25T00:10:00Z"},
        {"02:00-03:30", "2026-10-25T01:10:00Z", "2026-10-26T00:00:00Z"},
    };
    struct zone z = helsinki();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        struct hours h;
        char open[DATETIME_TEXT_MAX];

        assert_true(hours_parse(view_of(rows[i].hours), &h, &f));
        datetime_format(hours_open_ms(&h, &z, at(rows[i].now)), open);
        if (at(open) != at(rows[i].open))
            fail_msg("'%s' at %s opens at %s", rows[i].hours, rows[i].now, open);
    }
}

static void a_span_ends_by_local_time_on_the_days_of_the_change(void **state)
{
    static const struct {
        const char *hours;
        const char *now;
        const char *close;
    } rows[] = {
        {"00:00-06:00", "2026-03-28T23:00:00Z", "2026-03-29T03:00:00Z"},
        {"00:00-06:00", "2026-10-24T22:00:00Z", "2026-10-25T04:00:00Z"},
        {"02:00-03:30", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"}, /* 03:30 is skipped */
        {"02:00-03:30", "2026-10-25T00:10:00Z", "2026-10-25T00:30:00Z"}, /* the first 03:30 */
        {"22:00-24:00, 00:00-06:00", "2026-03-28T20:30:00Z", "2026-03-28T22:00:00Z"},
        {"00:00-24:00", "2026-03-29T00:30:00Z", "2026-03-29T21:00:00Z"}, /* a day of 23 hours */
        {"00:00-24:00", "2026-10-25T00:30:00Z", "2026-10-25T22:00:00Z"}, /* one of 25 */
    };
    struct zone z = helsinki();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        struct hours h;
        char close[DATETIME_TEXT_MAX];

        assert_true(hours_parse(view_of(rows[i].hours), &h, &f));
        datetime_format(hours_close_ms(&h, &z, at(rows[i].now)), close);
        if (at(close) != at(rows[i].close))
            fail_msg("'%s' at %s closes at %s", rows[i].hours, rows[i].now, close);
    }
}

static void a_span_says_when_it_ends(void **state)
{
    struct zone z = helsinki();
    struct fault f = {0};
    struct hours h;

    (void)state;
    assert_true(hours_parse(VIEW("08:00-12:00, 11:00-15:00"), &h, &f));
    assert_int_equal(hours_close_ms(&h, &z, at("2026-01-01T07:00:00Z")),
                     at("2026-01-01T10:00:00Z"));
    assert_int_equal(hours_close_ms(&h, &z, at("2026-01-01T09:30:00Z")),
                     at("2026-01-01T13:00:00Z"));
    assert_true(hours_parse(VIEW(" "), &h, &f));
    assert_true(hours_close_ms(&h, &z, 0) == INT64_MAX);
}

static void what_is_no_span_is_refused_with_an_example(void **state)
{
    static const char *const wrong[] = {"8:00-21:00",  "08:00",       "21:00-08:00",
                                        "08:00-24:01", "08:60-09:00", "Mo- 08:00-09:00",
                                        "08:00-08:00"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct fault f = {0};
        struct hours h;

        if (hours_parse(view_of(wrong[i]), &h, &f))
            fail_msg("'%s' was taken", wrong[i]);
        assert_non_null(strstr(f.text, "08:00-20:00"));
    }
}

static void a_zone_that_the_system_lacks_is_refused(void **state)
{
    struct fault f = {0};
    struct zone z;

    (void)state;
    assert_false(zone_load("Europe/Atlantis", 0, &z, &f));
    assert_non_null(strstr(f.text, "Europe/Atlantis"));
    assert_null(strstr(f.text, "did you mean"));
    assert_false(zone_load("../../etc/passwd", 0, &z, &f));
    assert_true(zone_load("UTC", 0, &z, &f));
    assert_int_equal(zone_offset_ms(&z, 0), 0);
}

/* glibc takes what is there and no zone for UTC: calls and messages would be hours off. */
static void what_only_looks_like_a_zone_is_refused_with_one_that_is_like_it(void **state)
{
    static const char *const rows[][2] = {
        {"America/Argentina", "did you mean America/Argentina/Buenos_Aires?"},
        {"America/Argentina/", "did you mean America/Argentina/Buenos_Aires?"},
        {"Europe/Helsinky", "did you mean Europe/Helsinki?"},
        {"europe/helsinki", "did you mean Europe/Helsinki?"},
        {"Helsinki", "did you mean Europe/Helsinki?"},
        {"Asia", "did you mean Asia/"},
        {"zone.tab", "one looks like Europe/Helsinki"},
        {"tzdata.zi", "one looks like Europe/Helsinki"},
        {".", "one looks like Europe/Helsinki"},
        {"", "one looks like Europe/Helsinki"},
    };

    (void)state;
    (void)helsinki(); /* skips where there are no zones */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        struct zone z;

        if (zone_load(rows[i][0], 0, &z, &f) || strstr(f.text, rows[i][1]) == NULL)
            fail_msg("'%s': %s", rows[i][0], f.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local_hours_are_held_over_the_change_of_the_clocks),
        cmocka_unit_test(a_span_ends_by_local_time_on_the_days_of_the_change),
        cmocka_unit_test(a_span_says_when_it_ends),
        cmocka_unit_test(what_is_no_span_is_refused_with_an_example),
        cmocka_unit_test(a_zone_that_the_system_lacks_is_refused),
        cmocka_unit_test(what_only_looks_like_a_zone_is_refused_with_one_that_is_like_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
