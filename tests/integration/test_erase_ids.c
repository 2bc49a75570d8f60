/* `cmibridge erase` and the ids that a gateway gives: one may hold the number of who got it, in any
 * code. None stays in Redis, nor does any come there or to Kafka afterwards: by what was out
 * meanwhile, or by a receipt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "bridge/io/kafka_reader.h"
#include "tests/fakes/receipt_rig.h"
#include "tests/fakes/send_rig.h"
#include "tests/fakes/shell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define DIGITS "35840991000" /* whom every message `same` is to */
#define ID     DIGITS "-20261128"
#define WAMID  "wamid.HRgLMzU4NDA5OTEwMDAVAgA=" /* has them in it, too */
#define OTHERS "made-17"
#define LEASE  "120s" /* outlasts the erasure */
#define OUTPUT 65536

enum { PLAIN, CODED, OTHER, OUT };

static struct send_rig rig; /* too much for the stack */
static struct buf output;

/* ---- where something is found ---- */

static const char *whole_redis(const char *text)
{
    char command[1024];

    (void)snprintf(
        command, sizeof command,
        "EVAL \"local all={string={'GET'},hash={'HGETALL'},zset={'ZRANGE',0,-1},"
        "stream={'XRANGE','-','+'}} "
        "local function has(v) if type(v)~='table' then return string.find(v,ARGV[1],1,true) end "
        "for _,one in ipairs(v) do if has(one) then return true end end end "
        "local found='' for _,k in ipairs(redis.call('KEYS','*')) do "
        "local how=all[redis.call('TYPE',k).ok] "
        "if has(k) or has(redis.call(how[1],k,unpack(how,2))) then found=found..k..' ' end end "
        "return found..'.'\" 0 %s",
        text);
    return redis_server_ask(rig.serve.redis, command);
}

static void expect_found(const char *text, const char *where)
{
    const char *found = whole_redis(text);

    if (strcmp(found, where) != 0)
        fail_msg("'%s' is in '%s', not in '%s'", text, found, where);
}

static void expect_nobody(void)
{
    expect_found(DIGITS, ".");
    expect_found(WAMID, ".");
}

static size_t records; /* of Kafka, and those that name the person */
static size_t naming;

static bool holds(struct view all, const char *text)
{
    size_t n = strlen(text);

    for (size_t i = 0; i + n <= all.n; i++)
        if (memcmp(all.p + i, text, n) == 0)
            return true;
    return false;
}

static bool on_record(void *ctx, const struct record *r, int64_t done, int64_t total,
                      struct fault *f)
{
    (void)ctx, (void)done, (void)total, (void)f;
    records++;
    naming += holds(r->value, DIGITS) || holds(r->value, WAMID) || holds(r->key, DIGITS);
    return true;
}

static void look_at_kafka(void)
{
    const struct kafka_property quick = {"fetch.wait.max.ms", "10"};
    const struct kafka_conf conf = {
        .brokers = kafka_broker_bootstrap(rig.kafka), .properties = &quick, .property_count = 1};
    struct fault f = {0};
    struct kafka_reader *reader = kafka_reader_new(&conf, &f);
    char topic[32];

    assert_non_null(reader);
    records = naming = 0;
    (void)snprintf(topic, sizeof topic, "outcomes-%u", rig.number);
    if (!kafka_reader_scan(reader, topic, on_record, NULL, NULL, &f))
        fail_msg("%s", f.text);
    kafka_reader_free(reader);
}

static size_t awaited;

static bool has_records(struct send_rig *of)
{
    (void)of;
    look_at_kafka();
    return records >= awaited;
}

/* ---- what is done ---- */

/* The next request's reply gives that id. */
static void post(bool same, const char *reply)
{
    const struct hostile_step step = {.act = HOSTILE_REPLY_TO_DONE,
                                      .status = 200,
                                      .headers = "Content-Type: application/json\r\n",
                                      .body = reply};

    hostile_http_script(rig.options.carrier, &step, 1);
    (void)send_rig_post_as(&rig, &(struct send_rig_message){.count = 1, .same = same});
}

static void erase(const char *options, const char *address, const char *expected)
{
    char command[256];
    int code;

    (void)snprintf(command, sizeof command,
                   "\"$CMIBRIDGE_BIN\" erase --config %s --json %s '%s' 2>&1", rig.serve.config,
                   options, address);
    code = shell_run(command, &output);
    if (code != 0 || strstr(buf_text(&output), expected) == NULL)
        fail_msg("%d, and '%s' is not in: %s", code, expected, buf_text(&output));
}

static const char *key_of(const char *name, size_t message)
{
    static char key[64];
    const char *id = rig.messages[message].id;

    (void)snprintf(key, sizeof key, "s:{%02u}:%s:%s", shard_of(view_of(id)), name, id);
    return key;
}

static void expect_in(const char *text, size_t message)
{
    char where[80];

    (void)snprintf(where, sizeof where, "%s:0 .", key_of("o", message));
    expect_found(text, where);
}

/* Its list of addresses lies as a longer one does. */
static void put_list_apart(size_t message)
{
    char command[512];
    char m[64];

    (void)snprintf(m, sizeof m, "%s", key_of("m", message));
    (void)snprintf(command, sizeof command,
                   "EVAL \"redis.call('SET',KEYS[2],redis.call('HGET',KEYS[1],'c0')) "
                   "return redis.call('HDEL',KEYS[1],'c0')\" 2 %s %s:0",
                   m, key_of("c", message));
    assert_string_equal(redis_server_ask(rig.serve.redis, command), ":1");
}

static void hook(size_t message, const char *event, const char *more)
{
    char body[512];

    (void)snprintf(body, sizeof body, "{\"id\":\"%s-0\",%s}", rig.messages[message].id, more);
    assert_int_equal(receipt_rig_hook(&rig.serve, "out", SECRET, event, body, (int64_t)time(NULL)),
                     200);
}

/* ---- the story ---- */

static void no_id_of_who_is_erased_stays_or_comes(void **state)
{
    char command[256];
    size_t named;

    (void)state;
    send_rig_start_as(&rig, &(struct send_rig_options){
                                .carrier = hostile_http_start(),
                                .serve = "channels:\n  out: {type: webhook, url: 'http://x.test', "
                                         "signing_secret: " SECRET "}\n"
                                         "chats.queues.sms.via: out\n",
                            });
    send_rig_run(&rig, 0, NULL);
    post(true, "{\"id\":\"" ID "\"}");
    send_rig_until_ended(&rig);
    post(true, "{\"id\":\"" WAMID "\"}");
    send_rig_until_ended(&rig);
    post(false, "{\"id\":\"" OTHERS "\"}");
    send_rig_until_ended(&rig);
    send_rig_end(&rig, 0);
    expect_in(ID, PLAIN);
    expect_in(WAMID, CODED);
    put_list_apart(CODED);
    assert_int_equal(setenv("CMIBRIDGE_SCHEDULE_LEASE", LEASE, 1), 0);
    send_rig_run(&rig, 1, "settled:1:stop"); /* answered, and not recorded yet */
    assert_int_equal(unsetenv("CMIBRIDGE_SCHEDULE_LEASE"), 0);
    post(true, "{\"id\":\"" ID "\"}");
    send_rig_until_stopped(&rig, 1);
    look_at_kafka();
    named = naming;
    assert_true(named > 0);

    erase("--dry-run", "+" DIGITS, "\"dry_run\":true");
    expect_in(ID, PLAIN);
    expect_in(WAMID, CODED);
    erase("", "+" DIGITS, "\"destinations\":3,");
    expect_nobody();
    expect_in(OTHERS, OTHER);

    assert_int_equal(kill(rig.schedule[1], SIGCONT), 0);
    send_rig_until_ended(&rig);
    assert_true(rig.messages[OUT].seen[0].handled);
    look_at_kafka();
    awaited = records + 3;
    hook(PLAIN, "1", "\"status\":\"delivered\",\"provider_id\":\"" ID "\"");
    hook(CODED, "2", "\"status\":\"failed\",\"reason\":\"no " DIGITS "\",\"provider_id\":\"x\"");
    hook(OUT, "3", "\"status\":\"read\",\"provider_id\":\"" WAMID "\"");
    send_rig_until_outcomes(&rig, has_records);
    assert_int_equal(naming, named);
    send_rig_end(&rig, 1);
    expect_nobody();
    expect_in(OTHERS, OTHER);

    /* An earlier release has left one: it goes with whoever is erased next. */
    (void)snprintf(command, sizeof command,
                   "APPEND %s:0 \"\\x00\\x00\\x01\\x02\\x07\\x0bexpired" DIGITS "\"",
                   key_of("o", PLAIN));
    assert_true(redis_server_ask(rig.serve.redis, command)[0] == ':');
    erase("--dry-run", "+358501111111", "\"destinations\":0,");
    expect_in(DIGITS, PLAIN);
    erase("", "+358501111111", "\"destinations\":0,");
    expect_nobody();
    expect_in("expired", PLAIN);
    expect_in(OTHERS, OTHER);

    hostile_http_stop(rig.options.carrier);
    send_rig_done(&rig);
}

static int begin(void **state)
{
    buf_init(&output, OUTPUT);
    return send_rig_begin(state);
}

static int finish(void **state)
{
    buf_done(&output);
    return send_rig_finish(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_id_of_who_is_erased_stays_or_comes),
    };

    return cmocka_run_group_tests(tests, begin, finish);
}
