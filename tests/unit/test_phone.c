/* phone: what is the same number or address, and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/phone.h"

#include <string.h>

#define E_16  "éééééééééééééééé"
#define E_64  E_16 E_16 E_16 E_16
#define E_256 E_64 E_64 E_64 E_64

static void each_address_has_one_normal_form_that_is_its_own(void **state)
{
    static const struct {
        const char *address;
        const char *normal;
    } rows[] = {
        {"+358401234567", "358401234567"},
        {"00358401234567", "358401234567"},
        {"358401234567", "358401234567"},
        {" +358 (40) 123-45.67 ", "358401234567"},
        {"( + 358)40\t1234567", "358401234567"},
        {"(0) 0 358401234567", "358401234567"},
        {"++358", "358"},
        {"+00358", "358"},
        {"00+358", "358"},
        {"0000358", "358"},
        {"000358", "0358"},
        {"+358401234567\n", "358401234567"},
        {"\r\n    +358 40\r\n1234567\n", "358401234567"},
        {"\n+\n0\n0358\t", "358"},
        {"0401234567", "0401234567"},
        {"0", "0"},
        {"152", "152"},
        {"358+40", "358+40"},
        {"*123#", "*123#"},
        {"040\u00a0123\u20114567", "0401234567"},
        {"\u202a+358401234567\u202c", "358401234567"},
        {"040\ufeff1\u200b2\u20153\u206045", "04012345"},
        {"\u2068+358401234567\u2069", "358401234567"}, /* as message formatters put it */
        {"\u2066\u206a00358\u2061 40\u2069", "35840"},
        {"+358\u00ad40", "35840"},
        {"\uff0b358 40", "35840"},
        {"\uff10\uff10358", "358"},
        {"\uff0b\uff13\uff15\uff18\u3000\uff08\uff14\uff10\uff09\uff11\uff0d\uff12", "3584012"},
        {"\u0660\u06641\u22122", "0412"},
        {"040\uff0b1", "040+1"},
        {"\uff21\uff0b1", "\uff21\uff0b1"}, /* a name */
        {"040\u20161", "040\u20161"},       /* U+2016 is none of these: kept, as a letter is */
        {"\u00a1 04 01", "\u00a1 04 01"},
        {" 123456Support@Test.com", "123456support@test.com"},
        {"Support@Test.com \t", "support@test.com"},
        {"\n  Support@Test.com\r\n", "support@test.com"},
        {"a\nB \n", "a\nb"}, /* as a blank within a name */
        {"+358 40 EXT-5", "+358 40 ext-5"},
        {"00 A", "00 a"},
        {"123@", "123@"},
        {"Zz[", "zz["},
        {"ÄITI@Ökö.fi", "äiti@ökö.fi"},
        {"ЁЖ Ÿ \xc4", "ёж ÿ \xc4"},
        {"12\xff"
         "3 4",
         "12\xff"
         "3 4"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[PHONE_NORMAL_MAX];
        char again[PHONE_NORMAL_MAX];
        struct view normal;
        struct view same;
        struct fault f = {0};

        assert_true(phone_normal(view_of(rows[i].address), out, &normal, &f));
        if (!view_is(normal, rows[i].normal))
            fail_msg("'%s' became '%.*s'", rows[i].address, VIEW_ARG(normal));
        assert_true(phone_normal(normal, again, &same, &f));
        assert_true(view_eq(normal, same));
    }
}

static void an_international_number_is_known_by_its_beginning(void **state)
{
    static const struct {
        const char *address;
        bool international;
    } rows[] = {
        {"+358", true},       {"00358", true},     {" (+358) 40", true},  {"0 0358", true},
        {"\u2068+358", true}, {"\uff0b358", true}, {"\uff10-0358", true}, {"358", false},
        {"0358", false},      {"0", false},        {"", false},           {"(", false},
        {"a+", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (phone_is_international(view_of(rows[i].address)) != rows[i].international)
            fail_msg("row %zu: %s", i, rows[i].address);
}

static void what_has_nothing_to_match_by_is_refused(void **state)
{
    static const char *const bad[] = {"",       " ",      "+",  "00",     "0 0", "()-.",
                                      "+00+00", "\u00a0", "\n", "\r\n\t", "+\n"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char out[PHONE_NORMAL_MAX];
        struct view normal = VIEW("untouched");
        struct fault f = {0};

        assert_false(phone_normal(view_of(bad[i]), out, &normal, &f));
        assert_int_equal(f.cls, FAULT_REJECT);
        assert_string_equal(f.text, "has nothing to match by");
        assert_true(view_is(normal, "untouched"));
    }
}

static void the_byte_too_many_is_counted_after_what_falls_away(void **state)
{
    char address[2 * PHONE_NORMAL_MAX + 2];
    char out[PHONE_NORMAL_MAX];
    struct view normal;
    struct fault f = {0};

    (void)state;
    memset(address, '-', sizeof address);
    for (size_t i = 0; i < PHONE_NORMAL_MAX; i++)
        address[2 * i] = '7';
    assert_true(phone_normal((struct view){address, 2 * PHONE_NORMAL_MAX}, out, &normal, &f));
    assert_int_equal(normal.n, PHONE_NORMAL_MAX);
    address[2 * PHONE_NORMAL_MAX] = '7';
    assert_false(phone_normal((struct view){address, sizeof address}, out, &normal, &f));
    assert_string_equal(f.text, "has more than 1024 bytes");
    assert_true(phone_normal(VIEW(E_256), out, &normal, &f)); /* characters, not bytes */
    assert_true(view_is(normal, E_256));
    memset(address, 'a', sizeof address);
    assert_true(phone_normal((struct view){address, PHONE_NORMAL_MAX}, out, &normal, &f));
    assert_false(phone_normal((struct view){address, PHONE_NORMAL_MAX + 1}, out, &normal, &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_address_has_one_normal_form_that_is_its_own),
        cmocka_unit_test(an_international_number_is_known_by_its_beginning),
        cmocka_unit_test(what_has_nothing_to_match_by_is_refused),
        cmocka_unit_test(the_byte_too_many_is_counted_after_what_falls_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
