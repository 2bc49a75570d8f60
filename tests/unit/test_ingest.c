/* ingest: what events make of the history, each by itself, and all of them in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/rng.h"
#include "bridge/io/crypto.h"
#include "server/sqlite.h"
#include "tests/fakes/ingest_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_MAX INGEST_HAND_EVENT_MAX
#define DUMP_MAX  INGEST_HAND_DUMP_MAX

#define RECEIVED                                                                                   \
    "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"+358401234567\",\"destination\":"     \
    "\"100\"}"

static void a_call_goes_its_way(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    ingest_hand_must(db, ingest_hand_event("contact.received", "contacts/" LEG, 0, RECEIVED));
    assert_string_equal(ingest_hand_leg(db, LEG, "status"), "InQueue");
    assert_string_equal(ingest_hand_leg(db, LEG, "status_details"), "InQueue");
    assert_string_equal(ingest_hand_leg(db, LEG, "type_details"), "CallIn");
    assert_string_equal(ingest_hand_leg(db, LEG, "group_text"), LEG);
    assert_string_equal(ingest_hand_leg(db, LEG, "arrival_ms"), "1714903200000");
    assert_string_equal(ingest_hand_leg(db, LEG, "queue_id"), "-");
    ingest_hand_must(db, ingest_hand_event("contact.queued", "contacts/" LEG, 1,
                                           "{\"queueId\":\"" QUEUE "\",\"queueName\":\"Sales\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "hex(queue_id)"), QUEUE);
    assert_string_equal(ingest_hand_leg(db, LEG, "queue_name"), "Sales");
    ingest_hand_must(db, ingest_hand_event("contact.forwarded", "contacts/" LEG, 2,
                                           "{\"toQueueId\":\"" OTHER "\"}"));
    ingest_hand_must(
        db, ingest_hand_event("contact.queued", "contacts/" LEG, 3, "{\"queueId\":\"" OTHER "\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "hex(queue_id)"), QUEUE); /* the first one stays */
    ingest_hand_must(db, ingest_hand_event("contact.allocated", "contacts/" LEG, 4,
                                           "{\"agentId\":\"" OTHER "\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "agent_id"), "-");
    ingest_hand_must(db, ingest_hand_event("contact.accepted", "contacts/" LEG, 5,
                                           "{\"agentId\":\"" AGENT
                                           "\",\"agentName\":\"Smith, Mark\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "status"), "InProcess");
    assert_string_equal(ingest_hand_leg(db, LEG, "connect_ms"), "1714903205000");
    assert_string_equal(ingest_hand_leg(db, LEG, "agent_name"), "Smith, Mark");
    ingest_hand_must(db, ingest_hand_event("contact.ended", "contacts/" LEG, 10,
                                           "{\"statusDetails\":\"Handled_AOT\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "status"), "Handled");
    assert_string_equal(ingest_hand_leg(db, LEG, "status_details"), "Handled_AOT");
    assert_string_equal(ingest_hand_leg(db, LEG, "disconnect_ms"), "1714903210000");
    ingest_hand_must(db, ingest_hand_event("contact.closed", "contacts/" LEG, 20, "{}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "wrapup_end_ms"), "1714903220000");
    sqlite_close(db);
}

static void the_end_is_handled_or_abandoned(void **state)
{
    static const struct {
        const char *type;
        bool accepted;
        const char *ended;
        const char *status;
    } rows[] = {
        {"CallIn", false, "{}", "Abandoned"},
        {"CallIn", true, "{}", "Handled"},
        {"CallOut", false, "{}", "Handled"},
        {"CallIn", false, "{\"status\":\"Handled\"}", "Handled"},
        {"CallIn", true, "{\"status\":\"Abandoned\"}", "Abandoned"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sqlite *db = ingest_hand_open();
        char data[256];

        snprintf(data, sizeof data,
                 "{\"channel\":\"PHONE\",\"type\":\"%s\",\"source\":\"1\",\"destination\":\"2\"}",
                 rows[i].type);
        ingest_hand_must(db, ingest_hand_event("contact.ended", "contacts/" LEG, 9, rows[i].ended));
        if (rows[i].accepted)
            ingest_hand_must(db, ingest_hand_event("contact.accepted", "contacts/" LEG, 5,
                                                   "{\"agentId\":\"" AGENT "\"}"));
        assert_string_equal(ingest_hand_leg(db, LEG, "status"), "(none)"); /* not all is known */
        ingest_hand_must(db, ingest_hand_event("contact.received", "contacts/" LEG, 0, data));
        assert_string_equal(ingest_hand_leg(db, LEG, "status"), rows[i].status);
        sqlite_close(db);
    }
}

static void a_rejection_takes_the_agent_away(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    ingest_hand_must(db, ingest_hand_event("contact.received", "contacts/" LEG, 0, RECEIVED));
    ingest_hand_must(db, ingest_hand_event("contact.accepted", "contacts/" LEG, 1,
                                           "{\"agentId\":\"" AGENT "\",\"agentName\":\"A\"}"));
    ingest_hand_must(db, ingest_hand_event("contact.rejected", "contacts/" LEG, 2,
                                           "{\"statusDetails\":\"Busy\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "status"), "InQueue");
    assert_string_equal(ingest_hand_leg(db, LEG, "status_details"), "Busy");
    assert_string_equal(ingest_hand_leg(db, LEG, "agent_id"), "-");
    assert_string_equal(ingest_hand_leg(db, LEG, "agent_name"), "-");
    sqlite_close(db);
}

/* Else it would wait in a queue while its time of handling runs. */
static void what_waits_again_is_not_connected(void **state)
{
    static const char *const rows[][2] = {{"contact.rejected", "{}"},
                                          {"contact.queued", "{\"queueId\":\"" QUEUE "\"}"},
                                          {"contact.forwarded", "{\"toQueueId\":\"" QUEUE "\"}"}};
    static const char accepted[] = "{\"agentId\":\"" AGENT "\"}";

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sqlite *db = ingest_hand_open();

        ingest_hand_must(db, ingest_hand_event("contact.received", "contacts/" LEG, 0, RECEIVED));
        ingest_hand_must(db, ingest_hand_event(rows[i][0], "contacts/" LEG, 2, rows[i][1]));
        ingest_hand_must(db, ingest_hand_event("contact.accepted", "contacts/" LEG, 1, accepted));
        assert_string_equal(ingest_hand_leg(db, LEG, "status"), "InQueue");
        assert_string_equal(ingest_hand_leg(db, LEG, "connect_ms"), "-");
        ingest_hand_must(db, ingest_hand_event("contact.ended", "contacts/" LEG, 9, "{}"));
        assert_string_equal(ingest_hand_leg(db, LEG, "status"), "Abandoned");
        ingest_hand_must(db, ingest_hand_event("contact.accepted", "contacts/" LEG, 3, accepted));
        assert_string_equal(ingest_hand_leg(db, LEG, "connect_ms"), "1714903203000");
        assert_string_equal(ingest_hand_leg(db, LEG, "status"), "Handled");
        sqlite_close(db);
    }
}

static void an_older_event_changes_nothing_that_a_newer_one_said(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    ingest_hand_must(db, ingest_hand_event("contact.received", "contacts/" LEG, 5, RECEIVED));
    ingest_hand_must(db, ingest_hand_event("contact.updated", "contacts/" LEG, 9,
                                           "{\"subject\":\"new\",\"status\":\"Pending\"}"));
    ingest_hand_must(db, ingest_hand_event("contact.updated", "contacts/" LEG, 7,
                                           "{\"subject\":\"old\",\"subtype\":\"x\"}"));
    ingest_hand_must(
        db, ingest_hand_event("contact.queued", "contacts/" LEG, 6, "{\"queueId\":\"" QUEUE "\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "subject"), "new");
    assert_string_equal(ingest_hand_leg(db, LEG, "subtype"), "x");
    assert_string_equal(ingest_hand_leg(db, LEG, "status"), "Pending");
    assert_string_equal(ingest_hand_leg(db, LEG, "hex(queue_id)"), QUEUE);
    ingest_hand_must(db, ingest_hand_event("contact.updated", "contacts/" LEG, 10,
                                           "{\"subject\":null,\"queueId\":null}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "subject"), "-");
    assert_string_equal(ingest_hand_leg(db, LEG, "queue_id"), "-");
    sqlite_close(db);
}

/* What the new leg does not say it has from the one before, also if that is told later. */
static void a_transfer_ends_one_leg_and_begins_the_next(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    ingest_hand_must(db,
                     ingest_hand_event("contact.transferred", "contacts/" NEXT, 9,
                                       "{\"previousId\":\"" LEG "\",\"queueId\":\"" OTHER "\"}"));
    assert_string_equal(ingest_hand_leg(db, NEXT, "status"), "(none)");
    ingest_hand_must(db, ingest_hand_event("contact.accepted", "contacts/" LEG, 5,
                                           "{\"agentId\":\"" AGENT "\"}"));
    ingest_hand_must(
        db, ingest_hand_event("contact.received", "contacts/" LEG, 0,
                              "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"a@b.c\","
                              "\"destination\":\"d\",\"subject\":\"help\",\"subtype\":\"text\","
                              "\"queueId\":\"" QUEUE "\",\"contactGroupId\":\"" OTHER "\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "status"), "Handled");
    assert_string_equal(ingest_hand_leg(db, LEG, "disconnect_ms"), "1714903209000");
    assert_string_equal(ingest_hand_leg(db, LEG, "leads"), "1");
    assert_string_equal(ingest_hand_leg(db, NEXT, "status"), "InQueue");
    assert_string_equal(ingest_hand_leg(db, NEXT, "source"), "a@b.c");
    assert_string_equal(ingest_hand_leg(db, NEXT, "subject"), "help");
    assert_string_equal(ingest_hand_leg(db, NEXT, "hex(group_id)"), OTHER);
    assert_string_equal(ingest_hand_leg(db, NEXT, "group_text"), OTHER);
    assert_string_equal(ingest_hand_leg(db, NEXT, "hex(queue_id)"), OTHER);
    assert_string_equal(ingest_hand_leg(db, NEXT, "agent_id"), "-");
    assert_string_equal(ingest_hand_leg(db, NEXT, "leads"), "0");
    assert_string_equal(ingest_hand_leg(db, NEXT, "arrival_ms"), "1714903209000");
    ingest_hand_must(db, ingest_hand_event("contact.updated", "contacts/" LEG, 11,
                                           "{\"subject\":\"more help\"}"));
    assert_string_equal(ingest_hand_leg(db, NEXT, "subject"), "more help");
    sqlite_close(db);
}

static void chats_and_mails_speak_of_the_operative_database(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    ingest_hand_must(db,
                     ingest_hand_event("contact.received", "contacts/" LEG, 0,
                                       "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"a\","
                                       "\"destination\":\"b\"}"));
    assert_string_equal(ingest_hand_leg(db, LEG, "status_details"), "Open");
    assert_string_equal(ingest_hand_leg(db, LEG, "type_details"), "Chat");
    assert_string_equal(ingest_hand_leg(db, LEG, "group_text"),
                        "11111111-1111-1111-1111-111111111111");
    ingest_hand_must(
        db,
        ingest_hand_event("email.sent", "emails/" NEXT, 3,
                          "{\"from_queue\":{\"id\":\"" QUEUE "\",\"name\":\"Q\"},\"title\":\"t\","
                          "\"content\":\"c\",\"originator\":\"o\",\"destination\":\"d\","
                          "\"to_address\":[{\"address\":\"x\",\"name\":\"X\"},{\"address\":\"y\"}],"
                          "\"case_id\":\"7\"}"));
    assert_string_equal(ingest_hand_leg(db, NEXT, "status"), "Handled");
    assert_string_equal(ingest_hand_leg(db, NEXT, "status_details"), "Sent");
    assert_string_equal(ingest_hand_leg(db, NEXT, "type"), "EmailOut");
    assert_string_equal(ingest_hand_leg(db, NEXT, "subject"), "t");
    assert_string_equal(ingest_hand_leg(db, NEXT, "hex(queue_id)"), QUEUE);
    assert_string_equal(
        ingest_hand_ask(db, "SELECT group_concat(kind || address || ifnull(name, '')) FROM"
                            " (SELECT * FROM email_addresses ORDER BY kind, position)"),
        "toxX,toy");
    ingest_hand_must(db,
                     ingest_hand_event("email.updated", "emails/" NEXT, 4,
                                       "{\"to_address\":[],\"case_id\":null,\"cid\":\"C1\","
                                       "\"attachments\":[{\"id\":\"" LEG "\",\"filename\":\"f\","
                                       "\"mime_type\":\"m\",\"size\":1.5}]}"));
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM email_addresses"), "0");
    assert_string_equal(ingest_hand_ask(db, "SELECT size FROM email_attachments"), "1.5");
    assert_string_equal(ingest_hand_ask(db, "SELECT case_id FROM emails"), "-");
    assert_string_equal(ingest_hand_ask(db, "SELECT cid FROM emails"), "C1");
    sqlite_close(db);
}

static void a_recording_and_a_script_mark_their_contact(void **state)
{
    struct sqlite *db = ingest_hand_open();
    static const char recording[] =
        "{\"call_id\":\"" OTHER "\",\"contact_id\":\"" LEG "\",\"owner_id\":\"" AGENT "\","
        "\"owner_type\":\"user\",\"owner_name\":\"n\",\"file_name\":\"f.wav\"}";
    static const char script[] =
        "{\"script_id\":\"" OTHER "\",\"name\":\"s\",\"contact_id\":\"" LEG "\","
        "\"modificationtime\":\"2024-05-05T10:00:0%dZ\",\"scriptquestions\":[{\"id\":\"" LEG "\","
        "\"data\":\"%s\",\"controltype\":\"c\",\"datatype\":\"d\",\"ordinal\":0,"
        "\"scriptanswers\":[{\"id\":\"" LEG "\",\"answerdata\":\"Kia\",\"ordinal\":1}]}]}";
    char data[1024];

    (void)state;
    ingest_hand_must(
        db, ingest_hand_event("callrecording.created", "callRecordings/" NEXT, 1, recording));
    ingest_hand_must(db, ingest_hand_event("contact.received", "contacts/" LEG, 0, RECEIVED));
    assert_string_equal(ingest_hand_leg(db, LEG, "record"), "1");
    assert_string_equal(ingest_hand_leg(db, LEG, "script"), "-");
    snprintf(data, sizeof data, script, 5, "newer");
    ingest_hand_must(db, ingest_hand_event("scriptresult.saved", "scriptResults/" NEXT, 1, data));
    assert_string_equal(ingest_hand_leg(db, LEG, "script"), "1");
    snprintf(data, sizeof data, script, 4,
             "older"); /* by its own time, though the event is later */
    ingest_hand_must(db, ingest_hand_event("scriptresult.saved", "scriptResults/" NEXT, 9, data));
    assert_string_equal(ingest_hand_ask(db, "SELECT data FROM script_questions"), "newer");
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM script_answers"), "1");
    assert_string_equal(ingest_hand_ask(db, "SELECT hex(originalcontact_id) FROM script_results"),
                        LEG);
    sqlite_close(db);
}

static void lines_and_participants_are_kept_once(void **state)
{
    struct sqlite *db = ingest_hand_open();
    char line[EVENT_MAX];

    (void)state;
    snprintf(line, sizeof line, "%s",
             ingest_hand_event(
                 "chat.message.added", "chats/" LEG, 1,
                 "{\"message\":\"\",\"originator\":\"a\",\"timeStamp\":\"2024-05-05T10:00:00Z\"}"));
    ingest_hand_must(db, line);
    ingest_hand_must(db, line);
    ingest_hand_must(db, ingest_hand_event("chat.message.added", "chats/" LEG, 2,
                                           "{\"message\":\"two\",\"originator\":\"a\"}"));
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM chat_messages"), "2");
    assert_string_equal(ingest_hand_ask(db, "SELECT max(at_ms) FROM chat_messages"),
                        "1714903202000");
    ingest_hand_must(db, ingest_hand_event("chat.participant.added", "chats/" LEG, 4,
                                           "{\"alias\":\"New\",\"uniquekey\":\"u\"}"));
    ingest_hand_must(db, ingest_hand_event("chat.participant.added", "chats/" LEG, 3,
                                           "{\"alias\":\"Old\",\"uniquekey\":\"u\"}"));
    assert_string_equal(ingest_hand_ask(db, "SELECT group_concat(alias) FROM chat_participants"),
                        "New");
    sqlite_close(db);
}

/* A producer's own names: one thing under contacts, chats and emails, and in what points to it. */
static void names_that_are_no_guids_stand_for_the_same_thing_everywhere(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    ingest_hand_must(db, ingest_hand_event("contact.transferred", "contacts/leg-2", 5,
                                           "{\"previousId\":\"leg-1\"}"));
    ingest_hand_must(db,
                     ingest_hand_event("contact.received", "contacts/leg-1", 0,
                                       "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"a\","
                                       "\"destination\":\"b\"}"));
    ingest_hand_must(db, ingest_hand_event("chat.message.added", "chats/leg-1", 1,
                                           "{\"message\":\"m\",\"originator\":\"a\"}"));
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM contacts c JOIN chat_messages m"
                                            " ON m.chat = c.group_id WHERE c.row > 0"),
                        "2");
    assert_string_equal(ingest_hand_ask(db, "SELECT substr(hex(id), 13, 1) FROM contacts LIMIT 1"),
                        "5");
    sqlite_close(db);
}

static void what_is_wrong_is_said_by_name(void **state)
{
    static const struct {
        const char *type;
        const char *subject;
        const char *data;
        const char *why;
    } rows[] = {
        {"contact.vanished", "contacts/" LEG, "{}", "type 'contact.vanished' is not one"},
        {"callback.requested", "callbacks/" LEG, "{}", "is not one that the history takes"},
        {"contact.queued", "contacts/" LEG, "{}", "contact.queued: queueId is missing"},
        {"contact.queued", "chats/" LEG, "{\"queueId\":\"" QUEUE "\"}", "contacts/<id>"},
        {"contact.queued", "contacts/" LEG, "{\"queueId\":7}", "queueId"},
        {"contact.queued", "contacts/" LEG, "[]", "contact.queued: "},
        {"contact.updated", "contacts/" LEG, "{\"arrivalTime\":\"1969-01-01T00:00:00Z\"}",
         "arrivalTime must be after 1970-01-01T00:00:00Z"},
        {"email.updated", "emails/" LEG, "{\"date_created\":\"2300-01-01T00:00:00Z\"}",
         "date_created must be after 1970-01-01T00:00:00Z and before 2248-09-26"},
        {"contact.transferred", "contacts/" LEG, "{\"previousId\":\"" LEG "\"}",
         "previousId is the contact itself"},
        {"chat.message.added", "chats/" LEG, "{\"message\":\"secret\"}", "originator is missing"},
        {"email.received", "emails/" LEG, "{\"title\":\"t\"}", "from_queue.id is missing"},
    };
    struct sqlite *db = ingest_hand_open();

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *why = "";
        int hidden = 0;

        assert_int_equal(
            ingest_hand_take(db, ingest_hand_event(rows[i].type, rows[i].subject, 1, rows[i].data),
                             &hidden, &why),
            FAULT_REJECT);
        if (strstr(why, rows[i].why) == NULL)
            fail_msg("'%s' should say '%s'", why, rows[i].why);
        assert_null(strstr(why, "secret"));
        assert_int_equal(hidden, 0);
    }
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM contacts"), "0");
    sqlite_close(db);
}

static void what_is_not_known_whole_is_counted(void **state)
{
    struct sqlite *db = ingest_hand_open();
    const char *why;
    int hidden = 0;

    (void)state;
    assert_int_equal(ingest_hand_take(db,
                                      ingest_hand_event("contact.transferred", "contacts/" NEXT, 5,
                                                        "{\"previousId\":\"" LEG "\"}"),
                                      &hidden, &why),
                     FAULT_NONE);
    assert_int_equal(hidden, 2);
    assert_int_equal(
        ingest_hand_take(db, ingest_hand_event("contact.received", "contacts/" LEG, 0, RECEIVED),
                         &hidden, &why),
        FAULT_NONE);
    assert_int_equal(hidden, 0); /* the second got what it lacked from the first */
    assert_int_equal(ingest_hand_take(db,
                                      ingest_hand_event("contact.updated", "contacts/" LEG, 6,
                                                        "{\"source\":null}"),
                                      &hidden, &why),
                     FAULT_NONE);
    assert_int_equal(hidden, 0); /* nothing that a contact must have can be taken away */
    sqlite_close(db);
}

/* ---- any order ---- */

#define EVENTS_MAX 48
#define LEGS       4

struct story {
    char *events[EVENTS_MAX];
    size_t count;
    struct rng rng;
};

static const char *pick(struct rng *rng, const char *const *words)
{
    size_t n = 0;

    while (words[n] != NULL)
        n++;
    return words[rng_below(rng, n)];
}

#define PICK(rng, ...) pick(rng, (const char *const[]){__VA_ARGS__, NULL})

static void put_data(struct buf *to, struct rng *rng, const char *type, int leg_number)
{
    if (strcmp(type, "contact.received") == 0) {
        buf_printf(to,
                   "{\"channel\":\"%s\",\"type\":\"%s\",\"source\":\"s%d\",\"destination\":\"d\"",
                   PICK(rng, "CHAT", "PHONE"), PICK(rng, "ChatIn", "ChatOut", "CallIn"),
                   (int)rng_below(rng, 3));
        buf_put_text(to, PICK(rng, "}", ",\"contactGroupId\":\"g-1\"}", ",\"queueId\":null}",
                              ",\"agentId\":\"" AGENT "\",\"subject\":\"x\"}",
                              ",\"arrivalTime\":\"2024-05-05T09:00:00Z\"}",
                              ",\"status\":\"Handled\"}", ",\"status\":\"Pending\"}",
                              ",\"queueId\":\"" QUEUE "\",\"queueName\":\"q\"}"));
    } else if (strcmp(type, "contact.transferred") == 0) {
        buf_printf(to, "{\"previousId\":\"leg-%d\"%s}",
                   (leg_number + 1 + (int)rng_below(rng, LEGS - 1)) % LEGS, /* cycles, too */
                   PICK(rng, "", ",\"subject\":null", ",\"queueId\":\"" OTHER "\"",
                        ",\"agentId\":\"" OTHER "\""));
    } else if (strcmp(type, "contact.updated") == 0) {
        buf_put_text(
            to, PICK(rng, "{\"subject\":\"u\"}", "{\"subject\":null}", "{\"source\":null}",
                     "{\"source\":\"t\"}", "{\"status\":\"Pending\"}", "{\"status\":\"InQueue\"}",
                     "{\"status\":\"InProcess\"}", "{\"status\":\"Handled\"}", "{\"queueId\":null}",
                     "{\"queueId\":\"" OTHER "\"}", "{\"queueName\":\"z\"}",
                     "{\"agentName\":\"A\"}", "{\"statusDetails\":\"sd\"}",
                     "{\"typeDetails\":\"td\"}", "{\"contactGroupId\":\"" OTHER "\"}",
                     "{\"contactGroupId\":null}", "{\"record\":true,\"script\":false}",
                     "{\"requiredAgent\":{\"id\":\"" AGENT "\",\"name\":\"n\",\"type\":2}}",
                     "{\"requiredAgent\":null}", "{\"arrivalTime\":\"2024-05-05T08:00:00Z\"}",
                     "{\"arrivalTime\":null}", "{\"type\":\"CallOut\"}", "{\"channel\":\"CHAT\"}",
                     "{\"channel\":\"PHONE\"}"));
    } else if (strcmp(type, "contact.queued") == 0) {
        buf_put_text(to, PICK(rng, "{\"queueId\":\"" QUEUE "\"}",
                              "{\"queueId\":\"" OTHER "\",\"queueName\":\"o\"}"));
    } else if (strcmp(type, "contact.accepted") == 0) {
        buf_put_text(to, "{\"agentId\":\"" AGENT "\",\"agentName\":\"N\"}");
    } else if (strcmp(type, "contact.ended") == 0) {
        buf_put_text(to, PICK(rng, "{}", "{\"status\":\"Handled\"}",
                              "{\"disconnectTime\":\"2024-05-05T11:00:00Z\"}"));
    } else if (strcmp(type, "contact.forwarded") == 0) {
        buf_put_text(to, "{\"toQueueId\":\"" QUEUE "\"}");
    } else if (strcmp(type, "chat.message.added") == 0) {
        buf_put_text(to, "{\"message\":\"m\",\"originator\":\"o\"}");
    } else if (strcmp(type, "chat.participant.added") == 0) {
        buf_printf(to, "{\"alias\":\"a%d\",\"uniquekey\":\"k%d\"}", (int)rng_below(rng, 9),
                   (int)rng_below(rng, 2));
    } else if (strcmp(type, "callrecording.created") == 0) {
        buf_printf(to,
                   "{\"call_id\":\"" OTHER "\",\"contact_id\":\"leg-%d\",\"owner_id\":\"" AGENT
                   "\",\"owner_type\":\"queue\",\"owner_name\":\"n\",\"file_name\":\"f%d\"}",
                   (int)rng_below(rng, 3), (int)rng_below(rng, 9));
    } else if (strcmp(type, "scriptresult.saved") == 0) {
        buf_printf(to,
                   "{\"script_id\":\"" OTHER "\",\"name\":\"n%d\",\"contact_id\":\"leg-%d\","
                   "\"modificationtime\":\"2024-05-05T10:00:0%dZ\",\"scriptquestions\":[]}",
                   (int)rng_below(rng, 9), (int)rng_below(rng, 3), (int)rng_below(rng, 3));
    } else if (strcmp(type, "email.received") == 0 || strcmp(type, "email.sent") == 0) {
        buf_printf(to,
                   "{\"from_queue\":{\"id\":\"" QUEUE "\"},\"title\":\"t%d\",\"content\":\"c\","
                   "\"originator\":\"o\",\"destination\":\"d\"%s}",
                   (int)rng_below(rng, 9),
                   PICK(rng, "", ",\"to_address\":[{\"address\":\"x\"}]", ",\"status\":\"handled\"",
                        ",\"from_address\":{\"address\":\"f\"}"));
    } else if (strcmp(type, "email.updated") == 0) {
        buf_put_text(to, PICK(rng, "{\"content\":\"n\"}", "{\"to_address\":[]}",
                              "{\"to_address\":null}", "{\"cid\":\"c\",\"status\":\"Pending\"}",
                              "{\"status\":\"inqueue\"}", "{\"status\":\"handled\"}",
                              "{\"from_queue\":null}", "{\"from_address\":null}",
                              "{\"date_created\":\"2024-05-05T07:00:00Z\"}"));
    } else {
        buf_put_text(to, "{}");
    }
}

static void make_story(struct story *s, uint64_t seed)
{
    s->rng = rng_of(seed);
    s->count = 8 + rng_below(&s->rng, EVENTS_MAX - 8);
    for (size_t i = 0; i < s->count; i++) {
        struct rng *rng = &s->rng;
        const char *type =
            PICK(rng, "contact.received", "contact.received", "contact.queued", "contact.accepted",
                 "contact.rejected", "contact.transferred", "contact.forwarded", "contact.ended",
                 "contact.closed", "contact.updated", "contact.updated", "contact.updated",
                 "chat.message.added", "chat.participant.added", "callrecording.created",
                 "scriptresult.saved", "email.received", "email.updated", "email.sent",
                 "contact.allocated");
        struct view tail = view_of(type);
        struct view head = view_cut(&tail, '.');
        int leg_number = (int)rng_below(rng, LEGS);
        struct buf json;

        buf_init(&json, EVENT_MAX);
        buf_printf(&json,
                   "{\"specversion\":\"1.0\",\"id\":\"e%zu\",\"source\":\"/s%d\",\"type\":\"%s\","
                   "\"time\":\"2024-05-05T10:00:%02dZ\",%s\"subject\":\"",
                   i, 0, type, (int)rng_below(rng, 12),
                   PICK(rng, "", "\"sequence\":\"1\",", "\"sequence\":\"10\","));
        if (view_is(head, "contact"))
            buf_printf(&json, "contacts/leg-%d", leg_number);
        else if (view_is(head, "chat"))
            buf_put_text(&json, PICK(rng, "chats/leg-0", "chats/g-1"));
        else if (view_is(head, "email"))
            buf_printf(&json, "emails/leg-%d", (int)rng_below(rng, 2));
        else
            buf_printf(&json, "%.*ss/x%d",
                       VIEW_ARG(view_is(head, "callrecording") ? VIEW("callRecording")
                                                               : VIEW("scriptResult")),
                       (int)rng_below(rng, 2));
        buf_put_text(&json, "\",\"data\":");
        if (strcmp(type, "contact.allocated") == 0)
            buf_put_text(&json, "{\"agentId\":\"" AGENT "\"}");
        else
            put_data(&json, rng, type, leg_number);
        buf_put_char(&json, '}');
        s->events[i] = mem_text(json.p, json.n);
        buf_done(&json);
    }
}

static void free_story(struct story *s)
{
    for (size_t i = 0; i < s->count; i++)
        mem_free(s->events[i]);
}

/* Applies the story in a random order, about a third of it twice. */
static void tell(struct sqlite *db, struct story *s, bool in_order, struct buf *to)
{
    size_t order[2 * EVENTS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < s->count; i++) {
        order[n++] = i;
        if (!in_order && rng_below(&s->rng, 3) == 0)
            order[n++] = i;
    }
    for (size_t i = n; !in_order && i > 1; i--) {
        size_t k = rng_below(&s->rng, i);
        size_t swapped = order[i - 1];

        order[i - 1] = order[k];
        order[k] = swapped;
    }
    ingest_hand_begin(db);
    for (size_t i = 0; i < n; i++)
        ingest_hand_must(db, s->events[order[i]]);
    ingest_hand_dump(db, to);
    assert_string_equal(ingest_hand_ask(db, "SELECT count(*) FROM contacts WHERE status IN"
                                            " ('InQueue', 'InProcess', 'Pending') AND"
                                            " disconnect_ms IS NOT NULL"),
                        "0");
    assert_string_equal(ingest_hand_ask(db, "SELECT (count(DISTINCT group_id) - sum(leads))"
                                            " || max(leads) FROM contacts WHERE channel = 'CHAT'"
                                            " AND row > 0 HAVING count(*) > 0"
                                            " UNION ALL SELECT '01' LIMIT 1"),
                        "01");
    ingest_hand_undo(db);
}

#define STORIES     400
#define STORIES_MAX 4000 /* of a long run */

/* SIM_RUNS=n says how many, as of the simulations: fewer where a run takes far longer. */
static uint64_t stories(void)
{
    const char *given = getenv("SIM_RUNS");
    uint64_t n = given != NULL ? strtoull(given, NULL, 10) : STORIES;

    return n < STORIES_MAX ? n : STORIES_MAX;
}

/* CMIBRIDGE_SEED=n repeats one. */
static void any_order_of_the_same_events_ends_in_one_history(void **state)
{
    const char *given = getenv("CMIBRIDGE_SEED");
    uint64_t first = given != NULL ? strtoull(given, NULL, 10) : 1;
    uint64_t last = given != NULL ? first : stories();
    struct story *s = mem_zeroed(1, sizeof *s);
    struct sqlite *db = ingest_hand_open();

    (void)state;
    for (uint64_t seed = first; seed <= last; seed++) {
        struct buf one;
        struct buf other;

        buf_init(&one, DUMP_MAX);
        make_story(s, seed);
        tell(db, s, true, &one);
        assert_true(one.n > 0);
        for (int round = 0; round < 3; round++) {
            buf_init(&other, DUMP_MAX);
            tell(db, s, false, &other);
            if (!view_eq(buf_view(&one), buf_view(&other))) {
                for (size_t i = 0; i < s->count; i++)
                    print_message("%s\n", s->events[i]);
                print_message("in order:\n%s\nin another:\n%s\n", buf_text(&one), buf_text(&other));
                fail_msg("CMIBRIDGE_SEED=%llu", (unsigned long long)seed);
            }
            buf_done(&other);
        }
        free_story(s);
        buf_done(&one);
    }
    print_message("seeds %llu to %llu\n", (unsigned long long)first, (unsigned long long)last);
    sqlite_close(db);
    mem_free(s);
}

static int start(void **state)
{
    (void)state;
    crypto_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_goes_its_way),
        cmocka_unit_test(the_end_is_handled_or_abandoned),
        cmocka_unit_test(a_rejection_takes_the_agent_away),
        cmocka_unit_test(what_waits_again_is_not_connected),
        cmocka_unit_test(an_older_event_changes_nothing_that_a_newer_one_said),
        cmocka_unit_test(a_transfer_ends_one_leg_and_begins_the_next),
        cmocka_unit_test(chats_and_mails_speak_of_the_operative_database),
        cmocka_unit_test(a_recording_and_a_script_mark_their_contact),
        cmocka_unit_test(lines_and_participants_are_kept_once),
        cmocka_unit_test(names_that_are_no_guids_stand_for_the_same_thing_everywhere),
        cmocka_unit_test(what_is_wrong_is_said_by_name),
        cmocka_unit_test(what_is_not_known_whole_is_counted),
        cmocka_unit_test(any_order_of_the_same_events_ends_in_one_history),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
