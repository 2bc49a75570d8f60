/* json_walk, json_number, base64: slices of JSON, exact integers, and the one encoding inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/base64.h"
#include "bridge/core/json_number.h"
#include "bridge/core/json_walk.h"

#include <string.h>

static void walked(const char *json, struct buf *out)
{
    struct json_walk w;
    struct view key;
    struct view value;

    assert_true(json_walk_init(&w, view_of(json)));
    while (json_walk_next(&w, &key, &value))
        (void)buf_printf(out, "<%.*s|%.*s>", VIEW_ARG(key), VIEW_ARG(value));
}

static void members_and_items_come_as_they_stand(void **state)
{
    static const struct {
        const char *json;
        const char *slices;
    } rows[] = {
        {"{}", ""},
        {" [ ] ", ""},
        {"{\"a\":1}", "<\"a\"|1>"},
        {" { \"a\" : 1 , \"b\" : { \"c\" : [ 2 , \"}\" ] } } ",
         "<\"a\"|1><\"b\"|{ \"c\" : [ 2 , \"}\" ] }>"},
        {"[null, \"a,b\\\"]\" ,[[]],{}]", "<|null><|\"a,b\\\"]\"><|[[]]><|{}>"},
        {"[\"\\\\\",1]", "<|\"\\\\\"><|1>"},
        {"{\"a\\\"b\":-1.5e3}", "<\"a\\\"b\"|-1.5e3>"},
        {"[1\n]", "<|1>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;

        buf_init(&out, 1024);
        walked(rows[i].json, &out);
        assert_string_equal(buf_text(&out), rows[i].slices);
        buf_done(&out);
    }
}

static void only_containers_are_walked(void **state)
{
    struct json_walk w;

    (void)state;
    assert_false(json_walk_init(&w, VIEW("1")));
    assert_false(json_walk_init(&w, VIEW("\"[\"")));
    assert_false(json_walk_init(&w, VIEW("  ")));
    assert_false(json_walk_init(&w, VIEW_NONE));
}

/* What json_scan would refuse: no promise but to end and stay inside (ASan watches). */
static void a_walk_over_nonsense_ends(void **state)
{
    static const char *const rows[] = {"[",       "{",     "[,,,",   "{\"a",    "{\"a\"",
                                       "{\"a\":", "[[[",   "[1 2 3", "{1:2}",   "[\"\\",
                                       "{\"a\"}", "[}}}}", "{]",     "{\"a\":}"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json_walk w;
        struct view key;
        struct view value;
        size_t steps = 0;

        assert_true(json_walk_init(&w, view_of(rows[i])));
        while (json_walk_next(&w, &key, &value))
            assert_true(++steps <= strlen(rows[i]));
    }
}

static void a_string_says_what_its_escapes_mean(void **state)
{
    static const struct {
        const char *raw;
        const char *text; /* NULL: refused */
    } rows[] = {
        {"\"\"", ""},
        {"\"abc\"", "abc"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"a\\u0041\\u00e4\\u20ac\\uD83D\\uDE00z\"", "aA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"},
        {"\"\\\\\\\\\"", "\\\\"},
        {"1", NULL},
        {"\"", NULL},
        {"null", NULL},
        {"\"\\x\"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct view text;
        struct buf to;

        buf_init(&to, strlen(rows[i].raw) + 1);
        assert_int_equal(json_walk_text(view_of(rows[i].raw), &to, &text), rows[i].text != NULL);
        if (rows[i].text != NULL)
            assert_true(view_is(text, rows[i].text));
        buf_done(&to);
    }
}

static void text_without_escapes_is_not_copied(void **state)
{
    struct view raw = VIEW("\"plain\"");
    struct view text;
    struct buf to;

    (void)state;
    buf_init(&to, 0);
    assert_true(json_walk_text(raw, &to, &text));
    assert_ptr_equal(text.p, raw.p + 1);
    assert_false(json_walk_text(VIEW("\"\\n\""), &to, &text)); /* no room */
    assert_false(json_walk_text(VIEW("\"ab\\n\""), &to, &text));
    buf_done(&to);
}

static void integers_are_read_exactly(void **state)
{
    static const struct {
        const char *written;
        bool integer;
        int64_t value;
    } rows[] = {
        {"2", true, 2},
        {"2.0", true, 2},
        {"-2.000", true, -2},
        {"2.5", false, 0},
        {"0.1e1", true, 1},
        {"20e-1", true, 2},
        {"25e-1", false, 0},
        {"-0", true, 0},
        {"-0.0e9", true, 0},
        {"0e999999999999", true, 0},
        {"1E2", true, 100},
        {"1e+2", true, 100},
        {"1e18", true, INT64_C(1000000000000000000)},
        {"1e19", false, 0},
        {"1e999999999999", false, 0},
        {"1e-999999999999", false, 0},
        {"9223372036854775807.0", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808.00", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"922337203685477580.7e1", true, INT64_MAX},
        {"0.00000000000000000000000001", false, 0},
        {"100000000000000000000000000000e-27", true, 100},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t n = -7;

        if (json_number_integer(view_of(rows[i].written), &n) != rows[i].integer)
            fail_msg("%s", rows[i].written);
        assert_int_equal(n, rows[i].integer ? rows[i].value : -7);
    }
}

static void base64_is_strict(void **state)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
    } rows[] = {
        {"", ""},           {"Zg==", "f"},        {"Zm8=", "fo"},
        {"Zm9v", "foo"},    {"Zm9vYg==", "foob"}, {"+/+/", "\xfb\xff\xbf"},
        {"Zg=", NULL},      {"Zg", NULL},         {"Z===", NULL},
        {"====", NULL},     {"Zh==", NULL},       {"Zm9=", NULL},
        {"Zg==Zg==", NULL}, {"Zm 9", NULL},       {"Zm9v\n", NULL},
        {"-_-_", NULL},     {"Zm9\xc3", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf to;

        buf_init(&to, 64);
        if (base64_decode(view_of(rows[i].text), &to) != (rows[i].bytes != NULL))
            fail_msg("%s", rows[i].text);
        if (rows[i].bytes != NULL)
            assert_true(view_is(buf_view(&to), rows[i].bytes));
        buf_done(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_items_come_as_they_stand),
        cmocka_unit_test(only_containers_are_walked),
        cmocka_unit_test(a_walk_over_nonsense_ends),
        cmocka_unit_test(a_string_says_what_its_escapes_mean),
        cmocka_unit_test(text_without_escapes_is_not_copied),
        cmocka_unit_test(integers_are_read_exactly),
        cmocka_unit_test(base64_is_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
