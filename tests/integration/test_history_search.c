/* What is looked for in the history, and found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "tests/fakes/history_ask.h"

#include <stdio.h>
#include <string.h>

static void expect_some(struct history_rig *rig, const char *query, bool wanted)
{
    char path[128];
    struct probe_reply r;

    snprintf(path, sizeof path, "/%s", query);
    r = history_ask_reply(rig, path);
    if (r.status != 200 || (strstr(r.body.p, "\"id\":") != NULL) != wanted)
        fail_msg("%s: %d %.*s", path, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void blanks_and_tabs_around_a_value_do_not_matter(void **state)
{
    struct history_rig *rig = *state;
    static const char *const queries[] = {
        "contacts?source=tab@a.b",
        "contacts?source=%09TAB@a.b%20",
        "contacts?search=tab@a.b",
        "contacts?source=tab*",
        "contacts?destination=end@a.b",
        "contacts?caseId=T-9",
        "contacts?caseId=%20T-9",
        "emails?case_id=T-9",
        "emails?cid=T-8",
        "emails?case_id=T-9&cid=T-8",
    };

    history_ask_ingest(
        rig, "[" EVENT("t1", "email.received", "emails/99999999999999999999999999999999", "00",
                       "{\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\"},\"title\":"
                       "\"t\",\"content\":\"c\",\"originator\":\"\\ttab@A.b\",\"destination\":"
                       "\" end@a.b\\t \",\"case_id\":\" T-9\\t\",\"cid\":\"\\tT-8\"}") "]");
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        expect_some(rig, queries[i], true);
    expect_some(rig, "contacts?caseId=T-", false);
    history_ask_ingest(
        rig, "[" EVENT("t2", "contact.received", "contacts/9999999999999999999999999999999A", "00",
                       "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"\\ttab@c.d\","
                       "\"destination\":\"end@c.d\\t\"}") "]");
    expect_some(rig, "chats?originator=tab@c.d", true);
    expect_some(rig, "chats?destination=end@c.d", true);
}

#define LIST_MAX 64

/* All lists at their longest together. */
static void as_many_values_as_each_list_may_have_are_looked_for_at_once(void **state)
{
    struct history_rig *rig = *state;
    static const char *const ids[] = {"agentId", "queueId", "contactGroupId"};
    struct probe_reply r;
    struct buf path;

    buf_init(&path, 8192);
    buf_put_text(&path, BASE "/contacts?search=+1");
    for (int i = 1; i < LIST_MAX; i++)
        buf_printf(&path, ",+%d", i);
    for (size_t p = 0; p < sizeof ids / sizeof *ids; p++)
        for (int i = 0; i < LIST_MAX; i++)
            buf_printf(&path, i == 0 ? "&%s=%032X" : "%.0s,%032X", ids[p], (unsigned)i);
    buf_put_text(&path, "&source=+1&destination=+1&subject=a&body=a&remarks=a&caseId=a&type=+1"
                        "&channel=+1&typeDetails=+1&subtype=+1&status=+1&statusDetails=+1"
                        "&agentName=+1&queueName=+1&pickable=true&startTime=2020-01-01T00:00:00Z"
                        "&endTime=2020-01-01T00:00:00Z&id=99999999999999999999999999999999");
    assert_false(path.full);
    r = probe_ask(rig->port, "GET", buf_text(&path), "", NULL);
    if (r.status != 200)
        fail_msg("%d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
    buf_done(&path);
}

static void a_chat_is_found_by_what_was_written_in_it(void **state)
{
    struct history_rig *rig = *state;

    history_ask_ingest(
        rig, "[" EVENT("h1", "contact.received", "contacts/55555555555555555555555555555555", "00",
                       "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"a\",\"destination\":"
                       "\"b\"}") "," EVENT("h2", "chat.message.added",
                                           "chats/55555555555555555555555555555555", "01",
                                           "{\"message\":\"Es GIBT 100% Größe [und] "
                                           "*Sterne* in der Straße\",\"originator\":\"a\"}") "]");
    static const char *const found[] = {"body=gibt%20100%25", "body=GR%C3%96%C3%9FE",
                                        "body=[und]",         "body=*Sterne*",
                                        "body=t%201",         "body=es",
                                        "body=STRASSE",       "body=strasse",
                                        "body=STRA%C3%9FE",   "body=SS",
                                        "body=%C3%9F",        "body=GR%C3%B6SSE%20["};
    static const char *const not_found[] = {"body=gibt%20es", "body=gibt*", "body=Stern?"};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        char target[128];

        snprintf(target, sizeof target, "/contacts?channel=CHAT&%s", found[i]);
        history_ask_says(rig, target, 200, "55555555555555555555555555555555");
    }
    for (size_t i = 0; i < 3; i++) {
        char target[128];

        snprintf(target, sizeof target, "/contacts?channel=CHAT&%s", not_found[i]);
        history_ask_body(rig, target, "[]");
    }
}

static void a_chat_is_found_by_the_kind_that_it_shows(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r;

    history_ask_ingest(
        rig, "[" EVENT("k1", "contact.received", "contacts/AB777777777777777777777777777777", "00",
                       "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"of no kind\","
                       "\"destination\":\"d\"}") "]");
    r = history_ask_reply(rig, "/chats?originator=of%20no%20kind&channel_sub_type=Text");
    assert_non_null(strstr(r.body.p, "\"channel_sub_type\":\"text\""));
    probe_done(&r);
    r = history_ask_reply(rig, "/chats?channel_sub_type=text");
    assert_non_null(strstr(r.body.p, "of no kind"));
    probe_done(&r);
    history_ask_body(rig, "/chats?originator=of%20no%20kind&channel_sub_type=sms", "[]");
}

static void addresses_have_no_case_beyond_ascii_either(void **state)
{
    struct history_rig *rig = *state;
    static const char *const found[] = {
        "/chats?originator=%C3%A4ITI@%C3%B6k%C3%B6.fi",
        "/chats?destination=%D0%96%D1%83%D0%BA%D0%98",
        "/chats?originator=%C3%84iti@%C3%96k%C3%B6.fi&destination=%D0%B6%D0%A3%D0%9A%D0%B8",
        "/chats?originator=%C3%84iti@%C3%96k%C3%B6.fi&channel_sub_type=TEXT",
        "/contacts?source=%C3%A4iti@%C3%B6k%C3%B6.FI",
        "/contacts?source=%C3%A4ITI@*",
        "/contacts?destination=%D0%B6%D1%83%D0%BA*",
        "/contacts?search=nobody@x.fi,%C3%A4ITI@%C3%B6k%C3%B6.fi",
        "/contacts?search=%C3%A4%C3%84*,%D0%B6%D0%A3%D0%9A*",
    };
    static const char *const nothing[] = {
        "/chats?originator=aiti@oko.fi",
        "/chats?originator=%C3%A4",
        "/chats?destination=%D0%96",
        "/contacts?source=%C3%84",
        "/contacts?search=%C3%84iti@%C3%96k%C3%B6",
    };
    struct probe_reply r;

    r = probe_ask(rig->port, "POST", BASE "/chats", JSON,
                  "{\"originator\":\" Äiti@Ökö.fi\",\"destination\":\"Жуки\",\"title\":\"\","
                  "\"from_queue\":{\"id\":\"" RIG_QUEUE_ID "\"},\"channel_type\":\"chat\","
                  "\"channel_sub_type\":\"text\",\"transcript\":{\"messages\":[]}}");
    assert_int_equal(r.status, 201);
    probe_done(&r);
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        r = history_ask_reply(rig, found[i]);
        if (strstr(r.body.p, "Äiti@Ökö.fi") == NULL)
            fail_msg("%s: %.*s", found[i], VIEW_ARG(r.body));
        probe_done(&r);
    }
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        history_ask_body(rig, nothing[i], "[]");
}

/* It would find nothing, and look like an answer. */
static void a_pattern_where_none_has_effect_is_refused(void **state)
{
    struct history_rig *rig = *state;
    static const char *const refused[][2] = {
        {"/emails?case_id=6810*", "case_id"},
        {"/emails?case_id=68108&cid=?", "cid"},
        {"/contacts?caseId=6810%3F", "caseId"},
        {"/chats?originator=+358*", "originator"},
        {"/chats?destination=a&originator=*", "originator"},
        {"/chats?destination=%2A", "destination"},
        {"/chats?channel_sub_type=s*", "channel_sub_type"},
    };

    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct probe_reply r = history_ask_reply(rig, refused[i][0]);
        char says[128];

        snprintf(says, sizeof says, "%s can't be searched by a pattern: it must not have * or ?\n",
                 refused[i][1]);
        assert_int_equal(r.status, 400);
        assert_string_equal(r.body.p, says);
        probe_done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_and_tabs_around_a_value_do_not_matter),
        cmocka_unit_test(as_many_values_as_each_list_may_have_are_looked_for_at_once),
        cmocka_unit_test(a_chat_is_found_by_what_was_written_in_it),
        cmocka_unit_test(a_chat_is_found_by_the_kind_that_it_shows),
        cmocka_unit_test(addresses_have_no_case_beyond_ascii_either),
        cmocka_unit_test(a_pattern_where_none_has_effect_is_refused),
    };

    return cmocka_run_group_tests(tests, history_ask_start, history_ask_stop);
}
