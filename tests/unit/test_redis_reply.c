/* redis_reply: the protocol in pieces, and a server that lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/redis_reply.h"

#include <stdio.h>
#include <string.h>

static int start(void **state)
{
    *state = redis_reply_new();
    return 0;
}

static int stop(void **state)
{
    redis_reply_free(*state);
    redis_reply_free(NULL);
    return 0;
}

static void replies_are_whole_however_they_are_cut(void **state)
{
    static const char bytes[] = "*4\r\n:-7\r\n*2\r\n$3\r\na\r\n\r\n$-1\r\n+OK\r\n-ERR no\r\n:1\r\n";
    struct redis_reply *r = *state;

    for (size_t cut = 1; cut < sizeof bytes - 1; cut++) {
        const struct redis_value *v = NULL;
        struct fault f = {0};
        unsigned seen = 0;

        for (size_t at = 0; at < sizeof bytes - 1; at += cut) {
            size_t n = sizeof bytes - 1 - at;

            redis_reply_feed(r, bytes + at, n < cut ? n : cut);
            while (redis_reply_next(r, &v, &f) == REDIS_REPLY_WHOLE) {
                if (++seen == 2) {
                    assert_int_equal(v->integer, 1);
                    continue;
                }
                assert_int_equal(v->kind, REDIS_ARRAY);
                assert_int_equal(v->count, 4);
                assert_int_equal(v->items[0].integer, -7);
                assert_true(view_eq(v->items[1].items[0].text, VIEW("a\r\n")));
                assert_int_equal(v->items[1].items[1].kind, REDIS_NIL);
                assert_int_equal(v->items[2].kind, REDIS_STATUS);
                assert_int_equal(v->items[3].kind, REDIS_ERROR);
                assert_true(view_is(v->items[3].text, "ERR no"));
            }
        }
        assert_int_equal(seen, 2);
        assert_string_equal(f.text, "");
    }
}

static void what_is_no_protocol_or_past_a_limit_is_broken_for_good(void **state)
{
    static const char *const bad[] = {
        "x\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "*2147483647\r\n",
        "*1048577\r\n",
        "*-2\r\n",
        "*1000000\r\n*1000000\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "%1\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct redis_reply *r = redis_reply_new();
        const struct redis_value *v;
        struct fault f = {0};

        redis_reply_feed(r, bad[i], strlen(bad[i]));
        assert_int_equal(redis_reply_next(r, &v, &f), REDIS_REPLY_BROKEN);
        assert_int_equal(f.cls, FAULT_RETRY);
        redis_reply_feed(r, ":1\r\n", 4);
        assert_int_equal(redis_reply_next(r, &v, &f), REDIS_REPLY_BROKEN);
        redis_reply_free(r);
    }
}

static void a_text_without_end_is_broken_at_the_limit(void **state)
{
    static char block[1 << 20];
    struct redis_reply *r = *state;
    const struct redis_value *v;
    struct fault f = {0};
    size_t fed = 0;

    redis_reply_feed(r, "$500000000\r\n", 12);
    while (redis_reply_next(r, &v, &f) == REDIS_REPLY_MORE) {
        redis_reply_feed(r, block, sizeof block);
        fed += sizeof block;
        assert_in_range(fed, 1, REDIS_REPLY_BYTES_MAX + sizeof block);
    }
    assert_non_null(strstr(f.text, "larger than"));
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        ROW(replies_are_whole_however_they_are_cut),
        ROW(what_is_no_protocol_or_past_a_limit_is_broken_for_good),
        ROW(a_text_without_end_is_broken_at_the_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
