/* wildcard: against examples, and against a matcher that tries everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/wildcard.h"

#include <string.h>

static void patterns_are_what_has_a_star_or_a_question_mark(void **state)
{
    (void)state;
    assert_true(wildcard_is_pattern(VIEW("*")));
    assert_true(wildcard_is_pattern(VIEW("a?")));
    assert_false(wildcard_is_pattern(VIEW("a.b[c]\\")));
    assert_false(wildcard_is_pattern(VIEW_NONE));
}

static void examples(void **state)
{
    static const struct {
        const char *pattern;
        const char *text;
        bool matches;
    } rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything", true},
        {"***", "", true},
        {"?", "", false},
        {"?", "a", true},
        {"?", "ab", false},
        {"?", "ä", true},
        {"?", "€", true},
        {"?", "😀", true},
        {"??", "😀", false},
        {"?", "\xff", true},
        {"?", "\xc3", true},
        {"??", "\xc3\x28", true}, /* malformed: two characters */
        {"\xc3*", "ä", false},    /* half a character is none of it */
        {"*\xa4", "ä", false},
        {"*ä", "xä", true},
        {"*987654", "+35840987654", true},
        {"*987654", "+35840987654x", false},
        {"+358*", "+35840987654", true},
        {"*40*6*", "+35840987654", true},
        {"a*b*c", "a-b-b-c-c", true},
        {"a*b*c", "a-b-b-c-d", false},
        {"*a?c", "aabcabc", true},
        {"*ab", "aab", true},
        {"a**b", "ab", true},
        {"a*?", "a", false},
        {"[a]", "a", false},
        {"\\*", "\\anything", true},
        {"abc", "ABC", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (wildcard_match(view_of(rows[i].pattern), view_of(rows[i].text)) != rows[i].matches)
            fail_msg("'%s' on '%s'", rows[i].pattern, rows[i].text);
}

static void case_is_ignored(void **state)
{
    (void)state;
    assert_true(wildcard_match_nocase(VIEW("su?PORT*@"), VIEW("SUpport123@")));
    assert_true(wildcard_match_nocase(VIEW("ä"), VIEW("Ä")));
    assert_true(wildcard_match_nocase(VIEW("*ΣЖ?"), VIEW("aσжÅ")));
    assert_false(wildcard_match_nocase(VIEW("ä"), VIEW("a")));
    assert_false(wildcard_match_nocase(VIEW("\xff"), VIEW("\xdf")));
    assert_false(wildcard_match_nocase(VIEW("["), VIEW("{")));
}

/* The definition, word for word; exponential. ASCII only. */
static bool tries_everything(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*')
        return tries_everything(pattern + 1, text) ||
               (*text != '\0' && tries_everything(pattern, text + 1));
    return *text != '\0' && (*pattern == '?' || *pattern == *text) &&
           tries_everything(pattern + 1, text + 1);
}

/* The number's digits to the base of |alphabet|, as letters. */
static void spell(unsigned number, const char *alphabet, char out[8])
{
    unsigned base = (unsigned)strlen(alphabet);
    size_t n = 0;

    for (; number > 0; number = (number - 1) / base)
        out[n++] = alphabet[(number - 1) % base];
    out[n] = '\0';
}

static void all_short_patterns_agree_with_the_definition(void **state)
{
    char pattern[8];
    char text[8];
    unsigned matches = 0;

    (void)state;
    for (unsigned p = 0; p < 1365; p++)     /* up to 5 of a, b, *, ? */
        for (unsigned t = 0; t < 63; t++) { /* up to 5 of a, b */
            spell(p, "ab*?", pattern);
            spell(t, "ab", text);
            matches += tries_everything(pattern, text);
            if (wildcard_match(view_of(pattern), view_of(text)) != tries_everything(pattern, text))
                fail_msg("'%s' on '%s'", pattern, text);
        }
    assert_in_range(matches, 10000, 60000);
}

static void the_pattern_of_a_byte_too_many_matches_nothing(void **state)
{
    char stars[WILDCARD_PATTERN_MAX + 1];

    (void)state;
    memset(stars, '*', sizeof stars);
    assert_true(wildcard_match((struct view){stars, WILDCARD_PATTERN_MAX}, VIEW("a")));
    assert_false(wildcard_match((struct view){stars, WILDCARD_PATTERN_MAX + 1}, VIEW("a")));
}

/* Where each star were tried anew this would not end. */
static void many_stars_that_fail_late_end(void **state)
{
    char pattern[WILDCARD_PATTERN_MAX];
    char text[4096];

    (void)state;
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[sizeof pattern - 1] = 'b';
    memset(text, 'a', sizeof text);
    assert_false(
        wildcard_match((struct view){pattern, sizeof pattern}, (struct view){text, sizeof text}));
    text[sizeof text - 1] = 'b';
    assert_true(
        wildcard_match((struct view){pattern, sizeof pattern}, (struct view){text, sizeof text}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_what_has_a_star_or_a_question_mark),
        cmocka_unit_test(examples),
        cmocka_unit_test(case_is_ignored),
        cmocka_unit_test(all_short_patterns_agree_with_the_definition),
        cmocka_unit_test(the_pattern_of_a_byte_too_many_matches_nothing),
        cmocka_unit_test(many_stars_that_fail_late_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
