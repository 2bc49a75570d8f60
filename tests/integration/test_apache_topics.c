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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_though_a_topic_was_deleted),
        cmocka_unit_test(it_ends_though_its_only_topic_was_deleted),
    };
    int failed;

    redis_server_need();
    kafka = apache_kafka_start();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apache_kafka_free(kafka);
    return failed;
}
