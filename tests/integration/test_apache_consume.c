/* `cmibridge consume` on Apache Kafka: brokers and consumers that end under load. What the CMI saw
 * is checked whole: each event had its effect once, in the order of its key (D1 to D3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "tests/fakes/apache_kafka.h"
#include "tests/fakes/consumer.h"
#include "tests/fakes/hostile_http.h"
#include "tests/fakes/kafka_rig.h"
#include "tests/fakes/redis_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTITIONS 8
#define KEYS       97 /* event number i has key i % KEYS */
#define MARK       "\"notes\":\""

static struct apache_kafka *kafka;

/* One test's: a topic of its own, a CMI, a Redis. */
struct scene {
    struct kafka_rig rig;
    struct hostile_http *cmi;
    struct redis_server *redis;
    struct consumer_conf conf;
    unsigned sent;
};

static void open_scene(struct scene *s, const char *topic, bool honours_key)
{
    static const char *const endings[] = {"-results", "-dead"};
    char name[64];

    *s = (struct scene){.sent = 0};
    kafka_rig_start_on(&s->rig, apache_kafka_address(kafka));
    apache_kafka_topic(kafka, topic, PARTITIONS);
    for (size_t i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "%s%s", topic, endings[i]);
        apache_kafka_topic(kafka, name, 1);
    }
    s->cmi = hostile_http_start();
    hostile_http_ignore_keys(s->cmi, !honours_key);
    s->redis = redis_server_start(NULL);
    s->conf = (struct consumer_conf){.brokers = apache_kafka_address(kafka),
                                     .topic = topic,
                                     .cmi = hostile_http_url(s->cmi),
                                     .redis = s->redis->address,
                                     .honours_key = honours_key};
}

static void close_scene(struct scene *s)
{
    kafka_rig_stop(&s->rig);
    hostile_http_stop(s->cmi);
    redis_server_stop(s->redis);
}

static void send_events(struct scene *s, unsigned count)
{
    for (unsigned i = s->sent; i < s->sent + count; i++) {
        char id[16];
        char key[16];
        char subject[32];
        char value[128];
        const struct record_header headers[] = {
            {VIEW("content-type"), VIEW("application/json")},
            {VIEW("ce_specversion"), VIEW("1.0")},
            {VIEW("ce_id"), {id, (size_t)snprintf(id, sizeof id, "%u", i)}},
            {VIEW("ce_source"), VIEW("/shop")},
            {VIEW("ce_type"), VIEW("callback.requested")},
            {VIEW("ce_subject"),
             {subject, (size_t)snprintf(subject, sizeof subject, "callbacks/%u", i)}},
        };

        snprintf(key, sizeof key, "%u", i % KEYS);
        snprintf(value, sizeof value,
                 "{\"customerNumber\":\"0612345678\",\"callbackQueueNumber\":\"153\"," MARK "%u\"}",
                 i);
        kafka_rig_produce(
            &s->rig, &(struct sink_record){.topic = s->conf.topic,
                                           .has_key = true,
                                           .key = view_of(key),
                                           .has_value = true,
                                           .value = view_of(value),
                                           .headers = headers,
                                           .header_count = sizeof headers / sizeof headers[0]});
    }
    s->sent += count;
}

static void flush(struct scene *s)
{
    kafka_rig_flush(&s->rig);
    assert_int_equal(s->rig.undelivered, 0);
}

/* A repeated request is none, so this is no matter of counting requests. */
static void await_effects(struct scene *s, size_t count)
{
    for (;;) {
        size_t seen = hostile_http_count(s->cmi);

        if (hostile_http_effects(s->cmi) >= count)
            return;
        hostile_http_wait(s->cmi, seen + 1);
    }
}

/* Which event a request is of. */
static unsigned event_of(const struct hostile_request *r)
{
    char body[256];
    const char *at;
    struct view rest;
    int64_t number;

    view_copy(r->body, body, sizeof body);
    at = strstr(body, MARK);
    assert_non_null(at);
    rest = view_of(at + strlen(MARK));
    assert_true(num_int(view_cut(&rest, '"'), &number));
    return (unsigned)number;
}

static void assert_each_had_its_effect_once_and_in_order(struct scene *s)
{
    unsigned next[KEYS];

    for (unsigned k = 0; k < KEYS; k++)
        next[k] = k;
    for (size_t i = 0; i < hostile_http_count(s->cmi); i++) {
        const struct hostile_request *r = hostile_http_request(s->cmi, i);
        unsigned event = event_of(r);

        if (!r->effect)
            continue;
        assert_int_equal(event, next[event % KEYS]);
        next[event % KEYS] += KEYS;
    }
    assert_int_equal(hostile_http_effects(s->cmi), s->sent);
}

static void assert_all_committed(const struct scene *s)
{
    int64_t sum = 0;

    for (int32_t p = 0; p < PARTITIONS; p++) {
        int64_t end = apache_kafka_log_end(kafka, s->conf.topic, p);

        assert_int_equal(apache_kafka_committed(kafka, s->conf.topic, s->conf.topic, p), end);
        sum += end;
    }
    assert_int_equal(sum, s->sent);
}

/* ---- the tests ---- */

static void a_killed_broker_costs_nothing(void **state)
{
    const unsigned rounds = getenv("CMIBRIDGE_LONG") != NULL ? 8 : 2;
    struct scene s;
    struct consumer *c;

    (void)state;
    open_scene(&s, "killed-broker", true);
    send_events(&s, 1000);
    flush(&s);
    c = consumer_start(&s.conf);
    for (unsigned i = 0; i < rounds; i++) {
        send_events(&s, 2000); /* some of them reach the broker only after its restart */
        await_effects(&s, 200 + i * 2000);
        apache_kafka_stop(kafka, SIGKILL);
        assert_true(hostile_http_effects(s.cmi) < s.sent);
        apache_kafka_restart(kafka);
        flush(&s);
    }
    await_effects(&s, s.sent);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    assert_each_had_its_effect_once_and_in_order(&s);
    assert_all_committed(&s);
    consumer_free(c);
    close_scene(&s);
}

/* Events are repeated after the kill; by their keys the CMI takes them for repetitions. */
static void a_killed_consumers_work_is_ended_by_the_others(void **state)
{
    const unsigned rounds = getenv("CMIBRIDGE_LONG") != NULL ? 6 : 1;
    struct scene s;
    struct consumer *old;
    struct consumer *young;

    (void)state;
    open_scene(&s, "killed-consumer", true);
    old = consumer_start(&s.conf);
    consumer_await(old, "event=assigned", PARTITIONS);
    young = consumer_start(&s.conf);
    consumer_await(young, "event=assigned", PARTITIONS / 2);
    for (unsigned i = 0; i < rounds; i++) {
        struct consumer *next;

        send_events(&s, 3000);
        await_effects(&s, s.sent - 2500);
        assert_int_equal(consumer_end(old, SIGKILL), 128 + SIGKILL);
        consumer_free(old);
        assert_true(hostile_http_effects(s.cmi) < s.sent);
        next = consumer_start(&s.conf);
        send_events(&s, 1000);
        flush(&s);
        await_effects(&s, s.sent);
        consumer_await(next, "event=assigned", PARTITIONS / 2);
        old = young;
        young = next;
    }
    assert_int_equal(consumer_end(old, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_end(young, SIGTERM), COMMAND_OK);
    assert_each_had_its_effect_once_and_in_order(&s);
    assert_all_committed(&s);
    consumer_free(old);
    consumer_free(young);
    close_scene(&s);
}

/* The CMI knows no Idempotency-Key, so whatever is sent twice shows. */
static void what_is_in_flight_ends_before_its_partition_moves(void **state)
{
    const struct hostile_step hold = {.act = HOSTILE_HOLD};
    const unsigned at_once = 16; /* what the consumer sends at a time */
    struct scene s;
    struct consumer *first;
    struct consumer *second;

    (void)state;
    open_scene(&s, "moved", false);
    hostile_http_default(s.cmi, hold);
    send_events(&s, 2000);
    flush(&s);
    first = consumer_start(&s.conf);
    hostile_http_wait(s.cmi, at_once);
    second = consumer_start(&s.conf);
    consumer_await(first, "event=revoked", PARTITIONS);
    assert_int_equal(consumer_said(second, "event=assigned"), 0);
    assert_int_equal(hostile_http_count(s.cmi), at_once);
    hostile_http_release(s.cmi);
    consumer_await(second, "event=assigned", PARTITIONS / 2);
    await_effects(&s, s.sent);
    assert_int_equal(consumer_end(first, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_end(second, SIGTERM), COMMAND_OK);
    assert_int_equal(hostile_http_count(s.cmi), s.sent);
    assert_each_had_its_effect_once_and_in_order(&s);
    assert_all_committed(&s);
    consumer_free(first);
    consumer_free(second);
    close_scene(&s);
}

/* D1: the broker's retention was faster than the consumer. */
static void records_dropped_unread_end_the_consumer(void **state)
{
    struct scene s;
    struct consumer *c;
    int64_t committed;
    char sentence[160];

    (void)state;
    open_scene(&s, "dropped-unread", true);
    send_events(&s, 500);
    flush(&s);
    c = consumer_start(&s.conf);
    await_effects(&s, s.sent);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    consumer_free(c);
    committed = apache_kafka_committed(kafka, s.conf.topic, s.conf.topic, 3);
    send_events(&s, 500);
    flush(&s);
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
    close_scene(&s);
}

/* Static membership: who comes back under its name within the session has its partitions still, and
 * nobody else is disturbed. */
static void a_named_member_comes_back_without_a_rebalance(void **state)
{
    static const int ends[] = {SIGTERM, SIGKILL};
    struct scene s;
    struct consumer *one;
    struct consumer *two;

    (void)state;
    open_scene(&s, "named", true);
    s.conf.instance = "one";
    one = consumer_start(&s.conf);
    consumer_await(one, "event=assigned", PARTITIONS);
    s.conf.instance = "two";
    two = consumer_start(&s.conf);
    consumer_await(two, "event=assigned", PARTITIONS / 2);
    consumer_await(one, "event=assigned", PARTITIONS + PARTITIONS / 2);
    s.conf.instance = "one";
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        send_events(&s, 500);
        flush(&s);
        (void)consumer_end(one, ends[i]);
        consumer_free(one);
        one = consumer_start(&s.conf);
        consumer_await(one, "event=assigned", PARTITIONS / 2);
        await_effects(&s, s.sent);
    }
    assert_int_equal(consumer_said(two, "event=revoked"), 0);
    assert_int_equal(consumer_said(two, "event=assigned"), PARTITIONS / 2);

    /* A second process under a name that is taken puts the first one out, with a sentence. */
    s.conf.instance = "two";
    consumer_free(one);
    one = consumer_start(&s.conf);
    consumer_await(two, "the Kafka client ended itself", 1);
    assert_int_equal(consumer_end(two, 0), COMMAND_STOPPED);
    assert_each_had_its_effect_once_and_in_order(&s);
    consumer_free(one);
    consumer_free(two);
    close_scene(&s);
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
    struct scene s;
    struct reader letters = {.rig = NULL};
    struct kafka_conf conf;
    struct consumer *c;
    const char *output;

    (void)state;
    open_scene(&s, "dlq", true);
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
    await_effects(&s, 1);
    assert_true(view_eq(hostile_request_header(hostile_http_request(s.cmi, 0), "Idempotency-Key"),
                        hostile_request_header(hostile_http_request(s.cmi, 1), "Idempotency-Key")));
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    assert_each_had_its_effect_once_and_in_order(&s);
    assert_int_equal(
        kafka_rig_command(&s.rig, "", "dlq replay -t dlq-dead --results dlq-results", &output),
        COMMAND_OK);
    assert_string_equal(output,
                        "replayed 0 of 0; passed over: 1 replayed before, 0 written since\n");
    reader_done(&letters);
    consumer_free(c);
    close_scene(&s);
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
