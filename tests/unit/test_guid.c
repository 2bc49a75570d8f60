/* guid: both forms in, both out, and the versions that we make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/guid.h"

#include <string.h>

#define HEX    "0123456789ABCDEF0123456789ABCDEF"
#define HYPHEN "01234567-89AB-CDEF-0123-456789ABCDEF"

static void either_form_in_any_case_is_the_same_id(void **state)
{
    static const char *const same[] = {
        HEX,
        HYPHEN,
        "0123456789abcdef0123456789abcdef",
        "01234567-89ab-cdef-0123-456789ABCDEF",
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct guid g;
        char out[GUID_TEXT_MAX];

        assert_true(guid_parse(view_of(same[i]), &g));
        guid_hex(&g, out);
        assert_string_equal(out, HEX);
        guid_hyphen(&g, out);
        assert_string_equal(out, HYPHEN);
    }
}

static void anything_else_is_no_id(void **state)
{
    static const char *const bad[] = {
        "",
        "0",
        "0123456789ABCDEF0123456789ABCDE",
        "0123456789ABCDEF0123456789ABCDEF0",
        "0123456789ABCDEF0123456789ABCDEG",
        "0123456789ABCDEF0123456789ABCDE ",
        "0123456789ABCDEF-123456789ABCDEF",
        "{0123456789ABCDEF0123456789ABCD}",
        "01234567089AB-CDEF-0123-456789ABCDEF",
        "01234567-89AB-CDEF-0123-456789ABCDEG",
        "01234567-89AB-CDEF-0123-456789ABCDE-",
        "0123456-789AB-CDEF-0123-456789ABCDEF",
        "01234567-89AB-CDEF-0123_456789ABCDEF",
        "----------------------------------- ",
        "00000000-0000-0000-0000-00000000000\xc3",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct guid g = {{7}};

        assert_false(guid_parse(view_of(bad[i]), &g));
        assert_int_equal(g.bytes[0], 7);
    }
}

static void ids_are_equal_in_all_their_bytes_or_not_at_all(void **state)
{
    struct guid a = {{0}};

    (void)state;
    for (size_t i = 0; i < sizeof a.bytes; i++) {
        struct guid b = a;

        assert_true(guid_eq(&a, &b));
        b.bytes[i] ^= 1;
        assert_false(guid_eq(&a, &b));
    }
}

static void what_we_make_says_its_version_and_variant(void **state)
{
    /* RFC 9562, A.4: SHA-1 of the DNS namespace and "www.example.com". */
    static const uint8_t digest[20] = {0x2e, 0xd6, 0x65, 0x7d, 0xe9, 0x27, 0x46, 0x8b, 0x55, 0xe1,
                                       0x26, 0x65, 0xa8, 0xae, 0xa6, 0xa2, 0x2d, 0xee, 0x3e, 0x35};
    uint8_t random[16];
    struct guid g = guid_v5_of_digest(digest);
    char out[GUID_TEXT_MAX];

    (void)state;
    guid_hyphen(&g, out);
    assert_string_equal(out, "2ED6657D-E927-568B-95E1-2665A8AEA6A2");
    memset(random, 0xff, sizeof random);
    g = guid_v4_of_random(random);
    guid_hyphen(&g, out);
    assert_string_equal(out, "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF");
    memset(random, 0, sizeof random);
    g = guid_v4_of_random(random);
    guid_hyphen(&g, out);
    assert_string_equal(out, "00000000-0000-4000-8000-000000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(either_form_in_any_case_is_the_same_id),
        cmocka_unit_test(anything_else_is_no_id),
        cmocka_unit_test(ids_are_equal_in_all_their_bytes_or_not_at_all),
        cmocka_unit_test(what_we_make_says_its_version_and_variant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
