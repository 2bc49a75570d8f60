/* The history over HTTP: remarks, also over restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/history_ask.h"

#include <stdio.h>
#include <string.h>

#define REMARKS "/contacts/" CALL "/remarks"

static void remarks_are_added_once_and_changed(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r;

    history_ask_status(rig, "POST", REMARKS, TEXT, "x", 404);
    history_ask_ingest(rig, "[" A_CALL "]");
    history_ask_status(rig, "GET", REMARKS, "", NULL, 404);
    history_ask_status(rig, "PUT", REMARKS, TEXT, "x", 404);
    history_ask_status(rig, "POST", REMARKS, TEXT "Idempotency-Key: a\r\n", "Line\n\xc3\xa4 ", 204);
    history_ask_status(rig, "POST", REMARKS, TEXT "Idempotency-Key: a\r\n", "Line\n\xc3\xa4 ", 204);
    history_ask_status(rig, "POST", REMARKS, TEXT "Idempotency-Key: a\r\n", "other", 422);
    history_ask_status(rig, "POST", REMARKS, TEXT, "again", 409);
    assert_string_equal(history_ask_get(rig, REMARKS), "Line\n\xc3\xa4 ");
    history_ask_status(rig, "PUT", REMARKS, TEXT "Idempotency-Key: b\r\n", "two", 204);
    history_ask_status(rig, "PUT", REMARKS, TEXT, "three", 204);
    rig_stop(rig);
    rig_start(rig);
    history_ask_status(rig, "PUT", REMARKS, TEXT "Idempotency-Key: b\r\n", "two",
                       204); /* as before */
    assert_string_equal(history_ask_get(rig, REMARKS), "three");
    history_ask_status(rig, "PUT", REMARKS, TEXT, "\xff", 400);
    r = history_ask(rig, "GET", REMARKS, "", NULL);
    assert_non_null(strstr(probe_header(&r, "Content-Type"), "text/plain"));
    probe_done(&r);
    history_ask_status(rig, "GET", "/contacts/7/remarks", "", NULL, 400);
}

static void remarks_belong_to_the_group_and_its_channel(void **state)
{
#define TRANSFERRED                                                                                \
    EVENT("t", "contact.transferred", "contacts/" LEG_2, "02", "{\"previousId\":\"" CALL "\"}")
#define A_MAIL                                                                                     \
    EVENT("m", "email.received", "emails/" OTHER, "03",                                            \
          "{\"from_queue\":{\"id\":\"" CALL "\"},\"title\":\"t\",\"content\":\"c\","               \
          "\"originator\":\"o\",\"destination\":\"d\",\"remarks\":\"of the mail\"}")
    struct history_rig *rig = *state;
    char target[128];
    char id[33];

    history_ask_ingest(rig, "[" A_CALL "," TRANSFERRED "," A_MAIL "]");
    history_ask_status(rig, "POST", "/contacts/" LEG_2 "/remarks", TEXT, "x", 404);
    history_ask_status(rig, "POST", REMARKS, TEXT, "x", 204);
    history_ask_status(rig, "POST", "/contacts/" OTHER "/remarks", TEXT, "x", 409);
    assert_string_equal(history_ask_get(rig, "/contacts/" OTHER "/remarks"), "of the mail");
    history_ask_status(rig, "PUT", "/contacts/" OTHER "/remarks", TEXT, "changed", 204);
    assert_string_equal(history_ask_get(rig, "/contacts/" OTHER "/remarks"), "changed");
    history_ask_post_chat(rig, JSON, id);
    snprintf(target, sizeof target, "/contacts/%s/remarks", id);
    history_ask_status(rig, "POST", target, TEXT, "x", 409);
    history_ask_status(rig, "GET", target, "", NULL, 404);
    history_ask_status(rig, "PUT", target, TEXT, "of the chat", 204);
    assert_string_equal(history_ask_get(rig, target), "of the chat");
}

static void only_the_responsible_user_writes_remarks(void **state)
{
    struct history_rig *rig = *state;

    rig_stop(rig);
    rig->plain_user = true;
    rig_start(rig);
    history_ask_ingest(rig, "[" A_CALL "]");
    history_ask_status(rig, "POST", REMARKS, TEXT, "x", 403);
    history_ask_ingest(rig, "[" EVENT("a1", "contact.accepted", "contacts/" CALL, "02",
                                      "{\"agentId\":\"" OTHER "\"}") "]");
    history_ask_status(rig, "POST", REMARKS, TEXT, "x", 403);
    history_ask_ingest(rig, "[" EVENT("a2", "contact.accepted", "contacts/" CALL, "03",
                                      "{\"agentId\":\"" AGENT "\"}") "]");
    history_ask_status(rig, "POST", REMARKS, TEXT, "x", 204);
    /* One who may not act for others is the listener whatever the body says. */
    history_ask_ingest(rig, "[" RECORDING "]");
    history_ask_status(rig, "POST", LOGS, JSON,
                       "{\"description\":\"d\",\"userSessionId\":\"s\",\"user_id\":\"jill\"}", 201);
    assert_non_null(strstr(history_ask_get(rig, LOGS), "mark.smith"));
}

#define LATE_MAIL "66666666666666666666666666666666"

static void put_remarks(struct history_rig *rig, const char *id, const char *key, const char *text)
{
    char path[128];
    char headers[128];
    struct probe_reply r;

    snprintf(path, sizeof path, BASE "/contacts/%s/remarks", id);
    snprintf(headers, sizeof headers, TEXT "Idempotency-Key: %s\r\n", key);
    r = probe_ask(rig->port, "PUT", path, headers, text);
    assert_int_equal(r.status, 204);
    probe_done(&r);
    r = probe_ask(rig->port, "GET", path, "", NULL);
    if (r.status != 200 || !view_is(r.body, text))
        fail_msg("%s: %d %.*s", key, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

/* Whatever the times of events are, and however quick one comes after the other. */
static void remarks_that_were_put_are_the_ones_to_get(void **state)
{
    struct history_rig *rig = *state;
    char key[8];
    char text[16];

    history_ask_ingest(
        rig,
        "[{\"specversion\":\"1.0\",\"id\":\"z1\",\"source\":\"/cc\",\"type\":\"email.received\","
        "\"subject\":\"emails/" LATE_MAIL "\",\"time\":\"2240-01-01T00:00:00Z\",\"data\":{"
        "\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\"},\"title\":\"t\","
        "\"content\":\"c\",\"originator\":\"o@example.com\",\"destination\":\"d@example.com\","
        "\"remarks\":\"by the event\"}}]");
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(text, sizeof text, "text %d", i);
        put_remarks(rig, LATE_MAIL, key, text);
    }
}

/* The remarks of a call stay those of its group. */
static void remarks_of_a_call_that_became_an_email_are_put_anew(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r;

    history_ask_ingest(rig, "[" EVENT("p1", "contact.received",
                                      "contacts/77777777777777777777777777777777", "00",
                                      "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\","
                                      "\"destination\":\"2\"}") "]");
    r = probe_ask(rig->port, "POST", BASE "/contacts/77777777777777777777777777777777/remarks",
                  TEXT, "of the call");
    assert_int_equal(r.status, 204);
    probe_done(&r);
    history_ask_ingest(rig,
                       "[" EVENT("p2", "contact.transferred",
                                 "contacts/88888888888888888888888888888888", "05",
                                 "{\"previousId\":\"77777777777777777777777777777777\",\"channel\":"
                                 "\"EMAIL\",\"type\":\"EmailIn\"}") "]");
    put_remarks(rig, "77777777777777777777777777777777", "p", "of the email");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY_ASK_TEST(remarks_are_added_once_and_changed),
        HISTORY_ASK_TEST(remarks_belong_to_the_group_and_its_channel),
        HISTORY_ASK_TEST(only_the_responsible_user_writes_remarks),
        HISTORY_ASK_TEST(remarks_that_were_put_are_the_ones_to_get),
        HISTORY_ASK_TEST(remarks_of_a_call_that_became_an_email_are_put_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
