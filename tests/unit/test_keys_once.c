/* keys_once: a key twice in one object is seen, and in two objects is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/keys_once.h"

#include <stdio.h>

static void a_key_twice_in_one_object_is_refused_wherever_it_stands(void **state)
{
    static const struct {
        const char *json;
        bool ok;
    } rows[] = {
        {"7", true},
        {"\"a\"", true},
        {"[]", true},
        {"{}", true},
        {"{\"a\":1,\"b\":1}", true},
        {"{\"a\":{\"a\":{\"a\":1}}}", true},
        {"[{\"a\":1},{\"a\":1}]", true},
        {"{\"a\":{\"b\":1},\"b\":{\"a\":1}}", true},
        {"{\"a\":\"a\",\"b\":[\"a\",\"a\"]}", true},
        {"{\"a\":1,\"A\":1}", true},
        {"{\"\":1,\" \":1}", true},
        {"{\"a\":1,\"a\":1}", false},
        {"{\"a\":1,\"b\":{\"c\":[1,2]},\"a\":null}", false},
        {"{\"\":1,\"\":1}", false},
        {"{\"a\":1,\"\\u0061\":1}", false},
        {"{\"\\/\":1,\"/\":1}", false},
        {"[[[{\"a\":{\"b\":1,\"b\":1}}]]]", false},
        {"{\"a\":{\"c\":1},\"b\":1,\"a\":1}", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct view json = view_of(rows[i].json);
        struct fault f = {0};

        assert_true(json_scan_all(json, &f));
        if (keys_once_of_json(json, &f) != rows[i].ok)
            fail_msg("%s", rows[i].json);
        if (!rows[i].ok) {
            assert_int_equal(f.cls, FAULT_REJECT);
            assert_string_equal(f.text, "a key is given twice in one object");
        }
    }
}

static void the_deepest_value_that_is_taken_is_looked_through(void **state)
{
    struct buf json;
    struct fault f = {0};

    (void)state;
    buf_init(&json, 4096);
    for (int i = 1; i < TOKEN_DEPTH_MAX; i++)
        buf_put_text(&json, i % 2 == 0 ? "[" : "{\"a\":");
    buf_put_text(&json, "{\"a\":1,\"a\":2}");
    for (int i = TOKEN_DEPTH_MAX - 1; i > 0; i--)
        buf_put_text(&json, i % 2 == 0 ? "]" : "}");
    assert_true(json_scan_all(buf_view(&json), &f));
    assert_false(keys_once_of_json(buf_view(&json), &f));
    buf_done(&json);
}

static bool add(struct keys_once *k, int n, struct fault *f)
{
    char key[16];

    (void)snprintf(key, sizeof key, "k%d", n);
    return keys_once_add(k, view_of(key), f);
}

static void as_many_keys_as_the_limit_are_kept_and_given_back_at_an_object_s_end(void **state)
{
    struct keys_once k;
    struct fault f = {0};

    (void)state;
    keys_once_init(&k);
    keys_once_begin(&k);
    assert_true(add(&k, 0, &f));
    for (int round = 0; round < 3; round++) {
        keys_once_begin(&k);
        for (int i = 1; i < KEYS_ONCE_MAX; i++)
            assert_true(add(&k, i, &f));
        assert_false(add(&k, KEYS_ONCE_MAX, &f));
        assert_string_equal(f.text, "there are more than 1024 keys that nobody knows");
        keys_once_end(&k);
    }
    assert_false(add(&k, 0, &f));
    assert_true(add(&k, 1, &f));
    keys_once_end(&k);
    assert_int_equal(k.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_twice_in_one_object_is_refused_wherever_it_stands),
        cmocka_unit_test(the_deepest_value_that_is_taken_is_looked_through),
        cmocka_unit_test(as_many_keys_as_the_limit_are_kept_and_given_back_at_an_object_s_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
