/* kafka_sink. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "tests/fakes/kafka_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define MANY 3000

static const char *const topic[] = {"results"};

struct writer {
    struct kafka_rig *rig;
    struct kafka_sink *sink;
    struct sink_port port;
    unsigned reports[MANY]; /* by token */
    unsigned delivered;
    unsigned failed;
    bool inside; /* a produce */
    bool closed;
};

static void on_report(void *owner, uint64_t token, bool delivered, const char *error)
{
    struct writer *w = owner;

    assert_false(w->inside);
    assert_in_range(token, 0, MANY - 1);
    assert_true(delivered == (error == NULL));
    w->reports[token]++;
    if (delivered)
        w->delivered++;
    else
        w->failed++;
}

static void writer_start_on(struct writer *w, struct kafka_rig *rig, const struct kafka_conf *conf,
                            const char *name)
{
    struct fault f = {0};

    w->rig = rig;
    w->sink = kafka_sink_new(&rig->loop, conf, &name, 1, &rig->log, on_report, w, &f);
    if (w->sink == NULL)
        fail_msg("%s", f.text);
    w->port = kafka_sink_port(w->sink);
}

static void writer_start(struct writer *w, struct kafka_rig *rig, const struct kafka_conf *conf)
{
    writer_start_on(w, rig, conf, topic[0]);
}

static bool writer_put(struct writer *w, uint64_t token, struct fault *f)
{
    const struct sink_record r = {.token = token,
                                  .topic = topic[0],
                                  .has_key = true,
                                  .key = VIEW("key"),
                                  .has_value = true,
                                  .value = VIEW("value")};
    bool ok;

    w->inside = true;
    ok = w->port.produce(w->port.ctx, &r, f);
    w->inside = false;
    return ok;
}

static void on_closed(void *owner)
{
    struct writer *w = owner;

    w->closed = true;
}

static bool is_closed(void *ctx)
{
    const struct writer *w = ctx;

    return w->closed;
}

static void writer_close(struct writer *w, int64_t deadline_ms)
{
    kafka_sink_close(w->sink, deadline_ms, on_closed, w);
    kafka_rig_until(w->rig, is_closed, w);
}

static bool all_reported(void *ctx)
{
    const struct writer *w = ctx;

    return kafka_sink_waiting(w->sink) == 0;
}

static void every_record_is_reported_once_and_can_be_read(void **state)
{
    struct kafka_rig rig;
    struct writer w = {.rig = NULL};
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    struct fault f = {0};

    (void)state;
    kafka_rig_start(&rig, 2);
    kafka_rig_topic(&rig, topic[0], 3);
    conf = kafka_rig_conf(&rig, topic);
    writer_start(&w, &rig, &conf);
    for (unsigned i = 0; i < MANY; i++)
        assert_true(writer_put(&w, i, &f));
    assert_int_equal(w.delivered, 0);
    kafka_rig_until(&rig, all_reported, &w);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(w.reports[i], 1);
    assert_int_equal(w.delivered, MANY);
    assert_string_equal(kafka_sink_trouble(w.sink), "");
    reader_start(&r, &rig, &conf);
    reader_await(&r, MANY);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(r.got[i].partition, r.got[0].partition); /* one key, one partition */
    reader_done(&r);
    writer_close(&w, 5000);
    kafka_rig_stop(&rig);
}

/* Where it puts keys that Java's clients put into partitions 2 0 0 2 2 2 of four. */
static void place(struct kafka_rig *rig, const char *name, const struct kafka_property *partitioner,
                  char out[7])
{
    const char *const into[] = {name};
    struct writer w = {.rig = NULL};
    struct reader r = {.rig = NULL};
    struct kafka_conf conf = kafka_rig_conf(rig, into);
    const struct kafka_conf reading = conf;
    struct fault f = {0};
    char key[32];

    if (partitioner != NULL) {
        conf.properties = partitioner;
        conf.property_count = 1;
    }
    kafka_rig_topic(rig, name, 4);
    writer_start_on(&w, rig, &conf, name);
    for (unsigned i = 0; i < 6; i++) {
        snprintf(key, sizeof key, "callbacks/order-%u", i + 1);
        assert_true(w.port.produce(
            w.port.ctx,
            &(struct sink_record){.token = i, .topic = name, .has_key = true, .key = view_of(key)},
            &f));
    }
    kafka_rig_until(rig, all_reported, &w);
    assert_int_equal(w.delivered, 6);
    reader_start(&r, rig, &reading);
    reader_await(&r, 6);
    memset(out, 0, 7);
    for (unsigned i = 0; i < 6; i++)
        out[r.got[i].key[strlen("callbacks/order-")] - '1'] = (char)('0' + r.got[i].partition);
    reader_done(&r);
    writer_close(&w, 5000);
}

static void a_key_has_the_partition_that_java_gives_it_unless_told_otherwise(void **state)
{
    static const struct kafka_property crc = {"partitioner", "consistent_random"};
    struct kafka_rig rig;
    char at[7];

    (void)state;
    kafka_rig_start(&rig, 1);
    place(&rig, "placed", NULL, at);
    assert_string_equal(at, "200222");
    place(&rig, "placed-otherwise", &crc, at);
    assert_string_equal(at, "131202");
    kafka_rig_stop(&rig);
}

static void closing_delivers_what_is_left(void **state)
{
    struct kafka_rig rig;
    struct writer w = {.rig = NULL};
    struct kafka_conf conf;
    struct fault f = {0};

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, topic);
    writer_start(&w, &rig, &conf);
    for (unsigned i = 0; i < 100; i++)
        assert_true(writer_put(&w, i, &f));
    kafka_sink_close(w.sink, 10000, on_closed, &w);
    assert_false(writer_put(&w, 100, &f));
    assert_int_equal(f.cls, FAULT_STOP);
    kafka_rig_until(&rig, is_closed, &w);
    assert_int_equal(w.delivered, 100);
    kafka_rig_stop(&rig);
}

static void a_full_queue_and_a_large_record_are_refused_by_class(void **state)
{
    static const struct kafka_property small[] = {{"queue.buffering.max.messages", "10"}};
    struct kafka_rig rig;
    struct writer w = {.rig = NULL};
    struct kafka_conf conf;
    struct fault f = {0};
    char *large = mem_zeroed(1, 2000000);

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, topic);
    conf.properties = small;
    conf.property_count = 1;
    writer_start(&w, &rig, &conf);
    for (unsigned i = 0; i < 10; i++)
        assert_true(writer_put(&w, i, &f));
    assert_false(writer_put(&w, 10, &f));
    assert_int_equal(f.cls, FAULT_RETRY);
    kafka_rig_until(&rig, all_reported, &w);
    assert_true(writer_put(&w, 10, &f));
    kafka_rig_until(&rig, all_reported, &w);
    assert_false(w.port.produce(
        w.port.ctx,
        &(struct sink_record){
            .token = 11, .topic = topic[0], .has_value = true, .value = {large, 2000000}},
        &f));
    assert_int_equal(f.cls, FAULT_REJECT);
    assert_string_equal(f.text, "a record of 2000000 bytes for topic results is too large");
    assert_int_equal(w.delivered, 11);
    writer_close(&w, 5000);
    kafka_rig_stop(&rig);
    mem_free(large);
}

static bool knows_it_is_down(void *ctx)
{
    const struct writer *w = ctx;

    return strcmp(kafka_sink_trouble(w->sink), "") != 0;
}

static bool knows_it_is_up(void *ctx)
{
    return !knows_it_is_down(ctx);
}

static void an_outage_delays_and_loses_nothing(void **state)
{
    struct kafka_rig rig;
    struct writer w = {.rig = NULL};
    struct kafka_conf conf;
    struct fault f = {0};

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, topic);
    writer_start(&w, &rig, &conf);
    assert_true(writer_put(&w, 0, &f));
    kafka_rig_until(&rig, all_reported, &w);
    broker_down(rig.broker, SIGKILL);
    assert_true(writer_put(&w, 1, &f));
    kafka_rig_until(&rig, knows_it_is_down, &w);
    assert_int_equal(w.reports[1], 0);
    broker_up(rig.broker);
    kafka_rig_until(&rig, all_reported, &w);
    assert_int_equal(w.delivered, 2);
    kafka_rig_until(&rig, knows_it_is_up, &w);
    writer_close(&w, 5000);
    kafka_rig_stop(&rig);
}

static void what_can_not_be_delivered_by_the_deadline_is_reported_as_failed(void **state)
{
    struct kafka_rig rig;
    struct writer w = {.rig = NULL};
    struct kafka_conf conf;
    struct fault f = {0};

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, topic);
    writer_start(&w, &rig, &conf);
    assert_true(writer_put(&w, 0, &f));
    kafka_rig_until(&rig, all_reported, &w);
    broker_down(rig.broker, SIGKILL);
    for (unsigned i = 1; i < 50; i++)
        assert_true(writer_put(&w, i, &f));
    writer_close(&w, 200);
    assert_int_equal(w.delivered, 1);
    assert_int_equal(w.failed, 49);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(w.reports[i], 1);
    broker_up(rig.broker);
    kafka_rig_stop(&rig);
}

static bool was_replaced(void *ctx)
{
    struct writer *w = ctx;

    return kafka_rig_noticed(w->rig, "kafka_producer_replaced") && kafka_sink_waiting(w->sink) == 0;
}

static bool takes_again(void *ctx)
{
    struct writer *w = ctx;
    struct fault f = {0};

    return w->reports[1] > 0 || (kafka_sink_waiting(w->sink) == 0 && writer_put(w, 1, &f) && false);
}

static void a_producer_that_ended_itself_is_replaced(void **state)
{
    struct kafka_rig rig;
    struct writer w = {.rig = NULL};
    struct kafka_conf conf;
    struct fault f = {0};

    (void)state;
    broker_embedded_only("Apache Kafka finds no gap in what an idempotent producer sends");
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, topic);
    writer_start(&w, &rig, &conf);
    /* 45: OUT_OF_ORDER_SEQUENCE_NUMBER, after which an idempotent producer can't go on. */
    broker_fail(rig.broker, KAFKA_REQUEST_PRODUCE, 45, 1);
    assert_true(writer_put(&w, 0, &f));
    kafka_rig_until(&rig, was_replaced, &w);
    assert_int_equal(w.reports[0], 1);
    assert_int_equal(w.failed, 1);
    kafka_rig_until(&rig, takes_again, &w);
    kafka_rig_until(&rig, all_reported, &w);
    assert_int_equal(w.failed, 1);
    assert_true(w.delivered >= 1);
    writer_close(&w, 5000);
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_is_reported_once_and_can_be_read),
        cmocka_unit_test(a_key_has_the_partition_that_java_gives_it_unless_told_otherwise),
        cmocka_unit_test(closing_delivers_what_is_left),
        cmocka_unit_test(a_full_queue_and_a_large_record_are_refused_by_class),
        cmocka_unit_test(an_outage_delays_and_loses_nothing),
        cmocka_unit_test(what_can_not_be_delivered_by_the_deadline_is_reported_as_failed),
        cmocka_unit_test(a_producer_that_ended_itself_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
