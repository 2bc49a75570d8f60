/*
 * `cmibridge consume` in a group, on either broker: brokers and consumers that end under load,
 * consumers that join and leave, partitions that move. What the CMI saw is checked whole: each
 * event had its effect once, in the order of its key (D1 to D3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/load.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#define PARTITIONS 4

static unsigned rounds(unsigned few, unsigned many)
{
    return getenv("CMIBRIDGE_LONG") != NULL ? many : few;
}

static void open_load_of(struct load *l, const char *topic, bool honours_key, unsigned partitions)
{
    kafka_rig_start(&l->rig, 1);
    /* The producer is connected before any process is started: none may keep a connection open that
     * the broker ends. */
    kafka_rig_topic(&l->rig, "before", 1);
    kafka_rig_send(&l->rig, "before", NULL, "x");
    kafka_rig_flush(&l->rig);
    load_open(l, topic, partitions, honours_key);
    kafka_rig_topic(&l->rig, topic, partitions);
    l->conf.session_ms = 3500; /* the embedded broker waits this long, less a second */
}

static void open_load(struct load *l, const char *topic, bool honours_key)
{
    open_load_of(l, topic, honours_key, PARTITIONS);
}

static void a_broker_that_ends_under_load_costs_nothing(void **state)
{
    static const int signals[] = {SIGKILL, SIGTERM};
    const unsigned times = rounds(2, 8);
    struct load s;
    struct consumer *c;

    (void)state;
    open_load(&s, "ended-broker", true);
    load_send(&s, 1000);
    load_flush(&s);
    c = consumer_start(&s.conf);
    for (unsigned i = 0; i < times; i++) {
        load_send(&s, 2000); /* some of them reach the broker only after its restart */
        load_await_effects(&s, 200 + i * 2000);
        broker_down(s.rig.broker, signals[i % 2]);
        assert_true(hostile_http_effects(s.cmi) < s.sent);
        broker_up(s.rig.broker);
        load_flush(&s);
    }
    load_await_effects(&s, s.sent);
    assert_int_equal(consumer_end(c, SIGTERM), COMMAND_OK);
    load_check_effects(&s);
    load_check_committed(&s);
    consumer_free(c);
    load_close(&s);
}

/* One is killed while both work, and one joins; then one leaves in good order. Events are repeated
 * after either (the embedded broker takes no commit while it waits for members); by their keys the
 * CMI takes them for repetitions. */
static void a_killed_consumers_work_is_ended_by_the_others(void **state)
{
    const unsigned times = rounds(1, 6);
    struct load s;
    struct consumer *old;
    struct consumer *young;

    (void)state;
    open_load(&s, "killed-consumer", true);
    old = consumer_start(&s.conf);
    young = consumer_start(&s.conf);
    consumer_await(old, "event=assigned", PARTITIONS / 2);
    consumer_await(young, "event=assigned", PARTITIONS / 2);
    for (unsigned i = 0; i < times; i++) {
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
    load_send(&s, 2000);
    load_await_effects(&s, s.sent - 1500);
    assert_int_equal(consumer_end(old, SIGTERM), COMMAND_OK);
    load_flush(&s);
    load_await_effects(&s, s.sent);
    consumer_await(young, "event=assigned", PARTITIONS / 2 + PARTITIONS);
    load_send(&s, 500);
    load_flush(&s);
    load_await_effects(&s, s.sent);
    assert_int_equal(consumer_end(young, SIGTERM), COMMAND_OK);
    load_check_effects(&s);
    load_check_committed(&s);
    consumer_free(old);
    consumer_free(young);
    load_close(&s);
}

/* On Apache Kafka the CMI knows no Idempotency-Key, so whatever is sent twice shows. The embedded
 * broker takes no commit once a member has come, so there what was in flight is sent again. */
static void what_is_in_flight_ends_before_its_partition_moves(void **state)
{
    const struct hostile_step hold = {.act = HOSTILE_HOLD};
    const unsigned at_once = 16; /* what the consumer sends at a time */
    struct load s;
    struct consumer *first;
    struct consumer *second;

    (void)state;
    open_load(&s, "moved", !broker_is_apache());
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
    consumer_await(second, "event=assigned", PARTITIONS / 2 + PARTITIONS);
    load_send(&s, 500);
    load_flush(&s);
    load_await_effects(&s, s.sent);
    assert_int_equal(consumer_end(second, SIGTERM), COMMAND_OK);
    if (broker_is_apache())
        assert_int_equal(hostile_http_count(s.cmi), s.sent);
    load_check_effects(&s);
    load_check_committed(&s);
    consumer_free(first);
    consumer_free(second);
    load_close(&s);
}

static void one_that_the_group_gives_nothing_is_ready(void **state)
{
    struct load s;
    struct consumer *first;
    struct consumer *second;

    (void)state;
    open_load_of(&s, "spare", true, 1);
    first = consumer_start(&s.conf);
    consumer_await(first, "event=assigned", 1);
    second = consumer_start(&s.conf);
    consumer_await(first, "event=revoked", 1);
    consumer_await_ready(first);
    consumer_await_ready(second);
    consumer_await_ready(first); /* whichever has it by now */
    assert_int_equal(consumer_end(first, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_end(second, SIGTERM), COMMAND_OK);
    consumer_free(first);
    consumer_free(second);
    load_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broker_that_ends_under_load_costs_nothing),
        cmocka_unit_test(a_killed_consumers_work_is_ended_by_the_others),
        cmocka_unit_test(what_is_in_flight_ends_before_its_partition_moves),
        cmocka_unit_test(one_that_the_group_gives_nothing_is_ready),
    };

    redis_server_need();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
