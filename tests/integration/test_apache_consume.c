/* `cmibridge consume` on Apache Kafka: brokers and consumers that end under load. What the CMI saw
 * is checked whole: each event had its effect once, in the order of its key (D1 to D3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/apache_kafka.h"
#include "tests/fakes/load.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 8

static struct apache_kafka *kafka;

/* A topic of its own. */
static void open_load(struct load *l, const char *topic, bool honours_key)
{
    static const char *const endings[] = {"", "-results", "-dead"};
    char name[64];

    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", topic, endings[i]);
        apache_kafka_topic(kafka, name, i == 0 ? PARTITIONS : 1);
    }
    kafka_rig_start_on(&l->rig, apache_kafka_address(kafka));
    load_open(l, topic, PARTITIONS, honours_key);
}

/* ---- the tests ---- */

static void a_killed_broker_costs_nothing(void **state)
{
    const unsigned rounds = getenv("CMIBRIDGE_LONG") != NULL ? 8 : 2;
    struct load s;
    struct consumer *c;

    (void)state;
    open_load(&s, "killed-broker", true);
    load_send(&s, 1000);
    load_flush(&s);
    c = consumer_start(&s.conf);
    for (unsigned i = 0; i < rounds; i++) {
        load_send(&s, 2000); /* some of them reach the broker only after its restart */
        load_await_effects(&s, 200 + i * 2000);
        apache_kafka_stop(kafka, SIGKILL);
        assert_true(hostile_http_effects(s.cmi) < s.sent);
        apache_kafka_restart(kafka);
        load_flush(&s);
    }
    load_await_effects(&s, s.sent);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    load_check_effects(&s);
    load_check_committed(&s);
    consumer_free(c);
    load_close(&s);
}

/* Events are repeated after the kill; by their keys the CMI takes them for repetitions. */
static void a_killed_consumers_work_is_ended_by_the_others(void **state)
{
    const unsigned rounds = getenv("CMIBRIDGE_LONG") != NULL ? 6 : 1;
    struct load s;
    struct consumer *old;
    struct consumer *young;

    (void)state;
    open_load(&s, "killed-consumer", true);
    old = consumer_start(&s.conf);
    consumer_await(old, "event=assigned", PARTITIONS);
    young = consumer_start(&s.conf);
    consumer_await(young, "event=assigned", PARTITIONS / 2);
    for (unsigned i = 0; i < rounds; i++) {
        struct consumer *next;

        load_send(&s, 3000);
        load_await_effects(&s, s.sent - 2500);
        assert_int_equal(consumer_end(old, SIGKILL), 128 + SIGKILL);
        consumer_free(old);
        assert_true(hostile_http_effects(s.cmi) < s.sent);
        next = consumer_start(&s.conf);
        load_send(&s, 1000);
        load_flush(&s);
        load_await_effects(&s, s.sent);
        consumer_await(next, "event=assigned", PARTITIONS / 2);
        old = young;
        young = next;
    }
    assert_int_equal(consumer_end(old, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_end(young, SIGTERM), COMMAND_OK);
    load_check_effects(&s);
    load_check_committed(&s);
    consumer_free(old);
    consumer_free(young);
    load_close(&s);
}

/* The CMI knows no Idempotency-Key, so whatever is sent twice shows. */
static void what_is_in_flight_ends_before_its_partition_moves(void **state)
{
    const struct hostile_step hold = {.act = HOSTILE_HOLD};
    const unsigned at_once = 16; /* what the consumer sends at a time */
    struct load s;
    struct consumer *first;
    struct consumer *second;

    (void)state;
    open_load(&s, "moved", false);
    hostile_http_default(s.cmi, hold);
    load_send(&s, 2000);
    load_flush(&s);
    first = consumer_start(&s.conf);
    hostile_http_wait(s.cmi, at_once);
    second = consumer_start(&s.conf);
    consumer_await(first, "event=revoked", PARTITIONS);
    assert_int_equal(consumer_said(second, "event=assigned"), 0);
    assert_int_equal(hostile_http_count(s.cmi), at_once);
    hostile_http_release(s.cmi);
    consumer_await(second, "event=assigned", PARTITIONS / 2);
    load_await_effects(&s, s.sent);
    assert_int_equal(consumer_end(first, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_end(second, SIGTERM), COMMAND_OK);
    assert_int_equal(hostile_http_count(s.cmi), s.sent);
    load_check_effects(&s);
    load_check_committed(&s);
    consumer_free(first);
    consumer_free(second);
    load_close(&s);
}

/* D1: the broker's retention was faster than the consumer. */
static void records_dropped_unread_end_the_consumer(void **state)
{
    struct load s;
    struct consumer *c;
    int64_t committed;
    char sentence[160];

    (void)state;
    open_load(&s, "dropped-unread", true);
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
    open_load(&s, "named", true);
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
    open_load(&s, "dlq", true);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_broker_costs_nothing),
        cmocka_unit_test(a_killed_consumers_work_is_ended_by_the_others),
        cmocka_unit_test(what_is_in_flight_ends_before_its_partition_moves),
        cmocka_unit_test(records_dropped_unread_end_the_consumer),
        cmocka_unit_test(a_named_member_comes_back_without_a_rebalance),
        cmocka_unit_test(a_dead_letter_is_listed_replayed_and_written),
    };
    int failed;

    redis_server_need();
    kafka = apache_kafka_start();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apache_kafka_free(kafka);
    return failed;
}
