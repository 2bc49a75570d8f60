/* http_head: what is kept of a reply's head, and which heads are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/http_head.h"

#include <string.h>

static int start(void **state)
{
    static struct http_head h;

    http_head_init(&h);
    *state = &h;
    return 0;
}

static int stop(void **state)
{
    struct http_head *h = *state;

    http_head_done(h);
    http_head_done(h);
    return 0;
}

/* The lines until the first that is refused; why, or NULL. */
static const char *take(struct http_head *h, const char *const *lines)
{
    const char *why = NULL;

    for (size_t i = 0; lines[i] != NULL && why == NULL; i++)
        why = http_head_line(h, view_of(lines[i]));
    return why;
}

#define TAKE(h, ...) take((h), (const char *const[]){__VA_ARGS__, NULL})

static void the_values_that_matter_are_kept(void **state)
{
    struct http_head *h = *state;

    assert_null(TAKE(h, "HTTP/1.1 429 Too Many\r\n", "Server: x\r\n", "RETRY-after:\t 7 \r\n",
                     "Location:/a\r\n", "location: /b\r\n", "Content-Type:\r\n"));
    assert_false(h->whole);
    assert_null(TAKE(h, "\r\n"));
    assert_true(h->whole);
    assert_int_equal(h->status, 429);
    assert_true(view_is(http_head_get(h, HTTP_HEAD_RETRY_AFTER), "7"));
    assert_true(view_is(http_head_get(h, HTTP_HEAD_LOCATION), "/a")); /* the first */
    assert_non_null(http_head_get(h, HTTP_HEAD_CONTENT_TYPE).p);
    assert_int_equal(http_head_get(h, HTTP_HEAD_CONTENT_TYPE).n, 0);
    http_head_clear(h);
    assert_null(http_head_get(h, HTTP_HEAD_LOCATION).p);
}

static void an_interim_reply_leaves_nothing_behind(void **state)
{
    struct http_head *h = *state;

    assert_null(TAKE(h, "HTTP/1.1 103 Early\r\n", "Location: /early\r\n", "\r\n"));
    assert_false(h->whole);
    assert_null(TAKE(h, "HTTP/1.1 201 Created\r\n", "\r\n"));
    assert_true(h->whole);
    assert_null(http_head_get(h, HTTP_HEAD_LOCATION).p);
}

static void a_trailer_changes_nothing(void **state)
{
    struct http_head *h = *state;

    assert_null(
        TAKE(h, "HTTP/1.1 200 OK\r\n", "\r\n", "Location: /late\r\n", "HTTP/1.1 500 x\r\n"));
    assert_int_equal(h->status, 200);
    assert_null(http_head_get(h, HTTP_HEAD_LOCATION).p);
}

static void malformed_heads_are_refused(void **state)
{
    static const char *const bad[][4] = {
        {"HTTP/1.1 201 x\r\n", "Content-Length: 32\r\n", "content-length: 5\r\n"},
        {"Location: /a\r\n"},
        {"HTTP/1.1\r\n"},
        {"HTTP/1.1 abc x\r\n"},
        {"HTTP/1.1 099 x\r\n"},
        {"HTTP/1.1 600 x\r\n"},
        {"HTTP/1.1 2000 x\r\n"},
        {"HTTP/1.1 200 \x01\r\n"},
        {"HTTP/1.1 200 OK\r\n", "Location: /a\rb\r\n"},
        {"HTTP/1.1 200 OK\r\n", "X: \x1b[31m\r\n"},
        {"HTTP/1.1 200 OK\r\n", "X: \x7f\r\n"},
        {"HTTP/1.1 200 OK\r\n", "X: a\r\n", " b\r\n"},
        {"HTTP/1.1 200 OK\r\n", "no colon\r\n"},
    };
    struct http_head *h = *state;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        http_head_clear(h);
        if (take(h, bad[i]) == NULL)
            fail_msg("row %zu was accepted", i);
    }
    http_head_clear(h);
    assert_null(TAKE(h, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(http_head_line(h, VIEW("X: a\0b\r\n")));
}

static void the_byte_past_the_limit_is_refused_over_all_replies(void **state)
{
    static char line[HTTP_HEAD_MAX];
    static const char first[] = "HTTP/1.1 103 x\r\n";
    struct http_head *h = *state;
    struct view rest = {line, sizeof line - 2 * (sizeof first - 1)};

    memset(line, 'a', sizeof line);
    line[1] = ':';
    assert_null(TAKE(h, first));
    assert_null(http_head_line(h, rest));
    assert_null(TAKE(h, first)); /* fills it exactly */
    assert_int_equal(h->bytes, HTTP_HEAD_MAX);
    assert_non_null(http_head_line(h, VIEW("\n")));
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, start, stop)
    const struct CMUnitTest tests[] = {
        ROW(the_values_that_matter_are_kept),
        ROW(an_interim_reply_leaves_nothing_behind),
        ROW(a_trailer_changes_nothing),
        ROW(malformed_heads_are_refused),
        ROW(the_byte_past_the_limit_is_refused_over_all_replies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
