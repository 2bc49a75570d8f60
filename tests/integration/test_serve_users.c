/* What each user of `serve` may do and see: as real requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/users_rig.h"

#include <stdio.h>
#include <string.h>

static void who_has_no_right_is_403(void **state)
{
    static const struct {
        const char *method;
        const char *path;
    } all[] = {
        {"GET", "/emails"},
        {"GET", "/emails/0"},
        {"GET", "/scriptResults"},
        {"GET", "/scriptResults/0"},
        {"GET", "/contacts"},
        {"GET", "/contacts/0"},
        {"GET", "/chats"},
        {"POST", "/chats"},
        {"GET", "/chats/0"},
        {"GET", "/callRecordings"},
        {"GET", "/callRecordings/0"},
        {"GET", "/callRecordings/0/listenLog"},
        {"POST", "/callRecordings/0/listenLog"},
        {"GET", "/callbacks"},
        {"POST", "/callbacks"},
        {"GET", "/callbacks/0"},
        {"PUT", "/callbacks/0"},
        {"GET", "/contacts/0/remarks"},
        {"POST", "/contacts/0/remarks"},
        {"PUT", "/contacts/0/remarks"},
        {"GET", "/messages"},
        {"POST", "/messages"},
        {"GET", "/messages/0"},
        {"PUT", "/messages/0"},
        {"DELETE", "/messages/0"},
        {"GET", "/customerConsents"},
        {"POST", "/customerConsents"},
        {"GET", "/customerConsents/whatsapp_1"},
        {"DELETE", "/customerConsents/whatsapp_1"},
    };
    struct probe_reply r;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *body = all[i].method[0] == 'P' ? "{}" : NULL;

        serve_expect(&users_rig, all[i].method, all[i].path, DAN, body, 403, NULL);
        serve_expect(&users_rig, all[i].method, all[i].path, "", body, 401, NULL);
    }
    serve_expect(&users_rig, "POST", "/callbacks", ERIN, "{}", 403, NULL); /* she may GET */
    r = probe_ask(users_rig.port, "POST", "/ingest",
                  ANN "Content-Type: application/cloudevents-batch+json\r\n", "[]");
    assert_int_equal(r.status, 403);
    probe_done(&r);
}

static const char message_sms[] =
    "{\"source\":\"12345678@sms.social365.com\",\"message\":\"m\",\"subType\":\"sms\","
    "\"destinations\":[{\"address\":\"1\"}],\"sendTime\":\"2099-01-01T00:00:00Z\"}";
static const char message_wa[] =
    "{\"source\":\"12345678@whatsapp.social365.com\",\"message\":\"m\",\"subType\":\"whatsapp\","
    "\"destinations\":[{\"address\":\"1\"}],\"sendTime\":\"2099-01-01T00:00:00Z\"}";

static void messages_of_other_queues_do_not_exist(void **state)
{
    struct users_rig_thing anns = {"", NULL};
    struct users_rig_thing bens = {"", NULL};
    char id[33];

    (void)state;
    serve_create(&users_rig, "/messages", ANN "Idempotency-Key: k\r\n", message_sms, id);
    users_rig_remember(&anns, "/messages", id, ANN);
    serve_create(&users_rig, "/messages", BEN "Idempotency-Key: k\r\n", message_wa,
                 id); /* his own key */
    users_rig_remember(&bens, "/messages", id, BEN);
    serve_expect(&users_rig, "POST", "/messages", BEN, message_sms, 400,
                 "Chat queue not found: '12345678@sms.social365.com'\n");
    serve_expect(&users_rig, "PUT", bens.path, BEN, message_sms, 400,
                 "Chat queue not found: '12345678@sms.social365.com'\n");
    users_rig_untouched(&anns, "/messages", ANN, BEN, message_wa);
    users_rig_untouched(&bens, "/messages", BEN, ANN, message_sms);
    serve_expect(&users_rig, "GET", bens.path, BOSS, NULL, 200, NULL);
    serve_expect(&users_rig, "DELETE", bens.path, BEN, NULL, 204, NULL);
}

static void callbacks_of_other_queues_do_not_exist(void **state)
{
    struct users_rig_thing anns = {"", NULL};
    struct users_rig_thing bens = {"", NULL};
    char id[33];
    static const char put[] =
        "{\"lastResult\":\"HANDLED\",\"customerNumber\":\"9\",\"notes\":\"stolen\"}";

    (void)state;
    serve_create(&users_rig, "/callbacks", ANN,
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"1\"}", id);
    users_rig_remember(&anns, "/callbacks", id, ANN);
    assert_non_null(strstr(anns.before, "\"creatorName\":\"Ann\""));
    assert_non_null(strstr(anns.before, "\"creatorId\":\"0000000000000000000000000000000A\""));
    serve_create(&users_rig, "/callbacks", BEN,
                 "{\"callbackQueueNumber\":\"505\",\"customerNumber\":\"2\"}", id);
    users_rig_remember(&bens, "/callbacks", id, BEN);
    serve_expect(&users_rig, "POST", "/callbacks", BEN,
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"1\"}", 400,
                 "Callback queue not found\n");
    users_rig_untouched(&anns, "/callbacks", ANN, BEN, put);
    users_rig_untouched(&bens, "/callbacks", BEN, ANN, put);
}

static const char chat_sms[] = "{\"channel_type\":\"chat\",\"channel_sub_type\":\"text\","
                               "\"originator\":\"a\",\"destination\":\"b\",\"title\":\"t\","
                               "\"from_queue\":{\"id\":\"00000000000000000000000000000001\"},"
                               "\"transcript\":{\"messages\":[]}}";
static const char chat_wa[] = "{\"channel_type\":\"chat\",\"channel_sub_type\":\"text\","
                              "\"originator\":\"a\",\"destination\":\"b\",\"title\":\"t\","
                              "\"from_queue\":{\"id\":\"00000000000000000000000000000002\"},"
                              "\"transcript\":{\"messages\":[]}}";

static void chats_of_other_queues_do_not_exist(void **state)
{
    struct users_rig_thing anns = {"", NULL};
    struct users_rig_thing bens = {"", NULL};
    char id[33];

    (void)state;
    serve_create(&users_rig, "/chats", ANN, chat_sms, id);
    users_rig_remember(&anns, "/chats", id, ANN);
    serve_create(&users_rig, "/chats", BEN, chat_wa, id);
    users_rig_remember(&bens, "/chats", id, BEN);
    serve_expect(&users_rig, "POST", "/chats", BEN, chat_sms, 400,
                 "Chat queue not found: '00000000000000000000000000000001'\n");
    users_rig_untouched(&anns, "/chats", ANN, BEN, NULL);
    users_rig_untouched(&bens, "/chats", BEN, ANN, NULL);
}

static void values_come_in_the_user_s_language(void **state)
{
    char id[33];
    char path[128];
    struct probe_reply r;

    (void)state;
    serve_create(&users_rig, "/chats", ANN, chat_sms, id);
    snprintf(path, sizeof path, "/chats/%s", id);
    r = serve_ask(&users_rig, "GET", path, ANN, NULL); /* hers is fi */
    assert_non_null(strstr(r.body.p, "\"statusDetails\":\"Avoinna\""));
    assert_non_null(strstr(r.body.p, "\"name\":\"Tekstiviestit\""));
    assert_non_null(strstr(r.body.p, "\"status\":\"InQueue\""));
    probe_done(&r);
    r = serve_ask(&users_rig, "GET", path, ANN "Accept: application/xml\r\n", NULL);
    assert_non_null(strstr(r.body.p, "<statusDetails>Avoinna</statusDetails>"));
    probe_done(&r);
    snprintf(path, sizeof path, "/chats/%s?language=en", id);
    r = serve_ask(&users_rig, "GET", path, ANN, NULL);
    assert_non_null(strstr(r.body.p, "\"statusDetails\":\"Open\""));
    probe_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_no_right_is_403),
        cmocka_unit_test(messages_of_other_queues_do_not_exist),
        cmocka_unit_test(callbacks_of_other_queues_do_not_exist),
        cmocka_unit_test(chats_of_other_queues_do_not_exist),
        cmocka_unit_test(values_come_in_the_user_s_language),
    };

    return cmocka_run_group_tests(tests, users_rig_start, users_rig_stop);
}
