/* GETs of the history, property by property: a contact, emails, script results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/history_ask.h"

#include <stdio.h>
#include <string.h>

#define DAY  "2010-05-05"
#define ONE  "11111111111111111111111111111111"
#define MAIL "33333333333333333333333333333333"
#define NEXT "44444444444444444444444444444444"

static void a_contact_is_shown_in_the_documented_order_with_its_statistics(void **state)
{
    struct history_rig *rig = *state;

    history_ask_ingest(
        rig, "[" EVENT_ON(
                 DAY, "1", "contact.received", "contacts/" ONE, "00",
                 "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"typeDetails\":\"IVR\",\"source\":"
                 "\"0505551234\",\"destination\":\"0505550000\",\"subject\":\"s\",\"queueId\":"
                 "\"1EFC92416F0A46DC9BBC08A842B89D93\",\"queueName\":\"Phone "
                 "Queue\",\"requiredAgent\":{\"id\":\"30BAC5C8C39A4CA5A5B1C5509EE4F12B\",\"name\":"
                 "\"Surname, First "
                 "Name\",\"type\":2,\"expirationTime\":\"2024-05-05T08:55:24.563Z\"}}") "]");
    history_ask_ingest(rig, "[" EVENT_ON(DAY, "2", "contact.accepted", "contacts/" ONE, "03",
                                         "{\"agentId\":\"21A144F1824E4C768868D10201608E2E\","
                                         "\"agentName\":\"Agent, Name\"}") "]");
    history_ask_ingest(rig, "[" EVENT_ON(DAY, "3", "contact.ended", "contacts/" ONE, "10",
                                         "{\"statusDetails\":\"Handled_AOT\"}") "]");
    history_ask_ingest(
        rig,
        "[" EVENT_ON(
            DAY, "4", "scriptresult.saved", "scriptResults/22222222222222222222222222222222", "20",
            "{\"script_id\":\"DCA8D3301BC74B9C8AFCB28026E7761B\",\"name\":\"Simple car "
            "selector\",\"contact_id\":\"" ONE
            "\",\"scriptquestions\":[{\"id\":\"E6AF572FE79B4550B5CBF621EFB590B7\",\"data\":"
            "\"Current Car\",\"controltype\":\"multicombobox\",\"datatype\":\"text\",\"ordinal\":0,"
            "\"scriptanswers\":[{\"id\":\"730FBF56981A4657B9285D3B52E7D239\",\"answerdata\":"
            "\"Kia\",\"ordinal\":0},{\"id\":\"E34CA4525ABF42CEB7B4A5CCE1AE03E4\",\"answerdata\":"
            "\"Volvo\","
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
    history_ask_body(rig, "/contacts/" ONE, HEAD "}");
    /* The wrap-up was not closed: it counts for an hour at most. */
    history_ask_body(rig, "/contacts/" ONE "?statistics=true",
                     HEAD ",\"connectTime\":\"2010-05-05T10:00:03.000Z\",\"waitingDuration\":3000,"
                          "\"handlingDuration\":7000,\"wrapUpTotalDuration\":3600000}");
    history_ask_ingest(rig,
                       "[" EVENT_ON(DAY, "5", "contact.closed", "contacts/" ONE, "12", "{}") "]");
    history_ask_body(rig, "/contacts?id=" ONE "&statistics=true&language=FI",
                     "[" HEAD
                     ",\"connectTime\":\"2010-05-05T10:00:03.000Z\",\"waitingDuration\":3000,"
                     "\"handlingDuration\":7000,\"wrapUpTotalDuration\":2000}]");
    history_ask_body(
        rig, "/scriptResults?contact_id=" ONE "&originalcontact_id=" ONE,
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

static void what_is_not_there_is_404_and_what_is_no_id_400(void **state)
{
    struct history_rig *rig = *state;
    static const char *const collections[] = {"contacts", "emails", "scriptResults"};

    for (size_t i = 0; i < 3; i++) {
        char target[128];

        snprintf(target, sizeof target, "/%s/99999999999999999999999999999999", collections[i]);
        history_ask_says(rig, target, 404, "HTTP 404 Not Found");
        snprintf(target, sizeof target, "/%s/99", collections[i]);
        history_ask_says(rig, target, 400, "Invalid GUID: '99'");
        snprintf(target, sizeof target, "/%s/99999999999999999999999999999999?search=1",
                 collections[i]);
        history_ask_says(rig, target, 400, "search");
        snprintf(target, sizeof target, "/%s?limit=x", collections[i]);
        history_ask_says(rig, target, 400, "limit");
    }
    history_ask_says(rig, "/scriptResults?contact_id=7", 400, "Invalid GUID: '7'");
    history_ask_says(rig, "/scriptResults?originalcontact_id=7", 400, "Invalid GUID: '7'");
    history_ask_says(rig, "/emails?subject=x", 400, "subject");
}

static void emails_are_shown_whole_and_found_by_their_words(void **state)
{
    struct history_rig *rig = *state;
#define RECEIVED                                                                                   \
    EVENT_ON(DAY, "m1", "email.received", "emails/" MAIL, "00",                                    \
             "{\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\",\"name\":"              \
             "\"Direct Sales\"},\"title\":\"RI order\",\"content\":\"<p>Hey, I would like "        \
             "an excellent zebra.</p>\",\"originator\":\"boss@big.corp\",\"destination\":"         \
             "\"sales@corp\",\"case_id\":\"68108\",\"cid\":\"CID0\",\"remarks\":\"call the "       \
             "giraffe back\",\"status\":\"forwarded\",\"attachments\":[{\"size\":440721,"          \
             "\"filename\":\"Help.pdf\",\"id\":\"064C7F3C69A64566A0D661ADB0DC0153\","              \
             "\"mime_type\":\"application/pdf\"}],\"cc_address\":[{\"address\":\"jack@corp"        \
             "\",\"name\":\"Jack\"}]}")
#define SENT                                                                                       \
    EVENT_ON(DAY, "m2", "email.sent", "emails/" NEXT, "01",                                        \
             "{\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\",\"name\":"              \
             "\"Direct Sales\"},\"title\":\"\",\"content\":\"zebras are out\",\"originator\":"     \
             "\"sales@corp\",\"destination\":\"boss@big.corp\",\"from_address\":{\"address\":"     \
             "\"sales@corp\",\"name\":\"Sales\"},\"to_address\":[{\"address\":\"boss@big.corp\""   \
             "}]}")

    history_ask_ingest(rig, "[" RECEIVED "," SENT "]");
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
    history_ask_body(rig, "/emails/" MAIL, FIRST_MAIL);
    history_ask_body(rig, "/emails", "[" SECOND_MAIL "," FIRST_MAIL "]");
    history_ask_body(rig, "/emails?case_id=68108", "[" FIRST_MAIL "]");
    history_ask_body(rig, "/emails?case_id=68108&cid=CID0", "[" FIRST_MAIL "]");
    history_ask_body(rig, "/emails?case_id=68108&cid=CID1", "[]");
    history_ask_body(rig, "/contacts?body=giraffe", "[]");
    history_ask_body(rig, "/contacts?remarks=zebra", "[]");
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
        r = history_ask_reply(rig, target);
        if (r.status != 200 || history_ask_count(r.body.p, "\"contactGroupId\"") != found[i].count)
            fail_msg("%s: %d %.*s", found[i].query, r.status, VIEW_ARG(r.body));
        probe_done(&r);
    }
    /* A change of the texts is a change of what finds them. */
    history_ask_ingest(
        rig, "[" EVENT_ON(DAY, "m3", "email.updated", "emails/" MAIL, "30",
                          "{\"content\":\"an okapi\",\"title\":\"changed\",\"remarks\":null}") "]");
    history_ask_body(rig, "/contacts?body=excellent", "[]");
    history_ask_body(rig, "/contacts?remarks=giraffe", "[]");
    history_ask_body(rig, "/contacts?subject=ri%20order", "[]");
    history_ask_says(rig, "/contacts?body=okapi&subject=changed", 200, MAIL);
}

static void a_queue_that_no_event_named_has_its_configured_name(void **state)
{
    struct history_rig *rig = *state;
#define CHAT(id, queue)                                                                            \
    EVENT("q" id, "contact.received", "contacts/6666666666666666666666666666666" id, "00",         \
          "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"named\",\"destination\":\"d\","  \
          "\"queueId\":\"" queue "\"}")
    struct probe_reply r;

    history_ask_ingest(rig, "[" CHAT("1", RIG_QUEUE_ID) "," CHAT("2", ONE) "]");
    r = history_ask_reply(rig, "/chats?originator=named");
    assert_non_null(strstr(r.body.p, "\"from_queue\":{\"id\":\"" RIG_QUEUE_ID
                                     "\",\"name\":\"My support chat\"}"));
    assert_non_null(strstr(r.body.p, "\"from_queue\":{\"id\":\"" ONE "\"}"));
    probe_done(&r);
#undef CHAT
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_is_shown_in_the_documented_order_with_its_statistics),
        cmocka_unit_test(what_is_not_there_is_404_and_what_is_no_id_400),
        cmocka_unit_test(emails_are_shown_whole_and_found_by_their_words),
        cmocka_unit_test(a_queue_that_no_event_named_has_its_configured_name),
    };

    return cmocka_run_group_tests(tests, history_ask_start, history_ask_stop);
}
