/* ingest: what of one millisecond is the newest, and what is told after all that is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/crypto.h"
#include "server/email.h"
#include "server/sqlite.h"
#include "tests/fakes/ingest_hand.h"

#include <stdio.h>
#include <string.h>

/* Two events of one second, the first one older by less than a millisecond and greater by its id:
 * told in both orders, into a history of its own each. */
struct told {
    const char *type;
    const char *subject;
    const char *data[2];
    const char *fraction[2];
};

static struct told one_type(const char *type, const char *subject, const char *older,
                            const char *newer)
{
    return (struct told){type, subject, {older, newer}, {".123456", ".123456001"}};
}

static void tell(struct sqlite *db, const char *type, const char *subject, const char *id,
                 const char *fraction, const char *data)
{
    char json[INGEST_HAND_EVENT_MAX];

    snprintf(json, sizeof json,
             "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/cc\",\"type\":\"%s\","
             "\"subject\":\"%s\",\"time\":\"2024-05-05T10:00:00%sZ\",\"data\":%s}",
             id, type, subject, fraction, data);
    ingest_hand_must(db, json);
}

static void expect_newest(const struct told *t, const char *ask, const char *answer)
{
    for (int order = 0; order < 2; order++) {
        struct sqlite *db = ingest_hand_open();

        for (int i = 0; i < 2; i++) {
            int n = order == 0 ? i : 1 - i;

            tell(db, t->type, t->subject, n == 0 ? "z7" : "a7", t->fraction[n], t->data[n]);
        }
        assert_string_equal(ingest_hand_ask(db, ask), answer);
        sqlite_close(db);
    }
}

static void the_newest_of_a_millisecond_wins(void **state)
{
    static const char script[] =
        "{\"script_id\":\"" OTHER "\",\"name\":\"%s\",\"contact_id\":\"" LEG "\","
        "\"scriptquestions\":[],\"modificationtime\":\"2024-05-05T10:00:01.1%dZ\"}";
    static const char call[] =
        "{\"call_id\":\"" OTHER "\",\"contact_id\":\"" LEG "\",\"owner_id\":\"" AGENT "\","
        "\"owner_type\":\"user\",\"owner_name\":\"%s\",\"file_name\":\"f\"}";
    char data[2][512];
    struct told t = one_type("contact.updated", "contacts/" LEG, "{\"subject\":\"older\"}",
                             "{\"subject\":\"newer\"}");

    (void)state;
    expect_newest(&t, "SELECT subject FROM contacts", "newer");
    t = one_type("email.updated", "emails/" LEG, "{\"cid\":\"older\"}", "{\"cid\":\"newer\"}");
    expect_newest(&t, "SELECT cid FROM emails", "newer");
    t = one_type("chat.participant.added", "chats/" LEG,
                 "{\"uniquekey\":\"u\",\"alias\":\"older\"}",
                 "{\"uniquekey\":\"u\",\"alias\":\"newer\"}");
    expect_newest(&t, "SELECT alias FROM chat_participants", "newer");
    t = one_type("contact.queued", "contacts/" LEG, "{\"queueId\":\"" QUEUE "\"}",
                 "{\"queueId\":\"" OTHER "\"}");
    expect_newest(&t, "SELECT hex(queue_id) FROM contacts", QUEUE); /* the first one stays */
    snprintf(data[0], sizeof data[0], call, "older");
    snprintf(data[1], sizeof data[1], call, "newer");
    t = one_type("callrecording.created", "callRecordings/" NEXT, data[0], data[1]);
    expect_newest(&t, "SELECT owner_name FROM call_recordings", "newer");
    /* A script result's own time comes first, down to the last digit. */
    snprintf(data[0], sizeof data[0], script, "older", 230001);
    snprintf(data[1], sizeof data[1], script, "newer", 230002);
    t = one_type("scriptresult.saved", "scriptResults/" NEXT, data[0], data[1]);
    t.fraction[0] = ".9";
    expect_newest(&t, "SELECT name FROM script_results", "newer");
}

static void a_contact_that_ends_in_the_millisecond_of_its_beginning_has_ended(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
    tell(db, "contact.received", "contacts/" LEG, "r1", "",
         "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"1\",\"destination\":\"2\"}");
    tell(db, "contact.ended", "contacts/" LEG, "a7", ".123789", "{}");
    tell(db, "contact.accepted", "contacts/" LEG, "z7", ".123456", "{\"agentId\":\"" AGENT "\"}");
    assert_string_equal(ingest_hand_leg(db, LEG, "status"), "Handled");
    assert_string_equal(ingest_hand_leg(db, LEG, "connect_ms"), "1714903200123");
    sqlite_close(db);
}

#define LINES "SELECT group_concat(message) FROM (SELECT * FROM chat_messages ORDER BY at_ms, tie)"

/* By its own time; where it has none, by the event's. */
static void lines_of_a_millisecond_stand_in_their_order(void **state)
{
    struct sqlite *db = ingest_hand_open();

    (void)state;
#define LINE(text, time)                                                                           \
    "{\"message\":\"" text "\",\"originator\":\"o\",\"timestamp\":\"2024-05-05T10:00:00" time "Z"  \
    "\""                                                                                           \
    "}"
    tell(db, "chat.message.added", "chats/" LEG, "a1", ".9", LINE("4", ".0009"));
    tell(db, "chat.message.added", "chats/" LEG, "z1", ".0001",
         "{\"message\":\"1\",\"originator\":\"o\"}");
    tell(db, "chat.message.added", "chats/" LEG, "z2", ".95", LINE("2", ".0008"));
    tell(db, "chat.message.added", "chats/" LEG, "b1", "", LINE("0", ""));
    tell(db, "chat.message.added", "chats/" LEG, "m1", ".00085",
         "{\"message\":\"3\",\"originator\":\"o\"}");
#undef LINE
    assert_string_equal(ingest_hand_ask(db, LINES), "0,1,2,3,4");
    sqlite_close(db);
}

/* Of one second, as many producers have it. */
static void a_sequence_is_a_number_if_it_can_be(void **state)
{
    static const char *const sequences[] = {"3", "12", "010", "a", "1", "1.5", "2", "11"};
    static const char line[] =
        "{\"specversion\":\"1.0\",\"id\":\"e%zu\",\"source\":\"/cc\",\"sequence\":\"%s\","
        "\"type\":\"chat.message.added\",\"subject\":\"chats/" LEG "\","
        "\"time\":\"2024-05-05T10:00:00Z\",\"data\":{\"message\":\"%s\",\"originator\":\"o\"}}";
    struct sqlite *db = ingest_hand_open();

    (void)state;
    for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
        char json[INGEST_HAND_EVENT_MAX];

        snprintf(json, sizeof json, line, i, sequences[i], sequences[i]);
        ingest_hand_must(db, json);
    }
    assert_string_equal(ingest_hand_ask(db, LINES), "1,2,3,a,010,11,12,1.5");
    sqlite_close(db);
}

/* ---- what goes on has not ended ---- */

#define CALL "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"1\",\"destination\":\"2\"}"
#define MAIL                                                                                       \
    "{\"from_queue\":{\"id\":\"" QUEUE                                                             \
    "\"},\"title\":\"t\",\"content\":\"c\",\"originator\":\"o\","                                  \
    "\"destination\":\"d\"%s}"

#define SEEN                                                                                       \
    "status || ' ' || ifnull(connect_ms - 1714903200000, '-') || ' ' ||"                           \
    " ifnull(disconnect_ms - 1714903200000, '-') || ' ' || ifnull(wrapup_end_ms, '-') || ' ' ||"   \
    " ifnull(substr(nullif(hex(agent_id), ''), 1, 1), '-')"

struct step {
    int second;
    const char *type;
    const char *subject;
    const char *data;
};

/* Told in every order of theirs. */
static void expect_of_any_order(const struct step *steps, size_t count, const char *id,
                                const char *seen)
{
    struct sqlite *db = ingest_hand_open();
    size_t at[8] = {0};
    size_t orders = 1;

    for (size_t i = 2; i <= count; i++)
        orders *= i;
    for (size_t n = 0; n < orders; n++) {
        size_t rest = n;

        ingest_hand_begin(db);
        for (size_t i = 0; i < count; i++)
            at[i] = i;
        for (size_t i = count; i > 0; rest /= i, i--) {
            size_t k = rest % i;
            const struct step *s = &steps[at[k]];
            char fraction[16];
            char event[24];

            snprintf(fraction, sizeof fraction, ".%d", s->second);
            snprintf(event, sizeof event, "e%zu", at[k]);
            tell(db, s->type, s->subject, event, fraction, s->data);
            at[k] = at[i - 1];
        }
        assert_string_equal(ingest_hand_leg(db, id, SEEN), seen);
        ingest_hand_undo(db);
    }
    sqlite_close(db);
}

static void what_goes_on_has_not_ended(void **state)
{
    static const struct {
        struct step last;
        const char *seen; /* status, connectTime, disconnectTime, wrapUpEndTime, agent */
    } rows[] = {
        {{5, "contact.queued", "contacts/" LEG, "{\"queueId\":\"" QUEUE "\"}"}, "InQueue - - - A"},
        {{5, "contact.forwarded", "contacts/" LEG, "{\"toQueueId\":\"" QUEUE "\"}"},
         "InQueue - - - A"},
        {{5, "contact.rejected", "contacts/" LEG, "{}"}, "InQueue - - - -"},
        {{5, "contact.accepted", "contacts/" LEG, "{\"agentId\":\"" OTHER "\"}"},
         "InProcess 500 - - C"},
        {{5, "contact.updated", "contacts/" LEG, "{\"status\":\"Pending\"}"}, "Pending 200 - - A"},
        {{5, "contact.updated", "contacts/" LEG, "{\"status\":\"InProcess\"}"},
         "InProcess 200 - - A"},
        {{5, "contact.updated", "contacts/" LEG, "{\"status\":\"InQueue\"}"}, "InQueue - - - A"},
        {{5, "email.updated", "emails/" LEG, "{\"status\":\"pending\"}"}, "Pending 200 - - A"},
        {{5, "email.updated", "emails/" LEG, "{\"status\":\"inQueue\"}"}, "InQueue - - - A"},
        {{5, "contact.received", "contacts/" LEG, CALL}, "InQueue 200 - - A"},
        /* These say nothing of that. */
        {{5, "contact.updated", "contacts/" LEG, "{\"subject\":\"s\"}"},
         "Handled 200 300 1714903200400 A"},
        {{5, "contact.updated", "contacts/" LEG, "{\"status\":\"Abandoned\"}"},
         "Abandoned 200 300 1714903200400 A"},
        {{5, "email.updated", "emails/" LEG, "{\"status\":\"Archived\"}"},
         "Handled 200 300 1714903200400 A"},
        /* What came before the end. */
        {{2, "contact.queued", "contacts/" LEG, "{\"queueId\":\"" QUEUE "\"}"},
         "Abandoned - 300 1714903200400 A"},
        {{1, "contact.updated", "contacts/" LEG, "{\"status\":\"Pending\"}"},
         "Handled 200 300 1714903200400 A"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct step steps[] = {
            {1, "contact.received", "contacts/" LEG, CALL},
            {2, "contact.accepted", "contacts/" LEG, "{\"agentId\":\"" AGENT "\"}"},
            {3, "contact.ended", "contacts/" LEG, "{}"},
            {4, "contact.closed", "contacts/" LEG, "{}"},
            rows[i].last,
        };

        expect_of_any_order(steps, sizeof steps / sizeof *steps, LEG, rows[i].seen);
    }
}

static void an_email_that_is_told_again_has_not_ended(void **state)
{
    static const struct {
        const char *type;
        const char *more;
        const char *seen;
    } rows[] = {
        {"email.received", "", "InQueue - - - -"},
        {"email.received", ",\"status\":\"pending\"", "Pending - - - -"},
        {"email.received", ",\"status\":\"handled\"", "Handled - 200 - -"},
        {"email.sent", "", "Handled - 300 - -"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char first[512];
        char again[512];
        const struct step steps[] = {
            {1, "email.received", "emails/" LEG, first},
            {2, "contact.ended", "contacts/" LEG, "{}"},
            {3, rows[i].type, "emails/" LEG, again},
        };

        snprintf(first, sizeof first, MAIL, "");
        snprintf(again, sizeof again, MAIL, rows[i].more);
        expect_of_any_order(steps, sizeof steps / sizeof *steps, LEG, rows[i].seen);
    }
}

/* A to B to A: A waits anew, and has no agent. It ends anew, too. */
static void what_is_transferred_back_begins_anew(void **state)
{
    const struct step steps[] = {
        {1, "contact.received", "contacts/" LEG, CALL},
        {2, "contact.accepted", "contacts/" LEG, "{\"agentId\":\"" AGENT "\",\"agentName\":\"A\"}"},
        {3, "contact.transferred", "contacts/" NEXT, "{\"previousId\":\"" LEG "\"}"},
        {4, "contact.closed", "contacts/" LEG, "{}"},
        {5, "contact.transferred", "contacts/" LEG, "{\"previousId\":\"" NEXT "\"}"},
        {6, "contact.ended", "contacts/" LEG, "{}"},
    };
    const struct step to_an_agent[] = {
        steps[0],
        steps[1],
        steps[2],
        {5, "contact.transferred", "contacts/" LEG,
         "{\"previousId\":\"" NEXT "\",\"agentId\":\"" OTHER "\"}"},
    };

    (void)state;
    expect_of_any_order(steps, 5, LEG, "InQueue - - - -");
    expect_of_any_order(steps, 5, NEXT, "Handled - 500 - -");
    expect_of_any_order(steps, 6, LEG, "Abandoned - 600 - -");
    expect_of_any_order(to_an_agent, 4, LEG, "InQueue - - - C");
}

/* ---- told after all that is stored ---- */

static void overwrite(struct sqlite *db, const char *key, const char *text)
{
    struct email_change *c = mem_zeroed(1, sizeof *c);
    struct merge_stamp stamp;
    struct guid id;
    struct fault f;

    assert_true(guid_parse(VIEW(LEG), &id));
    assert_true(merge_stamp(1714903200000, 0, VIEW(""), view_of(key), VIEW(""), &stamp, &f));
    c->sets = UINT32_C(1) << EMAIL_SETS_REMARKS;
    c->cells[EMAIL_REMARKS] = cell_text(view_of(text));
    email_overwrite(db, &id, c, &stamp);
    mem_free(c);
}

static void what_is_told_last_is_kept_whatever_the_clocks_say(void **state)
{
    static const char *const keys[] = {"9", "5", "7", "", "1"};
    struct sqlite *db = ingest_hand_open();
    char text[2] = "a";

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++, text[0]++) { /* of one millisecond */
        overwrite(db, keys[i], text);
        assert_string_equal(ingest_hand_ask(db, "SELECT remarks FROM emails"), text);
    }
    tell(db, "email.updated", "emails/" LEG, "e1", ".5", "{\"remarks\":\"later event\"}");
    assert_string_equal(ingest_hand_ask(db, "SELECT remarks FROM emails"), "later event");
    overwrite(db, "8", "after it"); /* by a clock that is behind */
    assert_string_equal(ingest_hand_ask(db, "SELECT remarks FROM emails"), "after it");
    tell(db, "email.updated", "emails/" LEG, "e1", ".5",
         "{\"remarks\":\"later event\"}"); /* again */
    tell(db, "email.updated", "emails/" LEG, "e0", ".5", "{\"remarks\":\"an older one\"}");
    assert_string_equal(ingest_hand_ask(db, "SELECT remarks FROM emails"), "after it");
    tell(db, "email.updated", "emails/" LEG, "e2", ".5", "{\"remarks\":\"the next event\"}");
    assert_string_equal(ingest_hand_ask(db, "SELECT remarks FROM emails"), "the next event");
    sqlite_close(db);
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
        cmocka_unit_test(the_newest_of_a_millisecond_wins),
        cmocka_unit_test(a_contact_that_ends_in_the_millisecond_of_its_beginning_has_ended),
        cmocka_unit_test(lines_of_a_millisecond_stand_in_their_order),
        cmocka_unit_test(a_sequence_is_a_number_if_it_can_be),
        cmocka_unit_test(what_goes_on_has_not_ended),
        cmocka_unit_test(an_email_that_is_told_again_has_not_ended),
        cmocka_unit_test(what_is_transferred_back_begins_anew),
        cmocka_unit_test(what_is_told_last_is_kept_whatever_the_clocks_say),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
