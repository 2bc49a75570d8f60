/* serve: remarks are text, with a limit and a media type of their own (contract 1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

#define LIMIT      1024 /* limits.remarks; limits.body is larger */
#define TARGET_MAX 96
#define TEXT       "Content-Type: text/plain\r\n"

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "limits: {body: 4KiB, remarks: 1KiB}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

/* The remarks of a phone call that is new. */
static void call(char target[TARGET_MAX])
{
    static unsigned calls;
    char batch[512];
    struct probe_reply r;

    calls++;
    snprintf(batch, sizeof batch,
             "[{\"specversion\":\"1.0\",\"id\":\"%u\",\"source\":\"/t\",\"type\":"
             "\"contact.received\",\"subject\":\"contacts/%032X\",\"data\":{\"channel\":\"PHONE\","
             "\"type\":\"CallIn\",\"source\":\"+358401234567\",\"destination\":\"100\"}}]",
             calls, calls);
    r = probe_ask(rig.port, "POST", "/ingest",
                  "Content-Type: application/cloudevents-batch+json\r\n", batch);
    assert_int_equal(r.status, 200);
    assert_null(strstr(r.body.p, "error"));
    probe_done(&r);
    snprintf(target, TARGET_MAX, "/RI/cmi/contacts/%032X/remarks", calls);
}

/* As it is sent: what has no Content-Type gets none. */
static void expect(const char *method, const char *target, const char *headers, const char *body,
                   int status, const char *answer)
{
    struct probe_reply r = probe_ask(rig.port, method, target, headers, body);

    if (r.status != status || (answer != NULL && !view_is(r.body, answer)))
        fail_msg("%s %s (%s): %d %.*s", method, target, headers, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void they_have_a_limit_of_their_own(void **state)
{
    static const char too_large[] = "the body is too large; 1024 bytes are allowed\n";
    char text[LIMIT + 2];
    char target[TARGET_MAX];

    (void)state;
    call(target);
    memset(text, 'a', sizeof text);
    text[LIMIT + 1] = '\0';
    expect("POST", target, TEXT, text, 413, too_large);
    expect("GET", target, "", NULL, 404, NULL);
    text[LIMIT] = '\0';
    expect("POST", target, TEXT, text, 204, "");
    expect("GET", target, "", NULL, 200, text);
    memset(text, 'b', sizeof text);
    text[LIMIT + 1] = '\0';
    expect("PUT", target, TEXT, text, 413, too_large);
    text[LIMIT] = '\0';
    expect("PUT", target, TEXT, text, 204, "");
    expect("GET", target, "", NULL, 200, text);
}

static void they_are_text_and_nothing_else(void **state)
{
    static const struct {
        const char *headers;
        bool taken;
    } rows[] = {
        {"", true},
        {TEXT, true},
        {"Content-Type: TEXT/Plain; charset=\"UTF-8\"\r\n", true},
        {TEXT "Accept: image/png\r\n", true}, /* of a GET only, and not of remarks' */
        {TEXT "Content-Encoding: identity\r\n", true},
        {"Content-Type: text/plain; charset=utf8\r\n", true},
        {"Content-Type: text/plain; charset=latin1\r\n", false},
        {"Content-Type: text/html\r\n", false},
        {"Content-Type: application/json\r\n", false},
        {"Content-Type: application/xml\r\n", false},
        {"Content-Type: application/octet-stream\r\n", false},
        {TEXT "Content-Type: application/json\r\n", false},
    };
    char target[TARGET_MAX];
    char changed[TARGET_MAX];

    (void)state;
    call(changed);
    expect("POST", changed, TEXT, "first", 204, "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why = rows[i].taken ? "" : "the body must be text/plain in UTF-8\n";
        int status = rows[i].taken ? 204 : 415;
        char text[24];

        snprintf(text, sizeof text, "row %zu", i);
        call(target);
        expect("POST", target, rows[i].headers, text, status, why);
        expect("GET", target, "", NULL, rows[i].taken ? 200 : 404, rows[i].taken ? text : NULL);
        expect("PUT", changed, rows[i].headers, text, status, why);
        if (rows[i].taken)
            expect("GET", changed, "", NULL, 200, text);
    }
    expect("GET", changed, "", NULL, 200, "row 5"); /* the last that was taken */
}

static void they_are_shown_as_text_whatever_is_accepted(void **state)
{
    static const char *const accepts[] = {"",
                                          "Accept: text/plain\r\n",
                                          "Accept: application/json\r\n",
                                          "Accept: application/xml\r\n",
                                          "Accept: image/png\r\n",
                                          "Accept: text/plain;q=0, */*;q=0\r\n"};
    char target[TARGET_MAX];

    (void)state;
    call(target);
    expect("POST", target, TEXT, "The red car", 204, "");
    for (size_t i = 0; i < sizeof accepts / sizeof *accepts; i++) {
        struct probe_reply r = probe_ask(rig.port, "GET", target, accepts[i], NULL);

        if (r.status != 200 || !view_is(r.body, "The red car"))
            fail_msg("%s: %d %.*s", accepts[i], r.status, VIEW_ARG(r.body));
        assert_string_equal(probe_header(&r, "Content-Type"), "text/plain; charset=utf-8");
        probe_done(&r);
    }
}

static void they_are_kept_byte_by_byte(void **state)
{
    static const char *const texts[] = {
        " \t\r\nfirst line\r\nsecond\n\n ",
        "<remarks>&amp;</remarks>",
        "{\"remarks\": \"\\u00e4\"}",
        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
        "a\x01z",
        "",
    };
    char target[TARGET_MAX];

    (void)state;
    call(target);
    expect("POST", target, TEXT, "first", 204, "");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        expect("PUT", target, TEXT, texts[i], 204, "");
        expect("GET", target, "", NULL, 200, texts[i]);
    }
    expect("PUT", target, TEXT, "caf\xe9", 400, "the remarks are not UTF-8\n");
    expect("GET", target, "", NULL, 200, "");
}

/* Posts remarks with U+0000. */
static void expect_of_nul(const char *target, const char *headers, int status, const char *answer)
{
    char request[512];
    struct probe_reply r;
    int fd = probe_connect(rig.port);
    int n = snprintf(request, sizeof request,
                     "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: 3\r\n\r\na%cb", target,
                     headers, '\0');

    probe_send(fd, (struct view){request, (size_t)n});
    r = probe_read(fd, false);
    assert_int_equal(r.status, status);
    if (answer != NULL)
        assert_true(view_is(r.body, answer));
    probe_done(&r);
    probe_close(fd);
}

static void they_hold_no_character_that_no_text_may(void **state)
{
    static const char refused[] = "the remarks hold the character U+0000, which no text may\n";
    char target[TARGET_MAX];

    (void)state;
    call(target);
    expect_of_nul(target, TEXT, 400, refused);
    expect_of_nul(target, TEXT "Idempotency-Key: new\r\n", 400, refused);
    expect("GET", target, "", NULL, 404, "HTTP 404 Not Found\n");
    /* What was done under the key is looked at first: an earlier version took such remarks. */
    expect("POST", target, TEXT "Idempotency-Key: done\r\n", "first", 204, "");
    expect_of_nul(target, TEXT "Idempotency-Key: done\r\n", 422, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_have_a_limit_of_their_own),
        cmocka_unit_test(they_are_text_and_nothing_else),
        cmocka_unit_test(they_are_shown_as_text_whatever_is_accepted),
        cmocka_unit_test(they_are_kept_byte_by_byte),
        cmocka_unit_test(they_hold_no_character_that_no_text_may),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
