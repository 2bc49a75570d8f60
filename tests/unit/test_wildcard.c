/* wildcard: against examples, against a matcher that tries everything and against the one that went
 * back to the last star; and its steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/rng.h"
#include "bridge/core/utf8.h"
#include "bridge/core/wildcard.h"

#include <string.h>

#define TEXT_MAX (1 << 20)

static char text_room[TEXT_MAX];

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

/* ---- against the one before: |pattern| x |text| steps, but every character looked at by itself */

static struct view first(struct view text)
{
    size_t n = utf8_first(text);

    return (struct view){text.p, n > 0 ? n : 1};
}

static bool goes_back(struct view pattern, struct view text, bool (*same)(struct view, struct view))
{
    struct view after_star = VIEW_NONE;
    struct view retry = VIEW_NONE;
    bool starred = false;

    while (text.n > 0) {
        struct view want = pattern.n > 0 ? first(pattern) : VIEW_NONE;
        struct view have = first(text);

        if (view_is(want, "*")) {
            starred = true;
            pattern = after_star = view_skip(pattern, 1);
            retry = text;
        } else if (view_is(want, "?") || (want.n > 0 && same(want, have))) {
            pattern = view_skip(pattern, want.n);
            text = view_skip(text, have.n);
        } else if (starred) {
            text = retry = view_skip(retry, first(retry).n);
            pattern = after_star;
        } else {
            return false;
        }
    }
    while (pattern.n > 0 && pattern.p[0] == '*')
        pattern = view_skip(pattern, 1);
    return pattern.n == 0;
}

static struct view random_text(struct rng *r, const char *const *pieces, size_t count, size_t most,
                               char *room)
{
    size_t pieces_left = (size_t)rng_below(r, most + 1);
    size_t n = 0;

    for (; pieces_left > 0; pieces_left--) {
        const char *piece = pieces[rng_below(r, count)];

        memcpy(room + n, piece, strlen(piece));
        n += strlen(piece);
    }
    return (struct view){room, n};
}

/* Letters of each length, in both cases, halves of letters, and few enough that much matches. */
static void random_patterns_agree_with_going_back(void **state)
{
    static const char *const alphabets[][8] = {
        {"a", "b", "*", "?", "a", "B", "A", "b"},
        {"a", "ä", "Ä", "*", "?", "Ж", "ж", "€"},
        {"\xc3", "\xa4", "ä", "*", "?", "a", "\xf0\x9f", "😀"},
        {"a", "a", "a", "a", "a", "*", "?", "b"},
    };
    char pattern_room[256];
    char room[1024];
    size_t matches = 0;
    struct rng r;

    (void)state;
    r = rng_of(4);
    for (size_t i = 0; i < 200000; i++) {
        const char *const *alphabet = alphabets[i % 4];
        struct view between = random_text(&r, alphabet, 8, i % 3 == 0 ? 40 : 5, pattern_room + 1);
        struct view pattern = {pattern_room + (i >> 2 & 1), between.n + 1};
        struct view text = random_text(&r, alphabet, 8, i % 5 == 0 ? 200 : 12, room);
        bool wanted[2];

        pattern_room[0] = pattern_room[between.n + 1] = '*'; /* one of the two is its own */
        wanted[0] = goes_back(pattern, text, view_eq);
        wanted[1] = goes_back(pattern, text, utf8_eq_nocase);
        matches += (size_t)wanted[0] + (size_t)wanted[1];
        if (wildcard_match(pattern, text) != wanted[0] ||
            wildcard_match_nocase(pattern, text) != wanted[1])
            fail_msg("'%.*s' on '%.*s'", VIEW_ARG(pattern), VIEW_ARG(text));
    }
    assert_in_range(matches, 80000, 320000);
}

/* What stands between two stars may be longer than one word of bits. */
static void long_runs_between_stars_agree_with_going_back(void **state)
{
    char pattern[WILDCARD_CHARACTERS_MAX];
    char text[1024];
    size_t matches = 0;
    struct rng r;

    (void)state;
    r = rng_of(5);
    for (size_t i = 0; i < 20000; i++) {
        size_t n = 60 + (size_t)rng_below(&r, sizeof pattern - 62);
        size_t at = (size_t)rng_below(&r, sizeof text - n);
        struct view all = {pattern, n + 2};
        bool wanted;

        for (size_t k = 0; k < sizeof text; k++)
            text[k] = rng_below(&r, 9) > 0 ? 'a' : 'b';
        pattern[0] = '*';
        memcpy(pattern + 1, text + at, n);
        pattern[n + 1] = '*';
        pattern[1 + rng_below(&r, n)] = '?';
        if (i % 2 == 0)
            pattern[1 + rng_below(&r, n)] = 'b';
        wanted = goes_back(all, (struct view){text, sizeof text}, view_eq);
        matches += wanted;
        assert_int_equal(wildcard_match(all, (struct view){text, sizeof text}), wanted);
    }
    assert_in_range(matches, 10000, 19000);
}

/* ---- limits ---- */

static void the_pattern_of_a_character_too_many_matches_nothing(void **state)
{
    char stars[WILDCARD_CHARACTERS_MAX + 1];
    char text[WILDCARD_PATTERN_MAX + 1];
    char letters[4 * WILDCARD_CHARACTERS_MAX + 5];
    struct view most = {stars, WILDCARD_CHARACTERS_MAX};
    struct view over = {stars, WILDCARD_CHARACTERS_MAX + 1};
    struct view longest = {text, WILDCARD_PATTERN_MAX};
    struct view longer = {text, WILDCARD_PATTERN_MAX + 1};

    (void)state;
    memset(stars, '*', sizeof stars);
    assert_true(wildcard_is_short(most));
    assert_true(wildcard_match(most, VIEW("a")));
    assert_false(wildcard_is_short(over));
    assert_false(wildcard_match(over, VIEW("a")));
    memset(text, 'a', sizeof text);
    assert_true(wildcard_is_short(longest));
    assert_true(wildcard_match(longest, longest));
    assert_false(wildcard_is_short(longer));
    assert_false(wildcard_match(longer, longer));
    for (size_t i = 0; i < sizeof letters; i += 4) /* the last one is cut */
        memcpy(letters + i, "😀", sizeof letters - i < 4 ? sizeof letters - i : 4);
    letters[0] = letters[1] = letters[2] = letters[3] = '*';
    assert_false(wildcard_is_short((struct view){letters, 4 * WILDCARD_CHARACTERS_MAX}));
    assert_true(wildcard_is_short((struct view){letters + 3, 4 * WILDCARD_CHARACTERS_MAX - 3}));
}

/* ---- steps ---- */

static struct view filled(const char *with, size_t n)
{
    size_t length = strlen(with);

    for (size_t i = 0; i < n; i++)
        text_room[i] = with[i % length];
    return (struct view){text_room, n};
}

/* Every one of them would begin anew at every character of the text. */
static void steps_grow_with_the_text_and_not_with_the_pattern_s_length_times_it(void **state)
{
    static const struct {
        const char *repeated;
        const char *end;
    } rows[] = {{"a", "b"},  {"a?", "b"}, {"?", "b"},       {"ab", "?a?b"},
                {"*a", "b"}, {"a", "b*"}, {"aaaaaaa*", "b"}};
    char pattern[WILDCARD_CHARACTERS_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = strlen(rows[i].repeated);
        size_t end = strlen(rows[i].end);
        size_t n = 1;

        pattern[0] = '*';
        for (; n + end < sizeof pattern; n++)
            pattern[n] = rows[i].repeated[(n - 1) % length];
        memcpy(pattern + n, rows[i].end, end);
        for (size_t size = 1024; size <= TEXT_MAX; size *= 32) {
            size_t steps =
                wildcard_steps((struct view){pattern, sizeof pattern}, filled("a", size));

            assert_in_range(steps, 1, 5 * size + 5 * sizeof pattern);
        }
    }
}

/* Symbols beyond ASCII are looked up, in as many steps as their number has bits. */
static void many_letters_beyond_ascii_cost_little_more(void **state)
{
    char pattern[WILDCARD_PATTERN_MAX] = "*";
    size_t n = 1;
    struct view text = filled("ԯ", 1 << 16);

    (void)state;
    for (uint32_t code = 0x4e00; code < 0x4e00 + WILDCARD_CHARACTERS_MAX - 2; code++)
        n += utf8_write(code, pattern + n);
    pattern[n++] = '*';
    assert_true(wildcard_is_short((struct view){pattern, n}));
    assert_in_range(wildcard_steps((struct view){pattern, n}, text), text.n / 2,
                    (text.n / 2) * 13 + (size_t)WILDCARD_CHARACTERS_MAX * 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_what_has_a_star_or_a_question_mark),
        cmocka_unit_test(examples),
        cmocka_unit_test(case_is_ignored),
        cmocka_unit_test(all_short_patterns_agree_with_the_definition),
        cmocka_unit_test(random_patterns_agree_with_going_back),
        cmocka_unit_test(long_runs_between_stars_agree_with_going_back),
        cmocka_unit_test(the_pattern_of_a_character_too_many_matches_nothing),
        cmocka_unit_test(steps_grow_with_the_text_and_not_with_the_pattern_s_length_times_it),
        cmocka_unit_test(many_letters_beyond_ascii_cost_little_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
