/* coded: an escape is one character, a run is coded if it reads as text, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/coded.h"

#include <string.h>

static void an_escape_is_one_character(void **state)
{
    static const struct {
        const char *text;
        size_t taken;
        const char *means;
    } rows[] = {
        {"%41b", 3, "A"},
        {"%e4", 3, "\xe4"}, /* a byte of a character */
        {"%00", 0, ""},
        {"%4", 0, ""},
        {"%", 0, ""},
        {"\\u00e4", 6, "ä"},
        {"\\u0431\\u0431", 6, "б"},
        {"\\ud83d\\ude00!", 12, "😀"},
        {"\\ud83d", 0, ""},
        {"\\ud83d\\u0041", 0, ""},
        {"\\ude00", 0, ""},
        {"\\u00e", 0, ""},
        {"\\u0000", 0, ""},
        {"\\n", 0, ""},
        {"\\", 0, ""},
        {"&#65;", 5, "A"},
        {"&#x431;", 7, "б"},
        {"&#X1F600;", 9, "😀"},
        {"&#0;", 0, ""},
        {"&#65", 0, ""},
        {"&#;", 0, ""},
        {"&#x;", 0, ""},
        {"&#1114112;", 0, ""},
        {"&#xd800;", 0, ""},
        {"&amp;x", 5, "&"},
        {"&quot;", 6, "\""},
        {"&nbsp;", 6, " "},
        {"&auml;x", 6, "?"},
        {"&a;", 0, ""},
        {"&auml", 0, ""},
        {"\\xe4x", 4, "\xe4"},
        {"\\xe", 0, ""},
        {"\\x00", 0, ""},
        {"\\u{41f}", 7, "П"},
        {"\\x{e4}x", 6, "ä"},
        {"\\x{1f600}", 9, "😀"},
        {"\\x{e4", 0, ""},
        {"\\u{}", 0, ""},
        {"&", 0, ""},
        {"A", 0, ""},
        {"", 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[4];
        size_t n;
        size_t taken = coded_escape(view_of(rows[i].text), out, &n);

        if (taken != rows[i].taken || !view_is((struct view){out, n}, rows[i].means))
            fail_msg("'%s': %zu bytes taken, %zu written", rows[i].text, taken, n);
    }
}

static void quoted_printable_is_more_than_one_byte_or_a_sign(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        bool sign;
    } rows[] = {
        {"=C3=A4se", 6, false},  {"=c3=a4=20", 6, false}, {"=D0=9F=D1=80", 12, false},
        {"=E4", 0, false}, /* or a number */
        {"=80 bytes", 0, false}, {"=20", 3, true},        {"=2C=20", 3, true},
        {"=41=42", 0, false}, /* no one writes letters so */
        {"=C3=A", 0, false},     {"=00", 0, false},       {"=", 0, false},
        {"C3=A4", 0, false},     {"", 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool sign;
        size_t n = coded_quoted(view_of(rows[i].text), &sign);

        if (n != rows[i].n || sign != rows[i].sign)
            fail_msg("'%s': %zu bytes, sign %d", rows[i].text, n, sign);
    }
}

static void a_tag_is_no_address_in_brackets(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {"<br>x", 4},
        {"<br/>", 5},
        {"</p>", 4},
        {"<a href='x'>y", 12},
        {"<sam@greeneggs.ham>", 0},
        {"<3>", 0},
        {"< b>", 0},
        {"<b", 0},
        {"<", 0},
        {"a<b>", 0},
        {"", 0},
        {"</", 0},
        {"<b<", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (coded_tag(view_of(rows[i].text)) != rows[i].n)
            fail_msg("'%s': %zu", rows[i].text, coded_tag(view_of(rows[i].text)));
}

static void other_scripts_digits_and_blanks_are_plain(void **state)
{
    static const struct {
        const char *text;
        int sign;
        size_t n;
    } rows[] = {
        {"５x", '5', 3}, {"٣", '3', 2},        {"۹", '9', 2},
        {"०", '0', 3},   {"\xc2\xa0", ' ', 2}, {"\xe2\x80\x8b", '\0', 3},
        {"\t", ' ', 1},  {"Ｓ", 'S', 3},       {"a", -1, 1},
        {"ä", -1, 2},    {"\xff", -1, 0},      {"", -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t n;

        assert_int_equal(coded_plain(view_of(rows[i].text), &n), rows[i].sign);
        assert_int_equal(n, rows[i].n);
    }
}

static void a_run_is_coded_if_it_reads_as_text(void **state)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {
        {"SGVsbG8gU2FtLCBob3c=", 20}, /* Hello Sam, how */
        {"SGVsbG8gU2FtLCBob3c", 19},
        {"SGVsbG8gU2FtLCBob3c= and more", 20},
        {"SGVsbG8gU2Ft", 0}, /* too short to tell */
        {"0L/RgNC40LLQtdGCLCDQsdCw0LHRg9GI0LrQsA==", 40},
        {"0L_RgNC40LLQtdGCLCDQsdCw0LHRg9GI0LrQsA", 38},
        {"SGVsbG8gU2FtLCBob3c/////", 21}, /* up to where it reads no more */
        {"48656c6c6f2053616d2c2079", 24},
        {"48656C6C6F2053616D2C20790", 24},
        {"48656c6c6f2053616d2c20", 0},
        {"7E1C2B3F9A4D4E5FA6B7C8D9E0F1A2B3", 0},
        {"customerConsents/whatsapp", 0},
        {"internationalization", 0},
        {"AAAAAAAAAAAAAAAAAAAAAAAA", 0},
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (coded_text(view_of(rows[i].text)) != rows[i].n)
            fail_msg("'%s': %zu bytes", rows[i].text, coded_text(view_of(rows[i].text)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_escape_is_one_character),
        cmocka_unit_test(a_tag_is_no_address_in_brackets),
        cmocka_unit_test(quoted_printable_is_more_than_one_byte_or_a_sign),
        cmocka_unit_test(other_scripts_digits_and_blanks_are_plain),
        cmocka_unit_test(a_run_is_coded_if_it_reads_as_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
