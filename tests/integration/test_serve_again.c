/* serve: a request with an Idempotency-Key that comes again when what it made is gone (D2): it gets
 * the first answer, and makes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH     "Content-Type: application/cloudevents-batch+json\r\n"
#define WITH      "A0000000000000000000000000000001"
#define WITHOUT   "A0000000000000000000000000000002"
#define CALL      "A0000000000000000000000000000003"
#define RECORDING "A0000000000000000000000000000004"
#define WHO       "+358401234567"
#define LOGS      "/callRecordings/" RECORDING "/listenLog"

#define CHAT(type, queue, to)                                                                      \
    "{\"originator\":\"desk@sms.example.com\",\"destination\":\"" to                               \
    "\",\"from_queue\":{\"id\":\"" queue                                                           \
    "\",\"name\":\"x\"},\"title\":\"t\",\"channel_type\":\"" type                                  \
    "\",\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":[{\"message\":\"m\","            \
    "\"originator\":\"desk@sms.example.com\"}]}}"

static const struct {
    const char *key;
    const char *path;
    const char *body;
    const char *other; /* another request */
} posts[] = {
    {"Idempotency-Key: in\r\n", "/chats", CHAT("chat", WITHOUT, "desk"),
     CHAT("chat", WITHOUT, "other")},
    {"Idempotency-Key: out\r\n", "/chats", CHAT("chatout", WITH, "+358401"),
     CHAT("chatout", WITH, "+358402")},
    {"Idempotency-Key: names\r\n", "/chats", CHAT("chat", WITHOUT, WHO),
     CHAT("chat", WITHOUT, "other")},
    {"Idempotency-Key: heard\r\n", LOGS, "{\"description\":\"d\",\"userSessionId\":\"s\"}",
     "{\"description\":\"e\",\"userSessionId\":\"s\"}"},
};
#define POSTS (sizeof posts / sizeof *posts)

static struct serve_rig rig;

/* What the first answers were. */
static struct {
    char id[GUID_TEXT_MAX];
    char location[128];
} first[POSTS];

static void ingest(const char *type, const char *subject, const char *data)
{
    static unsigned id;
    char batch[1024];
    struct probe_reply r;

    snprintf(batch, sizeof batch,
             "[{\"specversion\":\"1.0\",\"id\":\"%u\",\"source\":\"/t\",\"type\":\"%s\","
             "\"subject\":\"%s\",\"data\":%s}]",
             ++id, type, subject, data);
    r = probe_ask(rig.port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%s: %d %.*s", type, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void post_all(void)
{
    ingest("contact.received", "contacts/" CALL,
           "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"" WHO
           "\",\"destination\":\"100\"}");
    ingest("callrecording.created", "callRecordings/" RECORDING,
           "{\"call_id\":\"" CALL "\",\"contact_id\":\"" CALL "\",\"owner_id\":\"" WITH
           "\",\"owner_type\":\"queue\",\"owner_name\":\"Q\",\"file_name\":\"a.wav\"}");
    for (size_t i = 0; i < POSTS; i++) {
        struct probe_reply r = serve_ask(&rig, "POST", posts[i].path, posts[i].key, posts[i].body);

        assert_int_equal(r.status, 201);
        snprintf(first[i].id, sizeof first[i].id, "%.*s", VIEW_ARG(r.body));
        snprintf(first[i].location, sizeof first[i].location, "%s", probe_header(&r, "Location"));
        probe_done(&r);
    }
}

static void all_is_gone(void)
{
    for (size_t i = 0; i < POSTS; i++) {
        char path[GUID_TEXT_MAX + 64];

        snprintf(path, sizeof path, "/chats/%.32s", first[i].id);
        serve_expect(&rig, "GET", path, "", NULL, 404, NULL);
    }
    serve_expect(&rig, "GET", LOGS, "", NULL, 404, NULL);
}

static void the_first_answers_are_given_again(void)
{
    for (size_t i = 0; i < POSTS; i++) {
        struct probe_reply r = serve_ask(&rig, "POST", posts[i].path, posts[i].key, posts[i].body);

        if (r.status != 201)
            fail_msg("%s: %d %.*s", posts[i].key, r.status, VIEW_ARG(r.body));
        assert_true(view_is(r.body, first[i].id));
        assert_string_equal(probe_header(&r, "Location"), first[i].location);
        assert_true(view_is(view_of(probe_header(&r, "Content-Type")), "text/html"));
        probe_done(&r);
    }
}

static void another_request_is_refused(void)
{
    for (size_t i = 0; i < POSTS; i++)
        serve_expect(&rig, "POST", posts[i].path, posts[i].key, posts[i].other, 422, NULL);
}

static void when_a_person_was_erased(void **state)
{
    struct buf output;
    char command[256];

    (void)state;
    buf_init(&output, 8192);
    post_all();
    for (size_t i = 0; i < 2; i++) { /* of the person, as only this says */
        char subject[GUID_TEXT_MAX + 64];

        snprintf(subject, sizeof subject, "chats/%.32s", first[i].id);
        ingest("chat.participant.added", subject, "{\"alias\":\"Sam\",\"uniquekey\":\"" WHO "\"}");
    }
    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" erase --config %s '" WHO "' 2>&1",
             rig.config);
    if (shell_run(command, &output) != 0)
        fail_msg("%s", buf_text(&output));
    buf_done(&output);
    all_is_gone();
    the_first_answers_are_given_again();
    another_request_is_refused();
    all_is_gone();
    serve_expect(&rig, "POST", "/chats", "Idempotency-Key: new\r\n", CHAT("chat", WITHOUT, WHO),
                 400, "destination is of a person who was erased\n");
}

static void when_it_was_of_age(void **state)
{
    static const char old[] = "{\"arrivalTime\":\"2020-01-01T00:00:00Z\"}";

    (void)state;
    post_all();
    for (size_t i = 0; i < POSTS; i++) {
        char subject[GUID_TEXT_MAX + 64];

        snprintf(subject, sizeof subject, "contacts/%.32s", first[i].id);
        if (strcmp(posts[i].path, "/chats") == 0)
            ingest("contact.updated", subject, old);
    }
    ingest("callrecording.created", "callRecordings/" RECORDING,
           "{\"call_id\":\"" CALL "\",\"contact_id\":\"" CALL "\",\"owner_id\":\"" WITH
           "\",\"owner_type\":\"queue\",\"owner_name\":\"Q\",\"file_name\":\"a.wav\","
           "\"creation_time\":\"2020-01-01T00:00:00Z\"}");
    serve_rig_stop(&rig);
    setenv("CMIBRIDGE_HISTORY_RETENTION_CHATS", "7d", 1);
    setenv("CMIBRIDGE_HISTORY_RETENTION_CALLRECORDINGS", "7d", 1);
    serve_rig_restart(&rig);
    assert_true(serve_rig_await(
        &rig, "event=history_retention contacts=3 chats=3 emails=0 callRecordings=1"));
    all_is_gone();
    the_first_answers_are_given_again();
    another_request_is_refused();
    all_is_gone();
    unsetenv("CMIBRIDGE_HISTORY_RETENTION_CHATS");
    unsetenv("CMIBRIDGE_HISTORY_RETENTION_CALLRECORDINGS");
}

/* What a queue that left the configuration would refuse was done all the same. */
static void when_it_would_be_refused_now(void **state)
{
    (void)state;
    post_all();
    serve_rig_stop(&rig);
    setenv("CMIBRIDGE_CHATS_QUEUES_MUTE_ID", "A0000000000000000000000000000009", 1);
    serve_rig_restart(&rig);
    unsetenv("CMIBRIDGE_CHATS_QUEUES_MUTE_ID");
    the_first_answers_are_given_again();
    serve_expect(&rig, "POST", "/chats", "Idempotency-Key: new\r\n", posts[0].body, 400,
                 "Chat queue not found: '" WITHOUT "'\n");
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    serve_rig_start(&rig, "channels.gate: {type: webhook, url: 'http://127.0.0.1:9'}\n"
                          "chats.queues.desk: {id: " WITH
                          ", address: desk@sms.example.com, channel: sms,\n"
                          "  name: Desk, via: gate}\n"
                          "chats.queues.mute: {id: " WITHOUT ", address: mute@sms.example.com,\n"
                          "  channel: sms, name: Mute}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(when_a_person_was_erased, start, stop),
        cmocka_unit_test_setup_teardown(when_it_was_of_age, start, stop),
        cmocka_unit_test_setup_teardown(when_it_would_be_refused_now, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
