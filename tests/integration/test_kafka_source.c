/* kafka_source, every partition taken without a group. */
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

static const char *const topic[] = {"events"};

static void assert_each_partition_in_order(const struct reader *r)
{
    int64_t next[64] = {0};

    for (size_t i = 0; i < r->count; i++) {
        assert_true(r->got[i].offset >= next[r->got[i].partition]);
        next[r->got[i].partition] = r->got[i].offset + 1;
    }
}

static void what_was_committed_is_not_read_again_and_the_rest_is(void **state)
{
    struct kafka_rig rig;
    struct reader first = {.commit_on_revoke = true};
    struct reader second = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 3);
    kafka_rig_topic(&rig, topic[0], 4);
    kafka_rig_send_many(&rig, topic[0], 0, 1000);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&first, &rig, &conf);
    reader_await(&first, 1000);
    assert_int_equal(first.partitions, 4);
    assert_each_partition_in_order(&first);
    reader_close(&first);
    assert_int_equal(first.revocations, 1);

    kafka_rig_send_many(&rig, topic[0], 1000, 1200);
    reader_start(&second, &rig, &conf);
    reader_await(&second, 200);
    for (size_t i = 0; i < second.count; i++)
        assert_true(strlen(second.got[i].value) == 4 && second.got[i].value[0] == '1');
    assert_string_equal(kafka_source_trouble(second.source), "");
    reader_done(&second);
    reader_done(&first);
    kafka_rig_stop(&rig);
}

static bool was_committed(void *ctx)
{
    const struct reader *r = ctx;

    return r->commits_done >= 2;
}

static void commits_go_out_by_themselves_and_only_the_newest(void **state)
{
    struct kafka_rig rig;
    struct reader first = {.rig = NULL};
    struct reader second = {.rig = NULL};
    struct kafka_conf conf;
    struct fault f = {0};

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    kafka_rig_send_many(&rig, topic[0], 0, 500);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&first, &rig, &conf);
    reader_await(&first, 500);
    for (int64_t next = 1; next <= 499; next++) {
        assert_true(first.port.commit(first.port.ctx, first.parts[0].slot, first.parts[0].epoch,
                                      next, false, &f));
        if (next == 250)
            kafka_rig_until(&rig, was_committed, &first); /* the log's start, and one of these */
    }
    assert_in_range(first.commits_done, 2, 10);
    assert_false(first.port.commit(first.port.ctx, first.parts[0].slot, first.parts[0].epoch + 1,
                                   500, false, &f));
    assert_int_equal(f.cls, FAULT_REJECT);
    assert_false(first.port.commit(first.port.ctx, first.parts[0].slot, first.parts[0].epoch, 501,
                                   false, &f));
    assert_int_equal(f.cls, FAULT_BUG);
    /* Waits for the request that is under way, then for its own. */
    assert_true(first.port.commit(first.port.ctx, first.parts[0].slot, first.parts[0].epoch, 499,
                                  true, &f));
    reader_close(&first);

    reader_start(&second, &rig, &conf);
    reader_await(&second, 1);
    assert_int_equal(second.got[0].offset, 499);
    reader_done(&second);
    reader_done(&first);
    kafka_rig_stop(&rig);
}

static bool was_refused_then_done(void *ctx)
{
    const struct reader *r = ctx;

    return r->commits_refused >= 1 && r->commits_done >= 1;
}

static void a_refused_commit_is_told_and_sent_again(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    broker_embedded_only("Apache Kafka refuses no commit of what may be committed");
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    kafka_rig_send_many(&rig, topic[0], 0, 10);
    conf = kafka_rig_conf(&rig, topic);
    /* 12: OFFSET_METADATA_TOO_LARGE, which librdkafka does not try again by itself. */
    broker_fail(rig.broker, KAFKA_REQUEST_OFFSET_COMMIT, 12, 1);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 10);
    reader_commit(&r, false);
    kafka_rig_until(&rig, was_refused_then_done, &r);
    assert_true(kafka_rig_noticed(&rig, "kafka_commit_refused"));
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static void null_keys_null_values_many_headers_and_a_large_value_come_through(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    struct record_header headers[RECORD_HEADERS_READ + 20];
    char *large = mem_zeroed(1, 1000000);

    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        headers[i] = (struct record_header){VIEW("name"), VIEW("value")};
    memset(large, 'x', 1000000);
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    kafka_rig_send(&rig, topic[0], NULL, "no key");
    kafka_rig_send(&rig, topic[0], "k", NULL);
    kafka_rig_send(&rig, topic[0], "", "");
    kafka_rig_produce(&rig, &(struct sink_record){.topic = topic[0],
                                                  .has_value = true,
                                                  .value = {large, 1000000},
                                                  .headers = headers,
                                                  .header_count = RECORD_HEADERS_READ});
    kafka_rig_produce(&rig, &(struct sink_record){.topic = topic[0],
                                                  .headers = headers,
                                                  .header_count = RECORD_HEADERS_READ + 20});
    kafka_rig_flush(&rig);
    assert_int_equal(rig.delivered, 5);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 5);
    assert_true(!r.got[0].has_key && r.got[0].has_value);
    assert_true(r.got[1].has_key && !r.got[1].has_value);
    assert_true(r.got[2].has_key && r.got[2].has_value && r.got[2].value_bytes == 0);
    assert_int_equal(r.got[3].value_bytes, 1000000);
    assert_int_equal(r.got[3].header_count, RECORD_HEADERS_READ);
    assert_int_equal(r.got[4].header_count, RECORD_HEADERS_READ + 1);
    reader_done(&r);
    kafka_rig_stop(&rig);
    mem_free(large);
}

static bool other_is_read(void *ctx)
{
    const struct reader *r = ctx;
    size_t n = 0;

    for (size_t i = 0; i < r->count; i++)
        n += r->got[i].slot == r->parts[1].slot;
    return n >= 8000;
}

static void send_to_each(struct kafka_rig *rig, const char *keys[2], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        kafka_rig_send(rig, topic[0], keys[0], "x");
        kafka_rig_send(rig, topic[0], keys[1], "x");
    }
    kafka_rig_flush(rig);
}

/* More than is kept for a paused partition, so that its fetching stops too. */
static void a_paused_partition_keeps_its_records_and_their_order(void **state)
{
    static const char *keys[2] = {"a", "d"}; /* one for each partition */
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    size_t before;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 2);
    conf = kafka_rig_conf(&rig, topic);
    kafka_rig_send(&rig, topic[0], keys[0], "x");
    kafka_rig_send(&rig, topic[0], keys[1], "x");
    kafka_rig_flush(&rig);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 2);
    assert_int_not_equal(r.got[0].partition, r.got[1].partition);
    r.port.pause(r.port.ctx, r.parts[0].slot);
    send_to_each(&rig, keys, 7999);
    kafka_rig_until(&rig, other_is_read, &r);
    assert_int_equal(r.count, 8001);
    for (unsigned i = 0; i < 20; i++) {
        r.port.resume(r.port.ctx, r.parts[0].slot);
        uv_run(&rig.loop, UV_RUN_ONCE);
        r.port.pause(r.port.ctx, r.parts[0].slot);
        r.port.pause(r.port.ctx, r.parts[1].slot);
        before = r.count;
        uv_run(&rig.loop, UV_RUN_NOWAIT);
        assert_int_equal(r.count, before);
    }
    r.port.resume(r.port.ctx, r.parts[0].slot);
    r.port.resume(r.port.ctx, r.parts[1].slot);
    reader_await(&r, 16000);
    assert_each_partition_in_order(&r);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static void take_closed(void *owner)
{
    struct reader *r = owner;

    r->closed = true;
}

static bool is_closed(void *ctx)
{
    const struct reader *r = ctx;

    return r->closed;
}

/* What keeps a record past the deadline keeps nobody waiting, and may still give it back. */
static void a_close_does_not_wait_for_ever(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.keep = true, .slow_release = true};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    kafka_rig_send_many(&rig, topic[0], 0, 10);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 10);
    kafka_source_close(r.source, 300, take_closed, &r);
    kafka_rig_until(&rig, is_closed, &r);
    assert_int_equal(r.revocations, 1);
    assert_true(kafka_rig_noticed(&rig, "kafka_source_abandoned"));
    reader_give_back(&r);
    mem_free(r.got);
    kafka_rig_stop(&rig); /* the loop ends, so the source did */
}

static void records_may_be_kept_and_given_back_late(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.keep = true};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    kafka_rig_send_many(&rig, topic[0], 0, 300);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 300);
    assert_int_equal(kafka_source_out(r.source), 300);
    reader_give_back(&r);
    assert_int_equal(kafka_source_out(r.source), 0);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static void new_partitions_and_topics_are_found_and_read_from_their_start(void **state)
{
    static const char *const pattern[] = {"^events-[a-z]+$"};
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, "events-a", 2);
    kafka_rig_topic(&rig, "other", 2);
    conf = kafka_rig_conf(&rig, pattern);
    conf.refresh_ms = 200;
    conf.offset_reset = KAFKA_RESET_LATEST;
    kafka_rig_send(&rig, "events-a", "k", "before");
    kafka_rig_flush(&rig);
    reader_start(&r, &rig, &conf);
    reader_await_partitions(&r, 2);
    kafka_rig_topic(&rig, "events-b", 1);
    kafka_rig_send(&rig, "events-b", "k", "after");
    kafka_rig_flush(&rig);
    reader_await(&r, 1);
    assert_string_equal(r.got[0].value, "after");
    assert_int_equal(r.partitions, 3);
    assert_int_not_equal(r.parts[0].epoch, r.parts[2].epoch);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static bool names_what_is_not_matched(void *ctx)
{
    const struct reader *r = ctx;

    return strcmp(kafka_source_trouble(r->source), "no topic matches ^evnts-.*") == 0;
}

/* As a slip of the pen has it, or until a topic of it is made. */
static void an_expression_that_stands_for_no_topic_is_told(void **state)
{
    static const char *const pattern[] = {"^evnts-.*"};
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, pattern);
    conf.refresh_ms = 200;
    reader_start(&r, &rig, &conf);
    kafka_rig_until(&rig, names_what_is_not_matched, &r);
    assert_true(kafka_rig_noticed(&rig, "kafka_topic_missing text=no topic matches ^evnts-.*"));
    kafka_rig_topic(&rig, "evnts-a", 1);
    kafka_rig_send(&rig, "evnts-a", "k", "v");
    kafka_rig_flush(&rig);
    reader_await(&r, 1);
    assert_string_equal(kafka_source_trouble(r.source), "");
    reader_done(&r);
    kafka_rig_stop(&rig);
}

/* Among them are the offsets that we commit ourselves: as events they would never end. */
static void kafka_s_own_topics_are_read_only_by_a_pattern_that_begins_as_they_do(void **state)
{
    static const char *const broad[] = {"^[a-z_]+$"};
    static const struct {
        enum kafka_assign assign;
        const char *own;
        const char *pattern;
    } rows[] = {
        {KAFKA_ASSIGN_ALL, "__all", "^__all$"},
        {KAFKA_ASSIGN_GROUP, "__group", "^__group$"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kafka_rig rig;
        struct reader r = {.rig = NULL};
        struct kafka_conf conf;

        kafka_rig_start(&rig, 1);
        kafka_rig_topic(&rig, topic[0], 1);
        kafka_rig_topic(&rig, rows[i].own, 1);
        kafka_rig_send(&rig, topic[0], "k", "an event");
        kafka_rig_send(&rig, rows[i].own, "k", "an offset");
        kafka_rig_flush(&rig);
        conf = kafka_rig_conf(&rig, broad);
        conf.assign = rows[i].assign;
        reader_start(&r, &rig, &conf);
        reader_await(&r, 1);
        assert_int_equal(r.partitions, 1);
        assert_string_equal(r.got[0].value, "an event");
        reader_done(&r);

        conf.topics = &rows[i].pattern;
        conf.group = "of-its-own";
        r = (struct reader){.rig = NULL};
        reader_start(&r, &rig, &conf);
        reader_await(&r, 1);
        assert_int_equal(r.partitions, 1);
        assert_string_equal(r.got[0].value, "an offset");
        reader_done(&r);
        kafka_rig_stop(&rig);
    }
}

/* Pushes the first records out: the embedded broker keeps 5 MiB of a partition, and Apache Kafka
 * what it is told to keep. */
static void overflow(struct kafka_rig *rig, int64_t before)
{
    enum { LARGE = 10 };
    char *large = mem_zeroed(1, 900000);

    for (unsigned i = 0; i < LARGE; i++) {
        kafka_rig_produce(rig, &(struct sink_record){
                                   .topic = topic[0], .has_value = true, .value = {large, 900000}});
        kafka_rig_flush(rig);
    }
    if (broker_is_apache())
        broker_drop_before(rig->broker, topic[0], 0, before + LARGE - 1);
    mem_free(large);
}

static void records_dropped_before_they_were_read_stop_it(void **state)
{
    struct kafka_rig rig;
    struct reader first = {.commit_on_revoke = true};
    struct reader second = {.rig = NULL};
    struct reader third = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    kafka_rig_send_many(&rig, topic[0], 0, 5);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&first, &rig, &conf);
    reader_await(&first, 5);
    reader_done(&first);
    overflow(&rig, 5);

    reader_start(&second, &rig, &conf);
    reader_await_failure(&second);
    assert_int_equal(second.count, 0);
    assert_int_equal(second.fault.cls, FAULT_STOP);
    assert_non_null(strstr(second.fault.text, "events[0]: offset 5 is committed, but the log"));
    assert_non_null(strstr(second.fault.text, "kafka.offset_reset"));
    assert_string_equal(kafka_source_trouble(second.source), second.fault.text);
    reader_done(&second);

    conf.offset_reset = KAFKA_RESET_EARLIEST;
    reader_start(&third, &rig, &conf);
    reader_await_partitions(&third, 1);
    assert_true(third.parts[0].next_offset > 5);
    assert_true(kafka_rig_noticed(&rig, "kafka_offset_reset topic=events partition=0 committed=5"));
    reader_done(&third);
    kafka_rig_stop(&rig);
}

static void a_reader_that_falls_behind_is_stopped_too(void **state)
{
    static const struct kafka_property short_sighted[] = {{"fetch.wait.max.ms", "10"},
                                                          {"queued.max.messages.kbytes", "1"}};
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, topic);
    conf.properties = short_sighted;
    kafka_rig_send_many(&rig, topic[0], 0, 5);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 5);
    r.port.pause(r.port.ctx, r.parts[0].slot);
    overflow(&rig, 5);
    r.port.resume(r.port.ctx, r.parts[0].slot);
    reader_await_failure(&r);
    assert_int_equal(r.fault.cls, FAULT_STOP);
    assert_non_null(strstr(r.fault.text, "events[0]: offset "));
    assert_non_null(strstr(r.fault.text, "the broker dropped what was not read"));
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static bool knows_it_is_down(void *ctx)
{
    const struct reader *r = ctx;

    return strcmp(kafka_source_trouble(r->source), "") != 0;
}

static bool knows_it_is_up(void *ctx)
{
    return !knows_it_is_down(ctx);
}

static void an_outage_of_every_broker_is_waited_for(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 2);
    kafka_rig_topic(&rig, topic[0], 2);
    kafka_rig_send_many(&rig, topic[0], 0, 10);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 10);
    broker_down(rig.broker, SIGKILL);
    kafka_rig_until(&rig, knows_it_is_down, &r);
    broker_up(rig.broker);
    kafka_rig_until(&rig, knows_it_is_up, &r);
    kafka_rig_send_many(&rig, topic[0], 10, 20);
    reader_await(&r, 20);
    assert_false(r.failed);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

static void count_figures(void *ctx, const struct kafka_figures *f)
{
    int64_t *sums = ctx;

    sums[0] += f->position;
    sums[1] += f->high;
    sums[2] += f->committed;
}

static void it_tells_how_far_behind_it_is(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    int64_t sums[3] = {0};

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 2);
    kafka_rig_send_many(&rig, topic[0], 0, 100);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 100);
    reader_commit(&r, true);
    kafka_source_each(r.source, count_figures, sums);
    assert_int_equal(sums[0], 100);
    assert_int_equal(sums[1], 100);
    assert_int_equal(sums[2], 100);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

struct behind {
    struct reader *r;
    int64_t high;
};

static bool has_heard_of(void *ctx)
{
    const struct behind *b = ctx;
    int64_t sums[3] = {0};

    kafka_source_each(b->r->source, count_figures, sums);
    return sums[1] >= b->high;
}

static void send_large(struct kafka_rig *rig, int count)
{
    static char value[200000];

    for (int i = 0; i < count; i++)
        kafka_rig_produce(rig, &(struct sink_record){.topic = topic[0],
                                                     .has_value = true,
                                                     .value = {value, sizeof value}});
    kafka_rig_flush(rig);
}

/* Of what rests nothing more is fetched once enough is kept, and yet it tells. */
static void it_tells_how_far_behind_it_is_while_it_rests(void **state)
{
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    struct behind b = {&r, 0};

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topic[0], 1);
    conf = kafka_rig_conf(&rig, topic);
    reader_start(&r, &rig, &conf);
    reader_await_partitions(&r, 1);
    r.port.pause(r.port.ctx, r.parts[0].slot);
    for (int i = 0; i < 3; i++) { /* more than is fetched ahead, and a little more again */
        int count = i == 0 ? 80 : 10;

        send_large(&rig, count);
        b.high += count;
        kafka_rig_until(&rig, has_heard_of, &b);
    }
    assert_int_equal(r.count, 0);
    reader_done(&r);
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_committed_is_not_read_again_and_the_rest_is),
        cmocka_unit_test(commits_go_out_by_themselves_and_only_the_newest),
        cmocka_unit_test(a_refused_commit_is_told_and_sent_again),
        cmocka_unit_test(null_keys_null_values_many_headers_and_a_large_value_come_through),
        cmocka_unit_test(a_paused_partition_keeps_its_records_and_their_order),
        cmocka_unit_test(a_close_does_not_wait_for_ever),
        cmocka_unit_test(records_may_be_kept_and_given_back_late),
        cmocka_unit_test(new_partitions_and_topics_are_found_and_read_from_their_start),
        cmocka_unit_test(an_expression_that_stands_for_no_topic_is_told),
        cmocka_unit_test(kafka_s_own_topics_are_read_only_by_a_pattern_that_begins_as_they_do),
        cmocka_unit_test(records_dropped_before_they_were_read_stop_it),
        cmocka_unit_test(a_reader_that_falls_behind_is_stopped_too),
        cmocka_unit_test(an_outage_of_every_broker_is_waited_for),
        cmocka_unit_test(it_tells_how_far_behind_it_is),
        cmocka_unit_test(it_tells_how_far_behind_it_is_while_it_rests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
