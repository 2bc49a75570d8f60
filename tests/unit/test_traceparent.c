/* traceparent: W3C Trace Context, the header and its rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/traceparent.h"

#include <string.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

static void the_accepted_forms_are_written_as_version_00(void **state)
{
    static const struct {
        const char *text;
        const char *written;
    } rows[] = {
        {"00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
        {"00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-00"},
        {"00-" TRACE "-" SPAN "-ff", "00-" TRACE "-" SPAN "-ff"},
        {"00-00000000000000000000000000000001-0000000000000001-01",
         "00-00000000000000000000000000000001-0000000000000001-01"},
        {"cc-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
        {"01-" TRACE "-" SPAN "-01-what-the-future-brings", "00-" TRACE "-" SPAN "-01"},
        {"fe-" TRACE "-" SPAN "-01-", "00-" TRACE "-" SPAN "-01"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct traceparent t;
        char out[TRACEPARENT_TEXT_MAX];

        assert_true(traceparent_parse(view_of(rows[i].text), &t));
        traceparent_format(&t, out);
        assert_string_equal(out, rows[i].written);
    }
}

static void everything_else_is_no_trace(void **state)
{
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-01 ",
        "00-" TRACE "-" SPAN "-01-more",
        "01-" TRACE "-" SPAN "-01more",
        "01-" TRACE "-" SPAN "-01.",
        "ff-" TRACE "-" SPAN "-01",
        "0g-" TRACE "-" SPAN "-01",
        "g0-" TRACE "-" SPAN "-01",
        "CC-" TRACE "-" SPAN "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473x-" SPAN "-01",
        "00-" TRACE "-00F067AA0BA902B7-01",
        "00-" TRACE "-00f067aa0ba902b -01",
        "00-" TRACE "-" SPAN "-0x",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        " 00-" TRACE "-" SPAN "-01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct traceparent t = {.flags = 7};

        assert_false(traceparent_parse(view_of(bad[i]), &t));
        assert_int_equal(t.flags, 7);
    }
}

static void a_child_keeps_the_trace_and_has_a_span_of_its_own(void **state)
{
    static const uint8_t random[8] = {1, 2, 3, 4, 5, 6, 7, 0xfe};
    static const uint8_t unlucky[8] = {0};
    struct traceparent parent;
    struct traceparent child;
    char out[TRACEPARENT_TEXT_MAX];

    (void)state;
    assert_true(traceparent_parse(VIEW("00-" TRACE "-" SPAN "-ff"), &parent));
    child = traceparent_child(&parent, random);
    traceparent_format(&child, out);
    assert_string_equal(out, "00-" TRACE "-01020304050607fe-03");
    child = traceparent_child(&parent, unlucky);
    traceparent_format(&child, out);
    assert_true(traceparent_parse(view_of(out), &child)); /* no id of zeros */
}

static void a_state_is_passed_on_if_it_can_be_a_header(void **state)
{
    char long_one[TRACEPARENT_STATE_MAX + 1];

    (void)state;
    assert_true(traceparent_state_valid(VIEW("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE~")));
    assert_false(traceparent_state_valid(VIEW("")));
    assert_false(traceparent_state_valid(VIEW("a=b\r\nX: y")));
    assert_false(traceparent_state_valid(VIEW("a=\x7f")));
    assert_false(traceparent_state_valid(VIEW("a=ä")));
    assert_false(traceparent_state_valid(VIEW("a=\0")));
    memset(long_one, 'x', sizeof long_one);
    assert_true(traceparent_state_valid((struct view){long_one, TRACEPARENT_STATE_MAX}));
    assert_false(traceparent_state_valid((struct view){long_one, TRACEPARENT_STATE_MAX + 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accepted_forms_are_written_as_version_00),
        cmocka_unit_test(everything_else_is_no_trace),
        cmocka_unit_test(a_child_keeps_the_trace_and_has_a_span_of_its_own),
        cmocka_unit_test(a_state_is_passed_on_if_it_can_be_a_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
