/* `cmibridge consume` and `dlq` on Apache Kafka: what the embedded broker can't show, which has no
 * retention and no static membership. The rest is in test_group_consume.c, on either. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/core/mem.h"
#include "tests/fakes/apache_kafka.h"
#include "tests/fakes/load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 8

static struct apache_kafka *kafka;

/* A topic of its own. */
static void open_load(struct load *l, const char *topic)
{
    static const char *const endings[] = {"", "-results", "-dead"};
    char name[64];

    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", topic, endings[i]);
        apache_kafka_topic(kafka, name, i == 0 ? PARTITIONS : 1);
    }
    kafka_rig_start_on(&l->rig, apache_kafka_address(kafka));
    load_open(l, topic, PARTITIONS, true);
}

/* ---- the tests ---- */

/* D1: the broker's retention was faster than the consumer. */
static void records_dropped_unread_end_the_consumer(void **state)
{
    struct load s;
    struct consumer *c;
    int64_t committed;
    char sentence[160];

    (void)state;
    open_load(&s, "dropped-unread");
    load_send(&s, 500);
    load_flush(&s);
    c = consumer_start(&s.conf);
    load_await_effects(&s, s.sent);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    consumer_free(c);
    committed = apache_kafka_committed(kafka, s.conf.topic, s.conf.topic, 3);
    load_send(&s, 500);
    load_flush(&s);
    apache_kafka_drop_before(kafka, s.conf.topic, 3, committed + 1);

    c = consumer_start(&s.conf);
    snprintf(sentence, sizeof sentence,
             "dropped-unread[3]: offset %lld is committed, but the log begins at %lld: the broker "
             "dropped what was not read",
             (long long)committed, (long long)committed + 1);
    consumer_await(c, sentence, 1);
    assert_int_equal(consumer_end(c, 0), COMMAND_STOPPED);
    assert_int_equal(hostile_http_count(s.cmi), 500); /* no other partition was begun either */
    consumer_free(c);
    load_close(&s);
}

/* Static membership: who comes back under its name within the session has its partitions still, and
 * nobody else is disturbed. */
static void a_named_member_comes_back_without_a_rebalance(void **state)
{
    static const int ends[] = {SIGTERM, SIGKILL};
    struct load s;
    struct consumer *one;
    struct consumer *two;

    (void)state;
    open_load(&s, "named");
    s.conf.instance = "one";
    one = consumer_start(&s.conf);
    consumer_await(one, "event=assigned", PARTITIONS);
    s.conf.instance = "two";
    two = consumer_start(&s.conf);
    consumer_await(two, "event=assigned", PARTITIONS / 2);
    consumer_await(one, "event=assigned", PARTITIONS + PARTITIONS / 2);
    s.conf.instance = "one";
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        load_send(&s, 500);
        load_flush(&s);
        (void)consumer_end(one, ends[i]);
        consumer_free(one);
        one = consumer_start(&s.conf);
        consumer_await(one, "event=assigned", PARTITIONS / 2);
        load_await_effects(&s, s.sent);
    }
    assert_int_equal(consumer_said(two, "event=revoked"), 0);
    assert_int_equal(consumer_said(two, "event=assigned"), PARTITIONS / 2);

    /* A second process under a name that is taken puts the first one out, with a sentence. */
    s.conf.instance = "two";
    consumer_free(one);
    one = consumer_start(&s.conf);
    consumer_await(two, "the Kafka client ended itself", 1);
    assert_int_equal(consumer_end(two, 0), COMMAND_STOPPED);
    load_check_effects(&s);
    consumer_free(one);
    consumer_free(two);
    load_close(&s);
}

/* ---- a process that sleeps past its session ---- */

#define HELD  16 /* requests that a consumer sends at a time */
#define SLEPT 1000
#define AWAKE 500

struct accounts { /* of each event */
    struct reader results;
    unsigned requested[SLEPT + AWAKE];
    unsigned told[SLEPT + AWAKE];       /* results */
    unsigned told_twice[SLEPT + AWAKE]; /* of them, such that say possible_duplicate */
};

static bool all_are_told(void *ctx)
{
    static const char subject[] = "\"subject\":\"callbacks/";
    struct accounts *a = ctx;
    bool all = true;

    memset(a->told, 0, sizeof a->told);
    memset(a->told_twice, 0, sizeof a->told_twice);
    for (size_t i = 0; i < a->results.count; i++) {
        const char *value = a->results.got[i].value;
        const char *at = strstr(value, subject);
        unsigned long event;

        assert_non_null(at);
        event = strtoul(at + strlen(subject), NULL, 10);
        assert_true(event < SLEPT + AWAKE);
        a->told[event]++;
        a->told_twice[event] += strstr(value, "\"possible_duplicate\":true") != NULL;
    }
    for (size_t e = 0; e < SLEPT + AWAKE; e++)
        all = all && a->told[e] > 0;
    return all;
}

/* Where the CMI ignores keys: only what was out when it fell asleep was written twice, and each of
 * those is told of. */
static void check_twice(const struct accounts *a)
{
    unsigned twice = 0;

    for (size_t e = 0; e < SLEPT + AWAKE; e++) {
        assert_in_range(a->requested[e], 1, 2);
        if (a->requested[e] == 1)
            continue;
        twice++;
        assert_true(a->told_twice[e] > 0);
    }
    assert_int_equal(twice, HELD);
}

/* It holds requests whose replies come while it sleeps (SIGSTOP), and wakes when another consumer
 * has had its partitions and has ended all that was in them. */
static void sleep_past_the_session(const char *topic, bool honours_key)
{
    const struct hostile_step hold = {.act = HOSTILE_HOLD};
    struct accounts *a = mem_zeroed(1, sizeof *a);
    char results[64];
    const char *const read[] = {results};
    struct kafka_conf conf;
    struct load s;
    struct consumer *asleep;
    struct consumer *other;

    snprintf(results, sizeof results, "%s-results", topic);
    open_load(&s, topic);
    s.conf.honours_key = honours_key;
    hostile_http_ignore_keys(s.cmi, !honours_key);
    hostile_http_default(s.cmi, hold);
    conf = kafka_rig_conf(&s.rig, read);
    reader_start(&a->results, &s.rig, &conf);
    load_send(&s, SLEPT);
    load_flush(&s);
    asleep = consumer_start(&s.conf);
    hostile_http_wait(s.cmi, HELD);
    consumer_signal(asleep, SIGSTOP);
    other = consumer_start(&s.conf);
    consumer_await(other, "event=assigned", PARTITIONS); /* the session is over */
    hostile_http_release(s.cmi);
    hostile_http_wait(s.cmi, HELD + SLEPT);

    consumer_signal(asleep, SIGCONT);
    consumer_await(asleep, "event=revoked", PARTITIONS);
    assert_int_equal(consumer_said(asleep, "lost=1"), PARTITIONS);
    consumer_await(asleep, "event=assigned", PARTITIONS + PARTITIONS / 2);
    consumer_await(other, "event=assigned", PARTITIONS + PARTITIONS / 2);
    load_send(&s, AWAKE);
    load_flush(&s);
    kafka_rig_until(&s.rig, all_are_told, a);
    assert_int_equal(consumer_end(asleep, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_end(other, SIGTERM), COMMAND_OK);
    for (size_t i = 0; i < hostile_http_count(s.cmi); i++)
        a->requested[load_event_of(hostile_http_request(s.cmi, i))]++;
    if (honours_key)
        load_check_effects(&s);
    else
        check_twice(a);
    load_check_committed(&s);
    reader_done(&a->results);
    mem_free(a);
    consumer_free(asleep);
    consumer_free(other);
    load_close(&s);
}

static void
a_process_that_slept_past_its_session_repeats_nothing_where_keys_are_honoured(void **state)
{
    (void)state;
    sleep_past_the_session("slept", true);
}

static void a_process_that_slept_past_its_session_leaves_nothing_unsaid(void **state)
{
    (void)state;
    sleep_past_the_session("slept-unkeyed", false);
}

/* ---- publish and dlq ---- */

static bool all_have_come(void *ctx)
{
    const struct reader *r = ctx;

    return r->count == 1;
}

static void a_dead_letter_is_listed_replayed_and_written(void **state)
{
    static const struct hostile_step refuse = {
        .act = HOSTILE_REPLY, .status = 400, .body = "Callback queue not found"};
    static const char *const dead[] = {"dlq-dead"};
    struct load s;
    struct reader letters = {.rig = NULL};
    struct kafka_conf conf;
    struct consumer *c;
    const char *output;

    (void)state;
    open_load(&s, "dlq");
    hostile_http_script(s.cmi, &refuse, 1);
    c = consumer_start(&s.conf);
    assert_int_equal(
        kafka_rig_command(&s.rig,
                          "echo '{\"specversion\":\"1.0\",\"id\":\"0\",\"source\":\"/shop\","
                          "\"type\":\"callback.requested\",\"subject\":\"callbacks/0\",\"data\":{"
                          "\"customerNumber\":\"0612345678\",\"callbackQueueNumber\":\"153\","
                          "\"notes\":\"0\"}}' |",
                          "publish -t dlq", &output),
        COMMAND_OK);
    assert_string_equal(output, "published 1 of 1\n");
    s.sent = 1;
    conf = kafka_rig_conf(&s.rig, dead);
    reader_start(&letters, &s.rig, &conf);
    kafka_rig_until(&s.rig, all_have_come, &letters);
    assert_int_equal(kafka_rig_command(&s.rig, "", "dlq list -t dlq-dead --json", &output),
                     COMMAND_OK);
    assert_non_null(strstr(output, "\"disposition\":\"refused\""));
    assert_null(strstr(output, "0612345678"));
    assert_int_equal(
        kafka_rig_command(&s.rig, "", "dlq replay -t dlq-dead --results dlq-results", &output),
        COMMAND_OK);
    assert_string_equal(output,
                        "replayed 1 of 1; passed over: 0 replayed before, 0 written since\n");
    load_await_effects(&s, 1);
    assert_true(view_eq(hostile_request_header(hostile_http_request(s.cmi, 0), "Idempotency-Key"),
                        hostile_request_header(hostile_http_request(s.cmi, 1), "Idempotency-Key")));
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    load_check_effects(&s);
    assert_int_equal(
        kafka_rig_command(&s.rig, "", "dlq replay -t dlq-dead --results dlq-results", &output),
        COMMAND_OK);
    assert_string_equal(output,
                        "replayed 0 of 0; passed over: 1 replayed before, 0 written since\n");
    reader_done(&letters);
    consumer_free(c);
    load_close(&s);
}

static bool all_letters_have_come(void *ctx)
{
    const struct reader *r = ctx;

    return r->count >= 41; /* what was out when the producer was replaced may come twice */
}

/* The dead letters' topic takes little: not a batch of forty small ones, which go one by one then,
 * and not a large one, of which is kept what fits. Nothing stands still. */
static void dead_letters_end_though_their_topic_takes_little(void **state)
{
    static const char *const dead[] = {"little-dead"};
    static char large[6000];
    struct load s;
    struct reader letters = {.rig = NULL};
    struct kafka_conf conf;
    struct consumer *c;

    (void)state;
    apache_kafka_topic(kafka, "little", PARTITIONS);
    apache_kafka_topic(kafka, "little-results", 1);
    apache_kafka_topic_of(kafka, "little-dead", 1, "max.message.bytes", "4000");
    kafka_rig_start_on(&s.rig, apache_kafka_address(kafka));
    load_open(&s, "little", PARTITIONS, true);
    memset(large, 'x', sizeof large - 1);
    for (int i = 0; i < 40; i++)
        kafka_rig_send(&s.rig, "little", "small", "no event at all, though it is some bytes long");
    kafka_rig_send(&s.rig, "little", "large", large);
    load_send(&s, 100);
    load_flush(&s);
    c = consumer_start(&s.conf);
    conf = kafka_rig_conf(&s.rig, dead);
    reader_start(&letters, &s.rig, &conf);
    kafka_rig_until(&s.rig, all_letters_have_come, &letters);
    load_await_effects(&s, 100);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_said(c, "event=kafka_batches_refused"), 1);
    assert_int_equal(consumer_said(c, "event=dead_letter_cut"), 1);
    assert_int_equal(consumer_said(c, "event=drain_deadline"), 0);
    load_check_effects(&s);
    reader_done(&letters);
    consumer_free(c);
    load_close(&s);
}

/* What `cmibridge check --connect` says, until the next call. */
static const char *check_connect(const char *topics)
{
    static char said[16384];
    char line[1024];
    FILE *pipe;
    size_t n;

    snprintf(line, sizeof line,
             "CMIBRIDGE_KAFKA_BROKERS=%s CMIBRIDGE_KAFKA_TOPICS='%s' "
             "CMIBRIDGE_KAFKA_RESULTS_TOPIC=room-results CMIBRIDGE_KAFKA_OUTCOMES_TOPIC= "
             "CMIBRIDGE_KAFKA_DEAD_LETTERS_TOPIC=room-dead \"$CMIBRIDGE_BIN\" check --connect 2>&1",
             apache_kafka_address(kafka), topics);
    pipe = popen(line, "r");
    assert_non_null(pipe);
    n = fread(said, 1, sizeof said - 1, pipe);
    said[n] = '\0';
    assert_int_not_equal(pclose(pipe), -1); /* it has no Redis, and says so */
    return said;
}

static void a_topic_that_takes_too_little_is_told_of_before_the_start(void **state)
{
    const char *said;

    (void)state;
    apache_kafka_topic_of(kafka, "room", 2, "max.message.bytes", "2000000");
    apache_kafka_topic_of(kafka, "room-results", 1, "max.message.bytes", "40000");
    apache_kafka_topic_of(kafka, "room-dead", 1, "max.message.bytes", "4000000");
    said = check_connect("room");
    assert_non_null(strstr(said, "kafka                ok "));
    assert_non_null(strstr(said, "kafka                warns  records of room may have 2000000 "));
    assert_non_null(strstr(said, "max.message.bytes of room-dead (4000000) and message.max.bytes "
                                 "in kafka.properties (1048588) be 2001024 or more\n"));
    assert_non_null(
        strstr(said, "kafka                warns  room-results takes records of 40000 "));
    assert_non_null(
        strstr(said, "kafka                warns  room-results takes batches of 40000 "));
    assert_null(strstr(said, "not exist"));
    said = check_connect("^room.*"); /* never those that we write */
    assert_non_null(strstr(said, "kafka                warns  records of room may have 2000000 "));
    apache_kafka_topic_of(kafka, "__room", 3, "max.message.bytes", "3000000");
    said = check_connect("^_*room$"); /* nor Kafka's own */
    assert_non_null(strstr(said, " ^_*room$ with 2 partitions, "));
    assert_non_null(strstr(said, "kafka                warns  records of room may have 2000000 "));
    assert_null(strstr(said, "__room"));
}

static void a_topic_that_is_not_there_is_told_of_before_the_start(void **state)
{
    (void)state;
    apache_kafka_empty(kafka);
    assert_non_null(strstr(check_connect("none,neither"),
                           "kafka                FAILED 4 topics do not exist: none, neither, "
                           "room-results, room-dead; what reads or writes there waits until"));
    apache_kafka_topic(kafka, "none", 1);
    apache_kafka_topic(kafka, "room-results", 1);
    apache_kafka_topic(kafka, "room-dead", 1);
    assert_non_null(strstr(check_connect("none,neither"),
                           "kafka                FAILED topic neither does not exist; what"));
}

static void a_topic_that_loses_what_it_should_keep_is_told_of_before_the_start(void **state)
{
    const char *said;

    (void)state;
    apache_kafka_empty(kafka);
    apache_kafka_topic(kafka, "room", 1);
    apache_kafka_topic(kafka, "room-results", 1);
    apache_kafka_topic_of(kafka, "room-dead", 1, "cleanup.policy", "compact");
    said = check_connect("room");
    assert_non_null(strstr(said, "kafka                warns  room-dead is compacted: it loses all "
                                 "dead letters of a key but the newest, and "));
    assert_null(strstr(said, "room-results is compacted"));
}

/* An event without a key is reported under its subject: without any, such a topic takes nothing. */
static void results_get_into_a_compacted_topic(void **state)
{
    struct load s;
    struct reader results = {.rig = NULL};
    const char *const topic[] = {"tight-results"};
    struct kafka_conf conf;
    struct consumer *c;
    const char *output;

    (void)state;
    apache_kafka_topic(kafka, "tight", PARTITIONS);
    apache_kafka_topic_of(kafka, topic[0], 1, "cleanup.policy", "compact");
    apache_kafka_topic(kafka, "tight-dead", 1);
    kafka_rig_start_on(&s.rig, apache_kafka_address(kafka));
    load_open(&s, "tight", PARTITIONS, true);
    c = consumer_start(&s.conf);
    assert_int_equal(
        kafka_rig_command(&s.rig,
                          "echo '{\"specversion\":\"1.0\",\"id\":\"0\",\"source\":\"/shop\","
                          "\"type\":\"callback.requested\",\"subject\":\"callbacks/0\",\"data\":{"
                          "\"customerNumber\":\"0612345678\",\"callbackQueueNumber\":\"153\","
                          "\"notes\":\"0\"}}' |",
                          "publish -t tight", &output),
        COMMAND_OK);
    conf = kafka_rig_conf(&s.rig, topic);
    reader_start(&results, &s.rig, &conf);
    reader_await(&results, 1);
    assert_string_equal(results.got[0].key, "callbacks/0");
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_said(c, "event=produce_failed"), 0);
    reader_done(&results);
    consumer_free(c);
    load_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_dropped_unread_end_the_consumer),
        cmocka_unit_test(a_named_member_comes_back_without_a_rebalance),
        cmocka_unit_test(
            a_process_that_slept_past_its_session_repeats_nothing_where_keys_are_honoured),
        cmocka_unit_test(a_process_that_slept_past_its_session_leaves_nothing_unsaid),
        cmocka_unit_test(a_dead_letter_is_listed_replayed_and_written),
        cmocka_unit_test(dead_letters_end_though_their_topic_takes_little),
        cmocka_unit_test(a_topic_that_takes_too_little_is_told_of_before_the_start),
        cmocka_unit_test(a_topic_that_is_not_there_is_told_of_before_the_start),
        cmocka_unit_test(a_topic_that_loses_what_it_should_keep_is_told_of_before_the_start),
        cmocka_unit_test(results_get_into_a_compacted_topic),
    };
    int failed;

    redis_server_need();
    kafka = apache_kafka_start();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apache_kafka_free(kafka);
    return failed;
}
