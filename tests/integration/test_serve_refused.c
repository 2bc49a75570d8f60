/* serve: a write to Redis that comes again under its Idempotency-Key when the configuration, or an
 * erasure, would refuse it by now: it was done, gets its first answer, and has no second effect
 * (D2). Those to the history are in test_serve_again.c. */
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

#define WHO      "+358401234567"
#define KEY(key) "Idempotency-Key: " key "\r\n"
#define CALLBACK(notes)                                                                            \
    "{\"customerNumber\":\"" WHO "\",\"callbackQueueNumber\":\"153\",\"notes\":\"" notes "\"}"
#define RESULT(result)                                                                             \
    "{\"customerNumber\":\"" WHO "\",\"notes\":\"\",\"lastResult\":\"" result "\"}"
#define MESSAGE(text)                                                                              \
    "{\"message\":\"" text "\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","     \
    "\"destinations\":[{\"address\":\"" WHO "\"}],\"sendTime\":\"2099-01-01T00:00:00Z\"}"
#define CONSENT(usage) "{\"address\":\"" WHO "\",\"usage\":\"" usage "\",\"consent\":true}"

enum { CALL, CALL_PUT, SEND, SEND_PUT, ALLOW, WRITES };

static const struct {
    const char *key;
    const char *method;
    const char *path; /* of a PUT: in front of the id */
    const char *body;
    const char *other; /* another request */
} writes[WRITES] = {
    [CALL] = {KEY("call"), "POST", "/callbacks", CALLBACK("a"), CALLBACK("b")},
    [CALL_PUT] = {KEY("call-put"), "PUT", "/callbacks/", RESULT("BUSY"), RESULT("OTHER")},
    [SEND] = {KEY("send"), "POST", "/messages", MESSAGE("a"), MESSAGE("b")},
    [SEND_PUT] = {KEY("send-put"), "PUT", "/messages/", MESSAGE("c"), MESSAGE("d")},
    [ALLOW] = {KEY("allow"), "POST", "/customerConsents", CONSENT("whatsapp"), CONSENT("sms")},
};

static struct serve_rig rig;

/* What the first answers were. */
static struct {
    char path[64];
    int status;
    char body[GUID_TEXT_MAX];
    char location[128];
} first[WRITES];

static struct probe_reply ask(size_t i, const char *key, const char *body)
{
    return serve_ask(&rig, writes[i].method, first[i].path, key, body);
}

static void write_all(void)
{
    for (size_t i = 0; i < WRITES; i++) {
        char id[GUID_TEXT_MAX] = "";
        struct probe_reply r;

        if (strcmp(writes[i].method, "PUT") == 0)
            serve_create(&rig, i == CALL_PUT ? "/callbacks" : "/messages", "",
                         i == CALL_PUT ? CALLBACK("") : MESSAGE("-"), id);
        snprintf(first[i].path, sizeof first[i].path, "%s%s", writes[i].path, id);
        r = ask(i, writes[i].key, writes[i].body);
        first[i].status = r.status;
        if (r.status != 201 && r.status != 204)
            fail_msg("%s: %d %.*s", writes[i].key, r.status, VIEW_ARG(r.body));
        snprintf(first[i].body, sizeof first[i].body, "%.*s", VIEW_ARG(r.body));
        snprintf(first[i].location, sizeof first[i].location, "%s", probe_header(&r, "Location"));
        probe_done(&r);
    }
}

static void the_first_answers_are_given_again(void)
{
    for (size_t i = 0; i < WRITES; i++) {
        struct probe_reply r = ask(i, writes[i].key, writes[i].body);

        if (r.status != first[i].status)
            fail_msg("%s: %d %.*s", writes[i].key, r.status, VIEW_ARG(r.body));
        assert_true(view_is(r.body, first[i].body));
        assert_string_equal(probe_header(&r, "Location"), first[i].location);
        probe_done(&r);
    }
}

static void another_request_is_refused(void)
{
    for (size_t i = 0; i < WRITES; i++) {
        struct probe_reply r = ask(i, writes[i].key, writes[i].other);

        if (r.status != 422)
            fail_msg("%s: %d %.*s", writes[i].key, r.status, VIEW_ARG(r.body));
        probe_done(&r);
    }
}

/* Which of them is refused where it is not known, with a key or without. */
static void is_refused(size_t i, const char *text)
{
    serve_expect(&rig, writes[i].method, first[i].path, KEY("new"), writes[i].body, 400, text);
    serve_expect(&rig, writes[i].method, first[i].path, "", writes[i].body, 400, text);
}

/* The configuration with `to` in the place of `from`, which is as long. */
static void configure(const char *from, const char *to)
{
    static char text[8192];
    FILE *file = fopen(rig.config, "r+");
    size_t n = 0;
    char *at = NULL;

    assert_non_null(file);
    n = fread(text, 1, sizeof text - 1, file);
    text[n] = '\0';
    assert_non_null(at = strstr(text, from));
    memcpy(at, to, strlen(from));
    rewind(file);
    assert_int_equal(fwrite(text, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void restart_with(const char *from, const char *to)
{
    serve_rig_stop(&rig);
    configure(from, to);
    serve_rig_restart(&rig);
}

static size_t count_in(const char *path, const char *text)
{
    struct probe_reply r = serve_ask(&rig, "GET", path, "", NULL);
    size_t count = 0;

    assert_int_equal(r.status, 200);
    for (const char *at = r.body.p; (at = strstr(at, text)) != NULL; at++)
        count++;
    probe_done(&r);
    return count;
}

static void when_a_queue_or_the_ivr_number_is_no_longer_configured(void **state)
{
    (void)state;
    write_all();
    restart_with("ivr_number: '100'", "#vr_number: '100'");
    the_first_answers_are_given_again();
    another_request_is_refused();
    is_refused(CALL, "no Callback IVR number is configured (callbacks.ivr_number)\n");
    restart_with("#vr_number: '100'", "ivr_number: '100'");
    restart_with("'153'", "'154'");
    the_first_answers_are_given_again();
    another_request_is_refused();
    is_refused(CALL, "Callback queue not found\n");
    restart_with("12345678@sms.", "12345679@sms.");
    the_first_answers_are_given_again();
    another_request_is_refused();
    is_refused(SEND, "Chat queue not found: '12345678@sms.social365.com'\n");
    is_refused(SEND_PUT, "Chat queue not found: '12345678@sms.social365.com'\n");
    assert_int_equal(count_in("/callbacks", "\"id\""), 2);
    assert_int_equal(count_in("/messages", "\"id\""), 2);
    serve_holds(&rig, first[CALL_PUT].path, "\"failures\":1,");
}

static void when_a_queue_has_another_channel(void **state)
{
    (void)state;
    write_all();
    serve_rig_stop(&rig);
    setenv("CMIBRIDGE_CHATS_QUEUES_SMS_CHANNEL", "whatsapp", 1);
    serve_rig_restart(&rig);
    unsetenv("CMIBRIDGE_CHATS_QUEUES_SMS_CHANNEL");
    the_first_answers_are_given_again();
    another_request_is_refused();
    is_refused(SEND, "subType is not 'whatsapp', the channel of this source\n");
    is_refused(SEND_PUT, "subType is not 'whatsapp', the channel of this source\n");
}

static void when_a_person_was_erased(void **state)
{
    struct buf output;
    char command[256];

    (void)state;
    buf_init(&output, 8192);
    write_all();
    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" erase --config %s '" WHO "' 2>&1",
             rig.config);
    if (shell_run(command, &output) != 0)
        fail_msg("%s", buf_text(&output));
    buf_done(&output);
    the_first_answers_are_given_again();
    another_request_is_refused();
    is_refused(CALL, "customerNumber is of a person who was erased\n");
    is_refused(CALL_PUT, "customerNumber is of a person who was erased\n");
    is_refused(ALLOW, "address is of a person who was erased\n");
    assert_int_equal(count_in("/callbacks", "\"id\""), 0);
    assert_int_equal(count_in("/customerConsents", "\"address\""), 0);
    assert_int_equal(count_in("/messages", "\"id\""), 2);
}

/* As if the server had died between effect and note. */
static void when_its_key_is_known_beside_the_thing_alone(void **state)
{
    static const char forget[] =
        "EVAL \"local n = 0 for _, k in ipairs(redis.call('KEYS', 's:*:m:*')) do "
        "if redis.call('HLEN', k) == 1 then n = n + redis.call('DEL', k) end end "
        "return n > 0 and 'some' or 'none'\" 0";

    (void)state;
    write_all();
    assert_string_equal(redis_server_ask(rig.redis, forget), "some");
    restart_with("12345678@sms.", "12345679@sms.");
    the_first_answers_are_given_again();
    another_request_is_refused();
    assert_string_equal(redis_server_ask(rig.redis, forget), "some");
    serve_expect(&rig, "PUT", first[SEND_PUT].path, writes[SEND_PUT].key, writes[SEND_PUT].other,
                 422, NULL);
}

static void what_the_store_cannot_say_is_not_refused(void **state)
{
    struct probe_reply r;

    (void)state;
    redis_server_kill(rig.redis);
    assert_true(serve_rig_await(&rig, "event=store_away"));
    serve_expect(&rig, "POST", "/callbacks", "", "{}", 400, NULL);
    r = serve_ask(&rig, "POST", "/callbacks", KEY("away"), "{}");
    assert_int_equal(r.status, 503);
    probe_done(&r);
    redis_server_restart(rig.redis);
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    serve_rig_start(&rig, "");
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
        cmocka_unit_test_setup_teardown(when_a_queue_or_the_ivr_number_is_no_longer_configured,
                                        start, stop),
        cmocka_unit_test_setup_teardown(when_a_queue_has_another_channel, start, stop),
        cmocka_unit_test_setup_teardown(when_a_person_was_erased, start, stop),
        cmocka_unit_test_setup_teardown(when_its_key_is_known_beside_the_thing_alone, start, stop),
        cmocka_unit_test_setup_teardown(what_the_store_cannot_say_is_not_refused, start, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
