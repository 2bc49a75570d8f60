/* The history over HTTP: chats, also over restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/history_ask.h"

#include <stdio.h>
#include <string.h>

static void a_chat_that_was_posted_can_be_read(void **state)
{
    struct history_rig *rig = *state;
    char target[64];
    char id[33];
    const char *text;

    history_ask_post_chat(rig, JSON, id);
    snprintf(target, sizeof target, "/chats/%s", id);
    text = history_ask_get(rig, target);
    assert_non_null(strstr(text, "\"channel_type\":\"chat\",\"channel_sub_type\":\"text\","
                                 "\"type\":\"ChatIn\",\"typeDetails\":\"Chat\","
                                 "\"status\":\"InQueue\",\"statusDetails\":\"Open\","
                                 "\"originator\":\"sam.i.am@greeneggs.ham\","
                                 "\"destination\":\" 123456Support@Test.com\","
                                 "\"title\":\"Discussion with Bot\",\"date_created\":\""));
    assert_non_null(strstr(text, "\"from_queue\":{\"id\":\"" RIG_QUEUE_ID
                                 "\",\"name\":\"My support chat\"},"
                                 "\"participants\":[{\"alias\":\"Sam\",\"uniquekey\":"
                                 "\"sam.i.am@greeneggs.ham\"},{\"alias\":\"The Bot\",\"uniquekey\":"
                                 "\"bot@acme.com\"}],\"transcript\":{\"messages\":["
                                 "{\"message\":\"I would like to talk to a human agent\","
                                 "\"originator\":\"sam.i.am@greeneggs.ham\","
                                 "\"timestamp\":\"2021-08-07T12:44:21.453Z\","
                                 "\"system_message\":false,\"type\":\"text\"},"
                                 "{\"message\":\"Welcome! How can I help you?\","));
    text = history_ask_get(rig, "/chats");
    assert_int_equal(history_ask_count(text, "\"id\":"), 2); /* its own and its queue's */
    assert_null(strstr(text, "transcript"));
    assert_null(strstr(text, "participants"));
}

static void an_outbound_chat_is_sent_and_handled(void **state)
{
    struct history_rig *rig = *state;
    static const char body[] =
        "{\"originator\":\"q@sms\",\"destination\":\"+5521244222225555\",\"from_queue\":{\"id\":"
        "\"" RIG_QUEUE_ID "\"},\"title\":\"\",\"channel_type\":\"chatout\","
        "\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":[{\"message\":\"\","
        "\"originator\":\"q@sms\"}]}}";

    history_ask_status(rig, "POST", "/chats", JSON, body, 201);
    assert_non_null(strstr(history_ask_get(rig, "/chats"),
                           "\"channel_type\":\"chatout\",\"channel_sub_type\":\"sms\","
                           "\"type\":\"ChatOut\",\"typeDetails\":\"ChatOut\","
                           "\"status\":\"Handled\",\"statusDetails\":\"Sent\""));
    /* A '+' that the client did not encode is a blank; blanks around and case do not count. */
    assert_non_null(
        strstr(history_ask_get(rig, "/chats?destination=+5521244222225555"), "chatout"));
    assert_non_null(
        strstr(history_ask_get(rig, "/chats?destination=%2B5521244222225555&originator=Q@SMS%20"),
               "chatout"));
    assert_string_equal(history_ask_get(rig, "/chats?destination=5521244222225555"), "[]");
    assert_string_equal(history_ask_get(rig, "/chats?channel_sub_type=text"), "[]");
    assert_non_null(strstr(history_ask_get(rig, "/chats?channel_sub_type=sms"), "chatout"));
}

static void a_bad_chat_is_refused_by_name(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r;

    history_ask_status(rig, "POST", "/chats", JSON, "{}", 400);
    history_ask_status(rig, "POST", "/chats", JSON, "[1", 400);
    history_ask_status(rig, "GET", "/chats/12", "", NULL, 400);
    history_ask_status(rig, "GET", "/chats/" OTHER, "", NULL, 404);
    history_ask_status(rig, "GET", "/chats?limit=0", "", NULL, 400);
    history_ask_status(rig, "GET", "/chats?limit=10001", "", NULL, 400);
    history_ask_status(rig, "GET", "/chats?after=x", "", NULL, 400);
    history_ask_status(rig, "GET", "/chats?colour=red", "", NULL, 400);
    r = history_ask(rig, "POST", "/chats", JSON,
                    "{\"originator\":\"a\",\"destination\":\"b\",\"from_queue\":{\"id\":\"" OTHER
                    "\"},\"title\":\"\",\"channel_type\":\"chat\",\"channel_sub_type\":\"text\","
                    "\"transcript\":{\"messages\":[]}}");
    assert_int_equal(r.status, 400);
    assert_non_null(strstr(r.body.p, "Chat queue not found: '" OTHER "'"));
    probe_done(&r);
    r = history_ask(rig, "POST", "/chats", JSON,
                    "{\"participants\":{\"alias\":\"a\",\"uniquekey\":\"u\"}}");
    assert_int_equal(r.status, 400);
    assert_string_equal(r.body.p, "participants is an object; it must be an array\n");
    probe_done(&r);
    r = history_ask(
        rig, "POST", "/chats", JSON,
        "{\"participants\":[{\"alias\":\"a\",\"uniquekey\":\"u\"},"
        "{\"alias\":\"b\",\"uniquekey\":\"v\"},{\"alias\":\"c\",\"uniquekey\":\"u\"}]}");
    assert_int_equal(r.status, 400);
    assert_string_equal(r.body.p, "participants[2].uniquekey is that of participants[0]; each "
                                  "needs one of its own\n");
    probe_done(&r);
}

static void the_same_key_gives_the_same_chat_also_after_a_restart(void **state)
{
    struct history_rig *rig = *state;
    char other[2048];
    char first[33];
    char again[33];
    char remarks[64];

    history_ask_post_chat(rig, JSON "Idempotency-Key: k1\r\n", first);
    history_ask_post_chat(rig, JSON "Idempotency-Key: k1\r\n", again);
    assert_string_equal(first, again);
    snprintf(other, sizeof other, "%s", history_ask_chat);
    *strstr(other, "Sam") = 'P';
    history_ask_status(rig, "POST", "/chats", JSON "Idempotency-Key: k1\r\n", other, 422);
    history_ask_status(rig, "POST", "/chats", JSON "Idempotency-Key: k1\r\n", "{}", 422);
    rig_stop(rig);
    rig_start(rig);
    history_ask_post_chat(rig, JSON "Idempotency-Key: k1\r\n", again);
    assert_string_equal(first, again);
    history_ask_status(rig, "POST", "/chats", JSON "Idempotency-Key: k1\r\n", other, 422);
    snprintf(remarks, sizeof remarks, "/contacts/%s/remarks", first);
    history_ask_status(rig, "PUT", remarks, "Idempotency-Key: k1\r\nContent-Type: text/plain\r\n",
                       "x", 422);
    history_ask_status(rig, "PUT", remarks, "Idempotency-Key: k3\r\nContent-Type: text/plain\r\n",
                       "x", 204);
    history_ask_status(rig, "POST", "/chats", JSON "Idempotency-Key: k3\r\n", history_ask_chat,
                       422);
    assert_int_equal(history_ask_count(history_ask_get(rig, "/chats"), "originator"), 1);
    history_ask_post_chat(rig, JSON "Idempotency-Key: k2\r\n", again);
    assert_string_not_equal(first, again);
}

static void pages_lead_through_all_of_them_newest_first(void **state)
{
    struct history_rig *rig = *state;
    char ids[7][33];
    char target[256] = "/chats?limit=3&originator=sam.i.am@greeneggs.ham";
    int seen = 7;

    for (int i = 0; i < 7; i++)
        history_ask_post_chat(rig, JSON, ids[i]);
    for (int page = 0; page < 3; page++) {
        struct probe_reply r = history_ask(rig, "GET", target, "", NULL);
        const char *link = probe_header(&r, "Link");
        const char *at = r.body.p;

        assert_int_equal(r.status, 200);
        /* Of the same millisecond the id decides; so only count, and that none comes twice. */
        for (int i = 0; i < 7; i++)
            if (strstr(at, ids[i]) != NULL) {
                ids[i][0] = '-';
                seen--;
            }
        if (page < 2) {
            size_t n = strcspn(link, ">") - strlen("<" BASE);

            assert_true(strncmp(link, "<" BASE, strlen("<" BASE)) == 0);
            assert_true(n < sizeof target);
            memcpy(target, link + strlen("<" BASE), n);
            target[n] = '\0';
            assert_non_null(strstr(link, ">; rel=\"next\""));
            assert_non_null(strstr(target, "originator=sam.i.am@greeneggs.ham"));
        } else {
            assert_string_equal(link, "");
        }
        probe_done(&r);
    }
    assert_int_equal(seen, 0);
}

/* Events of a chat reach it whatever its clock says: they came after it was made. */
static void events_carry_a_posted_chat_on(void **state)
{
#define ACCEPTED                                                                                   \
    EVENT("1", "contact.accepted", "contacts/%s", "05",                                            \
          "{\"agentId\":\"" AGENT "\",\"agentName\":\"Smith, Mark\"}")
#define SAID                                                                                       \
    EVENT("2", "chat.message.added", "chats/%s", "06",                                             \
          "{\"message\":\"Hello\",\"originator\":\"mark\"}")
#define TRANSFERRED                                                                                \
    EVENT("3", "contact.transferred", "contacts/" LEG_2, "07", "{\"previousId\":\"%s\"}")
    struct history_rig *rig = *state;
    char events[4096];
    char target[64];
    char id[33];
    const char *text;

    history_ask_post_chat(rig, JSON, id);
    snprintf(events, sizeof events, "[" ACCEPTED "," SAID "," TRANSFERRED "]", id, id, id);
    snprintf(target, sizeof target, "/chats/%s", id);
    history_ask_ingest(rig, events);
    text = history_ask_get(rig, target);
    assert_non_null(strstr(text, "\"message\":\"Hello\""));
    assert_non_null(strstr(text, "\"status\":\"InQueue\"")); /* the second leg's */
    assert_null(strstr(text, "\"date_created\":\"2024"));    /* the first's */
    assert_null(strstr(text, "Smith, Mark"));
    assert_int_equal(history_ask_count(history_ask_get(rig, "/chats"), "originator"), 1);
    history_ask_ingest(rig, events);
    assert_string_equal(history_ask_get(rig, target), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HISTORY_ASK_TEST(a_chat_that_was_posted_can_be_read),
        HISTORY_ASK_TEST(an_outbound_chat_is_sent_and_handled),
        HISTORY_ASK_TEST(a_bad_chat_is_refused_by_name),
        HISTORY_ASK_TEST(the_same_key_gives_the_same_chat_also_after_a_restart),
        HISTORY_ASK_TEST(pages_lead_through_all_of_them_newest_first),
        HISTORY_ASK_TEST(events_carry_a_posted_chat_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
