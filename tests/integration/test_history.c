/* The history over HTTP: chats, recordings, remarks, ingest; over restarts and kills. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "tests/fakes/history_rig.h"
#include "tests/fakes/probe.h"
#include "tests/fakes/xml_twin.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BASE "/RI/cmi"
#define JSON "Content-Type: application/json\r\n"
#define TEXT "Content-Type: text/plain\r\n"

#define CALL  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"
#define LEG_2 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2"
#define AGENT "D0248B3AE770490EA9A7BE954BE7BA63" /* the rig's user */
#define OTHER "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

/* The specification's own example (L684), shortened by two lines. */
static const char chat[] =
    "{\"originator\":\"sam.i.am@greeneggs.ham\",\"destination\":\" 123456Support@Test.com\","
    "\"from_queue\":{\"id\":\"" RIG_QUEUE_ID "\",\"name\":\"My support chat\"},"
    "\"title\":\"Discussion with Bot\",\"channel_type\":\"chat\",\"channel_sub_type\":\"text\","
    "\"participants\":[{\"alias\":\"Sam\",\"uniquekey\":\"sam.i.am@greeneggs.ham\"},"
    "{\"alias\":\"The Bot\",\"uniquekey\":\"bot@acme.com\"}],"
    "\"transcript\":{\"messages\":["
    "{\"message\":\"I would like to talk to a human agent\","
    "\"originator\":\"sam.i.am@greeneggs.ham\",\"timeStamp\":\"2021-08-07T12:44:21.453Z\","
    "\"type\":\"text\"},"
    "{\"message\":\"Welcome! How can I help you?\",\"originator\":\"bot@acme.com\","
    "\"timeStamp\":\"2021-08-07T12:44:19.453Z\",\"type\":\"text\"}]}}";

static int set_up(void **state)
{
    struct history_rig *rig = mem_zeroed(1, sizeof *rig);

    rig_init(rig);
    rig_start(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_done(*state);
    mem_free(*state);
    return 0;
}

static struct probe_reply ask(struct history_rig *rig, const char *method, const char *path,
                              const char *headers, const char *body)
{
    char target[1024];

    snprintf(target, sizeof target, "%s%s", strcmp(path, "/ingest") == 0 ? "" : BASE, path);
    return xml_twin_ask(rig->port, method, target, path, headers, body);
}

static void expect_status(struct history_rig *rig, const char *method, const char *target,
                          const char *headers, const char *body, int status)
{
    struct probe_reply r = ask(rig, method, target, headers, body);

    if (r.status != status)
        fail_msg("%s %s: %d, not %d: %.*s", method, target, r.status, status, VIEW_ARG(r.body));
    probe_done(&r);
}

/* The answer's body, which must be 200 (static). */
static const char *get(struct history_rig *rig, const char *path)
{
    static char text[65536];
    char whole[1024];
    struct probe_reply r = ask(rig, "GET", path, "", NULL);

    if (r.status != 200)
        fail_msg("GET %s: %d %.*s", path, r.status, VIEW_ARG(r.body));
    snprintf(whole, sizeof whole, BASE "%s", path);
    xml_twin_check(rig->port, whole, path, "", r.body);
    assert_true(r.body.n < sizeof text);
    memcpy(text, r.body.p, r.body.n);
    text[r.body.n] = '\0';
    probe_done(&r);
    return text;
}

static void post_chat(struct history_rig *rig, const char *headers, char id[33])
{
    struct probe_reply r = ask(rig, "POST", "/chats", headers, chat);
    char location[64];

    assert_int_equal(r.status, 201);
    assert_int_equal(r.body.n, 32);
    snprintf(id, 33, "%.32s", r.body.p);
    snprintf(location, sizeof location, BASE "/chats/%s", id);
    assert_string_equal(probe_header(&r, "Location"), location);
    assert_string_equal(probe_header(&r, "Content-Type"), "text/html");
    probe_done(&r);
}

static unsigned occurrences(const char *text, const char *what)
{
    unsigned n = 0;

    while ((text = strstr(text, what)) != NULL) {
        n++;
        text += strlen(what);
    }
    return n;
}

/* Sends events; each has to be taken. */
static void ingest(struct history_rig *rig, const char *events)
{
    struct probe_reply r =
        ask(rig, "POST", "/ingest", "Content-Type: application/cloudevents-batch+json\r\n", events);

    assert_int_equal(r.status, 200);
    if (strstr(r.body.p, "error") != NULL)
        fail_msg("%.*s", VIEW_ARG(r.body));
    probe_done(&r);
}

#define EVENT(id, type, subject, second, data)                                                     \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/cc\",\"type\":\"" type               \
    "\",\"subject\":\"" subject "\",\"time\":\"2024-05-05T10:00:" second "Z\",\"data\":" data "}"

#define A_CALL                                                                                     \
    EVENT("c1", "contact.received", "contacts/" CALL, "01",                                        \
          "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"2\"}")

/* ---- chats ---- */

static void a_chat_that_was_posted_can_be_read(void **state)
{
    struct history_rig *rig = *state;
    char target[64];
    char id[33];
    const char *text;

    post_chat(rig, JSON, id);
    snprintf(target, sizeof target, "/chats/%s", id);
    text = get(rig, target);
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
    text = get(rig, "/chats");
    assert_int_equal(occurrences(text, "\"id\":"), 2); /* its own and its queue's */
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

    expect_status(rig, "POST", "/chats", JSON, body, 201);
    assert_non_null(strstr(get(rig, "/chats"),
                           "\"channel_type\":\"chatout\",\"channel_sub_type\":\"sms\","
                           "\"type\":\"ChatOut\",\"typeDetails\":\"ChatOut\","
                           "\"status\":\"Handled\",\"statusDetails\":\"Sent\""));
    /* A '+' that the client did not encode is a blank; blanks around and case do not count. */
    assert_non_null(strstr(get(rig, "/chats?destination=+5521244222225555"), "chatout"));
    assert_non_null(
        strstr(get(rig, "/chats?destination=%2B5521244222225555&originator=Q@SMS%20"), "chatout"));
    assert_string_equal(get(rig, "/chats?destination=5521244222225555"), "[]");
    assert_string_equal(get(rig, "/chats?channel_sub_type=text"), "[]");
    assert_non_null(strstr(get(rig, "/chats?channel_sub_type=sms"), "chatout"));
}

static void a_bad_chat_is_refused_by_name(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r;

    expect_status(rig, "POST", "/chats", JSON, "{}", 400);
    expect_status(rig, "POST", "/chats", JSON, "[1", 400);
    expect_status(rig, "GET", "/chats/12", "", NULL, 400);
    expect_status(rig, "GET", "/chats/" OTHER, "", NULL, 404);
    expect_status(rig, "GET", "/chats?limit=0", "", NULL, 400);
    expect_status(rig, "GET", "/chats?limit=10001", "", NULL, 400);
    expect_status(rig, "GET", "/chats?after=x", "", NULL, 400);
    expect_status(rig, "GET", "/chats?colour=red", "", NULL, 400);
    r = ask(rig, "POST", "/chats", JSON,
            "{\"originator\":\"a\",\"destination\":\"b\",\"from_queue\":{\"id\":\"" OTHER
            "\"},\"title\":\"\",\"channel_type\":\"chat\",\"channel_sub_type\":\"text\","
            "\"transcript\":{\"messages\":[]}}");
    assert_int_equal(r.status, 400);
    assert_non_null(strstr(r.body.p, "Chat queue not found: '" OTHER "'"));
    probe_done(&r);
    r = ask(rig, "POST", "/chats", JSON,
            "{\"participants\":{\"alias\":\"a\",\"uniquekey\":\"u\"}}");
    assert_int_equal(r.status, 400);
    assert_string_equal(r.body.p, "participants is an object; it must be an array\n");
    probe_done(&r);
    r = ask(rig, "POST", "/chats", JSON,
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
    char other[sizeof chat];
    char first[33];
    char again[33];
    char remarks[64];

    post_chat(rig, JSON "Idempotency-Key: k1\r\n", first);
    post_chat(rig, JSON "Idempotency-Key: k1\r\n", again);
    assert_string_equal(first, again);
    memcpy(other, chat, sizeof chat);
    *strstr(other, "Sam") = 'P';
    expect_status(rig, "POST", "/chats", JSON "Idempotency-Key: k1\r\n", other, 422);
    expect_status(rig, "POST", "/chats", JSON "Idempotency-Key: k1\r\n", "{}", 422);
    rig_stop(rig);
    rig_start(rig);
    post_chat(rig, JSON "Idempotency-Key: k1\r\n", again);
    assert_string_equal(first, again);
    expect_status(rig, "POST", "/chats", JSON "Idempotency-Key: k1\r\n", other, 422);
    snprintf(remarks, sizeof remarks, "/contacts/%s/remarks", first);
    expect_status(rig, "PUT", remarks, "Idempotency-Key: k1\r\nContent-Type: text/plain\r\n", "x",
                  422);
    expect_status(rig, "PUT", remarks, "Idempotency-Key: k3\r\nContent-Type: text/plain\r\n", "x",
                  204);
    expect_status(rig, "POST", "/chats", JSON "Idempotency-Key: k3\r\n", chat, 422);
    assert_int_equal(occurrences(get(rig, "/chats"), "originator"), 1);
    post_chat(rig, JSON "Idempotency-Key: k2\r\n", again);
    assert_string_not_equal(first, again);
}

static void pages_lead_through_all_of_them_newest_first(void **state)
{
    struct history_rig *rig = *state;
    char ids[7][33];
    char target[256] = "/chats?limit=3&originator=sam.i.am@greeneggs.ham";
    int seen = 7;

    for (int i = 0; i < 7; i++)
        post_chat(rig, JSON, ids[i]);
    for (int page = 0; page < 3; page++) {
        struct probe_reply r = ask(rig, "GET", target, "", NULL);
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
    struct history_rig *rig = *state;
    char events[4096];
    char target[64];
    char id[33];
    const char *text;

    post_chat(rig, JSON, id);
    snprintf(
        events, sizeof events,
        "[" EVENT(
            "1", "contact.accepted", "contacts/%s", "05",
            "{\"agentId\":\"" AGENT
            "\",\"agentName\":\"Smith, Mark\"}") "," EVENT("2", "chat.message.added", "chats/%s",
                                                           "06",
                                                           "{\"message\":\"Hello\",\"originator\":"
                                                           "\"mark\"}") "," EVENT("3",
                                                                                  "contact."
                                                                                  "transferred",
                                                                                  "contacts/" LEG_2,
                                                                                  "07",
                                                                                  "{\"previousId\":"
                                                                                  "\"%s\"}") "]",
        id, id, id);
    snprintf(target, sizeof target, "/chats/%s", id);
    ingest(rig, events);
    text = get(rig, target);
    assert_non_null(strstr(text, "\"message\":\"Hello\""));
    assert_non_null(strstr(text, "\"status\":\"InQueue\"")); /* the second leg's */
    assert_null(strstr(text, "\"date_created\":\"2024"));    /* the first's */
    assert_null(strstr(text, "Smith, Mark"));
    assert_int_equal(occurrences(get(rig, "/chats"), "originator"), 1);
    ingest(rig, events);
    assert_string_equal(get(rig, target), text);
}

/* ---- ingest ---- */

static void a_bad_event_does_not_take_the_others(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r = ask(
        rig, "POST", "/ingest", "Content-Type: application/cloudevents-batch+json\r\n",
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
    struct probe_reply r =
        ask(rig, "POST", "/ingest", "Content-Type: application/cloudevents-batch+json\r\n",
            "[" EVENT("l1", "scriptresult.saved", "scriptResults/" CALL, "01",
                      "{\"scriptquestions\":{\"zz\":1}}") "]");

    assert_int_equal(r.status, 200);
    assert_string_equal(r.body.p,
                        "[{\"id\":\"l1\",\"source\":\"/cc\",\"status\":400,\"error\":"
                        "\"scriptresult.saved: scriptquestions is an object; it must be an "
                        "array\"}]");
    probe_done(&r);
}

static void what_is_no_batch_is_refused_whole(void **state)
{
    static const char *const headers = "Content-Type: application/cloudevents-batch+json\r\n";
    struct history_rig *rig = *state;
    struct buf many;
    struct probe_reply r;

    expect_status(rig, "POST", "/ingest", headers, "{}", 400);
    expect_status(rig, "POST", "/ingest", headers, "[" A_CALL, 400);
    expect_status(rig, "POST", "/ingest", TEXT, "[]", 415);
    expect_status(rig, "GET", "/ingest", "", NULL, 405);
    r = ask(rig, "POST", "/ingest", headers, "[]");
    assert_int_equal(r.status, 200);
    assert_true(view_is(r.body, "[]"));
    probe_done(&r);
    buf_init(&many, 1 << 20);
    buf_put_text(&many, "[0");
    for (int i = 0; i < 10000; i++)
        buf_put_text(&many, ",0");
    buf_put_char(&many, ']');
    expect_status(rig, "POST", "/ingest", headers, buf_text(&many), 413);
    buf_done(&many);
}

/* ---- recordings and listen logs ---- */

#define RECORDING                                                                                  \
    EVENT("r1", "callrecording.created", "callRecordings/" OTHER, "09",                            \
          "{\"call_id\":\"" LEG_2 "\",\"contact_id\":\"" CALL "\",\"owner_id\":\"" AGENT "\","     \
          "\"owner_type\":\"outbound campaign\",\"owner_name\":\"n\",\"file_name\":\"f\"}")
#define LOGS "/callRecordings/" OTHER "/listenLog"

static void a_listen_log_says_who_listened(void **state)
{
    static const char body[] = "{\"description\":\"because\",\"userSessionId\":\"s\"}";
    struct history_rig *rig = *state;
    struct probe_reply r;

    expect_status(rig, "POST", LOGS, JSON, body, 404);
    expect_status(rig, "GET", LOGS, "", NULL, 404);
    ingest(rig, "[" RECORDING "]");
    assert_string_equal(get(rig, LOGS), "[]");
    assert_non_null(strstr(get(rig, "/callRecordings/" OTHER), "\"listen_log\":[]"));
    r = ask(rig, "POST", LOGS, JSON "Idempotency-Key: a\r\n", body);
    assert_int_equal(r.status, 201);
    assert_non_null(strstr(probe_header(&r, "Location"), BASE LOGS "/"));
    probe_done(&r);
    expect_status(rig, "POST", LOGS, JSON "Idempotency-Key: a\r\n", body, 201);
    expect_status(rig, "POST", LOGS, JSON "Idempotency-Key: a\r\n",
                  "{\"description\":\"why\",\"userSessionId\":\"s\"}", 422);
    expect_status(rig, "POST", "/chats", JSON "Idempotency-Key: a\r\n", chat, 422);
    expect_status(rig, "POST", LOGS, JSON, "{\"description\":\"x\"}", 400);
    assert_non_null(strstr(get(rig, LOGS), "\"user_guid\":\"" AGENT "\",\"user_id\":\"mark.smith\","
                                           "\"user_name\":\"Smith, Mark\","
                                           "\"description\":\"because\",\"userSessionId\":\"s\","
                                           "\"time_stamp\":\""));
    /* The rig's user may act for others. */
    expect_status(rig, "POST", LOGS, JSON,
                  "{\"description\":\"d\",\"userSessionId\":\"s\",\"user_id\":\"jill\","
                  "\"time_stamp\":\"2020-01-01T00:00:00+01:00\"}",
                  201);
    assert_non_null(strstr(get(rig, LOGS), "\"user_id\":\"jill\",\"description\":\"d\","
                                           "\"userSessionId\":\"s\","
                                           "\"time_stamp\":\"2019-12-31T23:00:00.000Z\"}"));
    assert_int_equal(occurrences(get(rig, "/callRecordings/" OTHER), "time_stamp"), 2);
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

    ingest(rig, "[" RECORDING "]");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char target[256];

        snprintf(target, sizeof target, "/callRecordings%s", rows[i].query);
        assert_int_equal(occurrences(get(rig, target), "file_name"), rows[i].found);
    }
    assert_null(strstr(get(rig, "/callRecordings"), "listen_log"));
    assert_non_null(strstr(get(rig, "/callRecordings"), "\"owner_type\":\"outbound campaign\""));
    expect_status(rig, "GET", "/callRecordings?call_id=7", "", NULL, 400);
    expect_status(rig, "GET", "/callRecordings?start_time=2020-06-31T00:00:00Z", "", NULL, 400);
}

/* ---- remarks ---- */

#define REMARKS "/contacts/" CALL "/remarks"

static void remarks_are_added_once_and_changed(void **state)
{
    struct history_rig *rig = *state;
    struct probe_reply r;

    expect_status(rig, "POST", REMARKS, TEXT, "x", 404);
    ingest(rig, "[" A_CALL "]");
    expect_status(rig, "GET", REMARKS, "", NULL, 404);
    expect_status(rig, "PUT", REMARKS, TEXT, "x", 404);
    expect_status(rig, "POST", REMARKS, TEXT "Idempotency-Key: a\r\n", "Line\n\xc3\xa4 ", 204);
    expect_status(rig, "POST", REMARKS, TEXT "Idempotency-Key: a\r\n", "Line\n\xc3\xa4 ", 204);
    expect_status(rig, "POST", REMARKS, TEXT "Idempotency-Key: a\r\n", "other", 422);
    expect_status(rig, "POST", REMARKS, TEXT, "again", 409);
    assert_string_equal(get(rig, REMARKS), "Line\n\xc3\xa4 ");
    expect_status(rig, "PUT", REMARKS, TEXT "Idempotency-Key: b\r\n", "two", 204);
    expect_status(rig, "PUT", REMARKS, TEXT, "three", 204);
    rig_stop(rig);
    rig_start(rig);
    expect_status(rig, "PUT", REMARKS, TEXT "Idempotency-Key: b\r\n", "two", 204); /* as before */
    assert_string_equal(get(rig, REMARKS), "three");
    expect_status(rig, "PUT", REMARKS, TEXT, "\xff", 400);
    r = ask(rig, "GET", REMARKS, "", NULL);
    assert_non_null(strstr(probe_header(&r, "Content-Type"), "text/plain"));
    probe_done(&r);
    expect_status(rig, "GET", "/contacts/7/remarks", "", NULL, 400);
}

static void remarks_belong_to_the_group_and_its_channel(void **state)
{
    struct history_rig *rig = *state;
    char target[128];
    char id[33];

    ingest(rig, "[" A_CALL "," EVENT("t", "contact.transferred", "contacts/" LEG_2, "02",
                                     "{\"previousId\":\"" CALL
                                     "\"}") "," EVENT("m", "email.received", "emails/" OTHER, "03",
                                                      "{\"from_queue\":{\"id\":\"" CALL
                                                      "\"},\"title\":\"t\",\"content\":\"c\","
                                                      "\"originator\":\"o\",\"destination\":\"d\","
                                                      "\"remarks\":\"of the mail\"}") "]");
    expect_status(rig, "POST", "/contacts/" LEG_2 "/remarks", TEXT, "x", 404);
    expect_status(rig, "POST", REMARKS, TEXT, "x", 204);
    expect_status(rig, "POST", "/contacts/" OTHER "/remarks", TEXT, "x", 409);
    assert_string_equal(get(rig, "/contacts/" OTHER "/remarks"), "of the mail");
    expect_status(rig, "PUT", "/contacts/" OTHER "/remarks", TEXT, "changed", 204);
    assert_string_equal(get(rig, "/contacts/" OTHER "/remarks"), "changed");
    post_chat(rig, JSON, id);
    snprintf(target, sizeof target, "/contacts/%s/remarks", id);
    expect_status(rig, "POST", target, TEXT, "x", 409);
    expect_status(rig, "GET", target, "", NULL, 404);
    expect_status(rig, "PUT", target, TEXT, "of the chat", 204);
    assert_string_equal(get(rig, target), "of the chat");
}

static void only_the_responsible_user_writes_remarks(void **state)
{
    struct history_rig *rig = *state;

    rig_stop(rig);
    rig->plain_user = true;
    rig_start(rig);
    ingest(rig, "[" A_CALL "]");
    expect_status(rig, "POST", REMARKS, TEXT, "x", 403);
    ingest(rig, "[" EVENT("a1", "contact.accepted", "contacts/" CALL, "02",
                          "{\"agentId\":\"" OTHER "\"}") "]");
    expect_status(rig, "POST", REMARKS, TEXT, "x", 403);
    ingest(rig, "[" EVENT("a2", "contact.accepted", "contacts/" CALL, "03",
                          "{\"agentId\":\"" AGENT "\"}") "]");
    expect_status(rig, "POST", REMARKS, TEXT, "x", 204);
    /* One who may not act for others is the listener whatever the body says. */
    ingest(rig, "[" RECORDING "]");
    expect_status(rig, "POST", LOGS, JSON,
                  "{\"description\":\"d\",\"userSessionId\":\"s\",\"user_id\":\"jill\"}", 201);
    assert_non_null(strstr(get(rig, LOGS), "mark.smith"));
}

/* ---- kills ---- */

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
        r = ask(rig, "POST", "/chats", headers, chat);
        if (r.status == 201)
            snprintf(ids[i], sizeof ids[i], "%.32s", r.body.p);
        else
            assert_int_equal(r.status, 0);
        probe_done(&r);
        if (ids[i][0] == '\0')
            break;
        r = ask(rig, "POST", "/ingest", "Content-Type: application/cloudevents-batch+json\r\n",
                "[" A_CALL "]");
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
            assert_non_null(strstr(get(rig, target), "Welcome! How can I help you?"));
        }
        snprintf(headers, sizeof headers, JSON "Idempotency-Key: %s-%d\r\n", fault_point, i);
        post_chat(rig, headers, again);
        if (ids[i][0] != '\0')
            assert_string_equal(ids[i], again);
    }
    assert_int_equal(occurrences(get(rig, "/chats"), "originator"), WRITES);
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
                   strlen(chat), chat);
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
            expect_status(rig, "GET", target, "", NULL, 200);
        }
    }
    assert_true(answered >= 6);
}

int main(void)
{
#define IN_A_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_A_RIG(a_chat_that_was_posted_can_be_read),
        IN_A_RIG(an_outbound_chat_is_sent_and_handled),
        IN_A_RIG(a_bad_chat_is_refused_by_name),
        IN_A_RIG(the_same_key_gives_the_same_chat_also_after_a_restart),
        IN_A_RIG(pages_lead_through_all_of_them_newest_first),
        IN_A_RIG(events_carry_a_posted_chat_on),
        IN_A_RIG(a_bad_event_does_not_take_the_others),
        IN_A_RIG(an_event_s_list_is_an_array),
        IN_A_RIG(what_is_no_batch_is_refused_whole),
        IN_A_RIG(a_listen_log_says_who_listened),
        IN_A_RIG(recordings_are_found_by_call_contact_and_time),
        IN_A_RIG(remarks_are_added_once_and_changed),
        IN_A_RIG(remarks_belong_to_the_group_and_its_channel),
        IN_A_RIG(only_the_responsible_user_writes_remarks),
        cmocka_unit_test(nothing_acknowledged_is_lost_and_nothing_done_twice),
        IN_A_RIG(a_kill_among_many_requests_loses_none_that_was_answered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
