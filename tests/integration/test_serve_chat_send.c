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
#include "tests/fakes/shell.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WITH    "A0000000000000000000000000000001"
#define WITHOUT "A0000000000000000000000000000002"
#define LINE(text, more)                                                                           \
    "{\"message\":\"" text "\",\"originator\":\"desk@sms.example.com\"" more "}"
#define CHAT(type, queue, lines) TITLED("", type, queue, lines)
#define TITLED(title, type, queue, lines)                                                          \
    "{\"originator\":\"desk@sms.example.com\",\"destination\":\" +5521244222225555\","             \
    "\"from_queue\":{\"id\":\"" queue "\",\"name\":\"x\"},\"title\":\"" title                      \
    "\",\"channel_type\":\"" type                                                                  \
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

static void path_of(const char *chat, unsigned n, char path[64])
{
    char id[GUID_TEXT_MAX];

    serve_chat_line(chat, n, id);
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

/* Only the chat's n-th message is due, if any of so many is. */
static void expect_due(const char *chat, unsigned n, unsigned count)
{
    char id[GUID_TEXT_MAX];
    char command[256];

    for (unsigned i = 0; i < count; i++) {
        bool due = false;

        serve_chat_line(chat, i, id);
        snprintf(command, sizeof command, "ZSCORE s:{%02u}:due %s", shard_of(view_of(chat)), id);
        due = strcmp(redis_server_ask(rig.redis, command), "$-1") != 0;
        assert_int_equal(due, i == n);
    }
}

static const char *field(const char *chat, unsigned n, const char *name)
{
    char id[GUID_TEXT_MAX];
    char command[256];

    serve_chat_line(chat, n, id);
    snprintf(command, sizeof command, "HGET s:{%02u}:m:%s %s", shard_of(view_of(chat)), id, name);
    return redis_server_ask(rig.redis, command);
}

static void its_messages_go_out_oldest_first_and_once(void **state)
{
    static const char body[] =
        CHAT("chatout", WITH,
             LINE("third", "") "," LINE("", "") "," LINE(" \\n\u00a0", "") "," LINE(
                 "a note",
                 ",\"system_message\":true") "," LINE("second",
                                                      ",\"type\":\"text\"") "," LINE("first", ""));
    char chat[33];
    char again[33];

    (void)state;
    serve_create(&rig, "/chats", "Idempotency-Key: chat-1\r\n", body, chat);
    expect_message(chat, 0, "first");
    expect_message(chat, 1, "second");
    expect_message(chat, 2, "third");
    expect_none(chat, 3);
    expect_due(chat, 0, 3);
    serve_create(&rig, "/chats", "Idempotency-Key: chat-1\r\n", body, again);
    assert_string_equal(again, chat);
    expect_due(chat, 0, 3);
    assert_string_equal(field(chat, 0, "ver"), "1");
    serve_lacks(&rig, "/messages", "first"); /* part of the chat, not of that list */
}

#define AT(time) ",\"timestamp\":\"" time "\""

/* The oldest by their timestamps is first; of one time, or without one, the last of the array. */
static void the_oldest_is_the_one_whose_timestamp_says_so(void **state)
{
    static const char *const expected[] = {"b", "a", "c", "e", "d", "g", "f"};
    char chat[33];

    (void)state;
    serve_create(
        &rig, "/chats", "",
        CHAT(
            "chatout", WITH,
            LINE("a", AT("2026-01-01T10:00:00.000000001Z")) "," LINE(
                "b",
                AT("2026-01-01T12:00:00+"
                   "02:00")) "," LINE("c",
                                      AT("2026-01-01T10:01:00Z")) "," LINE("d",
                                                                           AT("2026-01-01T10:02:"
                                                                              "00Z")) "," LINE("e",
                                                                                               AT("2026-01-01T10:02:00Z")) "," LINE("f",
                                                                                                                                    "") "," LINE("g",
                                                                                                                                                 AT("2026-01-01T10:03:00Z"))),
        chat);
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++)
        expect_message(chat, i, expected[i]);
    expect_due(chat, 0, sizeof expected / sizeof expected[0]);
}

static void erase_message(const char *chat, unsigned n)
{
    char path[64];

    path_of(chat, n, path);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
}

/* One that is deleted holds up nobody, and lets nobody past the others. */
static void the_others_go_on_without_one_that_is_deleted(void **state)
{
    char chat[33];
    char path[64];

    (void)state;
    serve_create(
        &rig, "/chats", "",
        CHAT("chatout", WITH,
             LINE("e", "") "," LINE("d", "") "," LINE("c", "") "," LINE("b", "") "," LINE("a", "")),
        chat);
    expect_due(chat, 0, 5);
    erase_message(chat, 1);
    erase_message(chat, 2);
    expect_due(chat, 0, 5);
    path_of(chat, 3, path); /* later than it would be: it waits no less, and no more */
    serve_expect(&rig, "PUT", path, "",
                 "{\"message\":\"d\",\"source\":\"desk@sms.example.com\",\"subType\":\"sms\","
                 "\"sendTime\":\"2030-01-01T00:00:00Z\","
                 "\"destinations\":[{\"address\":\"+55\"}]}",
                 204, "");
    expect_due(chat, 0, 5);
    erase_message(chat, 0);
    expect_due(chat, 3, 5);
    assert_string_equal(field(chat, 3, "pz"), "$-1");
    erase_message(chat, 3);
    expect_due(chat, 4, 5);
    erase_message(chat, 4);
    expect_due(chat, 5, 5);
}

/* Of the chat's messages, in the list that erasure and fsck go through. */
static void expect_listed(const char *chat, unsigned n, bool listed)
{
    char id[GUID_TEXT_MAX];
    char command[512];

    serve_chat_line(chat, n, id);
    snprintf(command, sizeof command,
             "EVAL \"for _, l in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do"
             " for _, m in ipairs(redis.call('ZRANGE', KEYS[1] .. ':' .. l, 0, -1)) do"
             " if string.sub(m, 18) == ARGV[1] then return 1 end end end return 0\""
             " 1 s:{%02u}:chatmessages %s",
             shard_of(view_of(chat)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), listed ? ":1" : ":0");
}

static void their_list_has_them_as_long_as_the_store(void **state)
{
    char id[GUID_TEXT_MAX];
    char command[256];
    char chat[33];

    (void)state;
    serve_create(&rig, "/chats", "", CHAT("chatout", WITH, LINE("b", "") "," LINE("a", "")), chat);
    expect_listed(chat, 0, true);
    expect_listed(chat, 1, true);
    erase_message(chat, 0);
    expect_listed(chat, 0, false);
    serve_chat_line(chat, 1, id);
    snprintf(command, sizeof command, "HSET s:{%02u}:m:%s st 2 purge 1", shard_of(view_of(chat)),
             id);
    assert_string_equal(redis_server_ask(rig.redis, command), ":1");
    expect_listed(chat, 1, true);
    snprintf(command, sizeof command, "ZADD s:{%02u}:gc 1 %s", shard_of(view_of(chat)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), ":1");
    for (int i = 0; field(chat, 1, "st")[0] != '$'; i++) { /* it is purged */
        assert_true(i < PROBE_PATIENCE_MS / 10);
        poll(NULL, 0, 10);
    }
    expect_listed(chat, 1, false);
}

/* Whoever is erased is sent nothing more, whichever of them waits for which. */
static void whoever_is_erased_is_sent_none_of_them(void **state)
{
    char command[512];
    char chat[33];
    char path[64];
    struct buf said;

    (void)state;
    serve_create(&rig, "/chats", "",
                 "{\"originator\":\"d\",\"destination\":\"+358400000777\",\"from_queue\":{\"id\":"
                 "\"" WITH "\",\"name\":\"x\"},\"title\":\"\",\"channel_type\":\"chatout\","
                 "\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":[" LINE(
                     "two, +358400000777", "") "," LINE("one", "") "]}}",
                 chat);
    buf_init(&said, 65536);
    snprintf(command, sizeof command,
             "\"$CMIBRIDGE_BIN\" erase --config %s --json +358400000777 2>&1", rig.config);
    assert_int_equal(shell_run(command, &said), 0);
    if (strstr(buf_text(&said), "\"destinations\":2,") == NULL)
        fail_msg("%s", buf_text(&said));
    buf_done(&said);
    for (unsigned i = 0; i < 2; i++) {
        path_of(chat, i, path);
        serve_holds(&rig, path,
                    "{\"destination\":[{\"address\":\"erased\",\"status\":\"FAILED\"}]}");
    }
    serve_holds(&rig, path, "\"message\":\"two, …\"");
}

static void what_does_not_go_out_is_only_recorded(void **state)
{
    char chat[33];

    (void)state;
    serve_create(&rig, "/chats", "", CHAT("chat", WITH, LINE("inbound", "")), chat);
    expect_none(chat, 0);
    serve_create(&rig, "/chats", "", CHAT("chatout", WITH, LINE("", "")), chat);
    expect_none(chat, 0);
}

static void what_can_t_be_sent_is_refused_before_it_is_recorded(void **state)
{
    struct buf body;

    (void)state;
    serve_expect(&rig, "POST", "/chats", "",
                 TITLED("unheard", "chatout", WITHOUT, LINE("nobody sends it", "")), 400,
                 "from_queue: 'Mute' can't send a chatout: chats.queues.mute.via is not set\n");
    serve_lacks(&rig, "/chats", "unheard");
    serve_create(&rig, "/chats", "", TITLED("heard", "chat", WITHOUT, LINE("it is kept", "")),
                 (char[33]){0});
    serve_holds(&rig, "/chats", "\"title\":\"heard\"");
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
    buf_clear(&body);
    buf_put_text(&body, "{\"channel_sub_type\":\"");
    for (int i = 0; i < 1000000; i++)
        buf_put_char(&body, 'a');
    buf_put_text(&body, "\"}");
    serve_expect(&rig, "POST", "/chats", "", buf_text(&body), 400,
                 "channel_sub_type has 1000000 bytes; the maximum is 1024\n");
    buf_done(&body);
}

static void without_the_store_it_is_sent_when_it_is_asked_again(void **state)
{
    static const char body[] = TITLED("unsent", "chatout", WITH, LINE("later", ""));
    struct probe_reply r;
    char chat[33];

    (void)state;
    redis_server_kill(rig.redis);
    r = serve_ask(&rig, "POST", "/chats", "Idempotency-Key: chat-2\r\n", body);
    assert_int_equal(r.status, 503);
    probe_done(&r);
    serve_lacks(&rig, "/chats", "unsent");
    redis_server_restart(rig.redis);
    do { /* the connection is coming back */
        r = serve_ask(&rig, "POST", "/chats", "Idempotency-Key: chat-2\r\n", body);
        view_copy(view_trim(r.body), chat, sizeof chat);
        if (r.status != 503)
            assert_int_equal(r.status, 201);
        probe_done(&r);
    } while (r.status == 503);
    expect_message(chat, 0, "later");
    serve_holds(&rig, "/chats", "unsent");
}

#ifdef CMIBRIDGE_FAULT_POINTS
/* Killed when it is queued and not on record: repeated, it is one chat and one message. */
static void killed_between_the_stores_it_is_on_record_when_it_is_asked_again(void **state)
{
    static const char body[] = TITLED("halfway", "chatout", WITH, LINE("once", ""));
    char chat[33];
    int fd;

    (void)state;
    serve_rig_kill(&rig);
    setenv("CMIBRIDGE_FAULT_POINT", "history_written:1", 1);
    serve_rig_restart(&rig);
    unsetenv("CMIBRIDGE_FAULT_POINT");
    fd = serve_send(&rig, "/chats", "chat-3", body);
    assert_int_equal(waitpid(rig.pid, NULL, 0), rig.pid);
    close(fd);
    rig.pid = 0;
    serve_rig_restart(&rig);
    serve_lacks(&rig, "/chats", "halfway");
    serve_create(&rig, "/chats", "Idempotency-Key: chat-3\r\n", body, chat);
    expect_message(chat, 0, "once");
    assert_string_equal(field(chat, 0, "ver"), "1");
    serve_expect(&rig, "POST", "/chats", "Idempotency-Key: chat-3\r\n",
                 TITLED("another", "chatout", WITH, LINE("once", "")), 422, NULL);
    serve_create(&rig, "/chats", "Idempotency-Key: chat-3\r\n", body, chat);
    assert_string_equal(field(chat, 0, "ver"), "1");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_messages_go_out_oldest_first_and_once),
        cmocka_unit_test(the_oldest_is_the_one_whose_timestamp_says_so),
        cmocka_unit_test(the_others_go_on_without_one_that_is_deleted),
        cmocka_unit_test(their_list_has_them_as_long_as_the_store),
        cmocka_unit_test(whoever_is_erased_is_sent_none_of_them),
        cmocka_unit_test(what_does_not_go_out_is_only_recorded),
        cmocka_unit_test(what_can_t_be_sent_is_refused_before_it_is_recorded),
        cmocka_unit_test(without_the_store_it_is_sent_when_it_is_asked_again),
#ifdef CMIBRIDGE_FAULT_POINTS
        cmocka_unit_test(killed_between_the_stores_it_is_on_record_when_it_is_asked_again),
#endif
    };

    return cmocka_run_group_tests(tests, start, stop);
}
