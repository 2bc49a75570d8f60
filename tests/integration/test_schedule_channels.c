/*
 * Every way out of cmibridge schedule once, as its gateway sees it: the address, how it signs on,
 * and what it says. Another CMI is a real one. (test_kannel.c has Kannel; the pretend carrier and
 * dialler of most other tests are of type webhook.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_rig.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MS 20

static struct send_rig rig; /* too much for the stack */

/* Until GET shows the text. */
static void await(const char *path, const char *text)
{
    char target[96];

    (void)snprintf(target, sizeof target, "/RI/cmi%s", path);
    for (int i = 0;; i++) {
        struct probe_reply r = probe_ask(rig.serve.port, "GET", target, "", NULL);
        bool there = strstr(r.body.p, text) != NULL;

        if (!there && i == PROBE_PATIENCE_MS / PAUSE_MS)
            fail_msg("GET %s lacks %s: %.*s", path, text, VIEW_ARG(r.body));
        probe_done(&r);
        if (there)
            return;
        poll(NULL, 0, PAUSE_MS);
    }
}

static void post(const char *source, const char *sub_type, const char *to, char id[33])
{
    char body[512];

    (void)snprintf(body, sizeof body,
                   "{\"message\":\"Your car is ready\",\"source\":\"%s\",\"subType\":\"%s\","
                   "\"maxRetryCount\":0,\"destinations\":[{\"address\":\"%s\"}]}",
                   source, sub_type, to);
    serve_create(&rig.serve, "/messages", "", body, id);
}

static void await_handled(const char *id)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/messages/%s", id);
    await(path, "\"status\":\"HANDLED\"");
}

/* ---- gateways ---- */

/* via: ", via: gate", or "" */
#define QUEUE(name, id, channel, via)                                                              \
    "chats.queues." name ": {id: 000000000000000000000000000000" id ", channel: " channel          \
    ", name: " name ", address: " name "@" channel ".example.com" via "}\n"

static const char ways_out[] =
    "channels.sinch: {type: sinch-conversation, auth: basic, user: key, password: secret,\n"
    "  app_id: 01APP, url: 'http://127.0.0.1:%d/v1/projects/p-1/messages:send'}\n"
    "channels.meta: {type: whatsapp-cloud, auth: bearer, token: meta-token,\n"
    "  phone_number_id: '106540352242922', url: 'http://127.0.0.1:%d/v25.0'}\n"
    "channels.telegram: {type: telegram, token: '1:bot-token', url: 'http://127.0.0.1:%d'}\n";
static const char queues[] = QUEUE("conversation", "A1", "sms", ", via: sinch")
    QUEUE("cloud", "A2", "whatsapp", ", via: meta")
        QUEUE("bot", "A3", "telegram", ", via: telegram");
/* serve has no channels here */
static const char bare_queues[] = QUEUE("conversation", "A1", "sms", "")
    QUEUE("cloud", "A2", "whatsapp", "") QUEUE("bot", "A3", "telegram", "");

static void each_gateway_is_asked_where_and_as_it_wants(void **state)
{
    static const struct {
        const char *source;
        const char *sub_type;
        const char *to;
        const char *reply;
        const char *path;
        const char *authorization; /* "": none */
        const char *body[3];       /* parts of it */
    } rows[] = {
        {"conversation@sms.example.com",
         "sms",
         "+358 40 1234567",
         "{\"message_id\":\"01MESSAGE\",\"accepted_time\":\"2026-01-01T00:00:00Z\"}",
         "/v1/projects/p-1/messages:send",
         "Basic a2V5OnNlY3JldA==",
         {"\"app_id\":\"01APP\"", "{\"channel\":\"SMS\",\"identity\":\"+358401234567\"}",
          "\"text_message\":{\"text\":\"Your car is ready\"}"}},
        {"cloud@whatsapp.example.com",
         "whatsapp",
         "+358401234567",
         "{\"messaging_product\":\"whatsapp\",\"messages\":[{\"id\":\"wamid.1\"}]}",
         "/v25.0/106540352242922/messages",
         "Bearer meta-token",
         {"\"messaging_product\":\"whatsapp\"", "\"to\":\"358401234567\"",
          "\"text\":{\"body\":\"Your car is ready\"}"}},
        {"bot@telegram.example.com",
         "telegram",
         "123456789",
         "{\"ok\":true,\"result\":{\"message_id\":7}}",
         "/bot1:bot-token/sendMessage",
         "",
         {"\"chat_id\":123456789", "\"text\":\"Your car is ready\"", "{"}},
    };
    struct hostile_http *gateway = hostile_http_start();
    int port = hostile_http_port(gateway);
    char more[2048];
    int n = snprintf(more, sizeof more, ways_out, port, port, port);

    (void)state;
    (void)snprintf(more + n, sizeof more - (size_t)n, "%s", queues);
    send_rig_start_as(&rig, &(struct send_rig_options){.serve = bare_queues, .more = more});
    send_rig_run(&rig, 0, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct hostile_request *r;
        char key[48];
        char id[33];

        hostile_http_default(gateway,
                             (struct hostile_step){.act = HOSTILE_REPLY,
                                                   .status = 200,
                                                   .headers = "Content-Type: application/json\r\n",
                                                   .body = rows[i].reply});
        post(rows[i].source, rows[i].sub_type, rows[i].to, id);
        await_handled(id);
        assert_int_equal(hostile_http_count(gateway), i + 1);
        r = hostile_http_request(gateway, i);
        assert_string_equal(r->method, "POST");
        assert_string_equal(r->path, rows[i].path);
        (void)snprintf(key, sizeof key, "%s-0", id);
        assert_true(view_is(hostile_request_header(r, "Idempotency-Key"), key));
        assert_true(view_is(hostile_request_header(r, "Content-Type"), "application/json"));
        if (rows[i].authorization[0] == '\0')
            assert_null(hostile_request_header(r, "Authorization").p);
        else
            assert_true(view_is(hostile_request_header(r, "Authorization"), rows[i].authorization));
        for (size_t k = 0; k < 3; k++)
            if (strstr(r->body.p, rows[i].body[k]) == NULL)
                fail_msg("%s is not in what %s got: %.*s", rows[i].body[k], rows[i].path,
                         VIEW_ARG(r->body));
    }
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(gateway);
}

/* ---- another CMI ---- */

#define DESK "000000000000000000000000000000D1" /* its queue */

static struct serve_rig other;

static void start(void)
{
    static char more[1024];
    static char dialled[128];

    serve_rig_start(&other, "channels.out: {type: webhook, url: 'http://127.0.0.1:9'}\n"
                            "chats.queues.desk: {id: " DESK ", channel: sms, name: Desk,\n"
                            "  via: out, address: desk@sms.example.com}\n");
    (void)snprintf(more, sizeof more,
                   "channels.other: {type: cmi-chat, queue_id: " DESK ",\n"
                   "  url: 'http://127.0.0.1:%u/RI/cmi'}\n%s",
                   other.port, QUEUE("chats", "A4", "sms", ", via: other"));
    (void)snprintf(dialled, sizeof dialled, "type: cmi, url: 'http://127.0.0.1:%u/RI/cmi'",
                   other.port);
    send_rig_start_as(&rig, &(struct send_rig_options){.serve = QUEUE("chats", "A4", "sms", ""),
                                                       .more = more,
                                                       .dialled = dialled});
    send_rig_run(&rig, 0, NULL);
}

static void end(void)
{
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    serve_rig_done(&other);
}

/* What the other one's list has, of its only thing. */
static void id_of_only(const char *collection, char id[33])
{
    struct probe_reply r = serve_ask(&other, "GET", collection, "", NULL);
    const char *at = strstr(r.body.p, "\"id\":\"");

    assert_int_equal(r.status, 200);
    if (at == NULL)
        fail_msg("GET %s shows none: %.*s", collection, VIEW_ARG(r.body));
    view_copy((struct view){at + 6, 32}, id, 33);
    probe_done(&r);
}

static void a_message_becomes_an_outbound_chat_of_another_cmi(void **state)
{
    char id[33];
    char chat[33];
    char path[64];

    (void)state;
    start();
    post("chats@sms.example.com", "sms", "+358401234567", id);
    await_handled(id);
    id_of_only("/chats", chat);
    (void)snprintf(path, sizeof path, "/chats/%s", chat);
    serve_holds(&other, path, "\"destination\":\"+358401234567\"");
    serve_holds(&other, path, "\"originator\":\"chats@sms.example.com\"");
    serve_holds(&other, path, "\"message\":\"Your car is ready\"");
    serve_holds(&other, path, DESK);
    end();
}

static void a_callback_becomes_one_of_another_cmi_and_is_handled_here(void **state)
{
    char id[33];
    char there[33];
    char path[64];

    (void)state;
    start();
    serve_create(&rig.serve, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\","
                 "\"notes\":\"about the car\",\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
                 id);
    (void)snprintf(path, sizeof path, "/callbacks/%s", id);
    await(path, "\"lastResult\":\"HANDLED\"");
    id_of_only("/callbacks", there);
    (void)snprintf(path, sizeof path, "/callbacks/%s", there);
    serve_holds(&other, path, "\"customerNumber\":\"+35854852156\"");
    serve_holds(&other, path, "\"callbackQueueNumber\":\"153\"");
    serve_holds(&other, path, "\"notes\":\"about the car\"");
    serve_holds(&other, path, "\"lastResult\":\"ADDED\"");
    end();
}

static bool is_over(struct send_rig *r)
{
    return r->callback_over;
}

static void put(const char *id, const char *number, const char *result)
{
    char path[64];
    char body[160];

    (void)snprintf(path, sizeof path, "/callbacks/%s", id);
    (void)snprintf(body, sizeof body,
                   "{\"customerNumber\":\"%s\",\"notes\":\"\",\"lastResult\":\"%s\","
                   "\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
                   number, result);
    serve_expect(&rig.serve, "PUT", path, "", body, 204, "");
}

/* It has taken a request whose answer was lost: nobody is to be called twice for that. What a
 * person asks for anew is another callback. */
static void another_cmi_has_one_callback_for_each_that_was_asked_for(void **state)
{
    const struct hostile_step lost = {.act = HOSTILE_SILENCE};
    struct hostile_http *cmi = hostile_http_start();
    char dialled[128];
    char path[64];
    char id[33];

    (void)state;
    hostile_http_script(cmi, &lost, 1);
    (void)snprintf(dialled, sizeof dialled, "type: cmi, url: '%s/RI/cmi'", hostile_http_url(cmi));
    send_rig_start_as(&rig, &(struct send_rig_options){.dialled = dialled,
                                                       .dial_timeout = "200ms",
                                                       .callbacks = "handling_timeout: 1s"});
    send_rig_run(&rig, 0, NULL);
    serve_create(&rig.serve, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\","
                 "\"notes\":\"\",\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
                 id);
    (void)snprintf(path, sizeof path, "/callbacks/%s", id);
    await(path, "\"lastResult\":\"HANDLED\"");
    serve_holds(&rig.serve, path, "\"failures\":1");
    assert_int_equal(hostile_http_count(cmi), 2);
    assert_int_equal(hostile_http_effects(cmi), 1);
    send_rig_until_outcomes(&rig, is_over);
    assert_int_equal(rig.callback_results, 2);
    assert_int_equal(rig.callback_flagged, 1);

    put(id, "+35854852156", "RESCHEDULE"); /* it was closed: a person wants another call */
    hostile_http_wait(cmi, 3);
    await(path, "\"lastResult\":\"HANDLED\"");
    assert_int_equal(hostile_http_effects(cmi), 2);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(cmi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gateway_is_asked_where_and_as_it_wants),
        cmocka_unit_test(a_message_becomes_an_outbound_chat_of_another_cmi),
        cmocka_unit_test(a_callback_becomes_one_of_another_cmi_and_is_handled_here),
        cmocka_unit_test(another_cmi_has_one_callback_for_each_that_was_asked_for),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
