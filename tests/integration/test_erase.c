/* `cmibridge erase`: of one person nothing is left in the history, in Redis, in any of their files;
 * nothing comes back; and of everybody else nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "server/sqlite.h"
#include "tests/fakes/redis_group.h"
#include "tests/fakes/serve_rig.h"
#include "tests/fakes/shell.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTPUT_MAX 65536
#define BATCH      "Content-Type: application/cloudevents-batch+json\r\n"
#define PLAIN      "Content-Type: text/plain\r\n"
#define WHO        "+358 40 765-4321"
#define DIGITS     "358407654321"
#define MAIL       "sam.i.am@greeneggs.ham"
#define LATER      "2035-03-04T12:00:00Z"

#define CALL    "A0000000000000000000000000000001"
#define LEG_2   "A0000000000000000000000000000002"
#define OTHER   "A0000000000000000000000000000003"
#define EMAIL   "A0000000000000000000000000000004"
#define MAIL_2  "A0000000000000000000000000000005"
#define CHAT    "A0000000000000000000000000000006"
#define CHAT_2  "A0000000000000000000000000000007"
#define RECORD  "A0000000000000000000000000000008"
#define RECORD2 "A0000000000000000000000000000009"
#define SCRIPT  "A000000000000000000000000000000A"
#define SCRIPT2 "A000000000000000000000000000000B"
#define NEWCALL "A000000000000000000000000000000C"
#define MAIL_3  "A0000000000000000000000000000010"
#define MAIL_4  "A0000000000000000000000000000011"
#define RECORD3 "A0000000000000000000000000000012"
#define MAIL_5  "A0000000000000000000000000000013"
#define AGENT   "8EE34E893B224131AACF44677F60CF54"
#define CHATS   "00000000000000000000000000000001"
#define QUEUE   "B0000000000000000000000000000001"

static struct serve_rig rig;
static struct buf output;

static int run(const char *arguments)
{
    char command[1024];

    snprintf(command, sizeof command, "\"$CMIBRIDGE_BIN\" erase --config %s %s 2>&1", rig.config,
             arguments);
    return shell_run(command, &output);
}

static void says(const char *text)
{
    if (strstr(buf_text(&output), text) == NULL)
        fail_msg("'%s' is not in: %s", text, buf_text(&output));
}

static void ingest(const char *type, const char *subject, const char *data)
{
    static unsigned id;
    char batch[4096];
    struct probe_reply r;

    snprintf(batch, sizeof batch,
             "[{\"specversion\":\"1.0\",\"id\":\"e%u\",\"source\":\"/t\",\"type\":\"%s\","
             "\"subject\":\"%s\",\"data\":%s}]",
             ++id, type, subject, data);
    r = probe_ask(rig.port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%s %s: %d %.*s", type, subject, r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

#define RECEIVED(from)                                                                             \
    "{\"channel\":\"PHONE\",\"type\":\"CallIn\",\"source\":\"" from                                \
    "\",\"destination\":\"100\",\"agentId\":\"" AGENT "\",\"subject\":\"broken pipe\"}"
#define LETTER(from, to, words)                                                                    \
    "{\"from_queue\":{\"id\":\"" QUEUE "\",\"name\":\"Q\"},\"title\":\"t\",\"content\":\"" words   \
    "\",\"originator\":\"" from "\",\"destination\":\"desk@x.example\",\"cc_address\":"            \
    "[{\"address\":\"" to "\"}]}"
#define RECORDING(contact, file)                                                                   \
    "{\"call_id\":\"" contact "\",\"contact_id\":\"" contact "\",\"owner_id\":\"" QUEUE            \
    "\",\"owner_type\":\"queue\",\"owner_name\":\"Q\",\"file_name\":\"" file "\"}"
#define RESULT(contact, answer)                                                                    \
    "{\"script_id\":\"" QUEUE "\",\"name\":\"s\",\"contact_id\":\"" contact                        \
    "\",\"scriptquestions\":[{\"id\":\"" QUEUE "\",\"data\":\"q\",\"controltype\":\"radio\","      \
    "\"datatype\":\"string\",\"ordinal\":1,\"scriptanswers\":[{\"id\":\"" QUEUE                    \
    "\",\"answerdata\":\"" answer "\",\"ordinal\":1}]}]}"

static void fill_history(void)
{
    ingest("contact.received", "contacts/" CALL, RECEIVED("+" DIGITS));
    ingest("contact.transferred", "contacts/" LEG_2,
           "{\"previousId\":\"" CALL "\",\"destination\":\"101\"}");
    ingest("contact.received", "contacts/" OTHER, RECEIVED("+358409999999"));
    ingest("contact.updated", "contacts/" OTHER, "{\"subject\":\"asks for 00" DIGITS "\"}");
    ingest("email.received", "emails/" EMAIL, LETTER("a@x.example", WHO, "hello"));
    ingest("email.received", "emails/" MAIL_2,
           LETTER("a@x.example", "b@x.example", "call me or " DIGITS " today"));
    ingest("email.received", "emails/" MAIL_5,
           LETTER("a@x\",\"from_address\":{\"name\":\"S. " WHO "\",\"address\":\"a@x\"},"
                  "\"cid\":\"1",
                  "b@x.example", "hello"));
    ingest(
        "contact.received", "contacts/" CHAT,
        "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"web\",\"destination\":\"desk\"}");
    ingest("chat.participant.added", "chats/" CHAT,
           "{\"alias\":\"Sam\",\"uniquekey\":\"" DIGITS "\"}");
    ingest("chat.message.added", "chats/" CHAT,
           "{\"message\":\"I am a secret of " WHO "\",\"originator\":\"web\"}");
    ingest(
        "contact.received", "contacts/" CHAT_2,
        "{\"channel\":\"CHAT\",\"type\":\"ChatIn\",\"source\":\"web2\",\"destination\":\"desk\"}");
    ingest("chat.message.added", "chats/" CHAT_2,
           "{\"message\":\"his number is " WHO ", I think\",\"originator\":\"web2\"}");
    ingest("callrecording.created", "callRecordings/" RECORD, RECORDING(LEG_2, "a.wav"));
    ingest("callrecording.created", "callRecordings/" RECORD2, RECORDING(OTHER, "b.wav"));
    ingest("scriptresult.saved", "scriptResults/" SCRIPT, RESULT(CALL, "yes"));
    ingest("scriptresult.saved", "scriptResults/" SCRIPT2, RESULT(OTHER, "it was +" DIGITS));
    serve_create(&rig, "/callRecordings/" RECORD "/listenLog", "",
                 "{\"description\":\"heard\",\"userSessionId\":\"s\"}", (char[33]){0});
    ingest("contact.updated", "contacts/" OTHER,
           "{\"typeDetails\":\"for " WHO "\",\"statusDetails\":\"told " DIGITS "\"}");
    ingest("email.updated", "emails/" MAIL_2,
           "{\"case_id\":\"" DIGITS "\",\"cid\":\"of " WHO "\"}");
    serve_create(&rig, "/callRecordings/" RECORD2 "/listenLog", "",
                 "{\"description\":\"heard\",\"userSessionId\":\"+" DIGITS "\"}", (char[33]){0});
    serve_expect(&rig, "POST", "/contacts/" OTHER "/remarks", PLAIN, "see " WHO, 204, NULL);
    serve_expect(&rig, "POST", "/contacts/" CALL "/remarks", PLAIN, "private", 204, NULL);
}

static char message[33];
static char callback[33];
static char callback_2[33];

/* Whom it was for is kept with its record. */
static void cancel_one(void)
{
    char id[33];
    char path[64];

    serve_create(&rig, "/messages", "",
                 "{\"message\":\"Hi\",\"source\":\"12345678@sms.social365.com\",\"subType\":"
                 "\"sms\",\"sendTime\":\"" LATER "\",\"destinations\":[{\"address\":\"" WHO "\"}]}",
                 id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_expect(&rig, "DELETE", path, "", NULL, 204, NULL);
}

static void fill_redis(void)
{
    cancel_one();
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"For " WHO "\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"sendTime\":\"" LATER "\",\"destinations\":"
                 "[{\"address\":\"+358409999999\"},{\"address\":\"+" DIGITS
                 "\"},{\"address\":\"00" DIGITS "\"},{\"address\":\"+358409999998\"}]}",
                 message);
    serve_create(&rig, "/callbacks", "",
                 "{\"customerNumber\":\"" WHO "\",\"callbackQueueNumber\":\"153\","
                 "\"nextCallTime\":\"" LATER "\"}",
                 callback);
    serve_create(&rig, "/callbacks", "",
                 "{\"customerNumber\":\"+358409999999\",\"callbackQueueNumber\":\"153\","
                 "\"nextCallTime\":\"" LATER "\",\"notes\":\"wife of " DIGITS "\"}",
                 callback_2);
    serve_expect(&rig, "POST", "/customerConsents", "",
                 "{\"address\":\"" WHO "\",\"usage\":\"whatsapp\",\"consent\":true}", 204, NULL);
    serve_expect(&rig, "POST", "/customerConsents", "",
                 "{\"address\":\"+358409999999\",\"usage\":\"whatsapp\",\"consent\":true}", 204,
                 NULL);
    redis_server_ask(rig.redis, "SET cmi:ref:callbacks:cb-" DIGITS " " CALL);
    redis_server_ask(rig.redis, "SET cmi:ref:callbacks:cb-1 " CALL);
}

/* Is there a file below the folder that holds the bytes? Its name in *where (static). */
static bool folder_holds(const char *folder, const char *bytes, const char **where)
{
    static char found[512];
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool held = false;

    assert_non_null(dir);
    while (!held && (entry = readdir(dir)) != NULL) {
        char path[400];
        struct stat s;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%.200s", folder, entry->d_name);
        if (lstat(path, &s) != 0)
            continue; /* gone meanwhile */
        if (S_ISDIR(s.st_mode)) {
            held = folder_holds(path, bytes, where);
        } else if (S_ISREG(s.st_mode) && s.st_size > 0) {
            size_t n = (size_t)s.st_size;
            char *all = malloc(n);
            FILE *file = fopen(path, "r");

            assert_non_null(all);
            assert_non_null(file);
            n = fread(all, 1, n, file);
            for (size_t i = 0; !held && i + strlen(bytes) <= n; i++)
                held = memcmp(all + i, bytes, strlen(bytes)) == 0;
            fclose(file);
            free(all);
            if (held) {
                snprintf(found, sizeof found, "%s", path);
                *where = found;
            }
        }
    }
    closedir(dir);
    return held;
}

static void no_file_holds(const char *bytes)
{
    const char *where = NULL;

    assert_string_equal(redis_server_ask(rig.redis, "SAVE"), "+OK");
    if (folder_holds(rig.dir, bytes, &where) || folder_holds(rig.redis->dir, bytes, &where))
        fail_msg("%s is in %s", bytes, where);
}

static void expect_metric(const char *line)
{
    struct probe_reply r = probe_ask(rig.admin_port, "GET", "/metrics", "", NULL);

    if (strstr(r.body.p, line) == NULL)
        fail_msg("/metrics lacks '%s'", line);
    probe_done(&r);
}

static void is_gone(const char *path)
{
    serve_expect(&rig, "GET", path, "", NULL, 404, NULL);
}

static void nothing_is_left_of_the_person(void **state)
{
    static const char counts[] =
        "\"history\":{\"contacts\":5,\"chats\":1,\"emails\":2,\"remarks\":1,\"callRecordings\":1,"
        "\"listenLogs\":1,\"scriptResults\":1,\"mentions\":12},"
        "\"redis\":{\"destinations\":3,\"callbacks\":1,\"consents\":1,\"mentions\":2,"
        "\"references\":1,\"outbox\":0}";
    const char *where = NULL;

    (void)state;
    fill_history();
    fill_redis();
    assert_true(folder_holds(rig.dir, DIGITS, &where));
    assert_true(folder_holds(rig.redis->dir, DIGITS, &where));

    assert_int_equal(run("--dry-run --json '" WHO "'"), 0);
    says("\"dry_run\":true");
    says(counts);
    serve_expect(&rig, "GET", "/contacts/" CALL, "", NULL, 200, NULL);

    assert_int_equal(run("--json '" WHO "'"), 0);
    says("\"address\":\"…321\"");
    says(counts);
    says("\"remains\":false");
    says("\"aof_rewritten\":true,\"aof_left\":[]");
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
    serve_lacks(&rig, "/callbacks", callback);
    serve_lacks(&rig, "/customerConsents", "4321");
    serve_lacks(&rig, "/contacts?search=*7654321", "\"id\"");
    serve_lacks(&rig, "/contacts?body=secret", "\"id\"");
}

static void holds_no_details(void)
{
    serve_holds(&rig, "/contacts/" OTHER, "\"typeDetails\":\"for …\"");
    serve_holds(&rig, "/contacts/" OTHER, "\"statusDetails\":\"told …\"");
    serve_holds(&rig, "/emails/" MAIL_2, "\"case_id\":\"…\",\"cid\":\"of …\"");
    serve_holds(&rig, "/callRecordings/" RECORD2, "\"userSessionId\":\"…\"");
}

static void of_the_others_nothing_is_lost(void **state)
{
    char path[64];

    (void)state;
    serve_holds(&rig, "/contacts/" OTHER, "\"subject\":\"asks for …\"");
    serve_holds(&rig, "/emails/" MAIL_2, "\"content\":\"call me or … today\"");
    serve_holds(&rig, "/chats/" CHAT_2, "\"message\":\"his number is …, I think\"");
    serve_holds(&rig, "/callRecordings", RECORD2);
    serve_holds(&rig, "/scriptResults/" SCRIPT2, "\"answerdata\":\"it was …\"");
    serve_expect(&rig, "GET", "/contacts/" OTHER "/remarks", "", NULL, 200, "see …");
    serve_holds(&rig, "/contacts?body=today", MAIL_2);
    holds_no_details();
    snprintf(path, sizeof path, "/messages/%s", message);
    serve_holds(&rig, path,
                "[{\"address\":\"+358409999999\",\"status\":\"ADDED\"},{\"address\":\"erased\","
                "\"status\":\"FAILED\"},{\"address\":\"erased\",\"status\":\"FAILED\"},"
                "{\"address\":\"+358409999998\",\"status\":\"ADDED\"}]");
    serve_holds(&rig, "/messages", "\"address\":\"erased\",\"status\":\"FAILED\"");
    serve_holds(&rig, path, "\"message\":\"For …\"");
    snprintf(path, sizeof path, "/callbacks/%s", callback_2);
    serve_holds(&rig, path, "\"notes\":\"wife of …\"");
    serve_holds(&rig, "/customerConsents", "+358409999999");
    assert_string_equal(redis_server_ask(rig.redis, "GET cmi:ref:callbacks:cb-1"), CALL);
}

static void nothing_comes_back(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_rig_kill(&rig);
    serve_rig_restart(&rig);
    ingest("contact.received", "contacts/" CALL, RECEIVED("+" DIGITS)); /* told again */
    ingest("contact.ended", "contacts/" LEG_2, "{}");
    ingest("chat.message.added", "chats/" CHAT, "{\"message\":\"more\",\"originator\":\"web\"}");
    ingest("callrecording.created", "callRecordings/" RECORD, RECORDING(CALL, "a.wav"));
    ingest("contact.queued", "contacts/" NEWCALL, "{\"queueId\":\"" QUEUE "\"}");
    ingest("contact.received", "contacts/" NEWCALL, RECEIVED("00" DIGITS)); /* whose it is */
    ingest("contact.ended", "contacts/" NEWCALL, "{}");
    is_gone("/contacts/" CALL);
    is_gone("/contacts/" NEWCALL);
    is_gone("/callRecordings/" RECORD);
    expect_metric("cmibridge_ingest_events_total{result=\"erased\"} 6\n");
    expect_metric("cmibridge_history_incomplete_contacts 0\n");

    serve_expect(&rig, "POST", "/callbacks", "",
                 "{\"customerNumber\":\"" DIGITS "\",\"callbackQueueNumber\":\"153\"}", 400,
                 "customerNumber is of a person who was erased\n");
    serve_expect(&rig, "POST", "/customerConsents", "",
                 "{\"address\":\"+" DIGITS "\",\"usage\":\"whatsapp\",\"consent\":true}", 400,
                 "address is of a person who was erased\n");
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\",\"subType\":"
                 "\"sms\",\"sendTime\":\"" LATER "\",\"destinations\":[{\"address\":\"" WHO
                 "\"},{\"address\":\"+358409999999\"},{\"address\":\"" DIGITS "\"}]}",
                 id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_holds(&rig, path,
                "[{\"address\":\"erased\",\"status\":\"FAILED\"},{\"address\":\"+358409999999\","
                "\"status\":\"ADDED\"},{\"address\":\"erased\",\"status\":\"FAILED\"}]");
    serve_expect(&rig, "PUT", path, "",
                 "{\"message\":\"Hei\",\"source\":\"12345678@sms.social365.com\",\"subType\":"
                 "\"sms\",\"sendTime\":\"" LATER "\",\"destinations\":[{\"address\":\"erased\","
                 "\"status\":\"FAILED\"},{\"address\":\"+358409999998\"}]}",
                 204, NULL);
    serve_holds(&rig, path,
                "[{\"address\":\"erased\",\"status\":\"FAILED\"},{\"address\":\"+358409999998\","
                "\"status\":\"ADDED\"}]");
    assert_int_equal(run("--json '" WHO "'"), 0);
    says("\"history\":{\"contacts\":0,\"chats\":0,\"emails\":0,\"remarks\":0,");
    says("\"redis\":{\"destinations\":0,\"callbacks\":0,\"consents\":0,\"mentions\":0,"
         "\"references\":0,\"outbox\":0}");
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
    ingest("contact.updated", "contacts/" OTHER, "{\"subject\":\"asks for 00" DIGITS "\"}");
    ingest("email.received", "emails/" MAIL_2,
           LETTER("a@x.example", "b@x.example", "call me or " DIGITS " today"));
    ingest("chat.message.added", "chats/" CHAT_2,
           "{\"message\":\"I said " WHO "!\",\"originator\":\"web2\"}");
    ingest("scriptresult.saved", "scriptResults/" SCRIPT2, RESULT(OTHER, "it was +" DIGITS));
    ingest("contact.updated", "contacts/" OTHER,
           "{\"typeDetails\":\"for " WHO "\",\"statusDetails\":\"told " DIGITS "\"}");
    ingest("email.updated", "emails/" MAIL_2,
           "{\"case_id\":\"" DIGITS "\",\"cid\":\"of " WHO "\"}");
    holds_no_details();
    ingest("callrecording.created", "callRecordings/" RECORD3, RECORDING(OTHER, "c.wav"));
    ingest("callrecording.created", "callRecordings/" RECORD3,
           RECORDING(OTHER, "to-" DIGITS ".wav"));
    ingest("email.received", "emails/" MAIL_3, LETTER("Sam <+" DIGITS "@sms.x>", "b@x", "hello"));
    ingest("email.received", "emails/" MAIL_4,
           LETTER("a@x.example", "b@x.example\",\"name\":\"tel. " WHO, "hello"));
    serve_holds(&rig, "/contacts/" OTHER, "\"subject\":\"asks for …\"");
    serve_holds(&rig, "/emails/" MAIL_2, "\"content\":\"call me or … today\"");
    serve_holds(&rig, "/chats/" CHAT_2, "\"message\":\"I said …!\"");
    serve_holds(&rig, "/scriptResults/" SCRIPT2, "\"answerdata\":\"it was …\"");
    is_gone("/callRecordings/" RECORD3);
    is_gone("/emails/" MAIL_3);
    is_gone("/emails/" MAIL_4);

    serve_expect(&rig, "PUT", "/contacts/" OTHER "/remarks", PLAIN, "is " WHO, 204, NULL);
    serve_expect(&rig, "GET", "/contacts/" OTHER "/remarks", "", NULL, 200, "is …");
    serve_expect(&rig, "PUT", "/contacts/" MAIL_2 "/remarks", PLAIN, WHO "?", 204, NULL);
    serve_holds(&rig, "/emails/" MAIL_2, "\"remarks\":\"…?\"");
    serve_create(&rig, "/callRecordings/" RECORD2 "/listenLog", "",
                 "{\"description\":\"of " DIGITS "\",\"userSessionId\":\"" WHO "!\"}", id);
    serve_holds(&rig, "/callRecordings/" RECORD2, "\"description\":\"of …\"");
    serve_holds(&rig, "/callRecordings/" RECORD2, "\"userSessionId\":\"…!\"");
    serve_create(&rig, "/chats", "", CHAT_OF("b", "web3", "for " WHO), id);
    snprintf(path, sizeof path, "/chats/%s", id);
    serve_holds(&rig, path, "\"title\":\"for …\"");
    serve_holds(&rig, path, "\"message\":\"for …\"");
    serve_create(&rig, "/callbacks", "",
                 "{\"customerNumber\":\"+358409999999\",\"callbackQueueNumber\":\"153\","
                 "\"nextCallTime\":\"" LATER "\",\"notes\":\"of " DIGITS "\",\"extraData\":\"" WHO
                 "\"}",
                 id);
    snprintf(path, sizeof path, "/callbacks/%s", id);
    serve_holds(&rig, path, "\"extraData\":\"…\"");
    serve_holds(&rig, path, "\"notes\":\"of …\"");
    serve_expect(&rig, "PUT", path, "Content-Type: application/xml\r\n",
                 "<callback><customerNumber>+358409999999</customerNumber><notes>" WHO
                 ".</notes><lastResult>BUSY</lastResult></callback>",
                 204, NULL);
    serve_holds(&rig, path, "\"notes\":\"….\"");
    serve_create(&rig, "/messages", "",
                 "{\"message\":\"Not for " WHO "\",\"source\":\"12345678@sms.social365.com\","
                 "\"subType\":\"sms\",\"sendTime\":\"" LATER
                 "\",\"destinations\":[{\"address\":\"+358409999999\"}]}",
                 id);
    snprintf(path, sizeof path, "/messages/%s", id);
    serve_holds(&rig, path, "\"message\":\"Not for …\"");
    no_file_holds(DIGITS);
    no_file_holds("765-4321");
}

/* A field that says who somebody is takes nobody who was erased. */
static void no_write_names_the_person(void **state)
{
    char path[64];

    (void)state;
    snprintf(path, sizeof path, "/callbacks/%s", callback_2);
    serve_expect(&rig, "PUT", path, "",
                 "{\"customerNumber\":\"" WHO "\",\"notes\":\"\",\"lastResult\":\"BUSY\"}", 400,
                 "customerNumber is of a person who was erased\n");
    serve_holds(&rig, path, "\"customerNumber\":\"+358409999999\"");
    serve_expect(&rig, "POST", "/chats", "", CHAT_OF(DIGITS, "web3", "hello"), 400,
                 "participants[1].uniquekey is of a person who was erased\n");
    serve_expect(&rig, "POST", "/chats", "", CHAT_OF("b", WHO, "hello"), 400,
                 "transcript.messages[0].originator is of a person who was erased\n");
}

static void who_comes_again_can_be_let_in(void **state)
{
    char id[33];

    (void)state;
    assert_int_equal(run("--lift '" WHO "'"), 0);
    says("lifted");
    assert_int_equal(run("--lift '" WHO "'"), 0);
    says("was not erased");
    serve_create(&rig, "/callbacks", "",
                 "{\"customerNumber\":\"" DIGITS "\",\"callbackQueueNumber\":\"153\"}", id);
    ingest("contact.received", "contacts/A000000000000000000000000000000D", RECEIVED("+" DIGITS));
    serve_expect(&rig, "GET", "/contacts/A000000000000000000000000000000D", "", NULL, 200, NULL);
    is_gone("/contacts/" CALL);
}

static void an_address_has_no_case_beyond_ascii_either(void **state)
{
    static const char call[] = "/contacts/A000000000000000000000000000000E";

    (void)state;
    ingest("contact.received", call + 1, RECEIVED("Äiti@Ökö.fi"));
    serve_expect(&rig, "GET", call, "", NULL, 200, NULL);
    assert_int_equal(run("'ÄITI@öKÖ.fi'"), 0);
    is_gone(call);
    serve_expect(&rig, "POST", "/customerConsents", "",
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

    snprintf(path, sizeof path, "%s/history.sqlite", rig.dir);
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
    ingest("contact.received", call + 1, RECEIVED("kept@read.fi"));
    serve_expect(&rig, "GET", call, "", NULL, 200, NULL);
    db = reader();
    assert_int_equal(run("kept@read.fi"), COMMAND_UNAVAILABLE);
    says("Ask again when that has ended.");
    is_gone(call);
    sqlite_close(db);
    assert_int_equal(run("--json kept@read.fi"), 0);
    says("\"remains\":false,\"journal_kept\":false");
    no_file_holds("kept@read.fi");
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    assert_int_equal(run("'12345678@sms.social365.com'"), 1);
    says("is the address of a queue of yours");
    assert_int_equal(run("153"), 1);
    says("is the address of a queue of yours");
    assert_int_equal(run("'+ -'"), 2);
    assert_int_equal(run(""), 2);
    serve_rig_stop(&rig);
    assert_int_equal(run("'" WHO "'"), 1);
    says("no cmibridge serve of yours answers");
    serve_rig_restart(&rig);
}

/* Killed at each of its parts, and in each transaction of the history, it is asked again. */
static void killed_anywhere_it_is_asked_again(void **state)
{
    static const char *const points[] = {
        "erasing:1",           "history_written:2",   "history_written:3", "history_committed:4",
        "history_committed:6", "history_committed:9", "erasing:2",         "erasing:3",
        "erasing:4",           "erasing:5",           "erasing:8"};

    (void)state;
    serve_rig_done(&rig);
    serve_rig_start(&rig, "");
    fill_history();
    fill_redis();
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        serve_rig_stop(&rig);
        setenv("CMIBRIDGE_FAULT_POINT", points[i], 1);
        serve_rig_restart(&rig);
        unsetenv("CMIBRIDGE_FAULT_POINT");
        if (run("'" WHO "'") != 1)
            fail_msg("%s did not kill it: %s", points[i], buf_text(&output));
        says("ended before it was done");
        serve_rig_kill(&rig); /* it is; the rig learns of it */
        serve_rig_restart(&rig);
        ingest("contact.ended", "contacts/" CALL, "{}"); /* dropped, or gone with the rest */
    }
    assert_int_equal(run("'" WHO "'"), 0);
    no_file_holds(DIGITS);
    no_file_holds("765-4321");
    is_gone("/contacts/" CALL);
    is_gone("/chats/" CHAT);
    expect_metric("cmibridge_history_incomplete_contacts 0\n");
    of_the_others_nothing_is_lost(state);
}

/* ---- a cluster ---- */

#define REFERENCES 40 /* enough for each server to have some */

static void fill_cluster(struct redis_group *g)
{
    fill_history();
    serve_create(&rig, "/callbacks", "",
                 "{\"customerNumber\":\"" WHO "\",\"callbackQueueNumber\":\"153\","
                 "\"nextCallTime\":\"" LATER "\"}",
                 callback);
    for (int i = 0; i < REFERENCES; i++) {
        char command[96];
        bool stored = false;

        snprintf(command, sizeof command, "SET cmi:ref:callbacks:%d-" DIGITS " " CALL, i);
        for (size_t k = 0; k < REDIS_GROUP_PRIMARIES && !stored; k++)
            stored = strcmp(redis_server_ask(g->server[k], command), "+OK") == 0;
        assert_true(stored);
    }
}

static bool server_holds(const struct redis_group *g, size_t i)
{
    const char *where = NULL;

    return folder_holds(g->server[i]->dir, DIGITS, &where);
}

/* What the report says of a replica is to be done there, and then nothing is left. */
static void tell_replica(struct redis_group *g, size_t i)
{
    char line[160];

    snprintf(line, sizeof line,
             "Redis at 127.0.0.1:%d has not written its append-only file anew: BGREWRITEAOF there",
             g->port[i]);
    says(line);
    assert_true(server_holds(g, i));
    redis_group_wait(g, i - REDIS_GROUP_PRIMARIES, "WAIT 1 100", ":1");
    redis_group_wait(g, i, "INFO persistence", "aof_rewrite_in_progress:0");
    assert_string_equal(redis_server_ask(g->server[i], "BGREWRITEAOF"),
                        "+Background append only file rewriting started");
    redis_group_wait(g, i, "INFO persistence", "aof_rewrite_in_progress:0");
    assert_false(server_holds(g, i));
}

static void in_a_cluster_every_server_is_searched_and_writes_its_file_anew(void **state)
{
    struct redis_group *g = redis_group_cluster(true);
    char references[64];

    (void)state;
    serve_rig_done(&rig);
    setenv("CMIBRIDGE_REDIS_CLUSTER", g->addresses, 1);
    serve_rig_start(&rig, "");
    for (size_t i = REDIS_GROUP_PRIMARIES; i < g->count; i++) /* after its first copy */
        redis_group_wait(g, i, "INFO persistence", "progress:0\r\naof_rewrite_scheduled:0");
    fill_cluster(g);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        assert_true(server_holds(g, i));
    snprintf(references, sizeof references, "\"references\":%d,", REFERENCES);
    assert_int_equal(run("--dry-run --json '" WHO "'"), 0);
    says(references);
    assert_int_equal(run("'" WHO "'"), 0);
    snprintf(references, sizeof references, "redis    references      %d\n", REFERENCES);
    says(references);
    for (size_t i = 0; i < REDIS_GROUP_PRIMARIES; i++)
        assert_false(server_holds(g, i));
    for (size_t i = REDIS_GROUP_PRIMARIES; i < g->count; i++)
        tell_replica(g, i);
    serve_lacks(&rig, "/callbacks", callback);
    serve_rig_done(&rig);
    unsetenv("CMIBRIDGE_REDIS_CLUSTER");
    redis_group_stop(g);
    serve_rig_start(&rig, "");
}

static int start(void **state)
{
    (void)state;
    buf_init(&output, OUTPUT_MAX);
    serve_rig_start(&rig, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    buf_done(&output);
    return 0;
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
        cmocka_unit_test(in_a_cluster_every_server_is_searched_and_writes_its_file_anew),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
