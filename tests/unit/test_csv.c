#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/csv.h"

static void expect(const char *given, const char *field)
{
    struct buf b;

    buf_init(&b, 1024);
    csv_field(&b, view_of(given));
    assert_string_equal(buf_text(&b), field);
    buf_done(&b);
}

static void numbers_and_names_stay_as_they_are(void **state)
{
    (void)state;
    expect("", "\"\"");
    expect("+358 40 123", "\"+358 40 123\"");
    expect(" +358 (0)40-123.4/5", "\" +358 (0)40-123.4/5\"");
    expect("-1", "\"-1\"");
    expect("0401234", "\"0401234\"");
    expect("a=b@example.com", "\"a=b@example.com\"");
    expect("J\xc3\xa4rvinen", "\"J\xc3\xa4rvinen\"");
    expect("say \"hei\", now", "\"say \"\"hei\"\", now\"");
}

static void a_formula_is_a_text(void **state)
{
    (void)state;
    expect("=1+\"1\"", "\"'=1+\"\"1\"\"\"");
    expect("@SUM(A1)", "\"'@SUM(A1)\"");
    expect("+1-2+cmd|' /C calc'!A0", "\"'+1-2+cmd|' /C calc'!A0\"");
    expect("-2+3+cmd|' /C calc'!A0", "\"'-2+3+cmd|' /C calc'!A0\"");
    expect("+", "\"'+\"");
    expect("  =1", "\"'  =1\"");
    expect("\xc2\xa0=1", "\"'\xc2\xa0=1\"");
    expect("\xef\xbc\x9d"
           "1",
           "\"'\xef\xbc\x9d"
           "1\""); /* a wide = */
    expect("\xef\xbc\x8b"
           "A1",
           "\"'\xef\xbc\x8b"
           "A1\""); /* a wide + */
}

static void what_steers_a_terminal_is_not_printed(void **state)
{
    (void)state;
    expect("\x1b[31mred", "\"?[31mred\"");
    expect("a\xc2\x9b"
           "31m",
           "\"a?31m\"");
    expect("\n=1", "\"?=1\"");
    expect("\t@x\r", "\"?@x?\"");
    expect("no \xff text", "\"no ? text\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_names_stay_as_they_are),
        cmocka_unit_test(a_formula_is_a_text),
        cmocka_unit_test(what_steers_a_terminal_is_not_printed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
