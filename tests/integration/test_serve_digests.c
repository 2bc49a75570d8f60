/* serve: what is kept of a request that came with an Idempotency-Key says nothing of what was in it
 * to who lacks the server's secret; and what was kept before that was so is known again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/guid.h"
#include "bridge/io/crypto.h"
#include "server/sqlite.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <string.h>

#define BATCH     "Content-Type: application/cloudevents-batch+json\r\n"
#define KEY(key)  "Idempotency-Key: " key "\r\n"
#define TEXT      "Content-Type: text/plain\r\n"
#define QUEUE     "A0000000000000000000000000000002"
#define CALL      "A0000000000000000000000000000003"
#define RECORDING "A0000000000000000000000000000004"
#define NUMBER    "358401234567"

#define CALLBACK(to) "{\"customerNumber\":\"" to "\",\"callbackQueueNumber\":\"153\"}"
#define RESULT(text) "{\"customerNumber\":\"1\",\"notes\":\"" text "\",\"lastResult\":\"BUSY\"}"
#define MESSAGE(to)                                                                                \
    "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","        \
    "\"destinations\":[{\"address\":\"" to "\"}]}"
#define CONSENT(to) "{\"address\":\"" to "\",\"usage\":\"whatsapp\",\"consent\":true}"
#define CHAT(to)                                                                                   \
    "{\"originator\":\"desk@sms.example.com\",\"destination\":\"" to                               \
    "\",\"from_queue\":{\"id\":\"" QUEUE "\",\"name\":\"x\"},\"title\":\"t\","                     \
    "\"channel_type\":\"chat\",\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":"         \
    "[{\"message\":\"m\",\"originator\":\"desk@sms.example.com\"}]}}"
#define HEARD(text) "{\"description\":\"" text "\",\"userSessionId\":\"s\"}"

struct request {
    const char *method;
    const char *folder; /* its path: this, the thing and the tail */
    const char *thing;
    const char *tail;
    const char *route;
    const char *headers;
    const char *body;
    const char *other; /* of another request */
    int status;
};

static struct serve_rig rig;

/* As it was kept: SHA-256 of the method, SHA-256 of the body, the route and the thing. */
static void unkeyed(const struct request *r, char hex[CRYPTO_SHA256_HEX])
{
    struct buf all;

    crypto_sha256_hex(view_of(r->body != NULL ? r->body : ""), hex);
    buf_init(&all, 1024);
    buf_printf(&all, "%s\n%s\n%s\n%s", r->method, hex, r->route, r->thing);
    assert_false(all.full);
    crypto_sha256_hex(buf_view(&all), hex);
    buf_done(&all);
}

static struct probe_reply ask(const struct request *r, const char *body)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s%s%s", r->folder, r->thing, r->tail);
    return serve_ask(&rig, r->method, path, r->headers, body);
}

static void answers(const struct request *r, const char *id)
{
    struct probe_reply reply = ask(r, r->body);

    if (reply.status != r->status || !view_is(reply.body, id))
        fail_msg("%s %s: %d %.*s", r->method, r->route, reply.status, VIEW_ARG(reply.body));
    probe_done(&reply);
}

static void refuses_another(const struct request *r)
{
    struct probe_reply reply;

    if (r->other == NULL)
        return;
    reply = ask(r, r->other);
    if (reply.status != 422)
        fail_msg("%s %s: %d", r->method, r->route, reply.status);
    probe_done(&reply);
}

static void first(const struct request *r, char id[GUID_TEXT_MAX])
{
    struct probe_reply reply = ask(r, r->body);

    if (reply.status != r->status)
        fail_msg("%s %s: %d %.*s", r->method, r->route, reply.status, VIEW_ARG(reply.body));
    (void)snprintf(id, GUID_TEXT_MAX, "%.*s", VIEW_ARG(reply.body));
    probe_done(&reply);
}

/* ---- in Redis ---- */

/* For each key like the pattern, k. */
static const char *redis_each(const char *pattern, const char *lua, const char *digest)
{
    char command[1000];

    (void)snprintf(command, sizeof command,
                   "EVAL \"local n,c,d=0,redis.call,ARGV[1] for _,k in ipairs(c('KEYS','%s')) do "
                   "%s end return n\" 0 %s",
                   pattern, lua, digest);
    return redis_server_ask(rig.redis, command);
}

static void redis_as_before(const char *digest)
{
    int keys;

    assert_string_equal(redis_each("s:*:idem:*", "if c('GET',k)==d then n=n+1 end", digest), ":0");
    assert_string_equal(redis_each("s:*:m:*", "if c('HGET',k,'dig')==d then n=n+1 end", digest),
                        ":0");
    keys = redis_each("s:*:idem:*", "c('SET',k,d,'KEEPTTL') n=n+1", digest)[1] - '0';
    keys += redis_each("s:*:m:*", "if c('HEXISTS',k,'dig')==1 then c('HSET',k,'dig',d) n=n+1 end",
                       digest)[1] -
            '0';
    assert_in_range(keys, 1, 2);
}

/* As of a server that was killed before it noted what the key is for (decisions/0009). */
static void redis_without_note(void)
{
    (void)redis_each("s:*:m:*", "if c('HEXISTS',k,'ver')==0 then c('DEL',k) end", "-");
}

static void redis_forget(void)
{
    (void)redis_each("s:*:idem:*", "c('DEL',k)", "-");
    (void)redis_each("s:*:m:*", "c('HDEL',k,'dig')", "-");
}

static void in_redis(const struct request *r, char id[GUID_TEXT_MAX])
{
    char digest[CRYPTO_SHA256_HEX];

    first(r, id);
    unkeyed(r, digest);
    redis_as_before(digest);
    answers(r, id);
    refuses_another(r);
    redis_without_note();
    answers(r, id);
    refuses_another(r);
    redis_forget();
}

static void what_redis_keeps_is_keyed_and_what_it_kept_is_known(void **state)
{
    char callback[GUID_TEXT_MAX];
    char message[GUID_TEXT_MAX];
    char none[GUID_TEXT_MAX];

    (void)state;
    in_redis(&(struct request){"POST", "/callbacks", "", "", "/callbacks", KEY("1"),
                               CALLBACK(NUMBER), CALLBACK("1"), 201},
             callback);
    in_redis(&(struct request){"PUT", "/callbacks/", callback, "", "/callbacks/{id}", KEY("2"),
                               RESULT("a"), RESULT("b"), 204},
             none);
    in_redis(&(struct request){"POST", "/messages", "", "", "/messages", KEY("3"), MESSAGE(NUMBER),
                               MESSAGE("1"), 201},
             message);
    in_redis(&(struct request){"PUT", "/messages/", message, "", "/messages/{id}", KEY("4"),
                               MESSAGE("2"), MESSAGE("3"), 204},
             none);
    in_redis(&(struct request){"DELETE", "/messages/", message, "", "/messages/{id}", KEY("5"),
                               NULL, NULL, 204},
             none);
    in_redis(&(struct request){"POST", "/customerConsents", "", "", "/customerConsents", KEY("6"),
                               CONSENT(NUMBER), CONSENT("1"), 204},
             none);
    in_redis(&(struct request){"DELETE", "/customerConsents/", "whatsapp_" NUMBER, "",
                               "/customerConsents/{id}", KEY("7"), NULL, NULL, 204},
             none);
}

/* ---- in the history ---- */

static void ingest(const char *type, const char *subject, const char *data)
{
    static unsigned id;
    char batch[1024];
    struct probe_reply r;

    (void)snprintf(batch, sizeof batch,
                   "[{\"specversion\":\"1.0\",\"id\":\"%u\",\"source\":\"/t\",\"type\":\"%s\","
                   "\"subject\":\"%s\",\"data\":%s}]",
                   ++id, type, subject, data);
    r = probe_ask(rig.port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%s: %d %.*s", type, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static struct sqlite *open_history(void)
{
    char path[128];
    struct sqlite *db;
    struct fault f = {0};

    (void)snprintf(path, sizeof path, "%s/history.sqlite", rig.dir);
    db = sqlite_open(path, false, &f);
    assert_non_null(db);
    return db;
}

static int64_t change(struct sqlite *db, const char *sql, const char *digest)
{
    struct sqlite_query q = sqlite_query(db, sql);

    if (digest != NULL)
        sqlite_bind_text(&q, view_of(digest));
    sqlite_run(&q);
    return sqlite_changed(db);
}

static void close_history(struct sqlite *db)
{
    struct fault f = {0};

    if (!sqlite_check(db, &f))
        fail_msg("%s", f.text);
    sqlite_close(db);
}

static void history_as_before(const char *digest)
{
    struct sqlite *db = open_history();
    struct sqlite_query q = sqlite_query(
        db, "SELECT 1 FROM (SELECT digest FROM idempotency_keys UNION SELECT CAST(digest AS TEXT) "
            "FROM contacts UNION SELECT CAST(digest AS TEXT) FROM listen_logs) WHERE digest = ?");

    sqlite_bind_text(&q, view_of(digest));
    assert_false(sqlite_row(&q));
    sqlite_end(&q);
    assert_int_equal(change(db, "UPDATE idempotency_keys SET digest = ?", digest), 1);
    (void)change(db, "UPDATE contacts SET digest = CAST(? AS BLOB) WHERE digest IS NOT NULL",
                 digest);
    (void)change(db, "UPDATE listen_logs SET digest = CAST(? AS BLOB)", digest);
    close_history(db);
}

static void history_forget(void)
{
    struct sqlite *db = open_history();

    (void)change(db, "DELETE FROM idempotency_keys", NULL);
    close_history(db);
}

/* lasts: what it made is a record of its own. */
static void in_history(const struct request *r, bool lasts)
{
    char digest[CRYPTO_SHA256_HEX];
    char id[GUID_TEXT_MAX];

    first(r, id);
    unkeyed(r, digest);
    history_as_before(digest);
    answers(r, id);
    refuses_another(r);
    history_forget();
    if (!lasts)
        return;
    answers(r, id);
    refuses_another(r);
    history_forget();
}

static void what_the_history_keeps_is_keyed_and_what_it_kept_is_known(void **state)
{
    (void)state;
    ingest("contact.received", "contacts/" CALL,
           "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"100\"}");
    ingest("callrecording.created", "callRecordings/" RECORDING,
           "{\"call_id\":\"" CALL "\",\"contact_id\":\"" CALL "\",\"owner_id\":\"" QUEUE
           "\",\"owner_type\":\"queue\",\"owner_name\":\"Q\",\"file_name\":\"a.wav\"}");
    in_history(&(struct request){"POST", "/chats", "", "", "/chats", KEY("8"), CHAT(NUMBER),
                                 CHAT("1"), 201},
               true);
    in_history(&(struct request){"POST", "/callRecordings/", RECORDING, "/listenLog",
                                 "/callRecordings/{id}/listenLog", KEY("9"), HEARD("a"), HEARD("b"),
                                 201},
               true);
    in_history(&(struct request){"POST", "/contacts/", CALL, "/remarks", "/contacts/{id}/remarks",
                                 TEXT KEY("10"), NUMBER, "1", 204},
               false);
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    serve_rig_start(&rig, "chats.queues.mute: {id: " QUEUE ", address: mute@sms.example.com,\n"
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
        cmocka_unit_test(what_redis_keeps_is_keyed_and_what_it_kept_is_known),
        cmocka_unit_test(what_the_history_keeps_is_keyed_and_what_it_kept_is_known),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
