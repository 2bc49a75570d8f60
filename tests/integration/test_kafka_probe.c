/* What `check --connect` asks of a cluster: every broker that is needed must answer, not only the
 * one that names the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/kafka_probe.h"
#include "tests/fakes/kafka_rig.h"

#include <string.h>

#define PARTITIONS 8

static const char *const topics[] = {"events"};

struct asked {
    struct buf found;
    struct buf missing;
    struct fault fault;
    bool ok;
};

static void ask(struct asked *a, const struct kafka_conf *conf)
{
    *a = (struct asked){.ok = false};
    buf_init(&a->found, 1 << 16);
    buf_init(&a->missing, 1 << 16);
    a->ok = kafka_probe(conf, conf->topics, 1, &a->found, &a->missing, &a->fault);
}

static void forget(struct asked *a)
{
    buf_done(&a->found);
    buf_done(&a->missing);
}

static void a_broker_that_leads_a_partition_must_answer(void **state)
{
    struct kafka_rig rig;
    struct kafka_broker *broker;
    struct kafka_conf conf;
    struct asked a;
    struct fault f = {0};

    (void)state;
    broker = kafka_broker_start(2, &f);
    assert_non_null(broker);
    kafka_rig_start_on(&rig, kafka_broker_bootstrap(broker));
    assert_true(kafka_broker_topic(broker, topics[0], PARTITIONS, &f));
    conf = kafka_rig_conf(&rig, topics);
    ask(&a, &conf);
    assert_true(a.ok);
    assert_string_equal(buf_text(&a.found), "2 brokers, events with 8 partitions");
    forget(&a);

    kafka_broker_down(broker, 2);
    ask(&a, &conf);
    assert_false(a.ok);
    assert_int_equal(a.fault.cls, FAULT_RETRY);
    /* By its number, or, on a slow machine, as one of those to begin with. */
    if (strstr(a.fault.text, strrchr(kafka_broker_bootstrap(broker), ',') + 1) == NULL)
        fail_msg("%s", a.fault.text);
    assert_non_null(strstr(a.fault.text, "advertised.listeners"));
    forget(&a);
    kafka_broker_up(broker, 2);
    kafka_rig_stop(&rig);
    kafka_broker_stop(broker);
}

static void what_a_group_would_read_from_the_start_is_told(void **state)
{
    struct kafka_rig rig;
    struct kafka_conf conf;
    struct reader r = {.commit_on_revoke = true};
    struct buf fresh;
    struct fault f = {0};

    (void)state;
    buf_init(&fresh, 1 << 16);
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topics[0], 2);
    conf = kafka_rig_conf(&rig, topics);
    assert_true(kafka_probe_group(&conf, &fresh, &f));
    assert_string_equal(buf_text(&fresh), ""); /* there is nothing */
    for (int i = 0; i < 5; i++)
        kafka_rig_send(&rig, topics[0], "k", "v");
    kafka_rig_flush(&rig);
    assert_true(kafka_probe_group(&conf, &fresh, &f));
    assert_non_null(strstr(buf_text(&fresh), " has committed nothing in events, which holds 5 "));
    buf_clear(&fresh);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 5);
    reader_done(&r);
    assert_true(kafka_probe_group(&conf, &fresh, &f));
    assert_string_equal(buf_text(&fresh), "");
    kafka_rig_stop(&rig);
    buf_done(&fresh);
}

/* As consume itself does: it never reads what it writes, whatever the expression. */
static void an_expression_does_not_stand_for_our_own_topics(void **state)
{
    static const char *const expression[] = {"^events.*"};
    static const char *const never[] = {"events-results"};
    struct kafka_rig rig;
    struct kafka_conf conf;
    struct asked a = {.ok = false};
    struct buf fresh;
    struct fault f = {0};

    (void)state;
    buf_init(&fresh, 1 << 16);
    buf_init(&a.found, 1 << 16);
    buf_init(&a.missing, 1 << 16);
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topics[0], 2);
    kafka_rig_topic(&rig, never[0], 3);
    conf = kafka_rig_conf(&rig, expression);
    conf.never = never;
    conf.never_count = 1;
    kafka_rig_send(&rig, never[0], "k", "v");
    kafka_rig_flush(&rig);
    assert_true(kafka_probe(&conf, expression, 1, &a.found, &a.missing, &f));
    assert_string_equal(buf_text(&a.found), "1 broker, ^events.* with 2 partitions");
    assert_string_equal(buf_text(&a.missing), "");
    assert_true(kafka_probe(&conf, never, 1, &a.found, &a.missing, &f)); /* by its name it is one */
    assert_non_null(strstr(buf_text(&a.found), "events-results with 3 partitions"));
    assert_true(kafka_probe_group(&conf, &fresh, &f));
    assert_string_equal(buf_text(&fresh), "");
    kafka_rig_stop(&rig);
    forget(&a);
    buf_done(&fresh);
}

/* As a slip of the pen has it; or it matches only what is ours. */
static void an_expression_that_stands_for_no_topic_is_told(void **state)
{
    static const char *const slips[] = {"^evnts.*", "^events-r.*"};
    static const char *const never[] = {"events-results"};
    struct kafka_rig rig;
    struct kafka_conf conf;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, topics[0], 2);
    kafka_rig_topic(&rig, never[0], 3);
    for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++) {
        char said[64];
        struct asked a;

        conf = kafka_rig_conf(&rig, &slips[i]);
        conf.never = never;
        conf.never_count = 1;
        ask(&a, &conf);
        assert_true(a.ok);
        snprintf(said, sizeof said, "no topic matches %s", slips[i]);
        assert_string_equal(buf_text(&a.missing), said);
        forget(&a);
    }
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_leads_a_partition_must_answer),
        cmocka_unit_test(what_a_group_would_read_from_the_start_is_told),
        cmocka_unit_test(an_expression_does_not_stand_for_our_own_topics),
        cmocka_unit_test(an_expression_that_stands_for_no_topic_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
