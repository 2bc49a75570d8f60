/* Of the least that may be said everything is shown that the specification requires: each answer is
 * held against docs/openapi.json and the table of fields by the rig. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

#define QUEUE     "00000000000000000000000000000001" /* the rig's */
#define CALL      "00000000000000000000000000000C01"
#define CHAT      "00000000000000000000000000000C02"
#define MAIL      "00000000000000000000000000000E01"
#define SENT      "00000000000000000000000000000E02"
#define RECORDING "00000000000000000000000000000D01"
#define SCRIPT    "00000000000000000000000000000B01"
#define ASKED     "00000000000000000000000000000B02"

#define CONTACT(channel, type)                                                                     \
    "{\"channel\":\"" channel "\",\"type\":\"" type "\",\"source\":\"1\",\"destination\":\"2\""
#define EMAIL                                                                                      \
    "{\"from_queue\":{\"id\":\"77777777777777777777777777777777\"},\"title\":\"\","                \
    "\"content\":\"\",\"originator\":\"a@x.fi\",\"destination\":\"b@x.fi\""
#define SCRIPT_RESULT(questions)                                                                   \
    "{\"script_id\":\"" CALL "\",\"name\":\"n\",\"contact_id\":\"" CALL                            \
    "\",\"scriptquestions\":[" questions "]}"
#define QUESTION(answers)                                                                          \
    "{\"id\":\"" CALL "\",\"data\":\"\",\"controltype\":\"\",\"datatype\":\"\",\"ordinal\":1,"     \
    "\"scriptanswers\":[" answers "]}"
#define ANSWER "{\"id\":\"" CALL "\",\"answerdata\":\"\",\"ordinal\":1}"

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static void ingest(const char *type, const char *subject, const char *data)
{
    static unsigned count;
    char events[2048];
    struct probe_reply r;

    count++;
    assert_true(snprintf(events, sizeof events,
                         "[{\"specversion\":\"1.0\",\"source\":\"/t\",\"id\":\"%u\",\"type\":"
                         "\"%s\",\"subject\":\"%s\",\"time\":\"2026-01-01T00:%02u:00Z\","
                         "\"data\":%s}]",
                         count, type, subject, count, data) < (int)sizeof events);
    r = probe_ask(rig.port, "POST", "/ingest",
                  "Content-Type: application/cloudevents-batch+json\r\n", events);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%s %s: %d %.*s", type, subject, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

/* In the list, and by itself. */
static void expect_shown(const char *list, const char *id)
{
    char path[128];
    char text[64];

    snprintf(text, sizeof text, "\"id\":\"%s\"", id);
    serve_holds(&rig, list, text);
    snprintf(path, sizeof path, "%s/%s", list, id);
    serve_holds(&rig, path, text);
}

static void a_contact_shows_what_is_required(void **state)
{
    static const char nothing[] =
        "{\"typeDetails\":null,\"statusDetails\":null,\"status\":null,\"subtype\":null,"
        "\"queueId\":null,\"agentId\":null,\"subject\":null,\"requiredAgent\":null,"
        "\"contactGroupId\":null,\"arrivalTime\":null,\"source\":null,\"destination\":null,"
        "\"channel\":null,\"type\":null}";
    static const char *const moves[] = {"contact.accepted", "contact.ended", "contact.closed"};

    (void)state;
    ingest("contact.received", "contacts/" CALL, CONTACT("PHONE", "CallIn") "}");
    expect_shown("/contacts", CALL);
    ingest("contact.updated", "contacts/" CALL,
           "{\"requiredAgent\":{\"id\":\"" CALL "\",\"name\":\"\",\"type\":1}}");
    serve_holds(&rig, "/contacts/" CALL, "\"requiredAgent\"");
    ingest("contact.updated", "contacts/" CALL, nothing);
    expect_shown("/contacts", CALL);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        ingest(moves[i], "contacts/" CALL, i == 0 ? "{\"agentId\":\"" CALL "\"}" : "{}");
        expect_shown("/contacts", CALL);
        serve_holds(&rig, "/contacts/" CALL "?statistics=true", "waitingDuration");
    }
}

static void a_chat_shows_what_is_required(void **state)
{
    static const char posted[] =
        "{\"channel_type\":\"chat\",\"channel_sub_type\":\"text\",\"originator\":\"a\","
        "\"destination\":\"b\",\"title\":\"\",\"from_queue\":{\"id\":\"" QUEUE "\"},"
        "\"participants\":[{\"alias\":\"a\",\"uniquekey\":\"a\"}],"
        "\"transcript\":{\"messages\":[{\"message\":\"\",\"originator\":\"a\"}]}}";
    char id[33];

    (void)state;
    ingest("contact.received", "contacts/" CHAT, CONTACT("CHAT", "ChatIn") "}");
    expect_shown("/chats", CHAT);
    ingest("contact.updated", "contacts/" CHAT, "{\"queueName\":\"n\",\"typeDetails\":null}");
    ingest("chat.message.added", "chats/" CHAT, "{\"message\":\"\",\"originator\":\"a\"}");
    ingest("chat.participant.added", "chats/" CHAT, "{\"alias\":\"a\",\"uniquekey\":\"b\"}");
    expect_shown("/chats", CHAT);
    serve_create(&rig, "/chats", "", posted, id);
    expect_shown("/chats", id);
    expect_shown("/contacts", id);
}

static void an_email_shows_what_is_required(void **state)
{
    (void)state;
    ingest("email.received", "emails/" MAIL, EMAIL "}");
    ingest("email.sent", "emails/" SENT,
           EMAIL ",\"to_address\":[{\"address\":\"b\"}],\"from_address\":{\"address\":\"c\"},"
                 "\"attachments\":[{\"id\":\"" CALL
                 "\",\"filename\":\"\",\"mime_type\":\"\",\"size\":0}]}");
    expect_shown("/emails", MAIL);
    expect_shown("/emails", SENT);
    ingest("email.updated", "emails/" SENT,
           "{\"channel_type\":null,\"channel_sub_type\":null,\"status\":null,\"type\":null,"
           "\"typeDetails\":null,\"statusDetails\":null,\"from_address\":null,"
           "\"to_address\":null,\"attachments\":null,\"date_created\":null,\"title\":null,"
           "\"content\":null,\"originator\":null,\"destination\":null,\"from_queue\":null}");
    expect_shown("/emails", SENT);
}

static void a_recording_and_who_listened_show_what_is_required(void **state)
{
    static const char logs[] = "/callRecordings/" RECORDING "/listenLog";
    char id[33];

    (void)state;
    ingest("callrecording.created", "callRecordings/" RECORDING,
           "{\"call_id\":\"" CALL "\",\"contact_id\":\"" CALL "\",\"owner_id\":\"" CALL
           "\",\"owner_type\":\"user\",\"owner_name\":\"\",\"file_name\":\"\"}");
    expect_shown("/callRecordings", RECORDING);
    serve_create(&rig, logs, "", "{\"description\":\"d\",\"userSessionId\":\"s\"}", id);
    serve_holds(&rig, logs, id);
    expect_shown("/callRecordings", RECORDING);
}

static void a_script_result_shows_what_is_required(void **state)
{
    (void)state;
    ingest("scriptresult.saved", "scriptResults/" SCRIPT, SCRIPT_RESULT(""));
    ingest("scriptresult.saved", "scriptResults/" ASKED,
           SCRIPT_RESULT(QUESTION("") "," QUESTION(ANSWER)));
    expect_shown("/scriptResults", SCRIPT);
    expect_shown("/scriptResults", ASKED);
}

static void a_callback_shows_what_is_required(void **state)
{
    char path[64];
    char id[33];

    (void)state;
    serve_create(&rig, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"505\",\"customerNumber\":\"1\"}", id);
    expect_shown("/callbacks", id);
    snprintf(path, sizeof path, "/callbacks/%s", id);
    serve_expect(&rig, "PUT", path, "",
                 "{\"customerNumber\":\"1\",\"lastResult\":\"HANDLED\",\"notes\":\"\"}", 204, "");
    serve_holds(&rig, path, id);
}

static void a_message_and_a_consent_show_what_is_required(void **state)
{
    char id[33];

    (void)state;
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"m\",\"source\":\"12345678@sms.social365.com\",\"subType\":"
                 "\"sms\",\"destinations\":[{\"address\":\"1\"}]}",
                 id);
    expect_shown("/messages", id);
    serve_expect(&rig, "POST", "/customerConsents", "",
                 "{\"address\":\"1\",\"usage\":\"recording\",\"consent\":false}", 204, "");
    serve_holds(&rig, "/customerConsents", "\"consent\":false");
    serve_holds(&rig, "/customerConsents/recording_1", "\"consent\":false");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contact_shows_what_is_required),
        cmocka_unit_test(a_chat_shows_what_is_required),
        cmocka_unit_test(an_email_shows_what_is_required),
        cmocka_unit_test(a_recording_and_who_listened_show_what_is_required),
        cmocka_unit_test(a_script_result_shows_what_is_required),
        cmocka_unit_test(a_callback_shows_what_is_required),
        cmocka_unit_test(a_message_and_a_consent_show_what_is_required),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
