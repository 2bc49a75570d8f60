/* mask: what is left of numbers, addresses and texts (D11). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mask.h"

#include <string.h>

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
        {"１23456", "１…456"}, /* a wide 1 is no digit here */
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
        {"2011-12-31T13:15:30.401234567Z", "…231T13:15:…567Z"},
        {"2011-12-31T13:15:304012", "…231T13:15:…012"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_keeps_only_what_tells_it_from_others),
        cmocka_unit_test(a_long_host_is_cut_to_what_there_is_room_for),
        cmocka_unit_test(a_text_becomes_its_length_in_characters),
        cmocka_unit_test(a_sentence_loses_its_numbers_and_its_control_characters),
        cmocka_unit_test(a_sentence_is_cut_before_what_does_not_fit_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
