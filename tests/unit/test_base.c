/* fault, view, buf, num: what everything else stands on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/token.h"

#include <string.h>

static void context_goes_in_front_and_stays_within_bounds(void **state)
{
    struct fault f = {0};
    char longest[2 * FAULT_TEXT_MAX];

    (void)state;
    assert_false(fault_set(&f, FAULT_REJECT, "it is %d", 11));
    assert_false(fault_add(&f, "%s", "maxRetryCount"));
    assert_string_equal(f.text, "maxRetryCount: it is 11");
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    fault_add(&f, "%s", longest);
    assert_int_equal(strlen(f.text), FAULT_TEXT_MAX - 1);
    assert_int_equal(f.cls, FAULT_REJECT);
}

/* They stand in dead letters and in sentences. */
static void faults_and_tokens_have_their_names(void **state)
{
    static const char *const classes[] = {"none", "retry", "reject", "stop", "bug"};
    static const char *const tokens[] = {
        "an object", "an object",  "an array", "an array",  "a key",
        "a string",  "an integer", "a number", "a boolean", "null",
    };

    (void)state;
    for (int cls = FAULT_NONE; cls <= FAULT_BUG; cls++)
        assert_string_equal(fault_class_name((enum fault_class)cls), classes[cls]);
    for (int kind = TOKEN_OBJECT; kind <= TOKEN_NULL; kind++)
        assert_string_equal(token_kind_name((enum token_kind)kind), tokens[kind]);
}

static void a_view_is_cut_trimmed_and_compared(void **state)
{
    struct view rest = VIEW("a=b=c");
    struct view first = view_cut(&rest, '=');

    (void)state;
    assert_true(view_is(first, "a"));
    assert_true(view_is(rest, "b=c"));
    assert_true(view_is(view_cut(&rest, '!'), "b=c"));
    assert_int_equal(rest.n, 0);
    assert_true(view_eq(view_trim(VIEW(" \tx y\t ")), VIEW("x y")));
    assert_true(view_eq_nocase(VIEW("Retry-After"), VIEW("retry-AFTER")));
    assert_false(view_eq_nocase(VIEW("Retry-After"), VIEW("retry")));
    assert_true(view_cmp(VIEW("ab"), VIEW("abc")) < 0);
    assert_true(view_cmp(VIEW("b"), VIEW("abc")) > 0);
    assert_true(view_eq(VIEW_NONE, VIEW("")));
}

static void a_buffer_refuses_the_byte_past_its_maximum_and_stays_as_it_was(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    assert_true(buf_put_text(&b, "12345678"));
    assert_false(buf_put_char(&b, '9'));
    assert_true(b.full);
    assert_false(buf_printf(&b, "x"));
    assert_string_equal(buf_text(&b), "12345678");
    buf_clear(&b);
    assert_true(buf_printf(&b, "%d", -123));
    assert_true(buf_put_int(&b, INT64_C(4567)));
    assert_string_equal(buf_text(&b), "-1234567");
    buf_drop(&b, 4);
    assert_true(view_is(buf_view(&b), "4567"));
    buf_done(&b);
    buf_done(&b);
}

static void integers_are_the_whole_text_or_nothing(void **state)
{
    static const char *bad[] = {"",
                                "-",
                                "+1",
                                " 1",
                                "1 ",
                                "01",
                                "-0",
                                "1.0",
                                "1e3",
                                "0x1",
                                "9223372036854775808",
                                "-9223372036854775809",
                                "12a",
                                NULL};
    int64_t n = 7;

    (void)state;
    for (size_t i = 0; bad[i] != NULL; i++)
        assert_false(num_int(view_of(bad[i]), &n));
    assert_int_equal(n, 7);
    assert_true(num_int(VIEW("9223372036854775807"), &n));
    assert_true(n == INT64_MAX);
    assert_true(num_int(VIEW("-9223372036854775808"), &n));
    assert_true(n == INT64_MIN);
    assert_true(num_int(VIEW("0"), &n));
    assert_false(num_in(VIEW("11"), 0, 10, &n));
    assert_true(num_in(VIEW("10"), 0, 10, &n));
}

static void durations_and_sizes_need_their_unit(void **state)
{
    int64_t n = 0;
    char text[32];

    (void)state;
    assert_true(num_duration(VIEW("1500ms"), &n) && n == 1500);
    assert_true(num_duration(VIEW("5min"), &n) && n == 300000);
    assert_true(num_duration(VIEW("90d"), &n) && n == INT64_C(7776000000));
    assert_true(num_duration(VIEW("0"), &n) && n == 0);
    assert_false(num_duration(VIEW("30"), &n));
    assert_false(num_duration(VIEW("30 s"), &n));
    assert_false(num_duration(VIEW("s"), &n));
    assert_false(num_duration(VIEW(""), &n));
    assert_false(num_duration(VIEW("9223372036854775808s"), &n));
    assert_false(num_duration(VIEW("9223372036854775807d"), &n));
    assert_true(num_size(VIEW("64KiB"), &n) && n == 65536);
    assert_false(num_size(VIEW("64KB"), &n));
    assert_string_equal(num_duration_text(7200000, text), "2h");
    assert_string_equal(num_duration_text(1500, text), "1500ms");
    assert_string_equal(num_size_text(65536, text), "64KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(context_goes_in_front_and_stays_within_bounds),
        cmocka_unit_test(faults_and_tokens_have_their_names),
        cmocka_unit_test(a_view_is_cut_trimmed_and_compared),
        cmocka_unit_test(a_buffer_refuses_the_byte_past_its_maximum_and_stays_as_it_was),
        cmocka_unit_test(integers_are_the_whole_text_or_nothing),
        cmocka_unit_test(durations_and_sizes_need_their_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
