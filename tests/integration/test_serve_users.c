/* Who may come in to `serve`, and what each may do and see: as real requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argon2id with the least of everything, so that tests are quick. */
#define HORSE                                                                                      \
    "$argon2id$v=19$m=8,t=1,p=1$m4ggW6p0y04fgmXTh/"                                                \
    "Xc8Q$usshLmxwy6o7AUXk4Ze8iATpQNS64dXen2x55lsA7DI"
#define STAPLE                                                                                     \
    "$argon2id$v=19$m=8,t=1,p=1$s2l35HFZ1WJadoB7DKlaEA$+"                                          \
    "4z7WWu0mJlq5IHHDJ7Al9HVJyE9978cpJG5wC8Csto"

#define ANN        "Authorization: Bearer ann-token\r\n"
#define BEN        "Authorization: Bearer ben-token\r\n"
#define CAT        "Authorization: Bearer cat-token\r\n"
#define DAN        "Authorization: Bearer dan-token\r\n"
#define BOSS       "Authorization: Basic Ym9zczpjb3JyZWN0IGhvcnNl\r\n"     /* boss:correct horse */
#define BOSS_WRONG "Authorization: Basic Ym9zczp3cm9uZw==\r\n"             /* boss:wrong */
#define ERIN       "Authorization: Basic ZXJpbjpiYXR0ZXJ5IHN0YXBsZQ==\r\n" /* erin:battery staple */
#define ERIN_WRONG "Authorization: Basic ZXJpbjp3cm9uZw==\r\n"
#define GHOST      "Authorization: Basic Z2hvc3Q6d3Jvbmc=\r\n"

#define ALL_METHODS                                                                                \
    "  rights: {chats: all, callbacks: all, contacts: all, messages: all, callRecordings: all,\n"  \
    "    emails: all, scriptResults: all, customerConsents: all}\n"

static char *users; /* the file; ann has sms and 153, ben wa and 505 */

static void put_user(struct buf *b, const char *login, const char *lines)
{
    char token[32];
    char digest[CRYPTO_SHA256_HEX];

    snprintf(token, sizeof token, "%s-token", login);
    crypto_sha256_hex(view_of(token), digest);
    buf_printf(b, "%s:\n  tokens: [%s]\n%s", login, digest, lines);
}

static void make_users(void)
{
    struct buf b;

    buf_init(&b, 65536);
    put_user(&b, "ann",
             "  id: 0000000000000000000000000000000A\n  name: Ann\n  language: fi\n"
             "  queues: [sms, '153']\n  serve: [sms]\n" ALL_METHODS);
    put_user(&b, "ben",
             "  id: 0000000000000000000000000000000B\n  name: Ben\n"
             "  queues: [wa, '505']\n" ALL_METHODS);
    put_user(&b, "cat", "  queues: {contacts: [sms]}\n  rights: {contacts: [GET, POST, PUT]}\n");
    put_user(&b, "dan", "  rights: {}\n");
    put_user(&b, "boss", "  password: " HORSE "\n  rights: all\n  remarks: any\n  act-for: true\n");
    put_user(&b, "erin", "  password: " STAPLE "\n  rights: {callbacks: [GET]}\n");
    users = mem_text(b.p, b.n);
    buf_done(&b);
}

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    serve_rig_start_users(&rig, users, "",
                          "translations: {fi: {Open: Avoinna, SMS: Tekstiviestit}}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

/* ---- signing on ---- */

static void expect_401(const char *headers)
{
    struct probe_reply r = serve_ask(&rig, "GET", "/callbacks", headers, NULL);

    if (r.status != 401)
        fail_msg("%s: %d %.*s", headers, r.status, VIEW_ARG(r.body));
    assert_non_null(strstr(probe_header(&r, "WWW-Authenticate"), "Basic realm="));
    probe_done(&r);
}

static void who_proves_nothing_is_401(void **state)
{
    static const char *const nothing[] = {
        "",
        "Authorization: Basic\r\n",
        "Authorization: Basic !!!\r\n",
        "Authorization: Basic Ym9zcw==\r\n", /* no colon */
        "Authorization: Bearer\r\n",
        "Authorization: Bearer ann-tokens\r\n",
        "Authorization: Bearer ann-token ann-token\r\n",
        "Authorization: Negotiate abc\r\n",
        ANN ANN,
        "X-API-Key: nobody's\r\n",
        GHOST,
        BOSS_WRONG,
    };

    (void)state;
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        expect_401(nothing[i]);
    serve_expect(&rig, "POST", "/callbacks", "", "{}", 401, NULL);
}

static void a_password_a_token_and_an_api_key_sign_on(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) { /* verified, and remembered */
        serve_expect(&rig, "GET", "/callbacks", BOSS, NULL, 200, "[]");
        serve_expect(&rig, "GET", "/callbacks", ERIN, NULL, 200, "[]");
    }
    serve_expect(&rig, "GET", "/callbacks", ANN, NULL, 200, "[]");
    serve_expect(&rig, "GET", "/callbacks", "X-API-Key: ann-token\r\n", NULL, 200, "[]");
    serve_expect(&rig, "GET", "/callbacks", "X-API-Key:\t ann-token \t\r\n", NULL, 200, "[]");
    serve_expect(&rig, "HEAD", "/callbacks", ANN, NULL, 200, NULL);
}

static void a_body_of_nobody_is_not_taken(void **state)
{
    char *body = mem_zeroed(1, 200001);

    (void)state;
    memset(body, 'x', 200000);
    serve_expect(&rig, "POST", "/messages", "", body, 413, NULL);
    serve_expect(&rig, "POST", "/messages", ANN, body, 400, NULL);
    mem_free(body);
}

static void who_tries_passwords_is_slowed_alone(void **state)
{
    struct probe_reply r;
    int wrong = 0;

    (void)state;
    serve_expect(&rig, "GET", "/callbacks", BOSS, NULL, 200, NULL);
    for (;; wrong++) {
        r = serve_ask(&rig, "GET", "/callbacks", BOSS_WRONG, NULL);
        if (r.status != 401)
            break;
        probe_done(&r);
        assert_true(wrong < 20);
    }
    assert_int_equal(r.status, 429);
    assert_string_not_equal(probe_header(&r, "Retry-After"), "");
    probe_done(&r);
    assert_true(wrong >= 4); /* some are free */
    /* Not even the right one, unless it was remembered; others are not slowed. */
    serve_expect(&rig, "GET", "/callbacks", BOSS, NULL, 200, NULL);
    serve_expect(&rig, "GET", "/callbacks", ERIN, NULL, 200, NULL);
    serve_expect(&rig, "GET", "/callbacks", ANN, NULL, 200, NULL);
}

static void many_at_once_are_all_answered(void **state)
{
    int fds[40];
    char request[256];

    (void)state;
    snprintf(request, sizeof request, "GET /RI/cmi/callbacks HTTP/1.1\r\nHost: x\r\n%s\r\n", ERIN);
    for (size_t i = 0; i < 40; i++) {
        fds[i] = probe_connect(rig.port);
        probe_send(fds[i], view_of(request));
    }
    for (size_t i = 0; i < 40; i++) {
        struct probe_reply r = probe_read(fds[i], false);

        assert_int_equal(r.status, 200);
        probe_done(&r);
        probe_close(fds[i]);
    }
}

/* ---- rights ---- */

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

        serve_expect(&rig, all[i].method, all[i].path, DAN, body, 403, NULL);
        serve_expect(&rig, all[i].method, all[i].path, "", body, 401, NULL);
    }
    serve_expect(&rig, "POST", "/callbacks", ERIN, "{}", 403, NULL); /* she may GET */
    r = probe_ask(rig.port, "POST", "/ingest",
                  ANN "Content-Type: application/cloudevents-batch+json\r\n", "[]");
    assert_int_equal(r.status, 403);
    probe_done(&r);
}

/* What one user has made, as it is read. */
struct thing {
    char path[128];
    char *before;
};

/* As it is read; how long it has lasted, which grows by itself, is blotted out. */
static char *look_at(const char *path, const char *user)
{
    struct probe_reply r = serve_ask(&rig, "GET", path, user, NULL);
    char *text = mem_text(r.body.p, r.body.n);
    char *lasts = strstr(text, "\"totalDuration\":");

    if (r.status != 200)
        fail_msg("%s: %d %s", path, r.status, text);
    for (char *c = lasts != NULL ? lasts + strlen("\"totalDuration\":") : text + r.body.n;
         *c >= '0' && *c <= '9'; c++)
        *c = '#';
    probe_done(&r);
    return text;
}

static void remember(struct thing *t, const char *collection, const char *id, const char *user)
{
    snprintf(t->path, sizeof t->path, "%s/%s", collection, id);
    t->before = look_at(t->path, user);
}

/* The other does not see it, can't change it, and its owner finds it as it was. */
static void expect_untouched(struct thing *t, const char *collection, const char *owner,
                             const char *other, const char *put)
{
    struct probe_reply r;
    const char *id = t->path + strlen(collection) + 1;
    char *after = NULL;

    serve_expect(&rig, "GET", t->path, other, NULL, 404, "HTTP 404 Not Found\n");
    if (put != NULL)
        serve_expect(&rig, "PUT", t->path, other, put, 404, "HTTP 404 Not Found\n");
    if (strcmp(collection, "/messages") == 0)
        serve_expect(&rig, "DELETE", t->path, other, NULL, 404, "HTTP 404 Not Found\n");
    r = serve_ask(&rig, "GET", collection, other, NULL);
    assert_int_equal(r.status, 200);
    assert_null(strstr(r.body.p, id));
    probe_done(&r);
    r = serve_ask(&rig, "GET", collection, owner, NULL);
    assert_non_null(strstr(r.body.p, id));
    probe_done(&r);
    after = look_at(t->path, owner);
    assert_string_equal(after, t->before);
    mem_free(after);
    mem_free(t->before);
}

static const char message_sms[] =
    "{\"source\":\"12345678@sms.social365.com\",\"message\":\"m\",\"subType\":\"sms\","
    "\"destinations\":[{\"address\":\"1\"}],\"sendTime\":\"2099-01-01T00:00:00Z\"}";
static const char message_wa[] =
    "{\"source\":\"12345678@whatsapp.social365.com\",\"message\":\"m\",\"subType\":\"whatsapp\","
    "\"destinations\":[{\"address\":\"1\"}],\"sendTime\":\"2099-01-01T00:00:00Z\"}";

static void messages_of_other_queues_do_not_exist(void **state)
{
    struct thing anns = {"", NULL};
    struct thing bens = {"", NULL};
    char id[33];

    (void)state;
    serve_create(&rig, "/messages", ANN "Idempotency-Key: k\r\n", message_sms, id);
    remember(&anns, "/messages", id, ANN);
    serve_create(&rig, "/messages", BEN "Idempotency-Key: k\r\n", message_wa, id); /* his own key */
    remember(&bens, "/messages", id, BEN);
    serve_expect(&rig, "POST", "/messages", BEN, message_sms, 400,
                 "Chat queue not found: '12345678@sms.social365.com'\n");
    serve_expect(&rig, "PUT", bens.path, BEN, message_sms, 400,
                 "Chat queue not found: '12345678@sms.social365.com'\n");
    expect_untouched(&anns, "/messages", ANN, BEN, message_wa);
    expect_untouched(&bens, "/messages", BEN, ANN, message_sms);
    serve_expect(&rig, "GET", bens.path, BOSS, NULL, 200, NULL);
    serve_expect(&rig, "DELETE", bens.path, BEN, NULL, 204, NULL);
}

static void callbacks_of_other_queues_do_not_exist(void **state)
{
    struct thing anns = {"", NULL};
    struct thing bens = {"", NULL};
    char id[33];
    static const char put[] =
        "{\"lastResult\":\"HANDLED\",\"customerNumber\":\"9\",\"notes\":\"stolen\"}";

    (void)state;
    serve_create(&rig, "/callbacks", ANN,
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"1\"}", id);
    remember(&anns, "/callbacks", id, ANN);
    assert_non_null(strstr(anns.before, "\"creatorName\":\"Ann\""));
    assert_non_null(strstr(anns.before, "\"creatorId\":\"0000000000000000000000000000000A\""));
    serve_create(&rig, "/callbacks", BEN,
                 "{\"callbackQueueNumber\":\"505\",\"customerNumber\":\"2\"}", id);
    remember(&bens, "/callbacks", id, BEN);
    serve_expect(&rig, "POST", "/callbacks", BEN,
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"1\"}", 400,
                 "Callback queue not found\n");
    expect_untouched(&anns, "/callbacks", ANN, BEN, put);
    expect_untouched(&bens, "/callbacks", BEN, ANN, put);
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
    struct thing anns = {"", NULL};
    struct thing bens = {"", NULL};
    char id[33];

    (void)state;
    serve_create(&rig, "/chats", ANN, chat_sms, id);
    remember(&anns, "/chats", id, ANN);
    serve_create(&rig, "/chats", BEN, chat_wa, id);
    remember(&bens, "/chats", id, BEN);
    serve_expect(&rig, "POST", "/chats", BEN, chat_sms, 400,
                 "Chat queue not found: '00000000000000000000000000000001'\n");
    expect_untouched(&anns, "/chats", ANN, BEN, NULL);
    expect_untouched(&bens, "/chats", BEN, ANN, NULL);
}

static void values_come_in_the_user_s_language(void **state)
{
    char id[33];
    char path[128];
    struct probe_reply r;

    (void)state;
    serve_create(&rig, "/chats", ANN, chat_sms, id);
    snprintf(path, sizeof path, "/chats/%s", id);
    r = serve_ask(&rig, "GET", path, ANN, NULL); /* hers is fi */
    assert_non_null(strstr(r.body.p, "\"statusDetails\":\"Avoinna\""));
    assert_non_null(strstr(r.body.p, "\"name\":\"Tekstiviestit\""));
    assert_non_null(strstr(r.body.p, "\"status\":\"InQueue\""));
    probe_done(&r);
    r = serve_ask(&rig, "GET", path, ANN "Accept: application/xml\r\n", NULL);
    assert_non_null(strstr(r.body.p, "<statusDetails>Avoinna</statusDetails>"));
    probe_done(&r);
    snprintf(path, sizeof path, "/chats/%s?language=en", id);
    r = serve_ask(&rig, "GET", path, ANN, NULL);
    assert_non_null(strstr(r.body.p, "\"statusDetails\":\"Open\""));
    probe_done(&r);
}

/* ---- history: phone calls, their recordings and remarks ---- */

static void ingest(const char *events)
{
    struct probe_reply r =
        probe_ask(rig.port, "POST", "/ingest",
                  BOSS "Content-Type: application/cloudevents-batch+json\r\n", events);

    if (r.status != 200 || strstr(r.body.p, "\"error\":") != NULL)
        fail_msg("ingest: %d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

#define EVENT(id, type, subject, data)                                                             \
    "{\"specversion\":\"1.0\",\"source\":\"/t\",\"id\":\"" id "\",\"type\":\"" type                \
    "\",\"subject\":\"" subject "\",\"time\":\"2026-01-01T00:00:0" id "Z\",\"data\":" data "}"
#define CALL(id, queue, agent)                                                                     \
    "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"2\","           \
    "\"queueId\":"                                                                                 \
    "\"" queue "\",\"agentId\":\"" agent "\"}"
#define RECORDING(contact)                                                                         \
    "{\"call_id\":\"000000000000000000000000000000C0\",\"contact_id\":\"" contact                  \
    "\",\"owner_id\":\"000000000000000000000000000000EE\",\"owner_type\":\"user\","                \
    "\"owner_name\":\"n\",\"file_name\":\"f\"}"
#define CALL_ANN "00000000000000000000000000000C0A"
#define CALL_BEN "00000000000000000000000000000C0B"
#define REC_ANN  "00000000000000000000000000000D0A"
#define REC_BEN  "00000000000000000000000000000D0B"

#define Q_ANN "00000000000000000000000000000001"
#define Q_BEN "00000000000000000000000000000002"

static void make_calls(void)
{
    ingest("[" EVENT("1", "contact.received", "contacts/" CALL_ANN,
                     CALL("1", Q_ANN, "0000000000000000000000000000000A")) "]");
    ingest("[" EVENT("2", "contact.received", "contacts/" CALL_BEN,
                     CALL("2", Q_BEN, "0000000000000000000000000000000B")) "]");
    ingest("[" EVENT("3", "callrecording.created", "callRecordings/" REC_ANN,
                     RECORDING(CALL_ANN)) "]");
    ingest("[" EVENT("4", "callrecording.created", "callRecordings/" REC_BEN,
                     RECORDING(CALL_BEN)) "]");
}

static void recordings_of_other_queues_do_not_exist(void **state)
{
    static const char log[] = "{\"description\":\"d\",\"userSessionId\":\"s\",\"user_guid\":"
                              "\"0000000000000000000000000000000B\",\"user_name\":\"Ben\"}";
    struct thing anns = {"", NULL};
    struct thing bens = {"", NULL};
    struct probe_reply r;
    char id[33];

    (void)state;
    make_calls();
    serve_expect(&rig, "POST", "/callRecordings/" REC_ANN "/listenLog", BEN, log, 404, NULL);
    serve_expect(&rig, "GET", "/callRecordings/" REC_ANN "/listenLog", BEN, NULL, 404, NULL);
    serve_create(&rig, "/callRecordings/" REC_ANN "/listenLog", ANN, log, id);
    r = serve_ask(&rig, "GET", "/callRecordings/" REC_ANN "/listenLog", ANN, NULL);
    assert_non_null(strstr(r.body.p, "\"user_id\":\"ann\"")); /* whoever she says she is */
    assert_null(strstr(r.body.p, "Ben"));
    probe_done(&r);
    serve_create(&rig, "/callRecordings/" REC_ANN "/listenLog", BOSS, log, id);
    r = serve_ask(&rig, "GET", "/callRecordings/" REC_ANN "/listenLog", ANN, NULL);
    assert_non_null(strstr(r.body.p, "Ben")); /* he may act for others */
    probe_done(&r);
    remember(&anns, "/callRecordings", REC_ANN, ANN);
    remember(&bens, "/callRecordings", REC_BEN, BEN);
    expect_untouched(&anns, "/callRecordings", ANN, BEN, NULL);
    expect_untouched(&bens, "/callRecordings", BEN, ANN, NULL);
}

#define EMAIL(queue)                                                                               \
    "{\"from_queue\":{\"id\":\"" queue                                                             \
    "\"},\"title\":\"t\",\"content\":\"c\",\"originator\":\"o@example.com\",\"destination\":"      \
    "\"d@example.com\"}"
#define RESULT(contact)                                                                            \
    "{\"script_id\":\"00000000000000000000000000000F00\",\"name\":\"n\",\"contact_id\":\"" contact \
    "\",\"scriptquestions\":[]}"
#define MAIL_ANN "00000000000000000000000000000E0A"
#define MAIL_BEN "00000000000000000000000000000E0B"
#define RES_ANN  "00000000000000000000000000000F0A"
#define RES_BEN  "00000000000000000000000000000F0B"

static void the_history_of_other_queues_does_not_exist(void **state)
{
    static const struct {
        const char *collection;
        const char *ann;
        const char *ben;
    } all[] = {{"/contacts", CALL_ANN, CALL_BEN},
               {"/contacts", MAIL_ANN, MAIL_BEN},
               {"/emails", MAIL_ANN, MAIL_BEN},
               {"/scriptResults", RES_ANN, RES_BEN}};

    (void)state;
    make_calls();
    ingest("[" EVENT("5", "email.received", "emails/" MAIL_ANN, EMAIL(Q_ANN)) "]");
    ingest("[" EVENT("6", "email.received", "emails/" MAIL_BEN, EMAIL(Q_BEN)) "]");
    ingest("[" EVENT("7", "scriptresult.saved", "scriptResults/" RES_ANN, RESULT(CALL_ANN)) "]");
    ingest("[" EVENT("8", "scriptresult.saved", "scriptResults/" RES_BEN, RESULT(CALL_BEN)) "]");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct thing anns = {"", NULL};
        struct thing bens = {"", NULL};

        remember(&anns, all[i].collection, all[i].ann, ANN);
        remember(&bens, all[i].collection, all[i].ben, BEN);
        expect_untouched(&anns, all[i].collection, ANN, BEN, NULL);
        expect_untouched(&bens, all[i].collection, BEN, ANN, NULL);
    }
}

static void too_many_parameters_are_refused_before_anybody_signs_on(void **state)
{
    struct buf path;

    (void)state;
    buf_init(&path, 8192);
    buf_put_text(&path, "/contacts?");
    for (int i = 0; i < 600; i++)
        buf_printf(&path, "_a%d=1&", i);
    serve_expect(&rig, "GET", buf_text(&path), "", NULL, 400,
                 "there are more than 64 parameters\n");
    buf_done(&path);
}

#define CHAT_ANN "00000000000000000000000000001C0A"
#define CHAT_LEG "00000000000000000000000000001C0B"
#define MAIL_TO  "00000000000000000000000000001E0A"
#define MAIL_LEG "00000000000000000000000000001E0B"
#define CHAT(queue)                                                                                \
    "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"leg\",\"destination\":\"d\","          \
    "\"queueId\":\"" queue "\"}"
#define TO(previous, queue) "{\"previousId\":\"" previous "\",\"queueId\":\"" queue "\"}"

/* A chat or an email that was transferred is seen by whoever sees one of its legs. */
static void who_sees_a_leg_sees_the_chat_and_the_email(void **state)
{
    struct probe_reply r;

    (void)state;
    ingest("[" EVENT("1", "contact.received", "contacts/" CHAT_ANN, CHAT(Q_ANN)) "]");
    ingest("[" EVENT("2", "email.received", "emails/" MAIL_TO, EMAIL(Q_ANN)) "]");
    serve_expect(&rig, "GET", "/chats/" CHAT_ANN, ANN, NULL, 200, NULL);
    serve_expect(&rig, "GET", "/chats/" CHAT_ANN, BEN, NULL, 404, NULL);
    serve_expect(&rig, "GET", "/emails/" MAIL_TO, BEN, NULL, 404, NULL);
    ingest("[" EVENT("3", "contact.transferred", "contacts/" CHAT_LEG, TO(CHAT_ANN, Q_BEN)) "]");
    ingest("[" EVENT("4", "contact.transferred", "contacts/" MAIL_LEG, TO(MAIL_TO, Q_BEN)) "]");
    serve_expect(&rig, "GET", "/contacts/" CHAT_LEG, BEN, NULL, 200, NULL);
    serve_expect(&rig, "GET", "/contacts/" CHAT_ANN, BEN, NULL, 404, NULL);
    serve_expect(&rig, "GET", "/chats/" CHAT_ANN, BEN, NULL, 200, NULL);
    serve_expect(&rig, "GET", "/chats/" CHAT_ANN, ANN, NULL, 200, NULL);
    serve_expect(&rig, "GET", "/emails/" MAIL_TO, BEN, NULL, 200, NULL);
    r = serve_ask(&rig, "GET", "/chats?originator=leg", BEN, NULL);
    assert_non_null(strstr(r.body.p, CHAT_ANN));
    probe_done(&r);
}

/* How many contacts the user is given. */
static size_t count_contacts(const char *query, const char *user)
{
    char path[128];
    struct probe_reply r;
    size_t count = 0;

    snprintf(path, sizeof path, "/contacts%s", query);
    r = serve_ask(&rig, "GET", path, user, NULL);
    if (r.status != 200)
        fail_msg("%s: %d %.*s", path, r.status, VIEW_ARG(r.body));
    for (const char *at = r.body.p; (at = strstr(at, "\"contactGroupId\"")) != NULL; at++)
        count++;
    probe_done(&r);
    return count;
}

static void searches_find_what_is_seen_only(void **state)
{
    static const char *const queries[] = {"?search=1,o@example.com",
                                          "?search=*",
                                          "?subject=t",
                                          "?queueId=00000000000000000000000000000002",
                                          "?agentId=0000000000000000000000000000000B",
                                          ("?contactGroupId=" CALL_BEN),
                                          "?channel=*&sort=-queueName",
                                          "?startTime=2020-01-01T00:00:00Z",
                                          "?pickable=true"};

    (void)state;
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        size_t anns = count_contacts(queries[i], ANN);
        size_t bens = count_contacts(queries[i], BEN);
        size_t all = count_contacts(queries[i], BOSS);
        bool pickable = strstr(queries[i], "pickable") != NULL;

        /* No contact has both queues, so each is of one of them; boss serves none. */
        if (!pickable && (anns + bens != all || all == 0))
            fail_msg("%s: %zu + %zu of %zu", queries[i], anns, bens, all);
        if (pickable)
            assert_true(anns > 0 && bens == 0 && all == 0);
    }
}

static void remarks_are_the_agent_s(void **state)
{
    static const char text[] = "Content-Type: text/plain\r\n";
    char anns[128];
    char bens[128];
    char cats[128];
    char bosses[128];
    static const char path[] = "/contacts/" CALL_ANN "/remarks";

    (void)state;
    make_calls();
    snprintf(anns, sizeof anns, "%s%s", ANN, text);
    snprintf(bens, sizeof bens, "%s%s", BEN, text);
    snprintf(cats, sizeof cats, "%s%s", CAT, text);
    snprintf(bosses, sizeof bosses, "%s%s", BOSS, text);
    serve_expect(&rig, "POST", path, bens, "his", 404, NULL);  /* does not see it */
    serve_expect(&rig, "POST", path, cats, "hers", 403, NULL); /* sees it, and is not the agent */
    serve_expect(&rig, "POST", path, anns, "mine", 204, NULL);
    serve_expect(&rig, "PUT", path, bens, "his", 404, NULL);
    serve_expect(&rig, "PUT", path, cats, "hers", 403, NULL);
    serve_expect(&rig, "GET", path, ANN, NULL, 200, "mine");
    serve_expect(&rig, "GET", path, CAT, NULL, 200, "mine");
    serve_expect(&rig, "GET", path, BEN, NULL, 404, NULL);
    serve_expect(&rig, "PUT", path, bosses, "his", 204, NULL); /* any */
    serve_expect(&rig, "GET", path, ANN, NULL, 200, "his");
}

/* ---- SIGHUP ---- */

static void users_change_while_it_runs(void **state)
{
    struct buf b;

    (void)state;
    serve_expect(&rig, "GET", "/callbacks", BOSS, NULL, 200, NULL);
    serve_rig_change_users(&rig, "ann: {language: finnish}\n", "event=users_mistake");
    serve_expect(&rig, "GET", "/callbacks", BOSS, NULL, 200, NULL); /* nothing has changed */
    buf_init(&b, 4096);
    put_user(&b, "zoe", "  rights: all\n");
    serve_rig_change_users(&rig, buf_text(&b), "event=users_read");
    buf_done(&b);
    serve_expect(&rig, "GET", "/callbacks", BOSS, NULL, 401, NULL);
    serve_expect(&rig, "GET", "/callbacks", ANN, NULL, 401, NULL);
    serve_expect(&rig, "GET", "/callbacks", "X-API-Key: zoe-token\r\n", NULL, 200, NULL);
    serve_rig_change_users(&rig, users, "event=users_read");
    serve_expect(&rig, "GET", "/callbacks", BOSS, NULL, 200, NULL);
}

static void no_secret_is_in_the_log(void **state)
{
    (void)state;
    expect_401("Authorization: Basic Z2hvc3Q6aHVudGVyMg==\r\n"); /* ghost:hunter2 */
    serve_expect(&rig, "POST", "/callbacks", ANN, "{}", 400, NULL);
    assert_true(serve_rig_await(&rig, " user=ann"));
    assert_true(serve_rig_await(&rig, "event=sign_on_refused user=unknown source=127.0.0.1"));
    assert_null(strstr(buf_text(&rig.log), "hunter2"));
    assert_null(strstr(buf_text(&rig.log), "ghost"));
    assert_null(strstr(buf_text(&rig.log), "-token"));
    assert_null(strstr(buf_text(&rig.log), "argon2id"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test(f)
    const struct CMUnitTest tests[] = {
        TEST(who_proves_nothing_is_401),
        TEST(a_password_a_token_and_an_api_key_sign_on),
        TEST(a_body_of_nobody_is_not_taken),
        TEST(who_has_no_right_is_403),
        TEST(messages_of_other_queues_do_not_exist),
        TEST(callbacks_of_other_queues_do_not_exist),
        TEST(chats_of_other_queues_do_not_exist),
        TEST(values_come_in_the_user_s_language),
        TEST(recordings_of_other_queues_do_not_exist),
        TEST(the_history_of_other_queues_does_not_exist),
        TEST(searches_find_what_is_seen_only),
        TEST(too_many_parameters_are_refused_before_anybody_signs_on),
        TEST(who_sees_a_leg_sees_the_chat_and_the_email),
        TEST(remarks_are_the_agent_s),
        TEST(users_change_while_it_runs),
        TEST(no_secret_is_in_the_log),
        TEST(many_at_once_are_all_answered),
        TEST(who_tries_passwords_is_slowed_alone),
    };
    int failed = 0;

    crypto_init();
    make_users();
    failed = cmocka_run_group_tests(tests, start, stop);
    mem_free(users);
    return failed;
}
