/* kafka_source and kafka_sink on Apache Kafka itself: what the embedded broker can't show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/kafka_reader.h"
#include "tests/fakes/apache_kafka.h"
#include "tests/fakes/kafka_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct apache_kafka *kafka;

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
    kafka_rig_send_many(&rig, topic[0], 0, 1000);
    conf = group_conf(&rig, topic);
    reader_start(&readers[0], &rig, &conf);
    reader_await(&readers[0], 1000);
    reader_close(&readers[0]);
    kafka_rig_send_many(&rig, topic[0], 1000, 1200);
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
    kafka_rig_send_many(&rig, topic[0], 0, 100);
    conf = group_conf(&rig, topic);
    reader_start(&first, &rig, &conf);
    reader_await(&first, 100);
    reader_done(&first);
    kafka_rig_send_many(&rig, topic[0], 100, 300);
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

static bool has_noticed_records(void *ctx)
{
    const struct reader *r = ctx;

    return r->count > 0;
}

/* The same while it reads: the log's start overtakes a reader that holds back. */
static void records_dropped_while_it_reads_stop_the_source_too(void **state)
{
    static const char *const topic[] = {"overtaken"};
    /* Little is fetched ahead, so that most of the log is still to be asked for. */
    static const struct kafka_property small[] = {{"queued.max.messages.kbytes", "64"},
                                                  {"fetch.message.max.bytes", "16384"},
                                                  {"fetch.wait.max.ms", "10"}};
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    char value[1024];

    (void)state;
    kafka_rig_start_on(&rig, apache_kafka_address(kafka));
    apache_kafka_topic(kafka, topic[0], 1);
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    for (unsigned i = 0; i < 3000; i++)
        kafka_rig_send(&rig, topic[0], "key", value);
    flush(&rig);
    conf = group_conf(&rig, topic);
    conf.properties = small;
    conf.property_count = sizeof small / sizeof small[0];
    reader_start(&r, &rig, &conf);
    kafka_rig_until(&rig, has_noticed_records, &r);
    r.port.pause(r.port.ctx, r.parts[0].slot);
    assert_in_range(r.count, 1, 2000);
    apache_kafka_drop_before(kafka, topic[0], 0, 2999);
    r.port.resume(r.port.ctx, r.parts[0].slot);
    reader_await_failure(&r);
    assert_int_equal(r.fault.cls, FAULT_STOP);
    assert_non_null(strstr(r.fault.text, "but the log begins at 2999: the broker dropped"));
    assert_in_range(r.count, 1, 2999);
    assert_int_not_equal(r.got[r.count - 1].offset, 2999);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

/* ---- what a log holds beside plain records ---- */

/* Each is compressible by itself: of a batch that a slow machine makes of few, librdkafka sends
 * what would grow plain. */
static void write_events(const char *path, unsigned count)
{
    FILE *file = fopen(path, "w");
    char padding[400];

    assert_non_null(file);
    memset(padding, 'x', sizeof padding - 1);
    padding[sizeof padding - 1] = '\0';
    for (unsigned i = 0; i < count; i++)
        fprintf(file,
                "{\"specversion\":\"1.0\",\"id\":\"%u\",\"source\":\"/shop\","
                "\"type\":\"contact.remarks.added\",\"subject\":\"contacts/7\","
                "\"datacontenttype\":\"text/plain\",\"data\":\"%u %s\"}\n",
                i, i, padding);
    assert_int_equal(fclose(file), 0);
}

/* Each codec is used as configured, seen in the broker's own files: a librdkafka that doesn't know
 * from the broker's list of versions that it may (issue 4948) sends plain records. */
static void records_travel_compressed(void **state)
{
    static const struct {
        const char *name;
        int codec;
    } rows[] = {{"none", 0}, {"gzip", 1}, {"snappy", 2}, {"lz4", 3}, {"zstd", 4}};
    char path[] = "/tmp/cmibridge-events-XXXXXX";
    struct kafka_rig rig;
    const char *output;
    char arguments[256];

    (void)state;
    close(mkstemp(path));
    write_events(path, 500);
    kafka_rig_start_on(&rig, apache_kafka_address(kafka));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const topic[] = {rows[i].name};
        struct reader r = {.rig = NULL};
        struct kafka_conf conf = group_conf(&rig, topic);

        apache_kafka_topic(kafka, topic[0], 1);
        snprintf(arguments, sizeof arguments,
                 "publish -t %s -X compression.codec=%s -X linger.ms=200 %s", topic[0],
                 rows[i].name, path);
        assert_int_equal(kafka_rig_command(&rig, "", arguments, &output), 0);
        assert_string_equal(output, "published 500 of 500\n");
        assert_int_equal(apache_kafka_codec(kafka, topic[0], 0), rows[i].codec);
        reader_start(&r, &rig, &conf);
        reader_await(&r, 500);
        assert_each_once_and_in_order(&r, 1, 500);
        reader_done(&r);
    }
    kafka_rig_stop(&rig);
    unlink(path);
}

static void note_committed(void *ctx, const struct kafka_figures *f)
{
    bool *committed = ctx;

    *committed = f->committed == f->high;
}

static bool is_committed_to_the_end(void *ctx)
{
    const struct reader *r = ctx;
    bool committed = false;

    kafka_source_each(r->source, note_committed, &committed);
    return committed;
}

/* Offsets that no reader is given are no loss; of an aborted transaction nothing is read; and the
 * control record at the log's end, which nobody reads, is committed like what was read: where the
 * log's start passes it later, nothing was lost either. */
static void the_traces_of_transactions_are_no_gap(void **state)
{
    static const char *const topic[] = {"transactions"};
    struct kafka_rig rig;
    struct reader first = {.commit_on_revoke = true};
    struct reader second = {.commit_on_revoke = true};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start_on(&rig, apache_kafka_address(kafka));
    apache_kafka_topic(kafka, topic[0], 1);
    apache_kafka_transaction(kafka, topic[0], 0, "a", 3, 1); /* 0 to 2, control record 3 */
    apache_kafka_transaction(kafka, topic[0], 0, "b", 3, 0); /* 4 to 6, 7 */
    apache_kafka_transaction(kafka, topic[0], 0, "c", 3, 1); /* 8 to 10, 11 */
    assert_int_equal(apache_kafka_log_end(kafka, topic[0], 0), 12);
    conf = group_conf(&rig, topic);
    reader_start(&first, &rig, &conf);
    reader_await(&first, 6);
    assert_string_equal(first.got[2].value, "a2");
    assert_string_equal(first.got[3].value, "c0");
    assert_int_equal(first.got[3].offset, 8);
    reader_commit(&first, false);
    kafka_rig_until(&rig, is_committed_to_the_end, &first);
    reader_done(&first);
    assert_int_equal(apache_kafka_committed(kafka, conf.group, topic[0], 0), 12);
    apache_kafka_drop_before(kafka, topic[0], 0, 12);
    kafka_rig_send(&rig, topic[0], "key", "d");
    flush(&rig);
    reader_start(&second, &rig, &conf);
    reader_await(&second, 1);
    assert_int_equal(second.got[0].offset, 12);
    reader_done(&second);
    kafka_rig_stop(&rig);
}

struct times {
    size_t records;
    size_t of_the_broker;
    int64_t last_ms;
};

static bool take_time(void *ctx, const struct record *r, int64_t done, int64_t total,
                      struct fault *f)
{
    struct times *t = ctx;

    (void)done;
    (void)total;
    (void)f;
    t->records++;
    t->of_the_broker += r->broker_time;
    t->last_ms = r->timestamp_ms;
    return true;
}

static void a_record_says_whose_time_it_has(void **state)
{
    static const char *const topics[] = {"producers-time", "brokers-time"};
    struct kafka_rig rig;
    struct kafka_conf conf;
    struct kafka_reader *reader;
    struct fault f = {0};

    (void)state;
    apache_kafka_topic(kafka, topics[0], 1);
    apache_kafka_topic_of(kafka, topics[1], 1, "message.timestamp.type", "LogAppendTime");
    kafka_rig_start_on(&rig, apache_kafka_address(kafka));
    conf = kafka_rig_conf(&rig, topics);
    reader = kafka_reader_new(&conf, &f);
    assert_non_null(reader);
    for (size_t i = 0; i < 2; i++) {
        struct times t = {.records = 0};

        kafka_rig_produce(&rig, &(struct sink_record){.topic = topics[i],
                                                      .has_value = true,
                                                      .value = VIEW("x"),
                                                      .timestamp_ms = 1000});
        flush(&rig);
        assert_true(kafka_reader_scan(reader, topics[i], take_time, &t, NULL, &f));
        assert_int_equal(t.records, 1);
        assert_int_equal(t.of_the_broker, i);
        assert_int_equal(t.last_ms == 1000, i == 0);
    }
    kafka_reader_free(reader);
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_goes_on_where_it_was_committed),
        cmocka_unit_test(records_dropped_unread_stop_the_source_with_a_sentence),
        cmocka_unit_test(records_dropped_while_it_reads_stop_the_source_too),
        cmocka_unit_test(records_travel_compressed),
        cmocka_unit_test(the_traces_of_transactions_are_no_gap),
        cmocka_unit_test(a_record_says_whose_time_it_has),
    };
    int failed;

    kafka = apache_kafka_start();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apache_kafka_free(kafka);
    return failed;
}
