/* The history over HTTP: recordings of calls, and their listen logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/history_ask.h"

#include <stdio.h>
#include <string.h>

static void a_listen_log_says_who_listened(void **state)
{
    static const char body[] = "{\"description\":\"because\",\"userSessionId\":\"s\"}";
    struct history_rig *rig = *state;
    struct probe_reply r;

    history_ask_status(rig, "POST", LOGS, JSON, body, 404);
    history_ask_status(rig, "GET", LOGS, "", NULL, 404);
    history_ask_ingest(rig, "[" RECORDING "]");
    assert_string_equal(history_ask_get(rig, LOGS), "[]");
    assert_non_null(strstr(history_ask_get(rig, "/callRecordings/" OTHER), "\"listen_log\":[]"));
    r = history_ask(rig, "POST", LOGS, JSON "Idempotency-Key: a\r\n", body);
    assert_int_equal(r.status, 201);
    assert_non_null(strstr(probe_header(&r, "Location"), BASE LOGS "/"));
    probe_done(&r);
    history_ask_status(rig, "POST", LOGS, JSON "Idempotency-Key: a\r\n", body, 201);
    history_ask_status(rig, "POST", LOGS, JSON "Idempotency-Key: a\r\n",
                       "{\"description\":\"why\",\"userSessionId\":\"s\"}", 422);
    history_ask_status(rig, "POST", "/chats", JSON "Idempotency-Key: a\r\n", history_ask_chat, 422);
    history_ask_status(rig, "POST", LOGS, JSON, "{\"description\":\"x\"}", 400);
    assert_non_null(strstr(history_ask_get(rig, LOGS),
                           "\"user_guid\":\"" AGENT "\",\"user_id\":\"mark.smith\","
                           "\"user_name\":\"Smith, Mark\","
                           "\"description\":\"because\",\"userSessionId\":\"s\","
                           "\"time_stamp\":\""));
    /* The rig's user may act for others. */
    history_ask_status(rig, "POST", LOGS, JSON,
                       "{\"description\":\"d\",\"userSessionId\":\"s\",\"user_id\":\"jill\","
                       "\"time_stamp\":\"2020-01-01T00:00:00+01:00\"}",
                       201);
    assert_non_null(strstr(history_ask_get(rig, LOGS),
                           "\"user_id\":\"jill\",\"description\":\"d\","
                           "\"userSessionId\":\"s\","
                           "\"time_stamp\":\"2019-12-31T23:00:00.000Z\"}"));
    assert_int_equal(
        history_ask_count(history_ask_get(rig, "/callRecordings/" OTHER), "time_stamp"), 2);
}

static void recordings_are_found_by_call_contact_and_time(void **state)
{
    static const struct {
        const char *query;
        unsigned found;
    } rows[] = {
        {"", 1},
        {"?call_id=" LEG_2, 1},
        {"?call_id=" CALL, 0},
        {"?contact_id=" CALL "&call_id=" LEG_2, 1},
        {"?contact_id=aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaa1", 1},
        {"?start_time=2024-05-05T10:00:08.999Z", 1},
        {"?start_time=2024-05-05T10:00:09Z", 0},
        {"?end_time=2024-05-05T10:00:09.001Z", 1},
        {"?end_time=2024-05-05T12:00:09+02:00", 0},
        {"?start_time=2024-05-05T10:00:08Z&end_time=2024-05-05T10:00:10Z&limit=1", 1},
        {"?start_time=9999-05-05T10:00:08Z", 0},
        {"?end_time=0001-05-05T10:00:08Z", 0},
    };
    struct history_rig *rig = *state;

    history_ask_ingest(rig, "[" RECORDING "]");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char target[256];

        snprintf(target, sizeof target, "/callRecordings%s", rows[i].query);
        assert_int_equal(history_ask_count(history_ask_get(rig, target), "file_name"),
                         rows[i].found);
    }
    assert_null(strstr(history_ask_get(rig, "/callRecordings"), "listen_log"));
    assert_non_null(
        strstr(history_ask_get(rig, "/callRecordings"), "\"owner_type\":\"outbound campaign\""));
    history_ask_status(rig, "GET", "/callRecordings?call_id=7", "", NULL, 400);
    history_ask_status(rig, "GET", "/callRecordings?start_time=2020-06-31T00:00:00Z", "", NULL,
                       400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY_ASK_TEST(a_listen_log_says_who_listened),
        HISTORY_ASK_TEST(recordings_are_found_by_call_contact_and_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
