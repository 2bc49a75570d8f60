/* http_rules: request heads that are taken, and those that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/http_rules.h"

#include <stdio.h>
#include <string.h>

#define MAX_BYTES 4096

/* lines: "Name: value\n…", no blank before the value's own. */
static int check(const char *method, const char *target, const char *version, const char *lines,
                 struct http_framing *out)
{
    struct http_field headers[HTTP_RULES_HEADERS_MAX + 2];
    struct view rest = view_of(lines);
    struct http_head head = {.method = view_of(method),
                             .target = view_of(target),
                             .version = view_of(version),
                             .headers = headers,
                             .max_bytes = MAX_BYTES};
    struct fault f = {0};
    int status = 0;

    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');

        headers[head.header_count].name = view_cut(&line, ':');
        headers[head.header_count++].value = view_trim(line);
    }
    status = http_rules_check(&head, out, &f);
    assert_true((status == 0) == (f.text[0] == '\0'));
    return status;
}

static void ordinary_heads_are_taken_and_understood(void **state)
{
    struct http_framing out;

    (void)state;
    assert_int_equal(check("GET", "/a/b?c=d?e", "HTTP/1.1", "Host:x\n", &out), 0);
    assert_true(view_is(out.path, "/a/b") && view_is(out.query, "c=d?e"));
    assert_false(out.has_length || out.chunked || out.expects_continue);
    assert_int_equal(
        check("POST", "/", "HTTP/1.1", "host:x\ncontent-length: 17\nExpect: 100-Continue\n", &out),
        0);
    assert_true(out.has_length && out.length == 17 && out.expects_continue);
    assert_int_equal(check("PUT", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:Chunked\n", &out), 0);
    assert_true(out.chunked);
    assert_int_equal(check("GET", "http://h:80/a?b", "HTTP/1.1", "Host:x\n", &out), 0);
    assert_true(view_is(out.path, "/a") && view_is(out.query, "b"));
    assert_int_equal(check("GET", "HTTPS://h/", "HTTP/1.1", "Host:x\n", &out), 0);
    assert_true(view_is(out.path, "/"));
    assert_int_equal(check("OPTIONS", "*", "HTTP/1.1", "Host:x\n", &out), 0);
    assert_true(view_is(out.path, "*"));
    assert_int_equal(check("GET", "/", "HTTP/1.0", "", &out), 0);
}

static void what_two_parsers_read_differently_is_refused(void **state)
{
    static const struct {
        const char *method;
        const char *target;
        const char *version;
        const char *lines;
        int status;
    } rows[] = {
        {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:1\nTransfer-Encoding:chunked\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:1\ncontent-length:1\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:chunked\nTransfer-Encoding:chunked\n",
         400},
        {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:identity\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nTransfer-Encoding:gzip, chunked\n", 400},
        {"POST", "/", "HTTP/1.0", "Transfer-Encoding:chunked\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:+1\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:-1\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:1,1\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:0x1\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:\n", 400},
        {"POST", "/", "HTTP/1.1", "Host:x\nContent-Length:9223372036854775808\n", 400},
        {"GET", "/", "HTTP/1.1", "", 400},
        {"GET", "/", "HTTP/1.1", "Host:x\nHost:x\n", 400},
        {"GET", "/", "HTTP/1.0", "Host:x\nHost:x\n", 400},
        {"GET", "/", "HTTP/1.1", "Host:x\nContent-Length :1\n", 400},
        {"GET", "/", "HTTP/1.1", "Host:x\n:1\n", 400},
        {"GET", "/", "HTTP/1.1", "Host:x\nA:b\rc\n", 400},
        {"GET", "/", "HTTP/1.1", "Host:x\nA:b\177\n", 400},
        {"GET", "/", "HTTP/1.2", "Host:x\n", 505},
        {"GET", "/", "HTTP/2", "Host:x\n", 505},
        {"GET", "/", "", "Host:x\n", 400},
        {"GET", "/", "http/1.1", "Host:x\n", 400},
        {"", "/", "HTTP/1.1", "Host:x\n", 400},
        {"G T", "/", "HTTP/1.1", "Host:x\n", 400},
        {"ABCDEFGHIJKLMNOPQ", "/", "HTTP/1.1", "Host:x\n", 400},
        {"GET", "", "HTTP/1.1", "Host:x\n", 400},
        {"GET", "a", "HTTP/1.1", "Host:x\n", 400},
        {"GET", "/a b", "HTTP/1.1", "Host:x\n", 400},
        {"GET", "/a#b", "HTTP/1.1", "Host:x\n", 400},
        {"GET", "/\303\244", "HTTP/1.1", "Host:x\n", 400},
        {"GET", "http://h", "HTTP/1.1", "Host:x\n", 400},
        {"GET", "http://h?a/b", "HTTP/1.1", "Host:x\n", 400},
        {"GET", "**", "HTTP/1.1", "Host:x\n", 400},
    };
    struct http_framing out;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (check(rows[i].method, rows[i].target, rows[i].version, rows[i].lines, &out) !=
            rows[i].status)
            fail_msg("row %zu", i);
}

static void the_limits_hold_at_one_over(void **state)
{
    static char target[HTTP_RULES_TARGET_MAX + 2];
    static char lines[64 * 1024];
    struct http_framing out;
    size_t n = 0;

    (void)state;
    memset(target, 'a', sizeof target - 1);
    target[0] = '/';
    assert_int_equal(check("GET", target, "HTTP/1.1", "Host:x\n", &out), 414);
    target[HTTP_RULES_TARGET_MAX] = '\0'; /* within its own limit, not within that of the head */
    assert_int_equal(check("GET", target, "HTTP/1.1", "Host:x\n", &out), 431);
    target[MAX_BYTES - 5] = '\0';
    assert_int_equal(check("GET", target, "HTTP/1.1", "Host:x\n", &out), 0);
    target[MAX_BYTES - 5] = 'a';
    target[MAX_BYTES - 4] = '\0';
    assert_int_equal(check("GET", target, "HTTP/1.1", "Host:x\n", &out), 431);
    n = (size_t)snprintf(lines, sizeof lines, "Host:x\n");
    for (int i = 1; i < HTTP_RULES_HEADERS_MAX; i++)
        n += (size_t)snprintf(lines + n, sizeof lines - n, "A:b\n");
    assert_int_equal(check("GET", "/", "HTTP/1.1", lines, &out), 0);
    snprintf(lines + n, sizeof lines - n, "A:b\n");
    assert_int_equal(check("GET", "/", "HTTP/1.1", lines, &out), 431);
}

/* What a library makes of a head, each text where it came. */
static void a_head_that_does_not_add_up_is_refused(void **state)
{
    static const char came[] = "GET / HTTP/1.1\r\nHost:x\r\nA:  b\r\n\r\n";
    struct http_field headers[] = {{{came + 16, 4}, {came + 21, 1}},
                                   {{came + 24, 1}, {came + 28, 1}}};
    struct http_head head = {.method = {came, 3},
                             .target = {came + 4, 1},
                             .version = {came + 6, 8},
                             .headers = headers,
                             .header_count = 2,
                             .max_bytes = MAX_BYTES,
                             .came_bytes = sizeof came - 1};
    struct http_framing out;
    struct fault f = {0};

    (void)state;
    assert_int_equal(http_rules_check(&head, &out, &f), 0);
    head.came_bytes++;
    assert_int_equal(http_rules_check(&head, &out, &f), 400);
    head.came_bytes -= 2;
    assert_int_equal(http_rules_check(&head, &out, &f), 400);
    head.came_bytes++;
    headers[1].name = VIEW("A"); /* not where it came */
    assert_int_equal(http_rules_check(&head, &out, &f), 400);
    headers[1].name = (struct view){came + 29, 1}; /* behind its value */
    headers[1].value = (struct view){came + 28, 1};
    assert_int_equal(http_rules_check(&head, &out, &f), 400);
    head.came_bytes = 0;
    headers[1].name = VIEW("A");
    assert_int_equal(http_rules_check(&head, &out, &f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_that_does_not_add_up_is_refused),
        cmocka_unit_test(ordinary_heads_are_taken_and_understood),
        cmocka_unit_test(what_two_parsers_read_differently_is_refused),
        cmocka_unit_test(the_limits_hold_at_one_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
