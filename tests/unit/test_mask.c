/* mask: what is left of numbers, addresses and texts (D11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mask.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void an_address_keeps_only_what_tells_it_from_others(void **state)
{
    static const struct {
        const char *address;
        const char *masked;
    } rows[] = {
        {"+358401234567", "…567"},
        {"  040 123-45 67 ", "…567"},
        {"(040) 123.4567", "…567"},
        {"040 12 34 5-6", "…456"},
        {"1234567", "…567"},
        {"123456", "(6 characters)"}, /* half of it would be shown */
        {"152", "(3 characters)"},
        {"1", "(1 character)"},
        {"", "(0 characters)"},
        {"040123456a", "(10 characters)"},
        {"sam@greeneggs.ham", "s…@greeneggs.ham"},
        {" Support@Test.com", "S…@Test.com"},
        {"+358401234567@whatsapp.example", "+…@whatsapp.example"},
        {"ä@b.fi", "?…@b.fi"},
        {"\x01x@b.fi", "?…@b.fi"},
        {"a@358401234567", "a…@…567"},
        {"@b.fi", "(5 characters)"},
        {"a@", "(2 characters)"},
        {"a@b@c", "(5 characters)"},
        {"call me@noon", "(12 characters)"},
        {"me@noon please", "(14 characters)"},
        {"me@nöön", "(7 characters)"},
    };
    char out[MASK_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(mask_address(view_of(rows[i].address), out), rows[i].masked);
}

static void a_long_host_is_cut_to_what_there_is_room_for(void **state)
{
    char address[300];
    char out[MASK_TEXT_MAX];

    (void)state;
    memset(address, 'h', sizeof address);
    address[1] = '@';
    mask_address((struct view){address, sizeof address}, out);
    assert_true(strlen(out) < sizeof out);
    assert_memory_equal(out, "h…@hhhh", strlen("h…@hhhh"));
}

static void a_text_becomes_its_length_in_characters(void **state)
{
    char out[MASK_TEXT_MAX];

    (void)state;
    assert_string_equal(mask_text(VIEW("Your table äöü"), out), "(14 characters)");
    assert_string_equal(mask_text(VIEW_NONE, out), "(0 characters)");
    assert_string_equal(mask_text(VIEW("x"), out), "(1 character)");
}

static void a_sentence_loses_its_numbers_and_its_control_characters(void **state)
{
    static const struct {
        const char *text;
        const char *masked;
    } rows[] = {
        {"number +358 40 123-4567 is unknown", "number +…567 is unknown"},
        {"1234 is short, 12345 is not", "1234 is short, …345 is not"},
        {"12 34 5", "…345"},
        {"12 34 x 5", "12 34 x 5"},
        {"code 400.", "code 400."},
        {"0401/23.45 (67)", "…567)"},
        {"040 123 4567", "…567"}, /* blanks that do not break */
        {"040‑123‑4567", "…567"},
        {"１23456", "…456"},
        {"３５８４０１２３４５６７", "…567"},
        /* 7 digits and more are a number whatever parts them, if they are no letters */
        {"358_401_234_567", "…567"},
        {"at 10:51:04, code 12", "at 10:51:04, code 12"},
        {"customerConsents/WhatsApp_%2B358%20401%20234%20567", "customerConsents/WhatsApp_%2B…567"},
        {"358%2520401%255F234", "…234"},
        {"%33%35%38%34%30%31%32%33", "%…123"},
        {"order%201%202", "order%201%202"},
        {"358401234567%20times", "…567times"}, /* the digits of an escape may be a number's */
        {"%D1%82%D0%B5%D0%BA%D1%81%D1%82", "%D1%82%D0%B5%D0%BA%D1%81%D1%82"},
        {"1,2,3,4,5,6", "1,2,3,4,5,6"},
        {"tab\there\r\nand\x7f", "tab?here??and?"},
        {"C1 \xc2\x9b"
         "31m, not ä or \xc2\xa0",
         "C1 ?31m, not ä or \xc2\xa0"},
        {"bad \xff\xc3z", "bad ??z"},
        {"12\xff"
         "34",
         "12?34"},
        {"12\t34", "12?34"},
        {"at 2011-12-31T13:15:30.123Z", "at 2011-12-31T13:15:30.123Z"},
        {"2011-12-31T13:15:30+02:00", "2011-12-31T13:15:30+02:00"},
        {"3: 2011-12-31T13:15:30.123Z, 2011-12-31T13:15:30",
         "3: 2011-12-31T13:15:30.123Z, 2011-12-31T13:15:30"},
        {"2011-12-31T13:15:30.401234567Z", "…231T…567Z"},
        {"2011-12-31T13:15:304012", "…231T…012"},
        {"5011-12-31T13:15:30", "…231T13:15:30"},
        {"2011-12-31", "…231"},
        {"2011-12-31T13:15:30.12 345", "2011-12-31T13:15:30.…345"},
        {"", ""},
    };
    char out[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(mask_sentence(view_of(rows[i].text), out, sizeof out), rows[i].masked);
}

static void an_id_in_a_sentence_stays(void **state)
{
    static const struct {
        const char *text;
        const char *masked;
    } rows[] = {
        {"callbacks/7709311E-0014-4664-8472-00192C96BFA9 is gone", NULL},
        {"(7709311e00144664847200192c96bfa9)", NULL},
        {"17: 7709311E00144664847200192C96BFA9", NULL},
        {"id 7e1c2b3f9a4d4e5f", NULL}, /* of another kind: its letters part it */
        /* one that somebody may have made of a number */
        {"00000000-0000-4000-a000-358401234567", "…000-a…567"},
        {"35840123-4567-4000-a000-0123456789ab", "…000-a…789ab"},
        {"0a7709311E00144664847200192C96BFA9", "0a…311E…192C96BFA9"}, /* none */
    };
    char out[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(mask_sentence(view_of(rows[i].text), out, sizeof out),
                            rows[i].masked != NULL ? rows[i].masked : rows[i].text);
}

static void an_address_with_a_host_in_a_sentence_keeps_its_first_letter(void **state)
{
    static const struct {
        const char *text;
        const char *masked;
    } rows[] = {
        {"consents/whatsapp_maija.virtanen@example.com", "consents/w…@example.com"},
        {"no <maija.virtanen@example.com>, to=me@b.fi", "no <m…@example.com>, to=m…@b.fi"},
        {"maija%2Evirtanen%40example.com", "m…%40example.com"},
        {"a%20maija&#64;example.com", "a%2…&#64;example.com"},
        {"m…@example.com", "m…@example.com"},
        {"äiti@example.com", "ä…@example.com"},
        {"callbacks/zhang.wei@163.com", "callbacks/z…@163.com"},
        {"12345anna.virtanen@example.com", "1…@example.com"},
        {"consents/12345_anna@example.com", "consents/1…@example.com"},
        {"+358401234567@example.com", "+…@example.com"},
        {"a1@358401234567.fi", "a…567.fi"},
        {"@user_script:12, me @noon, 7@8, a@-b", "@user_script:12, me @noon, 7@8, a@-b"},
    };
    char out[128];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(mask_sentence(view_of(rows[i].text), out, sizeof out), rows[i].masked);
}

/* ---- many spellings of a number ---- */

static uint32_t seed = 20260727;

static uint32_t below(uint32_t n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

static void add(char *text, const char *more)
{
    memcpy(text + strlen(text), more, strlen(more) + 1);
}

/* A digit in the clear, encoded or of full width. */
static void add_digit(char *text, char digit, bool clear)
{
    char spelt[4] = {digit};

    switch (clear ? 0 : below(10)) {
    case 1:
        (void)snprintf(spelt, sizeof spelt, "%%3%c", digit);
        break;
    case 2:
        memcpy(spelt, "\xef\xbc", 2);
        spelt[2] = (char)(0x90 + digit - '0');
        break;
    default:
        break;
    }
    add(text, spelt);
}

static const char *const parts[] = {
    " ",      "-",        ".",       "/",       "_",      ",",       ":",
    ";",      "=",        "+",       "*",       "~",      "|",       "#",
    "\\",     "'",        "\"",      "@",       " - ",    ")(",      ") ",
    "] [",    "--------", "\t",      "\r\n",    "\x01",   "\xff",    "%20",
    "%2D",    "%2F",      "%5f",     "%28",     "%2520",  "%25252D", "%C2%A0",
    "%00",    "\xc2\xa0", "‑",       "…",       "\u200b", "&nbsp;",  "&#32;",
    "&#x2d;", "\\x20",    "\\u0020", "\\u{20}", "%20%20", "%2B%20",  "%E2%80%91",
};

/* Makes one spelling of a number, and what is to be left of it. */
static void spell(char *text, char *left)
{
    static const char *const before[] = {"", "messages/", "customerConsents/WhatsApp_", "to '"};
    static const char *const lead[] = {"", "+", "(", "%2B", "%2b(", "+("};
    static const char *const behind[] = {"", "'", "-reminder", ") is none", ", or so", "_x"};
    const char *start = before[below(4)];
    const char *sign = lead[below(6)];
    const char *end = behind[below(6)];
    uint32_t digits = 7 + below(9);
    char last[4] = "";

    text[0] = '\0';
    add(text, start);
    add(text, sign);
    for (uint32_t i = 0; i < digits; i++) {
        char digit = (char)('0' + below(10));

        if (i > 0 && below(2) == 0)
            add(text, parts[below(sizeof parts / sizeof parts[0])]);
        add_digit(text, digit, i == 0);
        if (i + 3 >= digits)
            last[i + 3 - digits] = digit;
    }
    add(text, end);
    (void)snprintf(left, 64, "%s%s…%s%s", start, sign, last, end);
}

static void of_a_number_the_last_three_digits_are_left_however_it_is_written(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char text[512];
        char left[64];
        char out[512];

        spell(text, left);
        mask_sentence(view_of(text), out, sizeof out);
        if (strcmp(out, left) != 0)
            fail_msg("'%s' became '%s', not '%s'", text, out, left);
    }
}

/* A '%' that parts digits makes escapes of them: which three are left can't be told, but that no
 * more are. */
static void a_number_parted_by_what_makes_escapes_of_it_is_none_the_less(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t digits = 7 + below(9);
        size_t shown = 0;
        char text[64] = "";
        char out[64];

        for (uint32_t d = 0; d < digits; d++) {
            if (d > 0 && below(2) == 0)
                add(text, below(3) == 0 ? "_" : "%");
            add_digit(text, (char)('0' + below(10)), true);
        }
        mask_sentence(view_of(text), out, sizeof out);
        for (const char *c = out; *c != '\0'; c++)
            shown += *c >= '0' && *c <= '9';
        if (shown > 3)
            fail_msg("'%s' became '%s'", text, out);
    }
}

/* Where it may not look there is no memory: it would end there. */
static void what_never_ends_is_looked_through_no_further_than_it_is_shown(void **state)
{
    static const char *const hostile[] = {"\\u002C", "&#x2c;", "%2C", "a@",
                                          "a%41%",   "0a",     "ä",   "2011-12-31T"};
    const size_t size = (size_t)1 << 20;
    const size_t seen = (size_t)1 << 14;
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        char *text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_ptr_not_equal(text, MAP_FAILED);
        for (size_t n = 0; n < seen; n++)
            text[n] = hostile[i][n % strlen(hostile[i])];
        assert_int_equal(mprotect(text + seen, size - seen, PROT_NONE), 0);
        mask_sentence((struct view){text, size}, out, sizeof out);
        munmap(text, size);
    }
}

/* A number is looked through to its end, once. */
static void a_number_without_end_is_hidden_whole(void **state)
{
    static const struct {
        const char *text; /* again and again */
        const char *masked;
    } hostile[] = {{"1%2C", "…111%2C"}, {"1 ", "…111 "}, {"1,", "…111,"}, {"%25", "%…525%"}};
    const size_t size = (size_t)1 << 20;
    char *text = malloc(size);
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        for (size_t n = 0; n < size; n++)
            text[n] = hostile[i].text[n % strlen(hostile[i].text)];
        mask_sentence((struct view){text, size}, out, sizeof out);
        assert_string_equal(out, hostile[i].masked);
    }
    free(text);
}

static void a_sentence_is_cut_before_what_does_not_fit_whole(void **state)
{
    static const struct {
        size_t size;
        const char *text;
        const char *masked;
    } rows[] = {
        {1, "abc", ""},
        {4, "abc", "abc"},
        {3, "abc", "ab"},
        {3, "aä€x", "a"},
        {4, "aä€x", "aä"},
        {7, "ab1234567x", "ab"},
        {9, "ab1234567x", "ab…567"},
    };
    char out[16];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(out, '#', sizeof out);
        assert_ptr_equal(mask_sentence(view_of(rows[i].text), out, rows[i].size), out);
        assert_string_equal(out, rows[i].masked);
        assert_int_equal(out[rows[i].size], '#');
    }
}

static void a_name_of_a_program_s_is_shown_and_anything_else_is_not(void **state)
{
    static const struct {
        const char *name;
        const char *masked;
    } rows[] = {
        {"com.example.callback.requested", "com.example.callback.requested"},
        {"urn:Example_2/a-b", "urn:Example_2/a-b"},
        {"sms.0401234567", "sms.…567"},
        {"sam@greeneggs.ham", "(17 characters)"},
        {"for Sam", "(7 characters)"},
        {"Åse", "(3 characters)"},
        {"", "(0 characters)"},
    };
    char out[MASK_TEXT_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(mask_name(view_of(rows[i].name), out), rows[i].masked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_keeps_only_what_tells_it_from_others),
        cmocka_unit_test(a_long_host_is_cut_to_what_there_is_room_for),
        cmocka_unit_test(a_text_becomes_its_length_in_characters),
        cmocka_unit_test(a_sentence_loses_its_numbers_and_its_control_characters),
        cmocka_unit_test(an_id_in_a_sentence_stays),
        cmocka_unit_test(an_address_with_a_host_in_a_sentence_keeps_its_first_letter),
        cmocka_unit_test(of_a_number_the_last_three_digits_are_left_however_it_is_written),
        cmocka_unit_test(a_number_parted_by_what_makes_escapes_of_it_is_none_the_less),
        cmocka_unit_test(what_never_ends_is_looked_through_no_further_than_it_is_shown),
        cmocka_unit_test(a_number_without_end_is_hidden_whole),
        cmocka_unit_test(a_sentence_is_cut_before_what_does_not_fit_whole),
        cmocka_unit_test(a_name_of_a_program_s_is_shown_and_anything_else_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
