/* kafka_source and kafka_sink on Apache Kafka itself: what the embedded broker can't show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/apache_kafka.h"
#include "tests/fakes/kafka_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct apache_kafka *kafka;

static void send_many(struct kafka_rig *rig, const char *topic, unsigned from, unsigned to)
{
    char key[16];
    char value[16];

    for (unsigned i = from; i < to; i++) {
        snprintf(key, sizeof key, "key-%u", i % 17);
        snprintf(value, sizeof value, "%u", i);
        kafka_rig_send(rig, topic, key, value);
    }
}

static void flush(struct kafka_rig *rig)
{
    kafka_rig_flush(rig);
    assert_int_equal(rig->undelivered, 0);
}

static struct kafka_conf group_conf(const struct kafka_rig *rig, const char *const *topic)
{
    struct kafka_conf conf = kafka_rig_conf(rig, topic);

    conf.assign = KAFKA_ASSIGN_GROUP;
    conf.group = topic[0]; /* each test has its own */
    conf.session_timeout_ms = 6000;
    return conf;
}

static void assert_each_once_and_in_order(const struct reader *readers, size_t n, unsigned count)
{
    bool *seen = calloc(count, sizeof *seen);

    assert_non_null(seen);
    for (size_t r = 0; r < n; r++) {
        int64_t next[64] = {0};

        for (size_t i = 0; i < readers[r].count; i++) {
            const struct got *got = &readers[r].got[i];
            unsigned value = (unsigned)strtoul(got->value, NULL, 10);

            assert_in_range(value, 0, count - 1);
            assert_false(seen[value]);
            seen[value] = true;
            assert_true(got->offset >= next[got->partition]);
            next[got->partition] = got->offset + 1;
        }
    }
    for (unsigned i = 0; i < count; i++)
        assert_true(seen[i]);
    free(seen);
}

/* ---- where reading begins, and where it must not ---- */

static void a_restart_goes_on_where_it_was_committed(void **state)
{
    static const char *const topic[] = {"restart"};
    struct kafka_rig rig;
    struct reader readers[2] = {{.commit_on_revoke = true}, {.commit_on_revoke = true}};
    struct kafka_conf conf;
    int64_t sum = 0;

    (void)state;
    kafka_rig_start_on(&rig, apache_kafka_address(kafka));
    apache_kafka_topic(kafka, topic[0], 4);
    send_many(&rig, topic[0], 0, 1000);
    flush(&rig);
    conf = group_conf(&rig, topic);
    reader_start(&readers[0], &rig, &conf);
    reader_await(&readers[0], 1000);
    reader_close(&readers[0]);
    send_many(&rig, topic[0], 1000, 1200);
    flush(&rig);
    reader_start(&readers[1], &rig, &conf);
    reader_await(&readers[1], 200);
    assert_each_once_and_in_order(readers, 2, 1200);
    reader_close(&readers[1]);
    for (int32_t p = 0; p < 4; p++) {
        int64_t committed = apache_kafka_committed(kafka, conf.group, topic[0], p);

        assert_int_equal(committed, apache_kafka_log_end(kafka, topic[0], p));
        sum += committed;
    }
    assert_int_equal(sum, 1200);
    reader_done(&readers[0]);
    reader_done(&readers[1]);
    kafka_rig_stop(&rig);
}

/* D1: what was committed lies before the log's start now, so something was lost. */
static void records_dropped_unread_stop_the_source_with_a_sentence(void **state)
{
    static const char *const topic[] = {"dropped"};
    struct kafka_rig rig;
    struct reader first = {.commit_on_revoke = true};
    struct reader second = {.rig = NULL};
    struct reader third = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start_on(&rig, apache_kafka_address(kafka));
    apache_kafka_topic(kafka, topic[0], 1);
    send_many(&rig, topic[0], 0, 100);
    flush(&rig);
    conf = group_conf(&rig, topic);
    reader_start(&first, &rig, &conf);
    reader_await(&first, 100);
    reader_done(&first);
    send_many(&rig, topic[0], 100, 300);
    flush(&rig);
    apache_kafka_drop_before(kafka, topic[0], 0, 250);

    reader_start(&second, &rig, &conf);
    reader_await_failure(&second);
    assert_int_equal(second.fault.cls, FAULT_STOP);
    assert_non_null(strstr(second.fault.text, "dropped[0]: offset 100 is committed, but the log "
                                              "begins at 250"));
    assert_int_equal(second.count, 0);
    reader_done(&second);
    assert_int_equal(apache_kafka_committed(kafka, conf.group, topic[0], 0), 100);

    conf.offset_reset = KAFKA_RESET_EARLIEST;
    reader_start(&third, &rig, &conf);
    reader_await(&third, 50);
    assert_int_equal(third.got[0].offset, 250);
    assert_true(kafka_rig_noticed(&rig, "kafka_offset_reset topic=dropped partition=0"));
    reader_done(&third);
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_goes_on_where_it_was_committed),
        cmocka_unit_test(records_dropped_unread_stop_the_source_with_a_sentence),
    };
    int failed;

    kafka = apache_kafka_start();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apache_kafka_free(kafka);
    return failed;
}
