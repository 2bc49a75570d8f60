/* What each user of `serve` sees of the history: calls, their recordings and remarks, chats,
 * emails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/users_rig.h"

#include <stdio.h>
#include <string.h>

static void ingest(const char *events)
{
    struct probe_reply r =
        probe_ask(users_rig.port, "POST", "/ingest",
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
    struct users_rig_thing anns = {"", NULL};
    struct users_rig_thing bens = {"", NULL};
    struct probe_reply r;
    char id[33];

    (void)state;
    make_calls();
    serve_expect(&users_rig, "POST", "/callRecordings/" REC_ANN "/listenLog", BEN, log, 404, NULL);
    serve_expect(&users_rig, "GET", "/callRecordings/" REC_ANN "/listenLog", BEN, NULL, 404, NULL);
    serve_create(&users_rig, "/callRecordings/" REC_ANN "/listenLog", ANN, log, id);
    r = serve_ask(&users_rig, "GET", "/callRecordings/" REC_ANN "/listenLog", ANN, NULL);
    assert_non_null(strstr(r.body.p, "\"user_id\":\"ann\"")); /* whoever she says she is */
    assert_null(strstr(r.body.p, "Ben"));
    probe_done(&r);
    serve_create(&users_rig, "/callRecordings/" REC_ANN "/listenLog", BOSS, log, id);
    r = serve_ask(&users_rig, "GET", "/callRecordings/" REC_ANN "/listenLog", ANN, NULL);
    assert_non_null(strstr(r.body.p, "Ben")); /* he may act for others */
    probe_done(&r);
    users_rig_remember(&anns, "/callRecordings", REC_ANN, ANN);
    users_rig_remember(&bens, "/callRecordings", REC_BEN, BEN);
    users_rig_untouched(&anns, "/callRecordings", ANN, BEN, NULL);
    users_rig_untouched(&bens, "/callRecordings", BEN, ANN, NULL);
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
        struct users_rig_thing anns = {"", NULL};
        struct users_rig_thing bens = {"", NULL};

        users_rig_remember(&anns, all[i].collection, all[i].ann, ANN);
        users_rig_remember(&bens, all[i].collection, all[i].ben, BEN);
        users_rig_untouched(&anns, all[i].collection, ANN, BEN, NULL);
        users_rig_untouched(&bens, all[i].collection, BEN, ANN, NULL);
    }
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
    serve_expect(&users_rig, "GET", "/chats/" CHAT_ANN, ANN, NULL, 200, NULL);
    serve_expect(&users_rig, "GET", "/chats/" CHAT_ANN, BEN, NULL, 404, NULL);
    serve_expect(&users_rig, "GET", "/emails/" MAIL_TO, BEN, NULL, 404, NULL);
    ingest("[" EVENT("3", "contact.transferred", "contacts/" CHAT_LEG, TO(CHAT_ANN, Q_BEN)) "]");
    ingest("[" EVENT("4", "contact.transferred", "contacts/" MAIL_LEG, TO(MAIL_TO, Q_BEN)) "]");
    serve_expect(&users_rig, "GET", "/contacts/" CHAT_LEG, BEN, NULL, 200, NULL);
    serve_expect(&users_rig, "GET", "/contacts/" CHAT_ANN, BEN, NULL, 404, NULL);
    serve_expect(&users_rig, "GET", "/chats/" CHAT_ANN, BEN, NULL, 200, NULL);
    serve_expect(&users_rig, "GET", "/chats/" CHAT_ANN, ANN, NULL, 200, NULL);
    serve_expect(&users_rig, "GET", "/emails/" MAIL_TO, BEN, NULL, 200, NULL);
    r = serve_ask(&users_rig, "GET", "/chats?originator=leg", BEN, NULL);
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
    r = serve_ask(&users_rig, "GET", path, user, NULL);
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
    serve_expect(&users_rig, "POST", path, bens, "his", 404, NULL); /* does not see it */
    serve_expect(&users_rig, "POST", path, cats, "hers", 403,
                 NULL); /* sees it, and is not the agent */
    serve_expect(&users_rig, "POST", path, anns, "mine", 204, NULL);
    serve_expect(&users_rig, "PUT", path, bens, "his", 404, NULL);
    serve_expect(&users_rig, "PUT", path, cats, "hers", 403, NULL);
    serve_expect(&users_rig, "GET", path, ANN, NULL, 200, "mine");
    serve_expect(&users_rig, "GET", path, CAT, NULL, 200, "mine");
    serve_expect(&users_rig, "GET", path, BEN, NULL, 404, NULL);
    serve_expect(&users_rig, "PUT", path, bosses, "his", 204, NULL); /* any */
    serve_expect(&users_rig, "GET", path, ANN, NULL, 200, "his");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recordings_of_other_queues_do_not_exist),
        cmocka_unit_test(the_history_of_other_queues_does_not_exist),
        cmocka_unit_test(searches_find_what_is_seen_only),
        cmocka_unit_test(who_sees_a_leg_sees_the_chat_and_the_email),
        cmocka_unit_test(remarks_are_the_agent_s),
    };

    return cmocka_run_group_tests(tests, users_rig_start, users_rig_stop);
}
