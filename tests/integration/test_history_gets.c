/* GETs of the history, property by property: a contact, emails, script results, what finds them by
 * their words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/history_rig.h"
#include "tests/fakes/probe.h"
#include "tests/fakes/xml_twin.h"

#include <stdio.h>
#include <string.h>

#define BASE  "/RI/cmi"
#define BATCH "Content-Type: application/cloudevents-batch+json\r\n"

static struct history_rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_stop(&rig);
    rig_done(&rig);
    return 0;
}

/* What can be said in JSON is said in XML, too. */
static struct probe_reply get(const char *path)
{
    char whole[1024];
    struct probe_reply r;

    snprintf(whole, sizeof whole, "%s%s", BASE, path);
    r = probe_ask(rig.port, "GET", whole, "", NULL);
    if (r.status == 200)
        xml_twin_check(rig.port, whole, path, "", r.body);
    return r;
}

static void ingest(const char *events)
{
    struct probe_reply r = probe_ask(rig.port, "POST", "/ingest", BATCH, events);

    assert_int_equal(r.status, 200);
    if (strstr(r.body.p, "error") != NULL)
        fail_msg("%.*s", VIEW_ARG(r.body));
    probe_done(&r);
}

/* How many contacts an answer has. */
static size_t count_of(const struct probe_reply *r)
{
    const char *at = r->body.p;
    size_t n = 0;

    for (; (at = strstr(at, "\"contactGroupId\"")) != NULL; at++)
        n++;
    return n;
}

/* ---- one contact ---- */

#define ONE "11111111111111111111111111111111"
#define EVENT(id, type, subject, second, data)                                                     \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/cc\",\"type\":\"" type               \
    "\",\"subject\":\"" subject "\",\"time\":\"2010-05-05T10:00:" second "Z\",\"data\":" data "}"

static void expect_body(const char *target, const char *body)
{
    struct probe_reply r = get(target);

    if (r.status != 200 || !view_is(r.body, body))
        fail_msg("%s: %d\n%.*s\nnot\n%s", target, r.status, VIEW_ARG(r.body), body);
    probe_done(&r);
}

static void a_contact_is_shown_in_the_documented_order_with_its_statistics(void **state)
{
    (void)state;
    ingest("[" EVENT(
        "1", "contact.received", "contacts/" ONE, "00",
        "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"typeDetails\":\"IVR\",\"source\":"
        "\"0505551234\",\"destination\":\"0505550000\",\"subject\":\"s\",\"queueId\":"
        "\"1EFC92416F0A46DC9BBC08A842B89D93\",\"queueName\":\"Phone "
        "Queue\",\"requiredAgent\":{\"id\":\"30BAC5C8C39A4CA5A5B1C5509EE4F12B\",\"name\":\"Surname,"
        " First Name\",\"type\":2,\"expirationTime\":\"2024-05-05T08:55:24.563Z\"}}") "]");
    ingest("[" EVENT(
        "2", "contact.accepted", "contacts/" ONE, "03",
        "{\"agentId\":\"21A144F1824E4C768868D10201608E2E\",\"agentName\":\"Agent, Name\"}") "]");
    ingest("[" EVENT("3", "contact.ended", "contacts/" ONE, "10",
                     "{\"statusDetails\":\"Handled_AOT\"}") "]");
    ingest("[" EVENT(
        "4", "scriptresult.saved", "scriptResults/22222222222222222222222222222222", "20",
        "{\"script_id\":\"DCA8D3301BC74B9C8AFCB28026E7761B\",\"name\":\"Simple car "
        "selector\",\"contact_id\":\"" ONE
        "\",\"scriptquestions\":[{\"id\":\"E6AF572FE79B4550B5CBF621EFB590B7\",\"data\":\"Current "
        "Car\",\"controltype\":\"multicombobox\",\"datatype\":\"text\",\"ordinal\":0,"
        "\"scriptanswers\":[{\"id\":\"730FBF56981A4657B9285D3B52E7D239\",\"answerdata\":\"Kia\","
        "\"ordinal\":0},{\"id\":\"E34CA4525ABF42CEB7B4A5CCE1AE03E4\",\"answerdata\":\"Volvo\","
        "\"ordinal\":1.5}]},{\"id\":\"B50D16A1D4834047AEFE52325B95377F\",\"data\":\"Next "
        "Car\",\"controltype\":\"multicombobox\",\"datatype\":\"text\",\"ordinal\":2,"
        "\"scriptanswers\":[]}]}") "]");
#define HEAD                                                                                       \
    "{\"id\":\"" ONE "\",\"contactGroupId\":\"" ONE "\",\"channel\":\"PHONE\","                    \
    "\"type\":\"CallIn\",\"typeDetails\":\"IVR\",\"status\":\"Handled\","                          \
    "\"statusDetails\":\"Handled_AOT\",\"source\":\"0505551234\",\"destination\":\"0505550000\","  \
    "\"agentId\":\"21A144F1824E4C768868D10201608E2E\",\"agentName\":\"Agent, Name\","              \
    "\"queueId\":\"1EFC92416F0A46DC9BBC08A842B89D93\",\"queueName\":\"Phone Queue\","              \
    "\"arrivalTime\":\"2010-05-05T10:00:00.000Z\","                                                \
    "\"disconnectTime\":\"2010-05-05T10:00:10.000Z\",\"totalDuration\":10000,\"script\":true,"     \
    "\"subject\":\"s\",\"requiredAgent\":{\"id\":\"30BAC5C8C39A4CA5A5B1C5509EE4F12B\","            \
    "\"name\":\"Surname, First Name\",\"type\":2,"                                                 \
    "\"expirationTime\":\"2024-05-05T08:55:24.563Z\"}"
    expect_body("/contacts/" ONE, HEAD "}");
    /* The wrap-up was not closed: it counts for an hour at most. */
    expect_body("/contacts/" ONE "?statistics=true",
                HEAD ",\"connectTime\":\"2010-05-05T10:00:03.000Z\",\"waitingDuration\":3000,"
                     "\"handlingDuration\":7000,\"wrapUpTotalDuration\":3600000}");
    ingest("[" EVENT("5", "contact.closed", "contacts/" ONE, "12", "{}") "]");
    expect_body("/contacts?id=" ONE "&statistics=true&language=FI",
                "[" HEAD ",\"connectTime\":\"2010-05-05T10:00:03.000Z\",\"waitingDuration\":3000,"
                "\"handlingDuration\":7000,\"wrapUpTotalDuration\":2000}]");
    expect_body("/scriptResults?contact_id=" ONE "&originalcontact_id=" ONE,
                "[{\"id\":\"22222222222222222222222222222222\",\"script_id\":"
                "\"DCA8D3301BC74B9C8AFCB28026E7761B\",\"name\":\"Simple car selector\","
                "\"contact_id\":\"" ONE "\",\"originalcontact_id\":\"" ONE "\","
                "\"modificationtime\":\"2010-05-05T10:00:20.000Z\",\"scriptquestions\":[{\"id\":"
                "\"E6AF572FE79B4550B5CBF621EFB590B7\",\"data\":\"Current Car\",\"controltype\":"
                "\"multicombobox\",\"datatype\":\"text\",\"ordinal\":0,\"scriptanswers\":[{\"id\":"
                "\"730FBF56981A4657B9285D3B52E7D239\",\"answerdata\":\"Kia\",\"ordinal\":0},"
                "{\"id\":\"E34CA4525ABF42CEB7B4A5CCE1AE03E4\",\"answerdata\":\"Volvo\","
                "\"ordinal\":1.5}]},{\"id\":\"B50D16A1D4834047AEFE52325B95377F\",\"data\":"
                "\"Next Car\",\"controltype\":\"multicombobox\",\"datatype\":\"text\","
                "\"ordinal\":2,\"scriptanswers\":[]}]}]");
}

static void expect_status(const char *target, int status, const char *says)
{
    struct probe_reply r = get(target);

    if (r.status != status || strstr(r.body.p, says) == NULL)
        fail_msg("%s: %d %.*s", target, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void what_is_not_there_is_404_and_what_is_no_id_400(void **state)
{
    static const char *const collections[] = {"contacts", "emails", "scriptResults"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char target[128];

        snprintf(target, sizeof target, "/%s/99999999999999999999999999999999", collections[i]);
        expect_status(target, 404, "HTTP 404 Not Found");
        snprintf(target, sizeof target, "/%s/99", collections[i]);
        expect_status(target, 400, "Invalid GUID: '99'");
        snprintf(target, sizeof target, "/%s/99999999999999999999999999999999?search=1",
                 collections[i]);
        expect_status(target, 400, "search");
        snprintf(target, sizeof target, "/%s?limit=x", collections[i]);
        expect_status(target, 400, "limit");
    }
    expect_status("/scriptResults?contact_id=7", 400, "Invalid GUID: '7'");
    expect_status("/scriptResults?originalcontact_id=7", 400, "Invalid GUID: '7'");
    expect_status("/emails?subject=x", 400, "subject");
}

/* ---- emails ---- */

static void an_event_that_is_refused_is_named(void **state)
{
    static const struct {
        const char *members;
        const char *says;
    } rows[] = {
        {"\"type\":\"contact.closed\",\"time\":\"2010-06-31T10:00:00Z\"", "attribute time: "},
        {"\"subject\":\"contacts/" ONE "\"", "attribute type is missing"},
        {"\"type\":\"contact.closed\",\"type\":\"x\"", "type"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char batch[512];
        struct probe_reply r;

        snprintf(batch, sizeof batch,
                 "[{\"specversion\":\"1.0\",\"id\":\"i7\",\"source\":\"/s7\",%s}]",
                 rows[i].members);
        r = probe_ask(rig.port, "POST", "/ingest", BATCH, batch);
        assert_int_equal(r.status, 200);
        if (strstr(r.body.p, "[{\"id\":\"i7\",\"source\":\"/s7\",\"status\":400,") == NULL ||
            strstr(r.body.p, rows[i].says) == NULL)
            fail_msg("%s: %.*s", rows[i].members, VIEW_ARG(r.body));
        probe_done(&r);
    }
}

static void expect_some(const char *query, bool wanted)
{
    char path[128];
    struct probe_reply r;

    snprintf(path, sizeof path, "/%s", query);
    r = get(path);
    if (r.status != 200 || (strstr(r.body.p, "\"id\":") != NULL) != wanted)
        fail_msg("%s: %d %.*s", path, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void blanks_and_tabs_around_a_value_do_not_matter(void **state)
{
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

    (void)state;
    ingest("[" EVENT("t1", "email.received", "emails/99999999999999999999999999999999", "00",
                     "{\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\"},\"title\":"
                     "\"t\",\"content\":\"c\",\"originator\":\"\\ttab@A.b\",\"destination\":"
                     "\" end@a.b\\t \",\"case_id\":\" T-9\\t\",\"cid\":\"\\tT-8\"}") "]");
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        expect_some(queries[i], true);
    expect_some("contacts?caseId=T-", false);
    ingest("[" EVENT("t2", "contact.received", "contacts/9999999999999999999999999999999A", "00",
                     "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"\\ttab@c.d\","
                     "\"destination\":\"end@c.d\\t\"}") "]");
    expect_some("chats?originator=tab@c.d", true);
    expect_some("chats?destination=end@c.d", true);
}

#define LIST_MAX 64

/* All lists at their longest together. */
static void as_many_values_as_each_list_may_have_are_looked_for_at_once(void **state)
{
    static const char *const ids[] = {"agentId", "queueId", "contactGroupId"};
    struct probe_reply r;
    struct buf path;

    (void)state;
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
    r = probe_ask(rig.port, "GET", buf_text(&path), "", NULL);
    if (r.status != 200)
        fail_msg("%d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
    buf_done(&path);
}

/* ---- remarks ---- */

#define LATE_MAIL "66666666666666666666666666666666"

static void put_remarks(const char *id, const char *key, const char *text)
{
    char path[128];
    char headers[128];
    struct probe_reply r;

    snprintf(path, sizeof path, BASE "/contacts/%s/remarks", id);
    snprintf(headers, sizeof headers, "Content-Type: text/plain\r\nIdempotency-Key: %s\r\n", key);
    r = probe_ask(rig.port, "PUT", path, headers, text);
    assert_int_equal(r.status, 204);
    probe_done(&r);
    r = probe_ask(rig.port, "GET", path, "", NULL);
    if (r.status != 200 || !view_is(r.body, text))
        fail_msg("%s: %d %.*s", key, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

/* Whatever the times of events are, and however quick one comes after the other. */
static void remarks_that_were_put_are_the_ones_to_get(void **state)
{
    char key[8];
    char text[16];

    (void)state;
    ingest("[{\"specversion\":\"1.0\",\"id\":\"z1\",\"source\":\"/cc\",\"type\":\"email.received\","
           "\"subject\":\"emails/" LATE_MAIL "\",\"time\":\"2240-01-01T00:00:00Z\",\"data\":{"
           "\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\"},\"title\":\"t\","
           "\"content\":\"c\",\"originator\":\"o@example.com\",\"destination\":\"d@example.com\","
           "\"remarks\":\"by the event\"}}]");
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%d", i);
        snprintf(text, sizeof text, "text %d", i);
        put_remarks(LATE_MAIL, key, text);
    }
}

/* The remarks of a call stay those of its group. */
static void remarks_of_a_call_that_became_an_email_are_put_anew(void **state)
{
    (void)state;
    ingest("[" EVENT("p1", "contact.received", "contacts/77777777777777777777777777777777", "00",
                     "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\","
                     "\"destination\":\"2\"}") "]");
    {
        struct probe_reply r =
            probe_ask(rig.port, "POST", BASE "/contacts/77777777777777777777777777777777/remarks",
                      "Content-Type: text/plain\r\n", "of the call");
        assert_int_equal(r.status, 204);
        probe_done(&r);
    }
    ingest("[" EVENT("p2", "contact.transferred", "contacts/88888888888888888888888888888888", "05",
                     "{\"previousId\":\"77777777777777777777777777777777\",\"channel\":"
                     "\"EMAIL\",\"type\":\"EmailIn\"}") "]");
    put_remarks("77777777777777777777777777777777", "p", "of the email");
}

#define MAIL "33333333333333333333333333333333"
#define NEXT "44444444444444444444444444444444"

static void emails_are_shown_whole_and_found_by_their_words(void **state)
{
    (void)state;
    ingest("[" EVENT(
        "m1", "email.received", "emails/" MAIL, "00",
        "{\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\",\"name\":"
        "\"Direct Sales\"},\"title\":\"RI order\",\"content\":\"<p>Hey, I would like "
        "an excellent zebra.</p>\",\"originator\":\"boss@big.corp\",\"destination\":"
        "\"sales@corp\",\"case_id\":\"68108\",\"cid\":\"CID0\",\"remarks\":\"call the "
        "giraffe back\",\"status\":\"forwarded\",\"attachments\":[{\"size\":440721,"
        "\"filename\":\"Help.pdf\",\"id\":\"064C7F3C69A64566A0D661ADB0DC0153\","
        "\"mime_type\":\"application/pdf\"}],\"cc_address\":[{\"address\":\"jack@corp"
        "\",\"name\":\"Jack\"}]}") "," EVENT("m2", "email.sent", "emails/" NEXT, "01",
                                             "{\"from_queue\":{\"id\":"
                                             "\"97C9F85A2F55484198FD908C6A97FA7D\",\"name\":"
                                             "\"Direct "
                                             "Sales\"},\"title\":\"\",\"content\":\"zebras are "
                                             "out\",\"originator\":"
                                             "\"sales@corp\",\"destination\":\"boss@big.corp\","
                                             "\"from_address\":{\"address\":"
                                             "\"sales@corp\",\"name\":\"Sales\"},\"to_address\":[{"
                                             "\"address\":\"boss@big.corp\""
                                             "}]}") "]");
#define FIRST_MAIL                                                                                 \
    "{\"id\":\"" MAIL "\",\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\",\"name\":"   \
    "\"Direct Sales\"},\"channel_type\":\"email\",\"channel_sub_type\":\"inbound\",\"type\":"      \
    "\"EmailIn\",\"typeDetails\":\"EMAIL\",\"status\":\"forwarded\",\"statusDetails\":\"Open\","   \
    "\"case_id\":\"68108\",\"cid\":\"CID0\",\"title\":\"RI order\",\"content\":\"<p>Hey, I would " \
    "like an excellent zebra.</p>\",\"remarks\":\"call the giraffe back\",\"attachments\":"        \
    "[{\"id\":\"064C7F3C69A64566A0D661ADB0DC0153\",\"filename\":\"Help.pdf\",\"mime_type\":"       \
    "\"application/pdf\",\"size\":440721}],\"originator\":\"boss@big.corp\",\"destination\":"      \
    "\"sales@corp\",\"from_address\":{\"address\":\"boss@big.corp\"},\"to_address\":"              \
    "[{\"address\":\"sales@corp\"}],\"cc_address\":[{\"name\":\"Jack\",\"address\":"               \
    "\"jack@corp\"}],\"date_created\":\"2010-05-05T10:00:00.000Z\"}"
#define SECOND_MAIL                                                                                \
    "{\"id\":\"" NEXT "\",\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\",\"name\":"   \
    "\"Direct Sales\"},\"channel_type\":\"email\",\"channel_sub_type\":\"outbound\",\"type\":"     \
    "\"EmailOut\",\"typeDetails\":\"EMAILOUT\",\"status\":\"Handled\",\"statusDetails\":\"Sent\"," \
    "\"title\":\"\",\"content\":\"zebras are out\",\"originator\":\"sales@corp\",\"destination\":" \
    "\"boss@big.corp\",\"from_address\":{\"name\":\"Sales\",\"address\":\"sales@corp\"},"          \
    "\"to_address\":[{\"address\":\"boss@big.corp\"}],"                                            \
    "\"date_created\":\"2010-05-05T10:00:01.000Z\"}"
    expect_body("/emails/" MAIL, FIRST_MAIL);
    expect_body("/emails", "[" SECOND_MAIL "," FIRST_MAIL "]");
    expect_body("/emails?case_id=68108", "[" FIRST_MAIL "]");
    expect_body("/emails?case_id=68108&cid=CID0", "[" FIRST_MAIL "]");
    expect_body("/emails?case_id=68108&cid=CID1", "[]");
    expect_body("/contacts?body=giraffe", "[]");
    expect_body("/contacts?remarks=zebra", "[]");
    static const struct {
        const char *query;
        size_t count;
    } found[] = {{"body=zebra", 2},
                 {"body=%22zebra%22", 1},
                 {"body=exce%20zeb", 1},
                 {"remarks=giraffe", 1},
                 {"caseId=68108", 1},
                 {"subject=ri%20ord", 1},
                 {"body=zebra&caseId=68108", 1},
                 {"body=zebra&remarks=call&subject=order", 1},
                 {"body=%22hey%22%20NEAR%20%22zebra%22", 1},
                 {"body=NEAR((%22hey%22,%22zebra%22),2)", 0}};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        char target[256];
        struct probe_reply r;

        snprintf(target, sizeof target, "/contacts?%s", found[i].query);
        r = get(target);
        if (r.status != 200 || count_of(&r) != found[i].count)
            fail_msg("%s: %d %.*s", found[i].query, r.status, VIEW_ARG(r.body));
        probe_done(&r);
    }
    /* A change of the texts is a change of what finds them. */
    ingest("[" EVENT("m3", "email.updated", "emails/" MAIL, "30",
                     "{\"content\":\"an okapi\",\"title\":\"changed\",\"remarks\":null}") "]");
    expect_body("/contacts?body=excellent", "[]");
    expect_body("/contacts?remarks=giraffe", "[]");
    expect_body("/contacts?subject=ri%20order", "[]");
    expect_status("/contacts?body=okapi&subject=changed", 200, MAIL);
}

static void a_chat_is_found_by_what_was_written_in_it(void **state)
{
    (void)state;
    ingest("[" EVENT("h1", "contact.received", "contacts/55555555555555555555555555555555", "00",
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
        expect_status(target, 200, "55555555555555555555555555555555");
    }
    for (size_t i = 0; i < 3; i++) {
        char target[128];

        snprintf(target, sizeof target, "/contacts?channel=CHAT&%s", not_found[i]);
        expect_body(target, "[]");
    }
}

static void a_queue_that_no_event_named_has_its_configured_name(void **state)
{
#define CHAT(id, queue)                                                                            \
    EVENT("q" id, "contact.received", "contacts/6666666666666666666666666666666" id, "00",         \
          "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"named\",\"destination\":\"d\","  \
          "\"queueId\":\"" queue "\"}")
    struct probe_reply r;

    (void)state;
    ingest("[" CHAT("1", RIG_QUEUE_ID) "," CHAT("2", ONE) "]");
    r = get("/chats?originator=named");
    assert_non_null(strstr(r.body.p, "\"from_queue\":{\"id\":\"" RIG_QUEUE_ID
                                     "\",\"name\":\"My support chat\"}"));
    assert_non_null(strstr(r.body.p, "\"from_queue\":{\"id\":\"" ONE "\"}"));
    probe_done(&r);
#undef CHAT
}

static void a_chat_is_found_by_the_kind_that_it_shows(void **state)
{
    struct probe_reply r;

    (void)state;
    ingest("[" EVENT("k1", "contact.received", "contacts/AB777777777777777777777777777777", "00",
                     "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"of no kind\","
                     "\"destination\":\"d\"}") "]");
    r = get("/chats?originator=of%20no%20kind&channel_sub_type=Text");
    assert_non_null(strstr(r.body.p, "\"channel_sub_type\":\"text\""));
    probe_done(&r);
    r = get("/chats?channel_sub_type=text");
    assert_non_null(strstr(r.body.p, "of no kind"));
    probe_done(&r);
    expect_body("/chats?originator=of%20no%20kind&channel_sub_type=sms", "[]");
}

static void addresses_have_no_case_beyond_ascii_either(void **state)
{
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

    (void)state;
    r = probe_ask(rig.port, "POST", BASE "/chats", "Content-Type: application/json\r\n",
                  "{\"originator\":\" Äiti@Ökö.fi\",\"destination\":\"Жуки\",\"title\":\"\","
                  "\"from_queue\":{\"id\":\"" RIG_QUEUE_ID "\"},\"channel_type\":\"chat\","
                  "\"channel_sub_type\":\"text\",\"transcript\":{\"messages\":[]}}");
    assert_int_equal(r.status, 201);
    probe_done(&r);
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        r = get(found[i]);
        if (strstr(r.body.p, "Äiti@Ökö.fi") == NULL)
            fail_msg("%s: %.*s", found[i], VIEW_ARG(r.body));
        probe_done(&r);
    }
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        expect_body(nothing[i], "[]");
}

/* It would find nothing, and look like an answer. */
static void a_pattern_where_none_has_effect_is_refused(void **state)
{
    static const char *const refused[][2] = {
        {"/emails?case_id=6810*", "case_id"},
        {"/emails?case_id=68108&cid=?", "cid"},
        {"/contacts?caseId=6810%3F", "caseId"},
        {"/chats?originator=+358*", "originator"},
        {"/chats?destination=a&originator=*", "originator"},
        {"/chats?destination=%2A", "destination"},
        {"/chats?channel_sub_type=s*", "channel_sub_type"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct probe_reply r = get(refused[i][0]);
        char says[128];

        snprintf(says, sizeof says, "%s can't be searched by a pattern: it must not have * or ?\n",
                 refused[i][1]);
        assert_int_equal(r.status, 400);
        assert_string_equal(r.body.p, says);
        probe_done(&r);
    }
}

/* ---- what goes on, and becomes another ---- */

#define FIRST  "E1000000000000000000000000000000"
#define SECOND "E2000000000000000000000000000000"
#define MARK   "A1000000000000000000000000000000"
#define JANE   "A2000000000000000000000000000000"
#define MAIL_DATA(title, more)                                                                     \
    "{\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\",\"name\":\"Q\"},"                \
    "\"title\":\"" title "\",\"content\":\"c\",\"originator\":\"a@b.c\",\"destination\":"          \
    "\"d@e.f\"" more "}"

/* Each word is in the answer, or is not where '!' stands before it. */
static void expect_words(const char *target, const char *const *words)
{
    struct probe_reply r = get(target);

    assert_int_equal(r.status, 200);
    for (; *words != NULL; words++)
        if ((strstr(r.body.p, *words + (**words == '!')) == NULL) != (**words == '!'))
            fail_msg("%s: %s: %.*s", target, *words, VIEW_ARG(r.body));
    probe_done(&r);
}
#define EXPECT_WORDS(target, ...) expect_words(target, (const char *const[]){__VA_ARGS__, NULL})

static void what_waits_once_more_is_connected_to_nobody(void **state)
{
    (void)state;
    ingest("[" EVENT("w1", "email.received", "emails/" FIRST, "00", MAIL_DATA("w", "")) "," EVENT(
        "w2", "contact.accepted", "contacts/" FIRST, "01",
        "{\"agentId\":\"" MARK
        "\"}") "," EVENT("w3", "contact.ended", "contacts/" FIRST, "02", "{}") "]");
    EXPECT_WORDS("/contacts/" FIRST "?statistics=true", "\"status\":\"Handled\"",
                 "\"totalDuration\":2000,", "\"handlingDuration\":1000,");
    ingest("[" EVENT("w4", "email.received", "emails/" FIRST, "03", MAIL_DATA("w", "")) "]");
    EXPECT_WORDS("/contacts/" FIRST "?statistics=true", "\"status\":\"InQueue\"", "!disconnectTime",
                 "!connectTime", "!handlingDuration", "!wrapUpTotalDuration",
                 "!\"waitingDuration\":0");
    ingest("[" EVENT("w5", "contact.updated", "contacts/" FIRST, "04",
                     "{\"status\":\"InProcess\"}") "]");
    EXPECT_WORDS("/contacts/" FIRST "?statistics=true", "\"status\":\"InProcess\"",
                 "!disconnectTime", "connectTime", "handlingDuration", "!wrapUpTotalDuration");
}

/* Its group's id is the call's: there its lines are, and there it is read. */
static void a_chat_that_began_as_a_call_is_a_chat(void **state)
{
#define CALL "C1000000000000000000000000000000"
#define CHAT "C2000000000000000000000000000000"
#define BACK "C3000000000000000000000000000000"
    (void)state;
    ingest("[" EVENT(
        "c1", "contact.received", "contacts/" CALL, "00",
        "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"+3581\",\"destination\":"
        "\"2\"}") "," EVENT("c2", "contact.transferred", "contacts/" CHAT, "01",
                            "{\"previousId\":\"" CALL "\",\"channel\":\"CHAT\","
                            "\"type\":\"ChatIn\",\"source\":\"mixed\"}") "," EVENT("c3",
                                                                                   "chat.message."
                                                                                   "added",
                                                                                   "chats/" CALL,
                                                                                   "02",
                                                                                   "{\"message\":"
                                                                                   "\"hi\","
                                                                                   "\"originator\":"
                                                                                   "\"mixed\"}") "]");
    EXPECT_WORDS("/chats?originator=mixed", "\"id\":\"" CALL "\"", "\"status\":\"InQueue\"",
                 "\"type\":\"ChatIn\"", "\"date_created\":\"2010-05-05T10:00:01.000Z\"");
    EXPECT_WORDS("/chats", "mixed");
    EXPECT_WORDS("/chats/" CALL, "\"message\":\"hi\"");
    expect_status("/chats/" CHAT, 404, "HTTP 404 Not Found");
    /* What becomes a call again has ended as a chat. */
    ingest("[" EVENT("c4", "contact.transferred", "contacts/" BACK, "03",
                     "{\"previousId\":\"" CHAT
                     "\",\"channel\":\"PHONE\",\"type\":\"CallOut\"}") "]");
    EXPECT_WORDS("/chats/" CALL, "\"status\":\"Handled\"", "\"type\":\"ChatIn\"");
}

/* The email is one, under its own id; who handles it now is whom it was transferred to. */
static void a_transferred_email_goes_as_its_latest_leg_does(void **state)
{
#define SENT                      "E3000000000000000000000000000000"
#define THIRD                     "E4000000000000000000000000000000"
#define OWN                       "E5000000000000000000000000000000"
#define STEP(id, type, leg, data) EVENT("e" id, "contact." type, "contacts/" leg, "0" id, data)
    static const struct {
        const char *events;
        const char *status;
        const char *agent;
    } rows[] = {
        {"[" EVENT("e1", "email.received", "emails/" SENT, "00", MAIL_DATA("t", "")) "]", "InQueue",
         NULL},
        {"[" STEP("2", "accepted", SENT, "{\"agentId\":\"" MARK "\"}") "]", "InProcess", MARK},
        {"[" STEP("3", "transferred", THIRD, "{\"previousId\":\"" SENT "\"}") "]", "InQueue", NULL},
        {"[" STEP("4", "accepted", THIRD, "{\"agentId\":\"" JANE "\"}") "]", "InProcess", JANE},
        /* An answer in the group is an email of its own. */
        {"[" EVENT("e5", "email.sent", "emails/" OWN, "05",
                   MAIL_DATA("t", ",\"contactGroupId\":\"" SENT "\"")) "]",
         "InProcess", JANE},
        {"[" STEP("6", "transferred", SENT, "{\"previousId\":\"" THIRD "\"}") "]", "InQueue", NULL},
        {"[" STEP("7", "accepted", SENT, "{\"agentId\":\"" MARK "\"}") "]", "InProcess", MARK},
        {"[" STEP("8", "ended", SENT, "{}") "]", "Handled", MARK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char status[64];

        ingest(rows[i].events);
        snprintf(status, sizeof status, "\"status\":\"%s\"", rows[i].status);
        EXPECT_WORDS("/emails/" SENT, status, rows[i].agent == NULL ? "!agentId" : rows[i].agent);
    }
    EXPECT_WORDS("/emails/" OWN, "\"statusDetails\":\"Sent\"", "!agentId");
    EXPECT_WORDS("/emails", SENT, OWN, "!" THIRD);
    expect_status("/emails/" THIRD, 404, "HTTP 404 Not Found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_is_shown_in_the_documented_order_with_its_statistics),
        cmocka_unit_test(what_is_not_there_is_404_and_what_is_no_id_400),
        cmocka_unit_test(emails_are_shown_whole_and_found_by_their_words),
        cmocka_unit_test(an_event_that_is_refused_is_named),
        cmocka_unit_test(blanks_and_tabs_around_a_value_do_not_matter),
        cmocka_unit_test(as_many_values_as_each_list_may_have_are_looked_for_at_once),
        cmocka_unit_test(remarks_that_were_put_are_the_ones_to_get),
        cmocka_unit_test(remarks_of_a_call_that_became_an_email_are_put_anew),
        cmocka_unit_test(a_chat_is_found_by_what_was_written_in_it),
        cmocka_unit_test(a_queue_that_no_event_named_has_its_configured_name),
        cmocka_unit_test(a_chat_is_found_by_the_kind_that_it_shows),
        cmocka_unit_test(addresses_have_no_case_beyond_ascii_either),
        cmocka_unit_test(a_pattern_where_none_has_effect_is_refused),
        cmocka_unit_test(what_waits_once_more_is_connected_to_nobody),
        cmocka_unit_test(a_chat_that_began_as_a_call_is_a_chat),
        cmocka_unit_test(a_transferred_email_goes_as_its_latest_leg_does),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
