/* The history over HTTP: what ingest takes, and says of what it does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "tests/fakes/history_ask.h"

#include <stdio.h>
#include <string.h>

static void a_bad_event_does_not_take_the_others(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r = history_ask(
        rig, "POST", "/ingest", BATCH,
        "[" A_CALL
        ",7,{\"id\":\"x\"}," EVENT("c2", "contact.queued", "contacts/" CALL, "02", "{}") "," EVENT(
            "c3", "contact.accepted", "contacts/" CALL, "03", "{\"agentId\":\"" AGENT "\"}") "]");

    assert_int_equal(r.status, 200);
    assert_string_equal(probe_header(&r, "Content-Type"), "application/json");
    assert_non_null(strstr(r.body.p, "[{\"id\":\"c1\",\"source\":\"/cc\",\"status\":204},"
                                     "{\"id\":\"\",\"source\":\"\",\"status\":400,\"error\":\""));
    assert_non_null(strstr(r.body.p, "{\"id\":\"c2\",\"source\":\"/cc\",\"status\":400,\"error\":"
                                     "\"contact.queued: queueId is missing\"},"
                                     "{\"id\":\"c3\",\"source\":\"/cc\",\"status\":204}]"));
    probe_done(&r);
    assert_int_equal(rig_metric(rig, "cmibridge_ingest_events_total{result=\"refused\"}"), 3);
    assert_int_equal(rig_metric(rig, "cmibridge_history_incomplete_contacts"), 0);
}

static void an_event_s_list_is_an_array(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r = history_ask(rig, "POST", "/ingest", BATCH,
                                       "[" EVENT("l1", "scriptresult.saved", "scriptResults/" CALL,
                                                 "01", "{\"scriptquestions\":{\"zz\":1}}") "]");

    assert_int_equal(r.status, 200);
    assert_string_equal(r.body.p,
                        "[{\"id\":\"l1\",\"source\":\"/cc\",\"status\":400,\"error\":"
                        "\"scriptresult.saved: scriptquestions is an object; it must be an "
                        "array\"}]");
    probe_done(&r);
}

static void what_is_no_batch_is_refused_whole(void **state)
{
    static const char *const headers = BATCH;
    struct history_rig *rig = *state;
    struct buf many;
    struct probe_reply r;

    history_ask_status(rig, "POST", "/ingest", headers, "{}", 400);
    history_ask_status(rig, "POST", "/ingest", headers, "[" A_CALL, 400);
    history_ask_status(rig, "POST", "/ingest", TEXT, "[]", 415);
    history_ask_status(rig, "GET", "/ingest", "", NULL, 405);
    r = history_ask(rig, "POST", "/ingest", headers, "[]");
    assert_int_equal(r.status, 200);
    assert_true(view_is(r.body, "[]"));
    probe_done(&r);
    buf_init(&many, 1 << 20);
    buf_put_text(&many, "[0");
    for (int i = 0; i < 10000; i++)
        buf_put_text(&many, ",0");
    buf_put_char(&many, ']');
    history_ask_status(rig, "POST", "/ingest", headers, buf_text(&many), 413);
    buf_done(&many);
}

static void an_event_that_is_refused_is_named(void **state)
{
    struct history_rig *rig = *state;
    static const struct {
        const char *members;
        const char *says;
    } rows[] = {
        {"\"type\":\"contact.closed\",\"time\":\"2010-06-31T10:00:00Z\"", "attribute time: "},
        {"\"subject\":\"contacts/" CALL "\"", "attribute type is missing"},
        {"\"type\":\"contact.closed\",\"type\":\"x\"", "type"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char batch[512];
        struct probe_reply r;

        snprintf(batch, sizeof batch,
                 "[{\"specversion\":\"1.0\",\"id\":\"i7\",\"source\":\"/s7\",%s}]",
                 rows[i].members);
        r = probe_ask(rig->port, "POST", "/ingest", BATCH, batch);
        assert_int_equal(r.status, 200);
        if (strstr(r.body.p, "[{\"id\":\"i7\",\"source\":\"/s7\",\"status\":400,") == NULL ||
            strstr(r.body.p, rows[i].says) == NULL)
            fail_msg("%s: %.*s", rows[i].members, VIEW_ARG(r.body));
        probe_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY_ASK_TEST(a_bad_event_does_not_take_the_others),
        HISTORY_ASK_TEST(an_event_s_list_is_an_array),
        HISTORY_ASK_TEST(what_is_no_batch_is_refused_whole),
        HISTORY_ASK_TEST(an_event_that_is_refused_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
