/* The history over HTTP: killed at its points, and among many requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "tests/fakes/history_ask.h"

#include <stdio.h>
#include <string.h>

#define WRITES 12

/* Sends writes one after the other, with keys, until the server is killed by its fault point;
 * then all of them again. What was acknowledged is there, and all is there once. */
static void kill_at(struct history_rig *rig, const char *point, int times)
{
    char fault_point[64];
    char ids[WRITES][33];
    char headers[128];

    snprintf(fault_point, sizeof fault_point, "%s:%d", point, times);
    rig->fault_point = fault_point;
    rig_start(rig);
    memset(ids, 0, sizeof ids);
    for (int i = 0; i < WRITES; i++) {
        struct probe_reply r;

        snprintf(headers, sizeof headers, JSON "Idempotency-Key: %s-%d\r\n", fault_point, i);
        r = history_ask(rig, "POST", "/chats", headers, history_ask_chat);
        if (r.status == 201)
            snprintf(ids[i], sizeof ids[i], "%.32s", r.body.p);
        else
            assert_int_equal(r.status, 0);
        probe_done(&r);
        if (ids[i][0] == '\0')
            break;
        r = history_ask(rig, "POST", "/ingest", BATCH, "[" A_CALL "]");
        probe_done(&r);
        if (r.status == 0)
            break;
    }
    rig_await(rig);
    rig->fault_point = NULL;
    rig_start(rig);
    for (int i = 0; i < WRITES; i++) {
        char target[64];
        char again[33];

        if (ids[i][0] != '\0') {
            snprintf(target, sizeof target, "/chats/%.32s", ids[i]);
            assert_non_null(strstr(history_ask_get(rig, target), "Welcome! How can I help you?"));
        }
        snprintf(headers, sizeof headers, JSON "Idempotency-Key: %s-%d\r\n", fault_point, i);
        history_ask_post_chat(rig, headers, again);
        if (ids[i][0] != '\0')
            assert_string_equal(ids[i], again);
    }
    assert_int_equal(history_ask_count(history_ask_get(rig, "/chats"), "originator"), WRITES);
    rig_stop(rig);
}

static void nothing_acknowledged_is_lost_and_nothing_done_twice(void **state)
{
    static const char *const points[] = {"history_written", "history_committed"};
    int n = WRITES; /* kills at each point: 2 · 12 times over all */

    (void)state;
    for (size_t p = 0; p < 2; p++)
        for (int times = 1; times <= n; times++) {
            struct history_rig rig;

            rig_init(&rig);
            kill_at(&rig, points[p], times);
            rig_done(&rig);
        }
}

/* Many at once, killed in the middle of it from outside: whatever was answered is there. */
static void a_kill_among_many_requests_loses_none_that_was_answered(void **state)
{
    enum { AT_ONCE = 24 };
    struct history_rig *rig = *state;
    unsigned answered = 0;

    for (int round = 0; round < 6; round++) {
        int fds[AT_ONCE];
        char ids[AT_ONCE][33];
        struct buf request;

        buf_init(&request, 65536);
        buf_printf(&request,
                   "POST " BASE "/chats HTTP/1.1\r\nHost: h\r\n" JSON
                   "Content-Length: %zu\r\n\r\n%s",
                   strlen(history_ask_chat), history_ask_chat);
        for (int i = 0; i < AT_ONCE; i++) {
            fds[i] = probe_connect(rig->port);
            probe_send(fds[i], buf_view(&request));
        }
        memset(ids, 0, sizeof ids);
        for (int i = 0; i < AT_ONCE; i++) {
            struct probe_reply r;

            if (i == 4 * round + 1)
                rig_kill(rig); /* so many are answered at least */
            r = probe_read(fds[i], false);
            if (r.status == 201)
                snprintf(ids[i], sizeof ids[i], "%.32s", r.body.p);
            probe_done(&r);
            probe_close(fds[i]);
        }
        buf_done(&request);
        rig_start(rig);
        for (int i = 0; i < AT_ONCE; i++) {
            char target[64];

            if (ids[i][0] == '\0')
                continue;
            answered++;
            snprintf(target, sizeof target, "/chats/%.32s", ids[i]);
            history_ask_status(rig, "GET", target, "", NULL, 200);
        }
    }
    assert_true(answered >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost_and_nothing_done_twice),
        HISTORY_ASK_TEST(a_kill_among_many_requests_loses_none_that_was_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
