/* What goes on, and becomes another: contacts of several legs, as they are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/history_ask.h"

#include <stdio.h>
#include <string.h>

#define FIRST "E1000000000000000000000000000000"
#define MARK  "A1000000000000000000000000000000"
#define JANE  "A2000000000000000000000000000000"
#define MAIL_DATA(title, more)                                                                     \
    "{\"from_queue\":{\"id\":\"97C9F85A2F55484198FD908C6A97FA7D\",\"name\":\"Q\"},"                \
    "\"title\":\"" title "\",\"content\":\"c\",\"originator\":\"a@b.c\",\"destination\":"          \
    "\"d@e.f\"" more "}"

/* Each word is in the answer, or is not where '!' stands before it. */
static void expect_words(struct history_rig *rig, const char *target, const char *const *words)
{
    struct probe_reply r = history_ask_reply(rig, target);

    assert_int_equal(r.status, 200);
    for (; *words != NULL; words++)
        if ((strstr(r.body.p, *words + (**words == '!')) == NULL) != (**words == '!'))
            fail_msg("%s: %s: %.*s", target, *words, VIEW_ARG(r.body));
    probe_done(&r);
}
#define EXPECT_WORDS(rig, target, ...)                                                             \
    expect_words(rig, target, (const char *const[]){__VA_ARGS__, NULL})

static void what_waits_once_more_is_connected_to_nobody(void **state)
{
#define WAITED EVENT("w1", "email.received", "emails/" FIRST, "00", MAIL_DATA("w", ""))
#define ACCEPTED                                                                                   \
    EVENT("w2", "contact.accepted", "contacts/" FIRST, "01", "{\"agentId\":\"" MARK "\"}")
#define ENDED EVENT("w3", "contact.ended", "contacts/" FIRST, "02", "{}")
    struct history_rig *rig = *state;

    history_ask_ingest(rig, "[" WAITED "," ACCEPTED "," ENDED "]");
    EXPECT_WORDS(rig, "/contacts/" FIRST "?statistics=true", "\"status\":\"Handled\"",
                 "\"totalDuration\":2000,", "\"handlingDuration\":1000,");
    history_ask_ingest(
        rig, "[" EVENT("w4", "email.received", "emails/" FIRST, "03", MAIL_DATA("w", "")) "]");
    EXPECT_WORDS(rig, "/contacts/" FIRST "?statistics=true", "\"status\":\"InQueue\"",
                 "!disconnectTime", "!connectTime", "!handlingDuration", "!wrapUpTotalDuration",
                 "!\"waitingDuration\":0");
    history_ask_ingest(rig, "[" EVENT("w5", "contact.updated", "contacts/" FIRST, "04",
                                      "{\"status\":\"InProcess\"}") "]");
    EXPECT_WORDS(rig, "/contacts/" FIRST "?statistics=true", "\"status\":\"InProcess\"",
                 "!disconnectTime", "connectTime", "handlingDuration", "!wrapUpTotalDuration");
}

/* Its group's id is the call's: there its lines are, and there it is read. */
static void a_chat_that_began_as_a_call_is_a_chat(void **state)
{
#define DAY   "2010-05-05"
#define BEGAN "C1000000000000000000000000000000"
#define CHAT  "C2000000000000000000000000000000"
#define BACK  "C3000000000000000000000000000000"
#define CALLED                                                                                     \
    EVENT_ON(DAY, "c1", "contact.received", "contacts/" BEGAN, "00",                               \
             "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"+3581\","                    \
             "\"destination\":\"2\"}")
#define BECAME_A_CHAT                                                                              \
    EVENT_ON(DAY, "c2", "contact.transferred", "contacts/" CHAT, "01",                             \
             "{\"previousId\":\"" BEGAN "\",\"channel\":\"CHAT\",\"type\":\"ChatIn\","             \
             "\"source\":\"mixed\"}")
#define SAID                                                                                       \
    EVENT_ON(DAY, "c3", "chat.message.added", "chats/" BEGAN, "02",                                \
             "{\"message\":\"hi\",\"originator\":\"mixed\"}")
    struct history_rig *rig = *state;

    history_ask_ingest(rig, "[" CALLED "," BECAME_A_CHAT "," SAID "]");
    EXPECT_WORDS(rig, "/chats?originator=mixed", "\"id\":\"" BEGAN "\"", "\"status\":\"InQueue\"",
                 "\"type\":\"ChatIn\"", "\"date_created\":\"2010-05-05T10:00:01.000Z\"");
    EXPECT_WORDS(rig, "/chats", "mixed");
    EXPECT_WORDS(rig, "/chats/" BEGAN, "\"message\":\"hi\"");
    history_ask_says(rig, "/chats/" CHAT, 404, "HTTP 404 Not Found");
    /* What becomes a call again has ended as a chat. */
    history_ask_ingest(rig, "[" EVENT_ON(DAY, "c4", "contact.transferred", "contacts/" BACK, "03",
                                         "{\"previousId\":\"" CHAT
                                         "\",\"channel\":\"PHONE\",\"type\":\"CallOut\"}") "]");
    EXPECT_WORDS(rig, "/chats/" BEGAN, "\"status\":\"Handled\"", "\"type\":\"ChatIn\"");
}

/* The email is one, under its own id; who handles it now is whom it was transferred to. */
static void a_transferred_email_goes_as_its_latest_leg_does(void **state)
{
    struct history_rig *rig = *state;
#define SENT                      "E3000000000000000000000000000000"
#define THIRD                     "E4000000000000000000000000000000"
#define OWN                       "E5000000000000000000000000000000"
#define STEP(id, type, leg, data) EVENT("e" id, "contact." type, "contacts/" leg, "0" id, data)
    static const struct {
        const char *events;
        const char *status;
        const char *agent;
    } rows[] = {
        {"[" EVENT("e1", "email.received", "emails/" SENT, "00", MAIL_DATA("t", "")) "]", "InQueue",
         NULL},
        {"[" STEP("2", "accepted", SENT, "{\"agentId\":\"" MARK "\"}") "]", "InProcess", MARK},
        {"[" STEP("3", "transferred", THIRD, "{\"previousId\":\"" SENT "\"}") "]", "InQueue", NULL},
        {"[" STEP("4", "accepted", THIRD, "{\"agentId\":\"" JANE "\"}") "]", "InProcess", JANE},
        /* An answer in the group is an email of its own. */
        {"[" EVENT("e5", "email.sent", "emails/" OWN, "05",
                   MAIL_DATA("t", ",\"contactGroupId\":\"" SENT "\"")) "]",
         "InProcess", JANE},
        {"[" STEP("6", "transferred", SENT, "{\"previousId\":\"" THIRD "\"}") "]", "InQueue", NULL},
        {"[" STEP("7", "accepted", SENT, "{\"agentId\":\"" MARK "\"}") "]", "InProcess", MARK},
        {"[" STEP("8", "ended", SENT, "{}") "]", "Handled", MARK},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char status[64];

        history_ask_ingest(rig, rows[i].events);
        snprintf(status, sizeof status, "\"status\":\"%s\"", rows[i].status);
        EXPECT_WORDS(rig, "/emails/" SENT, status,
                     rows[i].agent == NULL ? "!agentId" : rows[i].agent);
    }
    EXPECT_WORDS(rig, "/emails/" OWN, "\"statusDetails\":\"Sent\"", "!agentId");
    EXPECT_WORDS(rig, "/emails", SENT, OWN, "!" THIRD);
    history_ask_says(rig, "/emails/" THIRD, 404, "HTTP 404 Not Found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_once_more_is_connected_to_nobody),
        cmocka_unit_test(a_chat_that_began_as_a_call_is_a_chat),
        cmocka_unit_test(a_transferred_email_goes_as_its_latest_leg_does),
    };

    return cmocka_run_group_tests(tests, history_ask_start, history_ask_stop);
}
