/* `cmibridge consume` on Apache Kafka while its topics go, come, are made again and grow. */
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
#include <string.h>

#define REFRESH_MS 500

static struct apache_kafka *kafka;

/* A topic of its own. */
static void open_load(struct load *l, const char *topic, unsigned partitions)
{
    static const char *const endings[] = {"", "-results", "-dead"};
    char name[64];

    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", topic, endings[i]);
        apache_kafka_topic(kafka, name, i == 0 ? partitions : 1);
    }
    kafka_rig_start_on(&l->rig, apache_kafka_address(kafka));
    load_open(l, topic, partitions, true);
    l->conf.refresh_ms = REFRESH_MS;
}

/* ---- a topic goes ---- */

/* librdkafka does not end its client then: the process does, with all of the rest committed. */
static void it_ends_though_a_topic_was_deleted(void **state)
{
    struct load s;
    struct consumer *c;

    (void)state;
    apache_kafka_topic(kafka, "gone", 1);
    open_load(&s, "stays", 4);
    s.conf.also = "gone";
    c = consumer_start(&s.conf);
    consumer_await(c, "event=assigned", 5);
    load_send(&s, 200);
    load_flush(&s);
    load_await_effects(&s, 200);
    apache_kafka_delete(kafka, "gone");
    consumer_await(c, "Topic gone partition count changed from 1 to 0", 1);
    load_send(&s, 200);
    load_flush(&s);
    load_await_effects(&s, 400);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_said(c, "event=stopped exit_code=0"), 1);
    load_check_effects(&s);
    load_check_committed(&s);
    consumer_free(c);
    load_close(&s);
}

static void it_ends_though_its_only_topic_was_deleted(void **state)
{
    struct load s;
    struct consumer *c;

    (void)state;
    open_load(&s, "only", 3);
    c = consumer_start(&s.conf);
    consumer_await(c, "event=assigned", 3);
    load_send(&s, 100);
    load_flush(&s);
    load_await_effects(&s, 100);
    apache_kafka_delete(kafka, "only");
    consumer_await(c, "Topic only partition count changed from 3 to 0", 1);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_said(c, "event=stopped exit_code=0"), 1);
    load_check_effects(&s);
    consumer_free(c);
    load_close(&s);
}

/* ---- a topic is made again ---- */

#define OLD 20
#define NEW 30

/* Of the partition 0; until the test's time is over. */
static void await_committed(const char *topic, int64_t offset)
{
    while (apache_kafka_committed(kafka, topic, topic, 0) != offset)
        continue;
}

/* Between two records' arrivals, so that neither an error nor an offset tells of it: the new log is
 * longer than the old one was before the consumer asks for the next record. */
static struct consumer *make_again(struct load *s, const char *topic, const char *assign,
                                   const char *reset)
{
    struct consumer *c;

    open_load(s, topic, 1);
    s->conf.assign = assign;
    s->conf.reset = reset;
    c = consumer_start(&s->conf);
    consumer_await(c, "event=assigned", 1);
    load_send(s, OLD);
    load_flush(s);
    load_await_effects(s, OLD);
    await_committed(topic, OLD);
    consumer_signal(c, SIGSTOP);
    apache_kafka_delete(kafka, topic);
    await_committed(topic, -1); /* the broker forgets them a moment later */
    apache_kafka_topic(kafka, topic, 1);
    load_send(s, NEW);
    load_flush(s);
    consumer_signal(c, SIGCONT);
    return c;
}

/* By default it stops, and says what to do: a new start has all of the new topic. */
static void stops_and_starts(const char *topic, const char *assign)
{
    struct load s;
    struct consumer *c = make_again(&s, topic, assign, NULL);

    assert_int_equal(consumer_end(c, 0), COMMAND_STOPPED);
    assert_int_equal(consumer_said(c, "deleted and made anew while it was read"), 3);
    assert_int_equal(consumer_said(c, "event=stopped exit_code=5 reason="), 1); /* and at the end */
    assert_int_not_equal(apache_kafka_committed(kafka, topic, topic, 0), OLD);
    consumer_free(c);
    c = consumer_start(&s.conf);
    load_await_effects(&s, OLD + NEW);
    await_committed(topic, NEW); /* what was read at the old position is read again, too */
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    consumer_free(c);
    load_close(&s);
}

/* Configured to go on it reads the new topic from its start, with a line that says so. */
static void goes_on(const char *topic, const char *assign, const char *reset)
{
    struct load s;
    struct consumer *c = make_again(&s, topic, assign, reset);

    load_await_effects(&s, OLD + NEW);
    await_committed(topic, NEW);
    assert_int_equal(consumer_said(c, "event=kafka_offset_reset"), 1);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    consumer_free(c);
    load_close(&s);
}

static void a_topic_that_is_made_again_stops_it(void **state)
{
    (void)state;
    stops_and_starts("again-group", "group");
}

static void a_topic_that_is_made_again_stops_it_without_a_group(void **state)
{
    (void)state;
    stops_and_starts("again-all", "all");
}

static void a_topic_that_is_made_again_is_read_from_its_start(void **state)
{
    (void)state;
    goes_on("onward-group", "group", "earliest");
}

static void a_topic_that_is_made_again_is_read_from_its_start_without_a_group(void **state)
{
    (void)state;
    goes_on("onward-all", "all", "latest");
}

/* It is seen that it is gone, and comes later. */
static void comes_back(const char *topic, const char *assign, const char *reset)
{
    struct load s;
    struct consumer *c;
    char gone[96];

    open_load(&s, topic, 1);
    s.conf.assign = assign;
    s.conf.reset = reset;
    c = consumer_start(&s.conf);
    consumer_await(c, "event=assigned", 1);
    load_send(&s, OLD);
    load_flush(&s);
    load_await_effects(&s, OLD);
    await_committed(topic, OLD);
    apache_kafka_delete(kafka, topic);
    snprintf(gone, sizeof gone, "Topic %s partition count changed from 1 to 0", topic);
    consumer_await(c, gone, 1);
    apache_kafka_topic(kafka, topic, 1);
    load_send(&s, NEW);
    load_flush(&s);
    load_await_effects(&s, OLD + NEW);
    await_committed(topic, NEW);
    consumer_free(c); /* how it ends then is told above */
    load_close(&s);
}

static void a_topic_that_was_away_is_read_from_its_start(void **state)
{
    (void)state;
    comes_back("back-group", "group", "earliest");
    comes_back("back-latest", "group", "latest");
    comes_back("back-all", "all", "earliest");
}

/* ---- a topic of ours goes ---- */

static bool has_one(void *ctx)
{
    const struct reader *r = ctx;

    return r->count == 1;
}

/* It is named, and waited for; all that needs it not goes on. */
static void a_dead_letter_topic_that_is_gone_is_named_and_waited_for(void **state)
{
    static const char *const dead[] = {"buried-dead"};
    struct load s;
    struct reader letters = {.rig = NULL};
    struct kafka_conf conf;
    struct consumer *c;

    (void)state;
    open_load(&s, "buried", 1);
    c = consumer_start(&s.conf);
    consumer_await(c, "event=assigned", 1);
    apache_kafka_delete(kafka, dead[0]);
    consumer_await(c, "Topic buried-dead partition count changed from 1 to 0", 1);
    kafka_rig_send(&s.rig, "buried", "key", "no event");
    load_send(&s, 10);
    load_flush(&s);
    consumer_await(c, "event=produce_failed to=buried-dead reason=", 1);
    consumer_await(c, "event=kafka_waiting text=\"topic buried-dead does not exist\"", 1);
    load_await_effects(&s, 10);
    apache_kafka_topic(kafka, dead[0], 1);
    conf = kafka_rig_conf(&s.rig, dead);
    reader_start(&letters, &s.rig, &conf);
    kafka_rig_until(&s.rig, has_one, &letters);
    consumer_await(c, "event=produce_works to=buried-dead", 1);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    reader_done(&letters);
    consumer_free(c);
    load_close(&s);
}

/* ---- a topic grows ---- */

/* `latest` is for what was there before the group: what a new partition has is all new. */
static void a_partition_that_is_added_is_read_from_its_start(void **state)
{
    struct load s;
    struct consumer *c;

    (void)state;
    open_load(&s, "grows", 1);
    load_send(&s, 10);
    load_flush(&s);
    s.conf.reset = "latest";
    c = consumer_start(&s.conf);
    consumer_await(c, "topic=grows partition=0 offset=10", 1);
    consumer_signal(c, SIGSTOP);
    apache_kafka_grow(kafka, "grows", 2);
    kafka_rig_stop(&s.rig); /* the next producer knows the new partition */
    kafka_rig_start_on(&s.rig, apache_kafka_address(kafka));
    load_send(&s, 100);
    load_flush(&s);
    assert_true(apache_kafka_log_end(kafka, "grows", 1) > 0);
    consumer_signal(c, SIGCONT);
    load_await_effects(&s, 100);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    assert_int_equal(hostile_http_effects(s.cmi), 100);
    s.partitions = 2;
    load_check_committed(&s);
    consumer_free(c);
    load_close(&s);
}

/* ---- a topic that never was ---- */

static bool names_what_is_missing(void *ctx)
{
    const struct reader *r = ctx;

    return strcmp(kafka_source_trouble(r->source), "topic absent does not exist") == 0;
}

static bool names_nothing(void *ctx)
{
    const struct reader *r = ctx;

    return kafka_source_trouble(r->source)[0] == '\0';
}

/* One of several, as a slip of the pen has it; until it is made. */
static void a_topic_that_is_not_there_is_named_while_others_are_read(void **state)
{
    static const char *const two[] = {"present", "absent"};
    static const enum kafka_assign ways[] = {KAFKA_ASSIGN_GROUP, KAFKA_ASSIGN_ALL};

    (void)state;
    apache_kafka_topic(kafka, "present", 1);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct kafka_rig rig;
        struct reader r = {.rig = NULL};
        struct kafka_conf conf;

        kafka_rig_start_on(&rig, apache_kafka_address(kafka));
        conf = kafka_rig_conf(&rig, two);
        conf.topic_count = 2;
        conf.assign = ways[i];
        conf.refresh_ms = REFRESH_MS;
        reader_start(&r, &rig, &conf);
        reader_await_partitions(&r, 1);
        kafka_rig_until(&rig, names_what_is_missing, &r);
        apache_kafka_topic(kafka, "absent", 1);
        kafka_rig_until(&rig, names_nothing, &r);
        reader_done(&r);
        kafka_rig_stop(&rig);
        apache_kafka_delete(kafka, "absent");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_that_is_made_again_stops_it),
        cmocka_unit_test(a_topic_that_is_made_again_stops_it_without_a_group),
        cmocka_unit_test(a_topic_that_is_made_again_is_read_from_its_start),
        cmocka_unit_test(a_topic_that_is_made_again_is_read_from_its_start_without_a_group),
        cmocka_unit_test(a_topic_that_was_away_is_read_from_its_start),
        cmocka_unit_test(a_dead_letter_topic_that_is_gone_is_named_and_waited_for),
        cmocka_unit_test(a_partition_that_is_added_is_read_from_its_start),
        cmocka_unit_test(a_topic_that_is_not_there_is_named_while_others_are_read),
        cmocka_unit_test(it_ends_though_a_topic_was_deleted),
        cmocka_unit_test(it_ends_though_its_only_topic_was_deleted),
    };
    int failed;

    redis_server_need();
    kafka = apache_kafka_start_with("auto.create.topics.enable=false\n");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apache_kafka_free(kafka);
    return failed;
}
