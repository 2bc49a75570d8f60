/* `cmibridge erase`: of one person nothing is left in the history, in Redis, in any of their files;
 * nothing comes back; and of everybody else nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "server/sqlite.h"
#include "tests/fakes/erase_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEWCALL "A000000000000000000000000000000C"
#define MAIL_3  "A0000000000000000000000000000010"
#define MAIL_4  "A0000000000000000000000000000011"
#define RECORD3 "A0000000000000000000000000000012"
#define CHATS   "00000000000000000000000000000001" /* a queue */

static char message[33];
static char callback[33];
static char callback_2[33];

/* Whom it was for is kept with its record. */
static void cancel_one(void)
{
    char id[33];
    char path[64];

    serve_create(&erase_rig, "/messages", "",
                 "{\"message\":\"Hi\",\"source\":\"12345678@sms.social365.com\",\"subType\":"
                 "\"sms\",\"sendTime\":\"" LATER "\",\"destinations\":[{\"address\":\"" WHO "\"}]}",
                 id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_expect(&erase_rig, "DELETE", path, "", NULL, 204, NULL);
}

static void fill_redis(void)
{
    cancel_one();
    serve_create(&erase_rig, "/messages", "",
                 "{\"message\":\"For " WHO "\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"sendTime\":\"" LATER "\",\"destinations\":"
                 "[{\"address\":\"+358409999999\"},{\"address\":\"+" DIGITS
                 "\"},{\"address\":\"00" DIGITS "\"},{\"address\":\"+358409999998\"}]}",
                 message);
    serve_create(&erase_rig, "/callbacks", "",
                 "{\"customerNumber\":\"" WHO "\",\"callbackQueueNumber\":\"153\","
                 "\"nextCallTime\":\"" LATER "\"}",
                 callback);
    serve_create(&erase_rig, "/callbacks", "",
                 "{\"customerNumber\":\"+358409999999\",\"callbackQueueNumber\":\"153\","
                 "\"nextCallTime\":\"" LATER "\",\"notes\":\"wife of " DIGITS "\"}",
                 callback_2);
    serve_expect(&erase_rig, "POST", "/customerConsents", "",
                 "{\"address\":\"" WHO "\",\"usage\":\"whatsapp\",\"consent\":true}", 204, NULL);
    serve_expect(&erase_rig, "POST", "/customerConsents", "",
                 "{\"address\":\"+358409999999\",\"usage\":\"whatsapp\",\"consent\":true}", 204,
                 NULL);
    redis_server_ask(erase_rig.redis, "SET cmi:ref:callbacks:cb-" DIGITS " " CALL);
    redis_server_ask(erase_rig.redis, "SET cmi:ref:callbacks:cb-1 " CALL);
}

static void no_file_holds(const char *bytes)
{
    const char *where = NULL;

    assert_string_equal(redis_server_ask(erase_rig.redis, "SAVE"), "+OK");
    if (erase_rig_folder_holds(erase_rig.dir, bytes, &where) ||
        erase_rig_folder_holds(erase_rig.redis->dir, bytes, &where))
        fail_msg("%s is in %s", bytes, where);
}

static void expect_metric(const char *line)
{
    struct probe_reply r = probe_ask(erase_rig.admin_port, "GET", "/metrics", "", NULL);

    if (strstr(r.body.p, line) == NULL)
        fail_msg("/metrics lacks '%s'", line);
    probe_done(&r);
}

static void is_gone(const char *path)
{
    serve_expect(&erase_rig, "GET", path, "", NULL, 404, NULL);
}

static void nothing_is_left_of_the_person(void **state)
{
    static const char counts[] =
        "\"history\":{\"contacts\":5,\"chats\":1,\"emails\":2,\"remarks\":1,\"callRecordings\":1,"
        "\"listenLogs\":1,\"scriptResults\":1,\"mentions\":12},"
        "\"redis\":{\"destinations\":3,\"callbacks\":1,\"consents\":1,\"mentions\":2,"
        "\"references\":1,\"unreadable\":0,\"outbox\":0}";
    const char *where = NULL;

    (void)state;
    erase_rig_fill();
    fill_redis();
    assert_true(erase_rig_folder_holds(erase_rig.dir, DIGITS, &where));
    assert_true(erase_rig_folder_holds(erase_rig.redis->dir, DIGITS, &where));

    assert_int_equal(erase_rig_run("--dry-run --json '" WHO "'"), 0);
    erase_rig_says("\"dry_run\":true");
    erase_rig_says(counts);
    serve_expect(&erase_rig, "GET", "/contacts/" CALL, "", NULL, 200, NULL);

    assert_int_equal(erase_rig_run("--json '" WHO "'"), 0);
    erase_rig_says("\"address\":\"…321\"");
    erase_rig_says(counts);
    erase_rig_says("\"remains\":false");
    erase_rig_says("\"aof_rewritten\":true,\"aof_left\":[]");
    no_file_holds(DIGITS);
    no_file_holds("7654321");
    no_file_holds("765-4321");

    is_gone("/contacts/" CALL);
    is_gone("/contacts/" LEG_2);
    is_gone("/emails/" EMAIL);
    is_gone("/emails/" MAIL_5);
    is_gone("/chats/" CHAT);
    is_gone("/callRecordings/" RECORD);
    is_gone("/scriptResults/" SCRIPT);
    is_gone("/contacts/" CALL "/remarks");
    serve_lacks(&erase_rig, "/callbacks", callback);
    serve_lacks(&erase_rig, "/customerConsents", "4321");
    serve_lacks(&erase_rig, "/contacts?search=*7654321", "\"id\"");
    serve_lacks(&erase_rig, "/contacts?body=secret", "\"id\"");
}

static void holds_no_details(void)
{
    serve_holds(&erase_rig, "/contacts/" OTHER, "\"typeDetails\":\"for …\"");
    serve_holds(&erase_rig, "/contacts/" OTHER, "\"statusDetails\":\"told …\"");
    serve_holds(&erase_rig, "/emails/" MAIL_2, "\"case_id\":\"…\",\"cid\":\"of …\"");
    serve_holds(&erase_rig, "/callRecordings/" RECORD2, "\"userSessionId\":\"…\"");
}

static void of_the_others_nothing_is_lost(void **state)
{
    char path[64];

    (void)state;
    serve_holds(&erase_rig, "/contacts/" OTHER, "\"subject\":\"asks for …\"");
    serve_holds(&erase_rig, "/emails/" MAIL_2, "\"content\":\"call me or … today\"");
    serve_holds(&erase_rig, "/chats/" CHAT_2, "\"message\":\"his number is …, I think\"");
    serve_holds(&erase_rig, "/callRecordings", RECORD2);
    serve_holds(&erase_rig, "/scriptResults/" SCRIPT2, "\"answerdata\":\"it was …\"");
    serve_expect(&erase_rig, "GET", "/contacts/" OTHER "/remarks", "", NULL, 200, "see …");
    serve_holds(&erase_rig, "/contacts?body=today", MAIL_2);
    holds_no_details();
    snprintf(path, sizeof path, "/messages/%s", message);
    serve_holds(&erase_rig, path,
                "[{\"address\":\"+358409999999\",\"status\":\"ADDED\"},{\"address\":\"erased\","
                "\"status\":\"FAILED\"},{\"address\":\"erased\",\"status\":\"FAILED\"},"
                "{\"address\":\"+358409999998\",\"status\":\"ADDED\"}]");
    serve_holds(&erase_rig, "/messages", "\"address\":\"erased\",\"status\":\"FAILED\"");
    serve_holds(&erase_rig, path, "\"message\":\"For …\"");
    snprintf(path, sizeof path, "/callbacks/%s", callback_2);
    serve_holds(&erase_rig, path, "\"notes\":\"wife of …\"");
    serve_holds(&erase_rig, "/customerConsents", "+358409999999");
    assert_string_equal(redis_server_ask(erase_rig.redis, "GET cmi:ref:callbacks:cb-1"), CALL);
}

static void nothing_comes_back(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_rig_kill(&erase_rig);
    serve_rig_restart(&erase_rig);
    erase_rig_ingest("contact.received", "contacts/" CALL, RECEIVED("+" DIGITS)); /* told again */
    erase_rig_ingest("contact.ended", "contacts/" LEG_2, "{}");
    erase_rig_ingest("chat.message.added", "chats/" CHAT,
                     "{\"message\":\"more\",\"originator\":\"web\"}");
    erase_rig_ingest("callrecording.created", "callRecordings/" RECORD, RECORDING(CALL, "a.wav"));
    erase_rig_ingest("contact.queued", "contacts/" NEWCALL, "{\"queueId\":\"" QUEUE "\"}");
    erase_rig_ingest("contact.received", "contacts/" NEWCALL,
                     RECEIVED("00" DIGITS)); /* whose it is */
    erase_rig_ingest("contact.ended", "contacts/" NEWCALL, "{}");
    is_gone("/contacts/" CALL);
    is_gone("/contacts/" NEWCALL);
    is_gone("/callRecordings/" RECORD);
    expect_metric("cmibridge_ingest_events_total{result=\"erased\"} 6\n");
    expect_metric("cmibridge_history_incomplete_contacts 0\n");

    serve_expect(&erase_rig, "POST", "/callbacks", "",
                 "{\"customerNumber\":\"" DIGITS "\",\"callbackQueueNumber\":\"153\"}", 400,
                 "customerNumber is of a person who was erased\n");
    serve_expect(&erase_rig, "POST", "/customerConsents", "",
                 "{\"address\":\"+" DIGITS "\",\"usage\":\"whatsapp\",\"consent\":true}", 400,
                 "address is of a person who was erased\n");
    serve_create(&erase_rig, "/messages", "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\",\"subType\":"
                 "\"sms\",\"sendTime\":\"" LATER "\",\"destinations\":[{\"address\":\"" WHO
                 "\"},{\"address\":\"+358409999999\"},{\"address\":\"" DIGITS "\"}]}",
                 id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_holds(&erase_rig, path,
                "[{\"address\":\"erased\",\"status\":\"FAILED\"},{\"address\":\"+358409999999\","
                "\"status\":\"ADDED\"},{\"address\":\"erased\",\"status\":\"FAILED\"}]");
    serve_expect(&erase_rig, "PUT", path, "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\",\"subType\":"
                 "\"sms\",\"sendTime\":\"" LATER "\",\"destinations\":[{\"address\":\"erased\","
                 "\"status\":\"FAILED\"},{\"address\":\"+358409999998\"}]}",
                 204, NULL);
    serve_holds(&erase_rig, path,
                "[{\"address\":\"erased\",\"status\":\"FAILED\"},{\"address\":\"+358409999998\","
                "\"status\":\"ADDED\"}]");
    assert_int_equal(erase_rig_run("--json '" WHO "'"), 0);
    erase_rig_says("\"history\":{\"contacts\":0,\"chats\":0,\"emails\":0,\"remarks\":0,");
    erase_rig_says("\"redis\":{\"destinations\":0,\"callbacks\":0,\"consents\":0,\"mentions\":0,"
                   "\"references\":0,\"unreadable\":0,\"outbox\":0}");
    no_file_holds(DIGITS);
}

#define CHAT_OF(uniquekey, originator, words)                                                      \
    "{\"channel_type\":\"chat\",\"channel_sub_type\":\"sms\",\"originator\":\"web3\","             \
    "\"destination\":\"desk\",\"title\":\"" words "\",\"from_queue\":{\"id\":\"" CHATS "\"},"      \
    "\"participants\":[{\"alias\":\"A\",\"uniquekey\":\"a\"},{\"alias\":\"S\",\"uniquekey\":"      \
    "\"" uniquekey "\"}],\"transcript\":{\"messages\":[{\"message\":\"" words                      \
    "\",\"originator\":\"" originator "\"}]}}"

/* Told again, or told anew: a text is kept without the person. */
static void a_mention_is_not_kept_either(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    erase_rig_ingest("contact.updated", "contacts/" OTHER,
                     "{\"subject\":\"asks for 00" DIGITS "\"}");
    erase_rig_ingest("email.received", "emails/" MAIL_2,
                     LETTER("a@x.example", "b@x.example", "call me or " DIGITS " today"));
    erase_rig_ingest("chat.message.added", "chats/" CHAT_2,
                     "{\"message\":\"I said " WHO "!\",\"originator\":\"web2\"}");
    erase_rig_ingest("scriptresult.saved", "scriptResults/" SCRIPT2,
                     RESULT(OTHER, "it was +" DIGITS));
    erase_rig_ingest("contact.updated", "contacts/" OTHER,
                     "{\"typeDetails\":\"for " WHO "\",\"statusDetails\":\"told " DIGITS "\"}");
    erase_rig_ingest("email.updated", "emails/" MAIL_2,
                     "{\"case_id\":\"" DIGITS "\",\"cid\":\"of " WHO "\"}");
    holds_no_details();
    erase_rig_ingest("callrecording.created", "callRecordings/" RECORD3, RECORDING(OTHER, "c.wav"));
    erase_rig_ingest("callrecording.created", "callRecordings/" RECORD3,
                     RECORDING(OTHER, "to-" DIGITS ".wav"));
    erase_rig_ingest("email.received", "emails/" MAIL_3,
                     LETTER("Sam <+" DIGITS "@sms.x>", "b@x", "hello"));
    erase_rig_ingest("email.received", "emails/" MAIL_4,
                     LETTER("a@x.example", "b@x.example\",\"name\":\"tel. " WHO, "hello"));
    serve_holds(&erase_rig, "/contacts/" OTHER, "\"subject\":\"asks for …\"");
    serve_holds(&erase_rig, "/emails/" MAIL_2, "\"content\":\"call me or … today\"");
    serve_holds(&erase_rig, "/chats/" CHAT_2, "\"message\":\"I said …!\"");
    serve_holds(&erase_rig, "/scriptResults/" SCRIPT2, "\"answerdata\":\"it was …\"");
    is_gone("/callRecordings/" RECORD3);
    is_gone("/emails/" MAIL_3);
    is_gone("/emails/" MAIL_4);

    serve_expect(&erase_rig, "PUT", "/contacts/" OTHER "/remarks", PLAIN, "is " WHO, 204, NULL);
    serve_expect(&erase_rig, "GET", "/contacts/" OTHER "/remarks", "", NULL, 200, "is …");
    serve_expect(&erase_rig, "PUT", "/contacts/" MAIL_2 "/remarks", PLAIN, WHO "?", 204, NULL);
    serve_holds(&erase_rig, "/emails/" MAIL_2, "\"remarks\":\"…?\"");
    serve_create(&erase_rig, "/callRecordings/" RECORD2 "/listenLog", "",
                 "{\"description\":\"of " DIGITS "\",\"userSessionId\":\"" WHO "!\"}", id);
    serve_holds(&erase_rig, "/callRecordings/" RECORD2, "\"description\":\"of …\"");
    serve_holds(&erase_rig, "/callRecordings/" RECORD2, "\"userSessionId\":\"…!\"");
    serve_create(&erase_rig, "/chats", "", CHAT_OF("b", "web3", "for " WHO), id);
    snprintf(path, sizeof path, "/chats/%s", id);
    serve_holds(&erase_rig, path, "\"title\":\"for …\"");
    serve_holds(&erase_rig, path, "\"message\":\"for …\"");
    serve_create(&erase_rig, "/callbacks", "",
                 "{\"customerNumber\":\"+358409999999\",\"callbackQueueNumber\":\"153\","
                 "\"nextCallTime\":\"" LATER "\",\"notes\":\"of " DIGITS "\",\"extraData\":\"" WHO
                 "\"}",
                 id);
    snprintf(path, sizeof path, "/callbacks/%s", id);
    serve_holds(&erase_rig, path, "\"extraData\":\"…\"");
    serve_holds(&erase_rig, path, "\"notes\":\"of …\"");
    serve_expect(&erase_rig, "PUT", path, "Content-Type: application/xml\r\n",
                 "<callback><customerNumber>+358409999999</customerNumber><notes>" WHO
                 ".</notes><lastResult>BUSY</lastResult></callback>",
                 204, NULL);
    serve_holds(&erase_rig, path, "\"notes\":\"….\"");
    serve_create(&erase_rig, "/messages", "",
                 "{\"message\":\"Not for " WHO "\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"sendTime\":\"" LATER
                 "\",\"destinations\":[{\"address\":\"+358409999999\"}]}",
                 id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_holds(&erase_rig, path, "\"message\":\"Not for …\"");
    no_file_holds(DIGITS);
    no_file_holds("765-4321");
}

/* A field that says who somebody is takes nobody who was erased. */
static void no_write_names_the_person(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "/callbacks/%s", callback_2);
    serve_expect(&erase_rig, "PUT", path, "",
                 "{\"customerNumber\":\"" WHO "\",\"notes\":\"\",\"lastResult\":\"BUSY\"}", 400,
                 "customerNumber is of a person who was erased\n");
    serve_holds(&erase_rig, path, "\"customerNumber\":\"+358409999999\"");
    serve_expect(&erase_rig, "POST", "/chats", "", CHAT_OF(DIGITS, "web3", "hello"), 400,
                 "participants[1].uniquekey is of a person who was erased\n");
    serve_expect(&erase_rig, "POST", "/chats", "", CHAT_OF("b", WHO, "hello"), 400,
                 "transcript.messages[0].originator is of a person who was erased\n");
}

static void who_comes_again_can_be_let_in(void **state)
{
    char id[33];

    (void)state;
    assert_int_equal(erase_rig_run("--lift '" WHO "'"), 0);
    erase_rig_says("lifted");
    assert_int_equal(erase_rig_run("--lift '" WHO "'"), 0);
    erase_rig_says("was not erased");
    serve_create(&erase_rig, "/callbacks", "",
                 "{\"customerNumber\":\"" DIGITS "\",\"callbackQueueNumber\":\"153\"}", id);
    erase_rig_ingest("contact.received", "contacts/A000000000000000000000000000000D",
                     RECEIVED("+" DIGITS));
    serve_expect(&erase_rig, "GET", "/contacts/A000000000000000000000000000000D", "", NULL, 200,
                 NULL);
    is_gone("/contacts/" CALL);
}

static void an_address_has_no_case_beyond_ascii_either(void **state)
{
    static const char call[] = "/contacts/A000000000000000000000000000000E";

    (void)state;
    erase_rig_ingest("contact.received", call + 1, RECEIVED("Äiti@Ökö.fi"));
    serve_expect(&erase_rig, "GET", call, "", NULL, 200, NULL);
    assert_int_equal(erase_rig_run("'ÄITI@öKÖ.fi'"), 0);
    is_gone(call);
    serve_expect(&erase_rig, "POST", "/customerConsents", "",
                 "{\"address\":\"äiti@ökö.FI\",\"usage\":\"whatsapp\",\"consent\":true}", 400,
                 "address is of a person who was erased\n");
}

/* Of a moment before: the file can't let go of it. */
static struct sqlite *reader(void)
{
    char path[128];
    struct fault f = {0};
    struct sqlite *db;
    struct sqlite_query q;

    snprintf(path, sizeof path, "%s/history.sqlite", erase_rig.dir);
    db = sqlite_open(path, true, &f);
    assert_non_null(db);
    sqlite_do(db, "BEGIN");
    q = sqlite_query(db, "SELECT count(*) FROM contacts");
    assert_true(sqlite_row(&q));
    sqlite_end(&q);
    assert_true(sqlite_check(db, &f));
    return db;
}

static void what_a_reader_keeps_is_to_be_asked_for_again(void **state)
{
    static const char call[] = "/contacts/A000000000000000000000000000000F";
    struct sqlite *db;

    (void)state;
    erase_rig_ingest("contact.received", call + 1, RECEIVED("kept@read.fi"));
    serve_expect(&erase_rig, "GET", call, "", NULL, 200, NULL);
    db = reader();
    assert_int_equal(erase_rig_run("kept@read.fi"), COMMAND_UNAVAILABLE);
    erase_rig_says("Ask again when that has ended.");
    is_gone(call);
    sqlite_close(db);
    assert_int_equal(erase_rig_run("--json kept@read.fi"), 0);
    erase_rig_says("\"remains\":false,\"journal_kept\":false");
    no_file_holds("kept@read.fi");
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    assert_int_equal(erase_rig_run("'12345678@sms.social365.com'"), 1);
    erase_rig_says("is the address of a queue of yours");
    assert_int_equal(erase_rig_run("153"), 1);
    erase_rig_says("is the address of a queue of yours");
    assert_int_equal(erase_rig_run("'+ -'"), 2);
    assert_int_equal(erase_rig_run(""), 2);
    serve_rig_stop(&erase_rig);
    assert_int_equal(erase_rig_run("'" WHO "'"), 1);
    erase_rig_says("no cmibridge serve of yours answers");
    serve_rig_restart(&erase_rig);
}

/* Killed at each of its parts, and in each transaction of the history, it is asked again. */
static void killed_anywhere_it_is_asked_again(void **state)
{
    static const char *const points[] = {
        "erasing:1",           "history_written:2",   "history_written:3", "history_committed:4",
        "history_committed:6", "history_committed:9", "erasing:2",         "erasing:4",
        "erasing:5",           "erasing:6",           "erasing:9"};

    (void)state;
    serve_rig_done(&erase_rig);
    serve_rig_start(&erase_rig, "");
    erase_rig_fill();
    fill_redis();
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        serve_rig_stop(&erase_rig);
        setenv("CMIBRIDGE_FAULT_POINT", points[i], 1);
        serve_rig_restart(&erase_rig);
        unsetenv("CMIBRIDGE_FAULT_POINT");
        if (erase_rig_run("'" WHO "'") != 1)
            fail_msg("%s did not kill it: %s", points[i], erase_rig_said());
        erase_rig_says("ended before it was done");
        serve_rig_kill(&erase_rig); /* it is; the rig learns of it */
        serve_rig_restart(&erase_rig);
        erase_rig_ingest("contact.ended", "contacts/" CALL,
                         "{}"); /* dropped, or gone with the rest */
    }
    assert_int_equal(erase_rig_run("'" WHO "'"), 0);
    no_file_holds(DIGITS);
    no_file_holds("765-4321");
    is_gone("/contacts/" CALL);
    is_gone("/chats/" CHAT);
    expect_metric("cmibridge_history_incomplete_contacts 0\n");
    of_the_others_nothing_is_lost(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_of_the_person),
        cmocka_unit_test(of_the_others_nothing_is_lost),
        cmocka_unit_test(nothing_comes_back),
        cmocka_unit_test(a_mention_is_not_kept_either),
        cmocka_unit_test(no_write_names_the_person),
        cmocka_unit_test(who_comes_again_can_be_let_in),
        cmocka_unit_test(an_address_has_no_case_beyond_ascii_either),
        cmocka_unit_test(what_a_reader_keeps_is_to_be_asked_for_again),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(killed_anywhere_it_is_asked_again),
    };

    return cmocka_run_group_tests(tests, erase_rig_start, erase_rig_stop);
}
