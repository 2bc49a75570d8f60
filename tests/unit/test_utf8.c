/* utf8: every boundary of RFC 3629. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/utf8.h"

#include <string.h>

static void each_form_ends_where_the_next_begins(void **state)
{
    static const struct {
        const char *text;
        size_t first; /* 0: malformed */
    } rows[] = {
        {"\x7f", 1},
        {"\x80", 0},
        {"\xbf", 0},
        {"\xc0\x80", 0},         /* overlong NUL */
        {"\xc1\xbf", 0},         /* overlong DEL */
        {"\xc2\x80", 2},         /* U+0080 */
        {"\xc2\x7f", 0},         /* no second byte */
        {"\xc2\xc0", 0},         /* a lead where the second byte should be */
        {"\xdf\xbf", 2},         /* U+07FF */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xe0\xa0\x80", 3},     /* U+0800 */
        {"\xe1\x80\x7f", 0},     /* no third byte */
        {"\xed\x9f\xbf", 3},     /* U+D7FF */
        {"\xed\xa0\x80", 0},     /* U+D800, a surrogate */
        {"\xed\xbf\xbf", 0},     /* U+DFFF */
        {"\xee\x80\x80", 3},     /* U+E000 */
        {"\xef\xbf\xbf", 3},     /* U+FFFF */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xf0\x90\x80\x80", 4}, /* U+10000 */
        {"\xf1\x80\x80\xc0", 0}, /* no fourth byte */
        {"\xf4\x8f\xbf\xbf", 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 0}, /* U+110000 */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xc3", 0},         /* cut short */
        {"\xe2\x82", 0},     /* cut short */
        {"\xf0\x9f\x98", 0}, /* cut short */
        {"", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct view text = view_of(rows[i].text);

        assert_int_equal(utf8_first(text), rows[i].first);
        assert_int_equal(utf8_valid(text), rows[i].first == text.n);
    }
}

static void a_bad_byte_is_found_at_every_place_of_a_long_text(void **state)
{
    char text[40];

    (void)state;
    for (size_t n = 0; n < sizeof text; n++)
        for (size_t bad = 0; bad < n; bad++) {
            memset(text, 'a', sizeof text);
            assert_true(utf8_valid((struct view){text, n}));
            text[bad] = '\xff';
            assert_false(utf8_valid((struct view){text, n}));
        }
    assert_true(utf8_valid(VIEW("a\0b")));
    assert_true(utf8_has_control(VIEW("a\0b")));
    assert_true(utf8_has_control(VIEW("ä\n")));
    assert_true(utf8_has_control(VIEW("\x7f")));
    assert_true(utf8_has_control(VIEW("a\xc2\x9b")));
    assert_false(utf8_has_control(VIEW("Äiti \xc2\xa0M\xff")));
    assert_false(utf8_has_control(VIEW("")));
    assert_true(utf8_valid(VIEW_NONE));
}

static void characters_are_counted_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(utf8_count(VIEW("")), 0);
    assert_int_equal(utf8_count(VIEW("aä€😀")), 4);
    assert_int_equal(utf8_count(VIEW("\xff\xc3z")), 3);
}

static void a_cut_never_splits_a_character(void **state)
{
    struct view text = VIEW("aä€😀\xff!");

    (void)state;
    assert_true(view_is(utf8_cut(text, 0), ""));
    assert_true(view_is(utf8_cut(text, 1), "a"));
    assert_true(view_is(utf8_cut(text, 3), "aä€"));
    assert_true(view_is(utf8_cut(text, 5), "aä€😀\xff"));
    assert_true(view_eq(utf8_cut(text, 6), text));
    assert_true(view_eq(utf8_cut(text, SIZE_MAX), text));
}

static void a_code_point_is_read_and_made_small(void **state)
{
    static const struct {
        const char *text;
        uint32_t code;
        uint32_t small;
    } rows[] = {
        {"A", 'A', 'a'},
        {"[", '[', '['},
        {"Ä", 0xc4, 0xe4},
        {"×", 0xd7, 0xd7},
        {"Σ", 0x3a3, 0x3c3},
        {"Я", 0x42f, 0x44f},
        {"Ё", 0x401, 0x451},
        {"Ž", 0x17d, 0x17e},
        {"😀", 0x1f600, 0x1f600},
        {"\xff", UTF8_NO_CODE, UTF8_NO_CODE},
        {"", UTF8_NO_CODE, UTF8_NO_CODE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(utf8_code(view_of(rows[i].text)), rows[i].code);
        assert_int_equal(utf8_lower(rows[i].code), rows[i].small);
    }
}

static void small_letters_are_as_long_as_capitals(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        char bytes[2][4];
        size_t n = utf8_write(c, bytes[0]);

        if (n > 0 && (utf8_write(utf8_lower(c), bytes[1]) != n || (c < 0x80) != (n == 1)))
            fail_msg("U+%04X", c);
    }
}

static void texts_are_the_same_whatever_their_case(void **state)
{
    static const struct {
        const char *a;
        const char *b;
        bool same;
    } rows[] = {
        {"", "", true},           {"Äiti@X", "äITI@x", true},
        {"ΑΣ", "ας", false}, /* a final sigma is a small letter of its own */
        {"Ж\xff", "ж\xff", true}, {"\xc3", "\xe3", false}, /* malformed bytes have no case */
        {"k", "\u212a", false},   {"ä", "Å", false},
        {"a", "ab", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char small[2][16] = {""};

        utf8_small(view_of(rows[i].a), small[0]);
        utf8_small(view_of(rows[i].b), small[1]);
        if (utf8_eq_nocase(view_of(rows[i].a), view_of(rows[i].b)) != rows[i].same ||
            (strcmp(small[0], small[1]) == 0) != rows[i].same)
            fail_msg("'%s' and '%s'", rows[i].a, rows[i].b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_point_is_read_and_made_small),
        cmocka_unit_test(small_letters_are_as_long_as_capitals),
        cmocka_unit_test(texts_are_the_same_whatever_their_case),
        cmocka_unit_test(each_form_ends_where_the_next_begins),
        cmocka_unit_test(a_bad_byte_is_found_at_every_place_of_a_long_text),
        cmocka_unit_test(characters_are_counted_not_bytes),
        cmocka_unit_test(a_cut_never_splits_a_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
