/* serve: an outbound chat's messages go into the schedule (contract 19), against the real binary on
 * a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "bridge/io/crypto.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

#define WITH    "A0000000000000000000000000000001"
#define WITHOUT "A0000000000000000000000000000002"
#define LINE(text, more)                                                                           \
    "{\"message\":\"" text "\",\"originator\":\"desk@sms.example.com\"" more "}"
#define CHAT(type, queue, lines)                                                                   \
    "{\"originator\":\"desk@sms.example.com\",\"destination\":\" +5521244222225555\","             \
    "\"from_queue\":{\"id\":\"" queue "\",\"name\":\"x\"},\"title\":\"\",\"channel_type\":\"" type \
    "\",\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":[" lines "]}}"

static struct serve_rig rig;

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

/* The message that the chat's n-th one became. */
static void path_of(const char *chat, unsigned n, char path[64])
{
    char place[16];
    char id[GUID_TEXT_MAX];
    struct guid g;

    snprintf(place, sizeof place, "%u", n);
    g = crypto_guid_of(view_of(chat), view_of(place));
    guid_hex(&g, id);
    snprintf(path, 64, "/messages/%s", id);
}

static void expect_message(const char *chat, unsigned n, const char *text)
{
    char path[64];
    char wanted[256];

    path_of(chat, n, path);
    snprintf(wanted, sizeof wanted, "\"message\":\"%s\"", text);
    serve_holds(&rig, path, wanted);
    serve_holds(&rig, path, "\"source\":\"desk@sms.example.com\"");
    serve_holds(&rig, path,
                "{\"destination\":[{\"address\":\"+5521244222225555\",\"status\":\"ADDED\"}]}");
}

static void expect_none(const char *chat, unsigned n)
{
    char path[64];

    path_of(chat, n, path);
    serve_expect(&rig, "GET", path, "", NULL, 404, NULL);
}

static const char *due_of(const char *chat, unsigned n)
{
    char path[64];
    char command[256];

    path_of(chat, n, path);
    snprintf(command, sizeof command, "ZSCORE s:{%02u}:due %s",
             shard_of(view_of(path + strlen("/messages/"))), path + strlen("/messages/"));
    return redis_server_ask(rig.redis, command);
}

static void its_messages_go_out_oldest_first_and_once(void **state)
{
    static const char body[] = CHAT(
        "chatout", WITH,
        LINE("third", "") "," LINE("", "") "," LINE("a note", ",\"system_message\":true") "," LINE(
            "second", ",\"type\":\"text\"") "," LINE("a file",
                                                     ",\"type\":\"attachment\"") "," LINE("first",
                                                                                          ""));
    char chat[33];
    char again[33];
    char first[64];

    (void)state;
    serve_create(&rig, "/chats", "Idempotency-Key: chat-1\r\n", body, chat);
    expect_message(chat, 0, "first");
    expect_message(chat, 1, "second");
    expect_message(chat, 2, "third");
    expect_none(chat, 3);
    snprintf(first, sizeof first, "%s", due_of(chat, 0));
    assert_true(strcmp(first, due_of(chat, 1)) < 0);
    serve_create(&rig, "/chats", "Idempotency-Key: chat-1\r\n", body, again);
    assert_string_equal(again, chat);
    assert_string_equal(due_of(chat, 0), first);
    serve_lacks(&rig, "/messages", "first"); /* part of the chat, not of that list */
}

static void what_does_not_go_out_is_only_recorded(void **state)
{
    char chat[33];

    (void)state;
    serve_create(&rig, "/chats", "", CHAT("chat", WITH, LINE("inbound", "")), chat);
    expect_none(chat, 0);
    serve_create(&rig, "/chats", "", CHAT("chatout", WITHOUT, LINE("nobody sends it", "")), chat);
    expect_none(chat, 0);
    serve_create(&rig, "/chats", "", CHAT("chatout", WITH, LINE("", "")), chat);
    expect_none(chat, 0);
}

static void what_can_t_be_sent_is_refused_before_it_is_recorded(void **state)
{
    struct buf body;

    (void)state;
    buf_init(&body, 1 << 20);
    buf_put_text(&body,
                 "{\"originator\":\"d\",\"destination\":\"+55\",\"from_queue\":{\"id\":\"" WITH
                 "\",\"name\":\"x\"},\"title\":\"\",\"channel_type\":\"chatout\","
                 "\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":[");
    for (int i = 0; i < 101; i++)
        buf_printf(&body, "%s{\"message\":\"m\",\"originator\":\"d\"}", i > 0 ? "," : "");
    buf_put_text(&body, "]}}");
    serve_expect(&rig, "POST", "/chats", "", buf_text(&body), 400,
                 "transcript has more than 100 messages to send\n");
    serve_expect(&rig, "GET", "/chats?destination=%2B55", "", NULL, 200, "[]");
    buf_clear(&body);
    buf_put_text(&body,
                 "{\"originator\":\"d\",\"destination\":\"+55\",\"from_queue\":{\"id\":\"" WITH
                 "\",\"name\":\"x\"},\"title\":\"\",\"channel_type\":\"chatout\","
                 "\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":["
                 "{\"originator\":\"d\",\"message\":\"");
    for (int i = 0; i < 2001; i++)
        buf_put_char(&body, 'm');
    buf_put_text(&body, "\"}]}}");
    serve_expect(&rig, "POST", "/chats", "", buf_text(&body), 400,
                 "transcript: a message has more than 2000 characters, which can't be sent\n");
    buf_done(&body);
}

static void without_the_store_it_is_sent_when_it_is_asked_again(void **state)
{
    static const char body[] = CHAT("chatout", WITH, LINE("later", ""));
    struct probe_reply r;
    char chat[33];

    (void)state;
    redis_server_kill(rig.redis);
    r = serve_ask(&rig, "POST", "/chats", "Idempotency-Key: chat-2\r\n", body);
    assert_int_equal(r.status, 503);
    probe_done(&r);
    redis_server_restart(rig.redis);
    do { /* the connection is coming back */
        r = serve_ask(&rig, "POST", "/chats", "Idempotency-Key: chat-2\r\n", body);
        view_copy(view_trim(r.body), chat, sizeof chat);
        if (r.status != 503)
            assert_int_equal(r.status, 201);
        probe_done(&r);
    } while (r.status == 503);
    expect_message(chat, 0, "later");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_messages_go_out_oldest_first_and_once),
        cmocka_unit_test(what_does_not_go_out_is_only_recorded),
        cmocka_unit_test(what_can_t_be_sent_is_refused_before_it_is_recorded),
        cmocka_unit_test(without_the_store_it_is_sent_when_it_is_asked_again),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
