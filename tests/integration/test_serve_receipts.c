/* serve: receipts, against the real binary on a real Redis. What a sending process would have left
 * in the store is written there by hand, by core/slice.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/base64.h"
#include "bridge/core/settlement.h"
#include "bridge/core/shard.h"
#include "bridge/core/signature.h"
#include "bridge/core/slice.h"
#include "bridge/io/crypto.h"
#include "tests/fakes/receipt_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define KEY_TEXT "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define COMMAND  1024

static struct serve_rig rig;

static const char settings[] =
    "channels:\n"
    "  hook: {type: webhook, url: 'http://127.0.0.1:9', signing_secret: " KEY_TEXT "}\n"
    "  bare: {type: webhook, url: 'http://127.0.0.1:9'}\n"
    "  sms: {type: kannel, url: 'http://127.0.0.1:9', user: u, password: p,\n"
    "        receipts_secret: 0123456789abcdef}\n"
    "  conv: {type: sinch-conversation, url: 'http://127.0.0.1:9', receipts_secret: "
    "a shared secret of ours}\n"
    "  wa: {type: whatsapp-cloud, url: 'http://127.0.0.1:9', receipts_secret: app-secret-0123456,\n"
    "       verify_token: t0ken}\n"
    "  bot: {type: telegram, url: 'http://127.0.0.1:9', token: '1:x'}\n"
    "chats.queues.hook: {id: A0000000000000000000000000000001, name: Hook, via: hook,\n"
    "  address: hook@sms.example.com, channel: sms}\n"
    "chats.queues.kannel: {id: A0000000000000000000000000000002, name: Kannel, via: sms,\n"
    "  address: kannel@sms.example.com, channel: sms}\n"
    "chats.queues.cloud: {id: A0000000000000000000000000000003, name: Cloud, via: wa,\n"
    "  address: cloud@whatsapp.example.com, channel: whatsapp}\n"
    "consent: {stop_words: {en: 'stop, opt out', fi: lopeta, tr: iptal}}\n";

static int start(void **state)
{
    (void)state;
    crypto_init();
    serve_rig_start(&rig, settings);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

/* ---- what a sending process leaves in the store ---- */

enum sent { SENT, OUT, WAITS }; /* handled; handed over, no reply yet; to be tried again */

#define BY_HOOK   "\"source\":\"hook@sms.example.com\",\"subType\":\"sms\""
#define BY_KANNEL "\"source\":\"kannel@sms.example.com\",\"subType\":\"sms\""
#define BY_CLOUD  "\"source\":\"cloud@whatsapp.example.com\",\"subType\":\"whatsapp\""
#define BY_NONE   "\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\""

/* A message to two, both as far as `how` says. */
static void post_by(const char *source, char id[33], enum sent how)
{
    static const uint8_t holder[SLICE_HOLDER_BYTES] = "somebody";
    char command[COMMAND];
    char body[COMMAND];
    struct slice s;

    snprintf(body, sizeof body,
             "{\"message\":\"m\",%s,\"destinations\":[{\"address\":\"+1\"},{\"address\":\"+2\"}]}",
             source);
    serve_create(&rig, "/messages", "", body, id);
    assert_true(slice_read(&s, VIEW_NONE, 2));
    slice_claim(&s, holder);
    slice_hand_over(&s, 2);
    for (size_t i = 0; i < 2 && how != OUT; i++)
        slice_settle(&s, i, how == SENT ? SLICE_OK : SLICE_AGAIN);
    if (how != OUT)
        slice_end_pass(&s);
    if (how == WAITS)
        memset(s.holder, 0, sizeof s.holder);
    receipt_rig_slice(&rig, id, &s);
    if (how == SENT) {
        snprintf(command, sizeof command, "HSET s:{%02u}:m:%s ok 2", shard_of(view_of(id)), id);
        assert_string_equal(redis_server_ask(rig.redis, command), ":1");
    }
}

static void post(char id[33], enum sent how)
{
    post_by(BY_HOOK, id, how);
}

static void expect_statuses(const char *id, const char *first, const char *second)
{
    char path[64];
    char text[256];

    snprintf(path, sizeof path, "/messages/%s", id);
    snprintf(text, sizeof text,
             "{\"destination\":[{\"address\":\"+1\",\"status\":\"%s\"},"
             "{\"address\":\"+2\",\"status\":\"%s\"}]}",
             first, second);
    serve_holds(&rig, path, text);
}

static void expect_counts(const char *id, const char *ok, const char *dead)
{
    static const char *const fields[] = {"ok", "dead"};
    const char *wanted[] = {ok, dead};

    for (size_t i = 0; i < 2; i++) {
        char command[COMMAND];

        snprintf(command, sizeof command, "HGET s:{%02u}:m:%s %s", shard_of(view_of(id)), id,
                 fields[i]);
        assert_string_equal(redis_server_ask(rig.redis, command), wanted[i]);
    }
}

/* The events of the message that wait for Kafka; *last is the newest, its texts in `bytes`. */
static int events(const char *id, struct settlement *last, struct buf *bytes)
{
    char command[COMMAND];
    const char *reply;
    struct view rest;
    int count = 0;

    snprintf(command, sizeof command,
             "EVAL \"local t='' for _,e in ipairs(redis.call('XRANGE',KEYS[1],'-','+')) do local "
             "f={} for i=1,#e[2],2 do f[e[2][i]]=e[2][i+1] end if f.m==ARGV[1] and f.b "
             "then t=t..'.'..f.b:gsub('.',function(c) return string.format('%%02x',c:byte()) end) "
             "end end return t\" 1 s:{%02u}:out %s",
             shard_of(view_of(id)), id);
    reply = redis_server_ask(rig.redis, command);
    rest = view_of(reply);
    while (rest.n > 0 && rest.p[0] == '.') {
        struct view hex;

        rest = view_skip(rest, 1);
        hex = (struct view){rest.p, 0};
        while (hex.n < rest.n && rest.p[hex.n] != '.')
            hex.n++;
        rest = view_skip(rest, hex.n);
        buf_clear(bytes);
        for (size_t i = 0; i + 1 < hex.n; i += 2) {
            static const char digits[] = "0123456789abcdef";

            buf_put_char(bytes, (char)((strchr(digits, hex.p[i]) - digits) << 4 |
                                       (strchr(digits, hex.p[i + 1]) - digits)));
        }
        count++;
    }
    if (count > 0) {
        struct view one = buf_view(bytes);

        assert_true(settlement_next_event(&one, last));
    }
    return count;
}

/* ---- gateways ---- */

static int ask(const char *method, const char *path, const char *headers, const char *body)
{
    return receipt_rig_ask(&rig, method, path, headers, body);
}

static int hook_at(const char *channel, const char *event, const char *body, int64_t at_s)
{
    return receipt_rig_hook(&rig, channel, KEY_TEXT, event, body, at_s);
}

static int hook(const char *event, const char *id, unsigned destination, const char *more)
{
    char body[512];

    snprintf(body, sizeof body, "{\"id\":\"%s-%u\",%s}", id, destination, more);
    return hook_at("hook", event, body, now_s());
}

#define FAILED    "\"status\":\"failed\",\"reason\":\"switched off\""
#define DELIVERED "\"status\":\"delivered\",\"provider_id\":\"p-7\""

static void what_was_handled_fails_late_once_and_is_told(void **state)
{
    char id[33];
    struct settlement told;
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 4096);
    post(id, SENT);
    assert_int_equal(hook("late-1", id, 1, FAILED), 200);
    expect_statuses(id, "HANDLED", "FAILED");
    expect_counts(id, "1", "1");
    assert_int_equal(events(id, &told, &bytes), 1);
    assert_int_equal(told.state, SETTLEMENT_LATE);
    assert_int_equal(told.index, 1);
    assert_true(view_is(told.address, "+2"));
    assert_true(view_is(told.reason, "switched off"));
    assert_int_equal(hook("late-1", id, 1, FAILED), 200); /* the same once more … */
    assert_int_equal(hook("late-2", id, 1, FAILED), 200); /* … and under another id */
    assert_int_equal(hook("late-3", id, 1, DELIVERED), 200);
    expect_statuses(id, "HANDLED", "FAILED");
    expect_counts(id, "1", "1");
    buf_done(&bytes);
}

static void what_had_gone_before_a_delete_fails_late_too(void **state)
{
    struct settlement told;
    struct buf bytes;
    char path[64];
    char id[33];

    (void)state;
    buf_init(&bytes, 4096);
    post(id, SENT);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, "");
    assert_int_equal(hook("deleted-1", id, 0, FAILED), 200);
    expect_counts(id, "1", "1");
    assert_int_equal(events(id, &told, &bytes), 1);
    assert_int_equal(told.state, SETTLEMENT_LATE);
    assert_int_equal(told.index, 0);
    assert_true(view_is(told.address, "+1"));
    serve_expect(&rig, "GET", path, "", NULL, 404, NULL);
    serve_expect(&rig, "DELETE", path, "", NULL, 404, NULL);
    buf_done(&bytes);
}

static void delivered_and_read_are_told_and_change_no_status(void **state)
{
    char id[33];
    struct settlement told;
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 4096);
    post(id, SENT);
    assert_int_equal(hook("sent-1", id, 0, "\"status\":\"accepted\""), 200);
    assert_int_equal(events(id, &told, &bytes), 0);
    assert_int_equal(hook("sent-2", id, 0, DELIVERED ",\"time\":\"2023-11-14T22:13:20Z\""), 200);
    assert_int_equal(events(id, &told, &bytes), 1);
    assert_int_equal(told.state, SETTLEMENT_DELIVERED);
    assert_int_equal(told.at_ms, INT64_C(1700000000000));
    assert_true(view_is(told.provider_id, "p-7"));
    assert_int_equal(hook("sent-3", id, 0, "\"status\":\"read\""), 200);
    assert_int_equal(events(id, &told, &bytes), 2);
    assert_int_equal(told.state, SETTLEMENT_DELIVERED);
    assert_true(view_is(told.reason, "read"));
    assert_int_equal(hook("sent-4", id, 0, DELIVERED), 200);
    assert_int_equal(hook("sent-5", id, 0, "\"status\":\"read\""), 200);
    assert_int_equal(hook("sent-6", id, 0, FAILED), 200); /* another copy */
    assert_int_equal(events(id, &told, &bytes), 3);
    expect_statuses(id, "HANDLED", "HANDLED");
    expect_counts(id, "2", "$-1"); /* none */
    buf_done(&bytes);
}

static void one_that_comes_before_the_reply_is_kept(void **state)
{
    char id[33];
    struct settlement told;
    struct buf bytes;
    char command[COMMAND];

    (void)state;
    buf_init(&bytes, 4096);
    post(id, OUT);
    assert_int_equal(hook("early-1", id, 0, FAILED), 200);
    expect_statuses(id, "PROCESSING", "PROCESSING"); /* its holder has the word first */
    assert_int_equal(events(id, &told, &bytes), 1);
    snprintf(command, sizeof command, "HGET s:{%02u}:late:%s 0", shard_of(view_of(id)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), "\x80");
    buf_done(&bytes);
}

static void what_is_tried_again_anyway_or_is_nobody_s_changes_nothing(void **state)
{
    char id[33];
    struct settlement told;
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 4096);
    post(id, WAITS);
    assert_int_equal(hook("open-1", id, 0, FAILED), 200);
    assert_int_equal(hook("open-2", id, 2, FAILED), 200); /* there are two of them */
    assert_int_equal(hook("open-3", id, 4000000000, FAILED), 200);
    assert_int_equal(events(id, &told, &bytes), 0);
    assert_int_equal(hook("open-4", "00000000000000000000000000000000", 0, FAILED), 200);
    assert_int_equal(hook_at("hook", "open-5", "{\"id\":\"another system's\"," FAILED "}", now_s()),
                     200);
    expect_statuses(id, "PROCESSING", "PROCESSING");
    buf_done(&bytes);
}

static void what_waits_for_another_attempt_and_was_delivered_is_handled(void **state)
{
    char id[33];
    struct settlement told;
    struct buf bytes;
    char command[COMMAND];

    (void)state;
    buf_init(&bytes, 4096);
    post(id, WAITS);
    assert_int_equal(hook("after-all-1", id, 1, DELIVERED), 200);
    expect_statuses(id, "PROCESSING", "HANDLED");
    expect_counts(id, "1", "$-1");
    assert_int_equal(events(id, &told, &bytes), 2); /* the receipt, and what it makes of it */
    assert_int_equal(told.state, SETTLEMENT_HANDLED);
    assert_int_equal(told.index, 1);
    assert_int_equal(told.attempt, 1);
    assert_true(view_is(told.address, "+2"));
    assert_true(told.at_ms > INT64_C(1700000000000));
    assert_int_equal(hook("after-all-2", id, 1, DELIVERED), 200);
    assert_int_equal(events(id, &told, &bytes), 2);
    assert_int_equal(hook("after-all-3", id, 1, FAILED), 200); /* the other attempt's */
    expect_statuses(id, "PROCESSING", "HANDLED");
    expect_counts(id, "1", "$-1");
    assert_int_equal(hook("after-all-4", id, 0, "\"status\":\"read\""), 200);
    expect_statuses(id, "HANDLED", "HANDLED");
    expect_counts(id, "2", "$-1");
    snprintf(command, sizeof command, "HGET s:{%02u}:m:%s st", shard_of(view_of(id)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), "2"); /* none is left */
    snprintf(command, sizeof command, "ZSCORE s:{%02u}:due %s", shard_of(view_of(id)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), "$-1");
    buf_done(&bytes);
}

static void nobody_is_believed_without_the_secret(void **state)
{
    char id[33];
    struct settlement told;
    struct buf bytes;
    char path[128];

    (void)state;
    buf_init(&bytes, 4096);
    post(id, SENT);
    snprintf(path, sizeof path, "{\"id\":\"%s-0\"," FAILED "}", id);
    assert_int_equal(hook_at("hook", "old", path, now_s() - 400), 401);
    assert_int_equal(hook_at("hook", "new", path, now_s() + 400), 401);
    assert_int_equal(hook_at("bare", "one", path, now_s()), 401);
    assert_int_equal(ask("POST", "/receipts/hook", "", path), 401);
    snprintf(path, sizeof path, "/receipts/sms?type=2&ref=%s-0&token=0123456789abcdeF", id);
    assert_int_equal(ask("GET", path, "", NULL), 401);
    assert_int_equal(ask("POST", "/receipts/wa", "X-Hub-Signature-256: sha256=00\r\n", "{}"), 401);
    assert_int_equal(ask("POST", "/receipts/conv", "", "{}"), 401);
    assert_int_equal(events(id, &told, &bytes), 0);
    expect_counts(id, "2", "$-1"); /* none */
    buf_done(&bytes);
}

static void what_is_not_there_or_no_receipt_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", "/receipts/none", "", "{}"), 404);
    assert_int_equal(ask("POST", "/receipts/bot", "", "{}"), 404); /* telegram has none */
    assert_int_equal(ask("POST", "/receipts/sms", "", "{}"), 405);
    assert_int_equal(ask("GET", "/receipts/hook", "", NULL), 405);
    assert_int_equal(ask("DELETE", "/receipts/hook", "", NULL), 405);
    assert_int_equal(hook_at("hook", "bad-1", "no JSON", now_s()), 400);
    assert_int_equal(hook_at("hook", "bad-2", "{\"status\":\"gone\"}", now_s()), 400);
    assert_int_equal(ask("GET", "/receipts/sms?type=x&token=0123456789abcdef", "", NULL), 400);
}

static void kannel_s_dlr_url_is_taken(void **state)
{
    char id[33];
    char path[256];
    struct settlement told;
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 4096);
    post_by(BY_KANNEL, id, SENT);
    snprintf(path, sizeof path,
             "/receipts/sms?ref=%s-1&token=0123456789abcdef&type=2&time=1700000000"
             "&answer=stat%%3AUNDELIV+err%%3A001+text%%3Asecret&id=77",
             id);
    assert_int_equal(ask("HEAD", path, "", NULL), 405); /* which asks, and changes nothing */
    expect_statuses(id, "HANDLED", "HANDLED");
    assert_int_equal(ask("GET", path, "", NULL), 200);
    assert_int_equal(ask("GET", path, "", NULL), 200);
    expect_statuses(id, "HANDLED", "FAILED");
    expect_counts(id, "1", "1");
    assert_int_equal(events(id, &told, &bytes), 1);
    assert_true(view_is(told.reason, "UNDELIV: 001"));
    assert_int_equal(told.at_ms, INT64_C(1700000000000));
    buf_done(&bytes);
}

static int cloud(const char *body)
{
    uint8_t digest[32];
    char headers[128] = "X-Hub-Signature-256: sha256=";
    size_t n = strlen(headers);

    crypto_hmac_sha256(VIEW("app-secret-0123456"), view_of(body), digest);
    for (size_t i = 0; i < sizeof digest; i++)
        n += (size_t)snprintf(headers + n, sizeof headers - n, "%02x", digest[i]);
    snprintf(headers + n, sizeof headers - n, "\r\n");
    return ask("POST", "/receipts/wa", headers, body);
}

static void the_cloud_api_is_confirmed_and_its_statuses_are_taken(void **state)
{
    struct probe_reply r =
        probe_ask(rig.port, "GET",
                  "/receipts/wa?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=t0ken",
                  "", NULL);
    char id[33];
    char body[1024];

    (void)state;
    assert_int_equal(r.status, 200);
    assert_true(view_is(r.body, "1158201444"));
    probe_done(&r);
    assert_int_equal(
        ask("GET", "/receipts/wa?hub.mode=subscribe&hub.challenge=1&hub.verify_token=x", "", NULL),
        403);
    post_by(BY_CLOUD, id, SENT);
    snprintf(body, sizeof body,
             "{\"entry\":[{\"changes\":[{\"value\":{\"statuses\":["
             "{\"id\":\"wamid.1\",\"status\":\"read\",\"timestamp\":\"1700000000\","
             "\"biz_opaque_callback_data\":\"%s-0\"},"
             "{\"id\":\"wamid.2\",\"status\":\"failed\",\"biz_opaque_callback_data\":\"%s-1\","
             "\"errors\":[{\"code\":131026,\"title\":\"Undeliverable\"}]},"
             "{\"id\":\"wamid.3\",\"status\":\"delivered\"}]}}]}]}",
             id, id);
    assert_int_equal(cloud(body), 200);
    expect_statuses(id, "HANDLED", "FAILED");
    expect_counts(id, "1", "1");
}

static int conversation(const char *nonce, const char *body)
{
    char headers[512];
    struct buf signed_text;
    struct buf signature;
    uint8_t digest[32];

    buf_init(&signed_text, 4096);
    buf_init(&signature, 64);
    buf_printf(&signed_text, "%s.%s.%" PRId64, body, nonce, now_s());
    crypto_hmac_sha256(VIEW("a shared secret of ours"), buf_view(&signed_text), digest);
    base64_encode((struct view){(const char *)digest, sizeof digest}, &signature);
    snprintf(headers, sizeof headers,
             "x-sinch-webhook-signature: %s\r\nx-sinch-webhook-signature-nonce: %s\r\n"
             "x-sinch-webhook-signature-timestamp: %s\r\n"
             "x-sinch-webhook-signature-algorithm: HmacSHA256\r\n",
             buf_text(&signature), nonce, strrchr(buf_text(&signed_text), '.') + 1);
    buf_done(&signed_text);
    buf_done(&signature);
    return ask("POST", "/receipts/conv", headers, body);
}

/* Its word is about what went out through it, and about nothing else. */
static void a_receipt_for_a_message_of_another_channel_is_for_nobody(void **state)
{
    static const char *const sources[] = {BY_HOOK, BY_KANNEL, BY_CLOUD, BY_NONE};
    struct settlement told;
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 4096);
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        char id[33];
        char event[16];
        char kannel[256];
        char status[512];

        post_by(sources[i], id, SENT);
        snprintf(event, sizeof event, "cross-%zu", i);
        snprintf(kannel, sizeof kannel, "/receipts/sms?ref=%s-0&token=0123456789abcdef&type=2", id);
        snprintf(status, sizeof status,
                 "{\"entry\":[{\"changes\":[{\"value\":{\"statuses\":[{\"status\":\"failed\","
                 "\"biz_opaque_callback_data\":\"%s-0\"}]}}]}]}",
                 id);
        if (i != 0)
            assert_int_equal(hook(event, id, 0, FAILED), 200);
        if (i != 1)
            assert_int_equal(ask("GET", kannel, "", NULL), 200);
        if (i != 2)
            assert_int_equal(cloud(status), 200);
        expect_statuses(id, "HANDLED", "HANDLED");
        expect_counts(id, "2", "$-1");
        assert_int_equal(events(id, &told, &bytes), 0);
    }
    buf_done(&bytes);
}

#define STOP_FROM(number, text) STOP_OF("", number, text)
#define STOP_OF(id, number, text)                                                                  \
    "{\"message\":{" id "\"contact_message\":{\"text_message\":{\"text\":\"" text "\"}},"          \
    "\"channel_identity\":{\"channel\":\"WHATSAPP\",\"identity\":\"" number "\"}}}"

static void set_consent(const char *address)
{
    char body[256];

    snprintf(body, sizeof body, "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":true}",
             address);
    serve_expect(&rig, "POST", "/customerConsents", "", body, 204, "");
}

static void a_stop_word_withdraws_the_consent_and_a_replay_does_not(void **state)
{
    static const char path[] = "/customerConsents/whatsapp_358401234567";

    (void)state;
    set_consent("+358 40 1234567");
    assert_int_equal(conversation("n-1", STOP_FROM("358401234567", "please do not stop")), 200);
    serve_holds(&rig, path, "\"consent\":true");
    assert_int_equal(conversation("n-2", STOP_FROM("358401234567", " Lopeta! ")), 200);
    serve_expect(&rig, "GET", path, "", NULL, 200,
                 "{\"address\":\"+358401234567\",\"usage\":\"whatsapp\",\"consent\":false}");
    set_consent("+358401234567"); /* the customer comes back */
    assert_int_equal(conversation("n-2", STOP_FROM("358401234567", " Lopeta! ")), 200);
    serve_holds(&rig, path, "\"consent\":true");
    assert_int_equal(
        cloud("{\"entry\":[{\"changes\":[{\"value\":{\"messages\":[{\"from\":\"358401234567\","
              "\"type\":\"text\",\"text\":{\"body\":\"İPTAL\"}}]}}]}]}"),
        200);
    serve_holds(&rig, path, "\"consent\":false");
    serve_expect(&rig, "GET", "/customerConsents?address=%2B358401234567", "", NULL, 200,
                 "[{\"address\":\"+358401234567\",\"usage\":\"whatsapp\",\"consent\":false}]");
}

#define CLOUD_STOP(id)                                                                             \
    "{\"entry\":[{\"changes\":[{\"value\":{\"messages\":[{\"from\":\"358407654321\",\"id\":\"" id  \
    "\",\"text\":{\"body\":\"stop\"}}]}}]}]}"
#define HOOK_STOP "[{\"from\":\"+358407654321\",\"subType\":\"whatsapp\",\"text\":\"stop\"}]"

/* As 10 minutes later. */
static void forget_request(const char *name)
{
    char hash[CRYPTO_SHA256_HEX];
    char command[COMMAND];

    crypto_sha256_hex(view_of(name), hash);
    snprintf(command, sizeof command, "DEL s:{%02u}:once:%s", shard_of(view_of(hash)), hash);
    assert_string_equal(redis_server_ask(rig.redis, command), ":1");
}

static void a_text_that_is_delivered_again_withdraws_nothing_given_since(void **state)
{
    static const char *const path = "/customerConsents/whatsapp_358407654321";
    char command[COMMAND];

    (void)state;
    for (int again = 0; again < 2; again++) {
        for (int by = 0; by < 3; by++) {
            set_consent("+358 40 7654321");
            if (by == 0)
                assert_int_equal(cloud(CLOUD_STOP("wamid.A")), 200);
            else if (by == 1)
                assert_int_equal(conversation(again ? "n-4" : "n-3",
                                              STOP_OF("\"id\":\"01A\",", "358407654321", "stop")),
                                 200);
            else
                assert_int_equal(hook_at("hook", "text-1", HOOK_STOP, now_s()), 200);
            serve_holds(&rig, path, again ? "\"consent\":true" : "\"consent\":false");
        }
        if (!again)
            forget_request("hook\ntext-1");
        serve_rig_stop(&rig);
        serve_rig_restart(&rig);
    }
    assert_int_equal(cloud(CLOUD_STOP("wamid.B")), 200); /* the customer goes again */
    serve_holds(&rig, path, "\"consent\":false");
    /* Each is known for longer than a gateway has patience, by nothing that names the customer. */
    snprintf(command, sizeof command,
             "EVAL \"local n=0 for _,k in ipairs(redis.call('KEYS','s:{%02u}:once:*')) do if "
             "redis.call('PTTL',k)>604800000 and #k==76 and redis.call('GET',k)=='1' then n=n+1 "
             "end end return n\" 0",
             shard_of(VIEW("358407654321")));
    assert_string_equal(redis_server_ask(rig.redis, command), ":4");
}

static void a_stop_by_sms_or_from_nobody_is_only_heard(void **state)
{
    (void)state;
    assert_int_equal(hook_at("hook", "in-1",
                             "{\"from\":\"+35811\",\"subType\":\"sms\",\"text\":\"stop\"}",
                             now_s()),
                     200);
    serve_expect(&rig, "GET", "/customerConsents/whatsapp_35811", "", NULL, 404, NULL);
    assert_int_equal(hook_at("hook", "in-2",
                             "{\"from\":\" - \",\"subType\":\"whatsapp\",\"text\":\"stop\"}",
                             now_s()),
                     200);
}

static void many_in_one_request_are_all_stored(void **state)
{
    char id[33];
    struct buf body;

    (void)state;
    buf_init(&body, 1 << 20);
    post(id, SENT);
    buf_put_char(&body, '[');
    for (int i = 0; i < 500; i++)
        buf_printf(&body, "%s{\"id\":\"%s-%d\"," FAILED "}", i > 0 ? "," : "", id, i % 3);
    buf_put_char(&body, ']');
    assert_int_equal(hook_at("hook", "many", buf_text(&body), now_s()), 200);
    expect_statuses(id, "FAILED", "FAILED");
    expect_counts(id, "0", "2");
    buf_done(&body);
}

/* A list that was refused for one of them would come again as it is. */
static void what_makes_sense_in_a_list_counts_and_the_rest_is_named(void **state)
{
    char id[33];
    char body[512];

    (void)state;
    post(id, SENT);
    snprintf(body, sizeof body,
             "[{\"id\":\"%s-0\"," FAILED "},{\"id\":\"%s-1\",\"status\":\"gone\"}]", id, id);
    assert_int_equal(hook_at("hook", "mixed", body, now_s()), 200);
    expect_statuses(id, "FAILED", "HANDLED");
    assert_true(serve_rig_await(&rig, "event=receipt_refused channel=hook status=200"));
    assert_int_equal(hook_at("hook", "none", "[{\"status\":\"gone\"}]", now_s()), 400);
}

static void nothing_of_a_person_is_in_the_log(void **state)
{
    (void)state;
    serve_rig_stop(&rig);
    assert_null(strstr(buf_text(&rig.log), "358401234567"));
    assert_null(strstr(buf_text(&rig.log), "Lopeta"));
    assert_null(strstr(buf_text(&rig.log), "0123456789abcdef"));
    assert_non_null(strstr(buf_text(&rig.log), "event=receipt_refused"));
    serve_rig_restart(&rig);
}

static void without_the_store_a_gateway_is_asked_to_come_again(void **state)
{
    char id[33];

    (void)state;
    post(id, SENT);
    redis_server_kill(rig.redis);
    assert_int_equal(hook("away-1", id, 0, FAILED), 503);
    redis_server_restart(rig.redis);
    assert_true(serve_rig_await(&rig, "event=store_ready"));
    while (hook("away-1", id, 0, FAILED) == 503)
        continue; /* the connection is coming back */
    expect_statuses(id, "FAILED", "HANDLED");
    expect_counts(id, "1", "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_handled_fails_late_once_and_is_told),
        cmocka_unit_test(what_had_gone_before_a_delete_fails_late_too),
        cmocka_unit_test(delivered_and_read_are_told_and_change_no_status),
        cmocka_unit_test(one_that_comes_before_the_reply_is_kept),
        cmocka_unit_test(what_is_tried_again_anyway_or_is_nobody_s_changes_nothing),
        cmocka_unit_test(what_waits_for_another_attempt_and_was_delivered_is_handled),
        cmocka_unit_test(nobody_is_believed_without_the_secret),
        cmocka_unit_test(what_is_not_there_or_no_receipt_is_refused),
        cmocka_unit_test(kannel_s_dlr_url_is_taken),
        cmocka_unit_test(the_cloud_api_is_confirmed_and_its_statuses_are_taken),
        cmocka_unit_test(a_receipt_for_a_message_of_another_channel_is_for_nobody),
        cmocka_unit_test(a_stop_word_withdraws_the_consent_and_a_replay_does_not),
        cmocka_unit_test(a_text_that_is_delivered_again_withdraws_nothing_given_since),
        cmocka_unit_test(a_stop_by_sms_or_from_nobody_is_only_heard),
        cmocka_unit_test(many_in_one_request_are_all_stored),
        cmocka_unit_test(what_makes_sense_in_a_list_counts_and_the_rest_is_named),
        cmocka_unit_test(nothing_of_a_person_is_in_the_log),
        cmocka_unit_test(without_the_store_a_gateway_is_asked_to_come_again),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
