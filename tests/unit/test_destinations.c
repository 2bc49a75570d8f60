/* destinations, address_list, slice, siphash: what a message is sent to, and how that went. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/address_list.h"
#include "bridge/core/destinations.h"
#include "bridge/core/siphash.h"

#include <stdio.h>
#include <string.h>

static const uint8_t key[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* The first vectors of the reference implementation. */
static void siphash_is_siphash_2_4(void **state)
{
    char data[64];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)i;
    assert_true(siphash(key, (struct view){NULL, 0}) == UINT64_C(0x726fdb47dd0e0e31));
    assert_true(siphash(key, (struct view){data, 1}) == UINT64_C(0x74f839c593dc67fd));
    assert_true(siphash(key, (struct view){data, 8}) == UINT64_C(0x93f5f5799a932462));
    assert_true(siphash(key, (struct view){data, 15}) == UINT64_C(0xa129ca6149be45e5));
    assert_true(siphash(key, (struct view){data, 63}) == UINT64_C(0x958a324ceb064572));
}

static void a_list_is_messagepack_and_reads_back(void **state)
{
    static char text[ADDRESS_STRING_MAX];
    static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 1024, ADDRESS_STRING_MAX};
    size_t count = sizeof lengths / sizeof lengths[0];
    size_t n = 0;
    struct buf b;
    struct view rest;
    struct view one;

    (void)state;
    memset(text, 'x', sizeof text);
    buf_init(&b, 1 << 20);
    address_list_begin(&b);
    address_list_add(&b, VIEW("+358"));
    address_list_end(&b, 1);
    assert_true(view_eq(buf_view(&b), VIEW("\xdc\x00\x01\xa4+358")));
    buf_clear(&b);
    address_list_begin(&b);
    for (size_t i = 0; i < count; i++)
        address_list_add(&b, (struct view){text, lengths[i]});
    address_list_end(&b, count);
    rest = buf_view(&b);
    assert_true(address_list_open(&rest, &n));
    assert_int_equal(n, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(address_list_next(&rest, &one));
        assert_int_equal(one.n, lengths[i]);
    }
    assert_false(address_list_next(&rest, &one));
    buf_done(&b);
}

static void a_cut_or_foreign_list_is_none(void **state)
{
    static const char *const bad[] = {"\xa4+35", "\xd9", "\xd9\x05+35", "\xda\x01", "\xc0", "\x01"};
    struct view one;
    struct repeat r;
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct view rest = view_of(bad[i]);

        assert_false(address_list_next(&rest, &one));
        rest = view_of(bad[i]);
        assert_false(repeat_next(&rest, &r));
        rest = view_of(bad[i]);
        assert_false(address_list_open(&rest, &n));
    }
}

static struct view nth(const struct destinations *d, size_t slice, size_t i)
{
    struct view rest = buf_view(&d->slices[slice]);
    struct view one = VIEW_NONE;
    size_t n = 0;

    assert_true(address_list_open(&rest, &n));
    for (size_t k = 0; k <= i; k++)
        assert_true(address_list_next(&rest, &one));
    return one;
}

static void repeats_are_set_aside_in_whatever_spelling(void **state)
{
    struct destinations d;
    struct view rest;
    struct repeat r;
    struct fault f = {0};

    (void)state;
    destinations_init(&d, key, 2, 10);
    assert_true(destinations_add(&d, VIEW("+358 40 1"), &f));
    assert_true(destinations_add(&d, VIEW("2"), &f));
    assert_true(destinations_add(&d, VIEW("00358-401"), &f));
    assert_true(destinations_add(&d, VIEW("Sam@x"), &f));
    assert_true(destinations_add(&d, VIEW(" sam@X"), &f));
    destinations_end(&d);
    assert_int_equal(d.given, 5);
    assert_int_equal(d.count, 3);
    assert_int_equal(d.slice_count, 2);
    assert_true(view_is(nth(&d, 0, 0), "+358 40 1"));
    assert_true(view_is(nth(&d, 0, 1), "2"));
    assert_true(view_is(nth(&d, 1, 0), "Sam@x"));
    rest = buf_view(&d.repeats);
    assert_true(repeat_next(&rest, &r));
    assert_true(r.position == 2 && r.of == 0 && view_is(r.text, "00358-401"));
    assert_true(repeat_next(&rest, &r));
    assert_true(r.position == 4 && r.of == 2 && view_is(r.text, " sam@X"));
    assert_false(repeat_next(&rest, &r));
    destinations_done(&d);
    destinations_done(&d);
}

static void a_hundred_thousand_are_told_apart(void **state)
{
    struct destinations d;
    struct fault f = {0};
    char text[32];

    (void)state;
    destinations_init(&d, key, 1000, 100);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < 100000; i++) {
            snprintf(text, sizeof text, "+358%08u", i);
            assert_true(destinations_add(&d, view_of(text), &f));
        }
    assert_int_equal(d.count, 100000);
    assert_int_equal(d.given, 200000);
    assert_false(destinations_add(&d, VIEW("1"), &f));
    assert_int_equal(f.cls, FAULT_REJECT);
    destinations_end(&d);
    assert_int_equal(d.slice_count, 100);
    assert_true(view_is(nth(&d, 99, 999), "+35800099999"));
    destinations_done(&d);
}

static void two_of_one_hash_are_two(void **state)
{
    struct destinations d;
    struct fault f = {0};

    (void)state;
    assert_int_equal((uint32_t)siphash(key, VIEW("35800098012")),
                     (uint32_t)siphash(key, VIEW("35800280393")));
    destinations_init(&d, key, 10, 10);
    assert_true(destinations_add(&d, VIEW("+35800098012"), &f));
    assert_true(destinations_add(&d, VIEW("+35800280393"), &f));
    assert_true(destinations_add(&d, VIEW("+35800098012"), &f));
    assert_int_equal(d.count, 2);
    destinations_done(&d);
}

static void an_address_with_nothing_to_match_by_is_refused_by_its_place(void **state)
{
    struct destinations d;
    struct fault f = {0};

    (void)state;
    destinations_init(&d, key, 10, 10);
    assert_true(destinations_add(&d, VIEW("1"), &f));
    assert_false(destinations_add(&d, VIEW("-()"), &f));
    assert_non_null(strstr(f.text, "destinations[1].address"));
    destinations_done(&d);
}

static void nobody_keeps_a_place(void **state)
{
    struct destinations d;
    struct fault f = {0};

    (void)state;
    destinations_init(&d, key, 10, 10);
    assert_true(destinations_add(&d, VIEW("1"), &f));
    assert_true(destinations_add_nobody(&d, &f));
    assert_true(destinations_add(&d, VIEW("2"), &f));
    assert_true(destinations_add_nobody(&d, &f));
    assert_true(destinations_add(&d, VIEW("2"), &f));
    assert_int_equal(d.count, 4);
    assert_int_equal(d.given, 5);
    destinations_end(&d);
    assert_true(view_is(nth(&d, 0, 1), ""));
    assert_true(view_is(nth(&d, 0, 2), "2"));
    assert_true(view_is(nth(&d, 0, 3), ""));
    destinations_done(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_is_siphash_2_4),
        cmocka_unit_test(a_list_is_messagepack_and_reads_back),
        cmocka_unit_test(a_cut_or_foreign_list_is_none),
        cmocka_unit_test(repeats_are_set_aside_in_whatever_spelling),
        cmocka_unit_test(a_hundred_thousand_are_told_apart),
        cmocka_unit_test(two_of_one_hash_are_two),
        cmocka_unit_test(nobody_keeps_a_place),
        cmocka_unit_test(an_address_with_nothing_to_match_by_is_refused_by_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
