/* In which language `serve` names queues: every place that shows one (contract 20). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

#define CALL         "00000000000000000000000000000C0C"
#define MAIL         "00000000000000000000000000000E0C"
#define REC_QUEUE    "00000000000000000000000000000D0C"
#define REC_USER     "00000000000000000000000000000D0D"
#define REC_CAMPAIGN "00000000000000000000000000000D0E"
#define QUEUE        "00000000000000000000000000000001"

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "translations: {fi: {SMS: Tekstiviestit, Sales: Myynti}}\n");
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
    char events[1024];
    struct probe_reply r;

    snprintf(events, sizeof events,
             "[{\"specversion\":\"1.0\",\"source\":\"/t\",\"id\":\"%s\",\"type\":\"%s\","
             "\"subject\":\"%s\",\"time\":\"2026-01-01T00:00:01Z\",\"data\":%s}]",
             subject, type, subject, data);
    r = probe_ask(rig.port, "POST", "/ingest",
                  "Content-Type: application/cloudevents-batch+json\r\n", events);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%s %s: %d %.*s", type, subject, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

#define RECORDING_OF(owner)                                                                        \
    "{\"call_id\":\"" CALL "\",\"contact_id\":\"" CALL "\",\"owner_id\":\"" QUEUE                  \
    "\",\"owner_type\":\"" owner "\",\"owner_name\":\"SMS\",\"file_name\":\"f\"}"

static void fill_history(void)
{
    ingest("contact.received", "contacts/" CALL,
           "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"77\",\"destination\":\"2\","
           "\"queueId\":\"" QUEUE "\",\"queueName\":\"SMS\"}");
    ingest("email.received", "emails/" MAIL,
           "{\"from_queue\":{\"id\":\"" QUEUE "\",\"name\":\"SMS\"},\"title\":\"t\",\"content\":"
           "\"c\",\"originator\":\"77\",\"destination\":\"d\"}");
    ingest("callrecording.created", "callRecordings/" REC_QUEUE, RECORDING_OF("queue"));
    ingest("callrecording.created", "callRecordings/" REC_USER, RECORDING_OF("user"));
    ingest("callrecording.created", "callRecordings/" REC_CAMPAIGN,
           RECORDING_OF("outbound campaign"));
}

static void expect(const char *path, const char *headers, const char *text)
{
    struct probe_reply r = serve_ask(&rig, "GET", path, headers, NULL);

    if (r.status != 200 || strstr(r.body.p, text) == NULL)
        fail_msg("%s lacks '%s': %d %.*s", path, text, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void expect_named(const char *path, const char *field, const char *name)
{
    char text[80];

    snprintf(text, sizeof text, "\"%s\":\"%s\"", field, name);
    expect(path, "", text);
    snprintf(text, sizeof text, "<%s>%s</%s>", field, name, field);
    expect(path, "Accept: application/xml\r\n", text);
}

static void a_queue_has_its_name_in_the_language_everywhere(void **state)
{
    char callback[33];
    char chat[33];
    char one_callback[64];
    char one_chat[64];
    const struct {
        const char *path; /* the language follows */
        const char *field;
        const char *fi;
        const char *others;
    } rows[] = {
        {"/callRecordings/" REC_QUEUE "?", "owner_name", "Tekstiviestit", "SMS"},
        {"/callRecordings?contact_id=" CALL "&", "owner_name", "Tekstiviestit", "SMS"},
        {"/callRecordings/" REC_USER "?", "owner_name", "SMS", "SMS"},
        {"/callRecordings/" REC_CAMPAIGN "?", "owner_name", "SMS", "SMS"},
        {"/contacts/" CALL "?", "queueName", "Tekstiviestit", "SMS"},
        {"/contacts?queueName=SMS&", "queueName", "Tekstiviestit", "SMS"},
        {"/emails/" MAIL "?", "name", "Tekstiviestit", "SMS"},
        {"/emails?", "name", "Tekstiviestit", "SMS"},
        {one_chat, "name", "Tekstiviestit", "SMS"},
        {"/chats?", "name", "Tekstiviestit", "SMS"},
        {one_callback, "originalQueueName", "Myynti", "Sales"},
        {"/callbacks?", "originalQueueName", "Myynti", "Sales"},
    };

    (void)state;
    fill_history();
    serve_create(&rig, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"777\"}", callback);
    serve_create(&rig, "/chats", "",
                 "{\"channel_type\":\"chat\",\"channel_sub_type\":\"text\",\"originator\":\"a\","
                 "\"destination\":\"b\",\"title\":\"t\",\"from_queue\":{\"id\":\"" QUEUE
                 "\"},\"transcript\":{\"messages\":[]}}",
                 chat);
    snprintf(one_callback, sizeof one_callback, "/callbacks/%s?", callback);
    snprintf(one_chat, sizeof one_chat, "/chats/%s?", chat);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[160];

        snprintf(path, sizeof path, "%slanguage=FI", rows[i].path);
        expect_named(path, rows[i].field, rows[i].fi);
        snprintf(path, sizeof path, "%slanguage=sv", rows[i].path);
        expect_named(path, rows[i].field, rows[i].others);
    }
}

/* By what the user sees, page by page: "SMS" is before "Support", "Tekstiviestit" behind it. */
static void contacts_are_ordered_by_the_names_that_are_shown(void **state)
{
    static const struct {
        const char *language;
        const char *shown[2];
    } rows[] = {{"fi", {"Support", "Tekstiviestit"}}, {"sv", {"SMS", "Support"}}};

    (void)state;
    ingest("contact.received", "contacts/00000000000000000000000000000C10",
           "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"78\",\"destination\":\"2\","
           "\"queueName\":\"SMS\"}");
    ingest("contact.received", "contacts/00000000000000000000000000000C11",
           "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"78\",\"destination\":\"2\","
           "\"queueName\":\"Support\"}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[512];

        snprintf(path, sizeof path, "/RI/cmi/contacts?source=78&sort=queueName&limit=1&language=%s",
                 rows[i].language);
        for (size_t n = 0; n < 2; n++) {
            struct probe_reply r = probe_ask(rig.port, "GET", path, "", NULL);
            const char *link = probe_header(&r, "Link");
            const char *end = strchr(link, '>');
            size_t bytes = end == NULL ? 0 : (size_t)(end - link) - 1;

            if (r.status != 200 || strstr(r.body.p, rows[i].shown[n]) == NULL)
                fail_msg("%s lacks %s: %d %.*s", path, rows[i].shown[n], r.status,
                         VIEW_ARG(r.body));
            assert_true((n == 0) == (bytes > 0) && bytes < sizeof path);
            memcpy(path, link + (n == 0 ? 1 : 0), bytes);
            path[bytes] = '\0';
            probe_done(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_has_its_name_in_the_language_everywhere),
        cmocka_unit_test(contacts_are_ordered_by_the_names_that_are_shown),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
