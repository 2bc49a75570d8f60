/* serve: callbacks (contract 16), against the real binary on a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "bridge/core/view.h"
#include "tests/fakes/serve_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct serve_rig rig;

#define SPEC_POST                                                                                  \
    "{\n\"nextCallTime\": \"2019-10-04T12:36:02.440Z\",\n\"customerNumber\": "                     \
    "\"85412369512\",\n\"callbackQueueNumber\": \"505\"\n}"

static int start(void **state)
{
    (void)state;
    serve_rig_start(&rig, "");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static void path_of(const char *id, char path[64])
{
    snprintf(path, 64, "/callbacks/%s", id);
}

static void put(const char *path, const char *result, const char *more, int status,
                const char *text)
{
    char body[512];

    snprintf(body, sizeof body,
             "{\"customerNumber\":\"+35854852156\",\"notes\":\"\",\"lastResult\":\"%s\"%s}", result,
             more);
    serve_expect(&rig, "PUT", path, "", body, status, text);
}

static void the_specification_s_example_is_added_and_shown(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    path_of(id, path);
    serve_holds(&rig, path, "\"customerNumber\":\"85412369512\"");
    serve_holds(&rig, path, "\"nextCallTime\":\"2019-10-04T12:36:02.440Z\"");
    serve_holds(&rig, path, "\"callbackQueueNumber\":\"505\"");
    serve_holds(&rig, path, "\"originalQueueNumber\":\"505\"");
    serve_holds(&rig, path, "\"failures\":0");
    serve_holds(&rig, path, "\"maxCalls\":3");
    serve_holds(&rig, path, "\"lastResult\":\"ADDED\"");
    serve_holds(&rig, path, "\"creatorId\":\"8EE34E893B224131AACF44677F60CF54\"");
    serve_holds(&rig, path, "\"creatorName\":\"Smith, John\"");
    serve_lacks(&rig, path, "originalQueueName");
    serve_lacks(&rig, path, "lastCallTime");
    serve_lacks(&rig, path, "null");
}

static void the_original_queue_comes_from_the_configuration(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "",
                 "{\"customerNumber\":\"124\",\"callbackQueueNumber\":\"153\","
                 "\"extraData\":\"<XML><Skills>ENGLISH=4</Skills></XML>\",\"gwPrefix\":\"FIN\","
                 "\"notes\":\"Comments\"}",
                 id);
    path_of(id, path);
    serve_holds(&rig, path, "\"originalQueueNumber\":\"152\",\"originalQueueName\":\"Sales\"");
    serve_holds(&rig, path, "\"extraData\":\"<XML><Skills>ENGLISH=4</Skills></XML>\"");
    serve_holds(&rig, path, "\"gwPrefix\":\"FIN\"");
    serve_holds(&rig, path, "\"notes\":\"Comments\"");
    serve_holds(&rig, path, "\"nextCallTime\"");
}

static void an_empty_text_is_kept_as_given(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"505\",\"customerNumber\":\"7\",\"extraData\":\"\","
                 "\"gwPrefix\":\"\",\"notes\":\"\"}",
                 id);
    path_of(id, path);
    serve_holds(&rig, path, "\"extraData\":\"\",\"gwPrefix\":\"\",");
    serve_holds(&rig, path, "\"notes\":\"\"");
}

static void what_breaks_a_rule_is_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *body;
        const char *text;
    } rows[] = {
        {"{\"customerNumber\":\"1\",\"callbackQueueNumber\":\"999\"}",
         "Callback queue not found\n"},
        {"{\"callbackQueueNumber\":\"505\"}", "customerNumber is missing\n"},
        {"{\"customerNumber\":\" \\t \",\"callbackQueueNumber\":\"505\"}",
         "customerNumber is no number or address; it is required\n"},
        {"{\"customerNumber\":\"\u2066+ (-)\u2069\",\"callbackQueueNumber\":\"505\"}",
         "customerNumber is no number or address; it is required\n"},
        {"{\"customerNumber\":null,\"callbackQueueNumber\":\"505\"}", NULL},
        {"{\"customerNumber\":1,\"callbackQueueNumber\":\"505\"}", NULL},
        {"{\"customerNumber\":\"1\",\"callbackQueueNumber\":\"505\",\"nextCallTime\":"
         "\"2020-06-31T00:00:00Z\"}",
         NULL},
        {"{\"customerNumber\":\"1\",\"customerNumber\":\"2\",\"callbackQueueNumber\":\"505\"}",
         NULL},
        {"{\"customerNumber\":\"1\"", NULL},
        {"[]", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        serve_expect(&rig, "POST", "/callbacks", "", rows[i].body, 400, rows[i].text);
}

static void ids_are_taken_in_every_form_and_refused_in_others(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    for (size_t i = 0; i < 32; i++)
        if (id[i] >= 'A' && id[i] <= 'F')
            id[i] = (char)(id[i] + 'a' - 'A');
    snprintf(path, sizeof path, "/callbacks/%.8s-%.4s-%.4s-%.4s-%s", id, id + 8, id + 12, id + 16,
             id + 20);
    serve_holds(&rig, path, "85412369512");
    serve_expect(&rig, "GET", "/callbacks/2B8ED95B0EC911E79675005056A75D9", "", NULL, 400,
                 "Invalid GUID: '2B8ED95B0EC911E79675005056A75D9'\n");
    serve_expect(&rig, "GET", "/callbacks/2B8ED95B0EC911E79675005056A75D91", "", NULL, 404,
                 "HTTP 404 Not Found\n");
    put("/callbacks/2B8ED95B0EC911E79675005056A75D91", "BUSY", "", 404, "HTTP 404 Not Found\n");
    put("/callbacks/nothing", "BUSY", "", 400, "Invalid GUID: 'nothing'\n");
}

static void failures_lead_to_another_call_until_there_were_enough(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    path_of(id, path);
    put(path, "BUSY", "", 204, "");
    serve_holds(&rig, path, "\"failures\":1,");
    serve_holds(&rig, path, "\"lastResult\":\"BUSY\"");
    serve_holds(&rig, path, "\"lastCallTime\"");
    serve_holds(&rig, path, "\"customerNumber\":\"+35854852156\"");
    serve_holds(&rig, path, "\"notes\":\"\"");
    serve_lacks(&rig, path, "2019-10-04");
    put(path, "NO_ANSWER", "", 204, "");
    serve_holds(&rig, "/callbacks?customerNumber=*54852156", id);
    put(path, "VOICEMAIL", "", 204, "");
    serve_holds(&rig, path, "\"failures\":3,");
    serve_lacks(&rig, path, "nextCallTime");
    serve_lacks(&rig, "/callbacks", id);
    put(path, "RESCHEDULE", "", 409, NULL);
    put(path, "OTHER", "", 204, "");
    serve_holds(&rig, path, "\"failures\":3,");
    serve_holds(&rig, path, "\"lastResult\":\"OTHER\"");
}

static void a_time_may_be_wished_for_and_a_closed_one_opened_again(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    path_of(id, path);
    put(path, "BUSY", ",\"nextCallTime\":\"2030-01-01T00:00:00Z\"", 400,
        "nextCallTime is allowed only when lastResult is CUSTOM_TIME or RESCHEDULE\n");
    put(path, "BUSY", ",\"nextCallTime\":\"2019-10-04T14:36:02.440+02:00\"", 204, "");
    put(path, "CUSTOM_TIME", ",\"nextCallTime\":\"2030-01-01T00:00:00Z\"", 204, "");
    serve_holds(&rig, path, "\"nextCallTime\":\"2030-01-01T00:00:00.000Z\"");
    serve_holds(&rig, path, "\"failures\":1,");
    put(path, "SUCCESSFUL", "", 204, "");
    serve_lacks(&rig, "/callbacks", id);
    serve_lacks(&rig, path, "nextCallTime");
    put(path, "RESCHEDULE", "", 204, "");
    serve_holds(&rig, path, "\"nextCallTime\":\"2030-01-01T00:00:00.000Z\"");
    serve_holds(&rig, "/callbacks", id);
}

/* Whoever took the callback over is given another for it (core/dialler.h). */
static void what_is_asked_for_anew_is_counted(void **state)
{
    static const struct {
        const char *number;
        const char *result;
        const char *anew;
    } rows[] = {
        {"+35854852156", "RESCHEDULE", "$-1"}, {"+358 548 52156", "RESCHEDULE", "$-1"},
        {"+35854852157", "RESCHEDULE", "1"},   {"+35854852157", "HANDLED", "1"},
        {"+35854852157", "RESCHEDULE", "2"},   {"+35854852157", "RESCHEDULE", "2"},
    };
    char id[33];
    char path[64];
    char command[96];
    char body[192];

    (void)state;
    serve_create(&rig, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\"}", id);
    path_of(id, path);
    snprintf(command, sizeof command, "HGET s:{%02u}:m:%s anew", shard_of(view_of(id)), id);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(body, sizeof body,
                 "{\"customerNumber\":\"%s\",\"notes\":\"\",\"lastResult\":\"%s\"}", rows[i].number,
                 rows[i].result);
        serve_expect(&rig, "PUT", path, "", body, 204, "");
        assert_string_equal(redis_server_ask(rig.redis, command), rows[i].anew);
    }
}

#define NUMBER_HANDLED "{\"customerNumber\":\"%s\",\"notes\":\"\",\"lastResult\":\"HANDLED\"}"

/* A version before ours took it, and whoever looks after it must be able to close it. */
static void one_with_no_number_can_be_closed(void **state)
{
    static const struct {
        const char *stored;
        const char *other;
    } rows[] = {{"-", "+"}, {"   ", "  "}};
    char id[33];
    char path[64];
    char command[96];
    char body[96];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        serve_create(&rig, "/callbacks", "", SPEC_POST, id);
        path_of(id, path);
        snprintf(command, sizeof command, "HSET s:{%02u}:m:%s cust \"%s\"", shard_of(view_of(id)),
                 id, rows[i].stored);
        assert_string_equal(redis_server_ask(rig.redis, command), ":0");
        snprintf(body, sizeof body, NUMBER_HANDLED, rows[i].other);
        serve_expect(&rig, "PUT", path, "", body, 400,
                     "customerNumber is no number or address; it is required\n");
        snprintf(body, sizeof body, NUMBER_HANDLED, rows[i].stored);
        serve_expect(&rig, "PUT", path, "", body, 204, "");
        serve_holds(&rig, path, "\"lastResult\":\"HANDLED\"");
    }
}

static void a_put_needs_its_properties_and_ignores_the_server_s(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    path_of(id, path);
    serve_expect(&rig, "PUT", path, "", "{\"customerNumber\":\"1\",\"lastResult\":\"BUSY\"}", 400,
                 "notes is missing\n");
    put(path, "ADDED", "", 400, NULL);
    put(path, "BUSY", ",\"callbackQueueNumber\":5", 400,
        "callbackQueueNumber is an integer; it must be a string\n");
    put(path, "BUSY", ",\"failures\":\"two\"", 400,
        "failures is a string; it must be an integer\n");
    put(path, "BUSY", ",\"creatorName\":{\"a\":1}", 400,
        "creatorName is an object; it must be a string\n");
    put(path, "HANDLED", ",\"failures\":77,\"maxCalls\":99,\"gwPrefix\":\"X\",\"id\":\"no\"", 204,
        "");
    serve_holds(&rig, path, "\"failures\":0,");
    serve_holds(&rig, path, "\"maxCalls\":3");
    serve_lacks(&rig, path, "gwPrefix");
}

/* The specification's PUT example, verbatim. */
static void the_specification_s_put_is_taken(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    path_of(id, path);
    serve_expect(&rig, "PUT", path, "",
                 "{\n\"callbackQueueNumber\": \"153\",\n"
                 "\"creationTime\": \"2019-09-13T11:51:17.670Z\",\n"
                 "\"customerNumber\": \"+35854852156\",\n"
                 "\"id\": \"C42C6D5CF4004CC3B75E104654D9C5BE\",\n"
                 "\"lastCallTime\": \"2019-09-16T14:25:02.840Z\",\n"
                 "\"lastResult\": \"HANDLED\",\n\"notes\": \"Comments\",\n"
                 "\"originalQueueNumber\": \"152\",\n\"originalQueueName\": \"Sales\"\n}",
                 204, "");
    serve_holds(&rig, path, "\"lastResult\":\"HANDLED\"");
}

/* The keys of server/store.h, as the scheduler will find them. */
static void the_schedule_follows_each_change(void **state)
{
    char id[33];
    char path[64];
    char due[64];
    char q[96];
    char command[160];
    unsigned shard = 0;

    (void)state;
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    path_of(id, path);
    shard = shard_of(view_of(id));
    snprintf(due, sizeof due, "ZSCORE s:{%02u}:dial %s", shard, id);
    snprintf(q, sizeof q, "ZSCORE s:{%02u}:q:%s 0", shard, id);
    assert_string_equal(redis_server_ask(rig.redis, due), "1570192562440");
    assert_string_equal(redis_server_ask(rig.redis, q), "$-1"); /* new: it waits without */
    put(path, "CUSTOM_TIME", ",\"nextCallTime\":\"2030-01-01T00:00:00Z\"", 204, "");
    assert_string_equal(redis_server_ask(rig.redis, due), "1893456000000");
    assert_string_equal(redis_server_ask(rig.redis, q), "1893456000000");
    snprintf(command, sizeof command, "HGET s:{%02u}:m:%s kind", shard, id);
    assert_string_equal(redis_server_ask(rig.redis, command), "2");
    put(path, "SUCCESSFUL", "", 204, "");
    assert_string_equal(redis_server_ask(rig.redis, due), "$-1");
    assert_string_equal(redis_server_ask(rig.redis, q), "$-1");
    snprintf(command, sizeof command, "EXISTS s:{%02u}:gc", shard);
    assert_string_equal(redis_server_ask(rig.redis, command), ":1");
}

/* All that server/store.h says of a new callback, and nothing else. */
static void a_new_callback_lies_in_the_store_as_its_contract_says(void **state)
{
    static const struct {
        const char *field;
        const char *value; /* NULL: only that there is one */
    } rows[] = {
        {"st", "1"},       {"ver", "1"},  {"kind", "2"},
        {"created", NULL}, {"by", NULL},  {"byname", "Smith, John"},
        {"n", "1"},        {"C", "1"},    {"at", "1893456000000"},
        {"mr", "2"},       {"rd", "300"}, {"queue", "505"},
        {"oqn", "505"},    {"cust", "7"}, {"next", "1893456000000"},
        {"extra", "e"},    {"gw", "9"},   {"notes", ""},
        {"dig", NULL},
    };
    char id[33];
    char command[160];
    char created[64];
    char member[160];
    unsigned shard = 0;

    (void)state;
    serve_create(&rig, "/callbacks", "Idempotency-Key: whole\r\n",
                 "{\"callbackQueueNumber\":\"505\",\"customerNumber\":\"7\",\"extraData\":\"e\","
                 "\"gwPrefix\":\"9\",\"notes\":\"\",\"nextCallTime\":\"2030-01-01T00:00:00Z\"}",
                 id);
    shard = shard_of(view_of(id));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *value = NULL;

        snprintf(command, sizeof command, "HGET s:{%02u}:m:%s %s", shard, id, rows[i].field);
        value = redis_server_ask(rig.redis, command);
        if (strcmp(rows[i].field, "created") == 0)
            snprintf(created, sizeof created, "%s", value);
        if (rows[i].value != NULL)
            assert_string_equal(value, rows[i].value);
        else
            assert_string_not_equal(value, "$-1");
    }
    snprintf(command, sizeof command, "HLEN s:{%02u}:m:%s", shard, id);
    snprintf(member, sizeof member, ":%zu", sizeof rows / sizeof rows[0]);
    assert_string_equal(redis_server_ask(rig.redis, command), member);
    snprintf(member, sizeof member, "ZSCORE s:{%02u}:callbacks %016lld:%s", shard,
             strtoll(created, NULL, 10), id);
    assert_string_equal(redis_server_ask(rig.redis, member), "0");
}

/* Takes the value of the next "name":"…" in the body from *at on. */
static bool next_value(const char **at, const char *name, char value[64])
{
    char key[32];
    size_t n = 0;

    snprintf(key, sizeof key, "\"%s\":\"", name);
    *at = strstr(*at, key);
    if (*at == NULL)
        return false;
    *at += strlen(key);
    n = strcspn(*at, "\"");
    assert_true(n < 64);
    memcpy(value, *at, n);
    value[n] = '\0';
    return true;
}

static void the_list_is_newest_first_and_goes_on_after_its_limit(void **state)
{
    char next[SERVE_NEXT_MAX] = "/callbacks?customerNumber=777*&limit=2";
    char seen[8][64];
    char last[64] = "9";
    size_t count = 0;
    bool more = true;

    (void)state;
    for (int i = 0; i < 5; i++) {
        char body[128];
        char id[33];

        snprintf(body, sizeof body,
                 "{\"customerNumber\":\"777%d\",\"callbackQueueNumber\":\"153\"}", i);
        serve_create(&rig, "/callbacks", "", body, id);
    }
    for (int page = 0; more; page++) {
        struct probe_reply r = serve_ask(&rig, "GET", next, "", NULL);
        const char *at = r.body.p;
        char created[64];
        size_t here = 0;

        assert_int_equal(r.status, 200);
        while (next_value(&at, "creationTime", created)) {
            assert_true(strcmp(created, last) <= 0); /* one format, so the order of texts */
            memcpy(last, created, sizeof last);
            assert_true(count < 5 && next_value(&at, "customerNumber", seen[count]));
            for (size_t i = 0; i < count; i++)
                assert_string_not_equal(seen[i], seen[count]);
            count++;
            here++;
        }
        assert_int_equal(here, page < 2 ? 2 : 1);
        more = serve_next(&r, next);
        probe_done(&r);
    }
    assert_int_equal(count, 5);
}

static void a_search_reads_a_blank_as_a_plus(void **state)
{
    char id[33];

    (void)state;
    serve_create(&rig, "/callbacks", "",
                 "{\"customerNumber\":\"+4912345\",\"callbackQueueNumber\":\"153\"}", id);
    serve_holds(&rig, "/callbacks?customerNumber=+4912345", id);
    serve_holds(&rig, "/callbacks?customerNumber=%2B49123*", id);
    serve_holds(&rig, "/callbacks?customerNumber=?4912345", id);
    serve_lacks(&rig, "/callbacks?customerNumber=4912345", id);
}

/* The last outcome in the outbox of its shard: type, result, failures, maxCalls. */
static void expect_outcome(const char *id, int count, const char *expected)
{
    char command[512];
    char is[128];
    unsigned shard = shard_of((struct view){id, 32});

    snprintf(command, sizeof command, "XLEN s:{%02u}:out", shard);
    snprintf(is, sizeof is, ":%d", count);
    assert_string_equal(redis_server_ask(rig.redis, command), is);
    if (count == 0)
        return;
    snprintf(command, sizeof command,
             "EVAL return((function(f,c)return(f[4]..c..f[2]..c..f[10]..c..f[12])end)"
             "(redis.call(ARGV[1],KEYS[1],ARGV[2],ARGV[3],ARGV[4],1)[1][2],ARGV[5])) "
             "1 s:{%02u}:out XREVRANGE + - COUNT ,",
             shard);
    snprintf(is, sizeof is, "%s,%s ", id, expected);
    assert_memory_equal(redis_server_ask(rig.redis, command), is, strlen(is));
}

static void what_a_put_says_is_told_as_the_dialler_s_own_result_is(void **state)
{
    char id[33];
    char path[64];

    (void)state;
    assert_string_equal(redis_server_ask(rig.redis, "FLUSHALL"), "+OK");
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    path_of(id, path);
    expect_outcome(id, 0, "");
    put(path, "BUSY", "", 204, "");
    expect_outcome(id, 1, "called,BUSY,1 3");
    put(path, "CUSTOM_TIME", ",\"nextCallTime\":\"2030-01-01T00:00:00Z\"", 204, "");
    expect_outcome(id, 2, "called,CUSTOM_TIME,1 3");
    put(path, "NO_ANSWER", "", 204, "");
    put(path, "VOICEMAIL", "", 204, "");
    expect_outcome(id, 4, "called-last,VOICEMAIL,3 3");
    put(path, "HANDLED", "", 204, ""); /* it is closed: recorded without effect */
    put(path, "RESCHEDULE", "", 409, NULL);
    expect_outcome(id, 4, "called-last,VOICEMAIL,3 3");

    assert_string_equal(redis_server_ask(rig.redis, "FLUSHALL"), "+OK");
    serve_create(&rig, "/callbacks", "", SPEC_POST, id);
    path_of(id, path);
    for (int i = 0; i < 2; i++) /* a request that comes again is told once */
        serve_expect(&rig, "PUT", path, "Idempotency-Key: handled\r\n",
                     "{\"customerNumber\":\"1\",\"notes\":\"\",\"lastResult\":\"HANDLED\"}", 204,
                     "");
    expect_outcome(id, 1, "called-last,HANDLED,0 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_specification_s_example_is_added_and_shown),
        cmocka_unit_test(the_original_queue_comes_from_the_configuration),
        cmocka_unit_test(an_empty_text_is_kept_as_given),
        cmocka_unit_test(what_breaks_a_rule_is_refused_with_a_sentence),
        cmocka_unit_test(ids_are_taken_in_every_form_and_refused_in_others),
        cmocka_unit_test(failures_lead_to_another_call_until_there_were_enough),
        cmocka_unit_test(a_time_may_be_wished_for_and_a_closed_one_opened_again),
        cmocka_unit_test(what_is_asked_for_anew_is_counted),
        cmocka_unit_test(one_with_no_number_can_be_closed),
        cmocka_unit_test(a_put_needs_its_properties_and_ignores_the_server_s),
        cmocka_unit_test(the_specification_s_put_is_taken),
        cmocka_unit_test(the_schedule_follows_each_change),
        cmocka_unit_test(a_new_callback_lies_in_the_store_as_its_contract_says),
        cmocka_unit_test(the_list_is_newest_first_and_goes_on_after_its_limit),
        cmocka_unit_test(a_search_reads_a_blank_as_a_plus),
        cmocka_unit_test(what_a_put_says_is_told_as_the_dialler_s_own_result_is),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
