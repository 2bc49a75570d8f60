/* http_client.h against a server that misbehaves: the fate of each call, and no call sent twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/http_rig.h"

#include <stdio.h>
#include <string.h>

struct row {
    enum hostile_act act;
    enum http_fate fate;
    int64_t timeout_ms;
    const char *error; /* in it, where there is one */
};

static const struct row rows[] = {
    {HOSTILE_CMI, HTTP_ANSWERED, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_SILENCE, HTTP_UNKNOWN, HTTP_RIG_SHORT_MS, "timed out"},
    {HOSTILE_HALF_CLOSE, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_CLOSE, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_RESET, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_CUT_HEAD, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_CUT_BODY, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, "transfer closed"},
    {HOSTILE_BYTES, HTTP_ANSWERED, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_CRAWL, HTTP_UNKNOWN, HTTP_RIG_SHORT_MS, "timed out"},
    {HOSTILE_ENDLESS_HEADERS, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, "headers are longer than allowed"},
    {HOSTILE_LONG_HEADER, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_1XX_FLOOD, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, "headers are longer than allowed"},
    {HOSTILE_HUGE_BODY, HTTP_ANSWERED, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_CHUNKS, HTTP_ANSWERED, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_TOO_SHORT, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, "transfer closed"},
    {HOSTILE_TOO_LONG, HTTP_ANSWERED, HTTP_RIG_LONG_MS, ""},
    {HOSTILE_CONTROL, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, "holds a control byte"},
    {HOSTILE_GARBAGE, HTTP_UNKNOWN, HTTP_RIG_LONG_MS, ""},
};

/* On a new connection, then on a kept one: one request arrives, its fate is the row's, and the
 * next call is answered. */
static void suffers(struct http_rig *b, const struct row *row)
{
    struct http_destination to = http_rig_usual(b);
    size_t count = hostile_http_count(b->server);

    to.timeout_ms = row->timeout_ms;
    http_rig_connect(b, to);
    for (unsigned kept = 0; kept < 2; kept++) {
        http_rig_next(b, row->act);
        http_rig_call(b, "POST", "{}");
        if (b->seen.fate != row->fate || strstr(b->seen.error, row->error) == NULL)
            fail_msg("act %d, %s connection: fate %d, '%s'", (int)row->act, kept ? "kept" : "new",
                     (int)b->seen.fate, b->seen.error);
        assert_int_equal(hostile_http_count(b->server), ++count);
        http_rig_call(b, "POST", "{}");
        assert_int_equal(b->seen.fate, HTTP_ANSWERED);
        assert_int_equal(b->seen.status, 201);
        assert_int_equal(hostile_http_count(b->server), ++count);
    }
    http_rig_disconnect(b);
}

static void every_misbehaviour_has_its_fate_and_passes(void **state)
{
    struct http_rig *b = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        suffers(b, &rows[i]);
}

/* Its status was there, and so was what stands at its beginning. */
static void a_body_that_is_too_long_is_cut(void **state)
{
    static const enum hostile_act acts[] = {HOSTILE_HUGE_BODY, HOSTILE_CHUNKS};
    struct http_rig *b = *state;

    http_rig_connect(b, http_rig_usual(b));
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        http_rig_next(b, acts[i]);
        assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_ANSWERED);
        assert_int_equal(b->seen.status, 201);
        assert_true(b->seen.cut);
        assert_int_equal(strncmp(b->seen.body, "huge", 4), 0);
        assert_int_equal(http_rig_call(b, "POST", "{}")->status, 201);
        assert_false(b->seen.cut);
        assert_int_equal(strlen(b->seen.body), 32); /* its own, none of the one before */
    }
}

static void two_lengths_that_differ_are_no_answer(void **state)
{
    struct http_rig *b = *state;

    http_rig_connect(b, http_rig_usual(b));
    http_rig_next(b, HOSTILE_TWO_LENGTHS);
    assert_int_equal(http_rig_call(b, "POST", "{}")->fate, HTTP_UNKNOWN);
    assert_int_equal(http_rig_call(b, "POST", "{}")->status, 201);
    assert_int_equal(strlen(b->seen.body), 32); /* its own, none of the one before */
    assert_int_equal(hostile_http_count(b->server), 2);
}

static void a_request_without_a_body_is_not_repeated_either(void **state)
{
    static const char *const methods[] = {"DELETE", "GET", "PUT", "POST"};
    struct http_rig *b = *state;

    http_rig_connect(b, http_rig_usual(b));
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t count = hostile_http_count(b->server);

        http_rig_call(b, methods[i], NULL); /* so that the connection is a kept one */
        http_rig_next(b, i % 2 == 0 ? HOSTILE_CLOSE : HOSTILE_RESET);
        assert_int_equal(http_rig_call(b, methods[i], NULL)->fate, HTTP_UNKNOWN);
        assert_int_equal(hostile_http_count(b->server), count + 2);
    }
}

/* The server closes an idle connection while the request is on its way, again and again, at a
 * moment of its own: whatever the client sees, it sends each call at most once. */
static void no_call_ever_arrives_twice(void **state)
{
    const unsigned calls = 400;
    const struct hostile_step unfriendly = {.act = HOSTILE_REPLY_AND_CLOSE};
    struct http_rig *b = *state;

    http_rig_connect(b, http_rig_usual(b));
    hostile_http_ignore_keys(b->server, true);
    hostile_http_default(b->server, unfriendly);
    for (unsigned i = 0; i < calls; i++) {
        http_rig_call(b, "POST", "{}");
        assert_int_not_equal(b->seen.fate, HTTP_NOT_SENT);
    }
    /* What was answered did arrive; nothing arrived more often than it was called. */
    assert_in_range(hostile_http_count(b->server), b->seen.answered, calls);
    assert_in_range(b->seen.answered, 1, calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_RIG_TEST(every_misbehaviour_has_its_fate_and_passes),
        HTTP_RIG_TEST(a_body_that_is_too_long_is_cut),
        HTTP_RIG_TEST(two_lengths_that_differ_are_no_answer),
        HTTP_RIG_TEST(a_request_without_a_body_is_not_repeated_either),
        HTTP_RIG_TEST(no_call_ever_arrives_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
