/* `cmibridge consume` in a group on the embedded broker: consumers that are killed, join and leave
 * under load. What the CMI saw is checked whole (D1 to D3); tests/integration/test_apache_consume.c
 * does the same on Apache Kafka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/load.h"

#include <signal.h>

#define PARTITIONS 4

static void open_load(struct load *l, const char *topic, bool honours_key)
{
    kafka_rig_start(&l->rig, 1);
    load_open(l, topic, PARTITIONS, honours_key);
    kafka_rig_topic(&l->rig, topic, PARTITIONS);
    l->conf.session_ms = 3500; /* the embedded broker waits this long, less a second */
}

/* One is killed while both work, and one joins; then one leaves in good order. Events are repeated
 * after either (this broker takes no commit while it waits for members); by their keys the CMI
 * takes them for repetitions. */
static void a_killed_consumers_work_is_ended_by_the_others(void **state)
{
    struct load s;
    struct consumer *old;
    struct consumer *young;
    struct consumer *next;

    (void)state;
    open_load(&s, "killed-consumer", true);
    old = consumer_start(&s.conf);
    young = consumer_start(&s.conf);
    consumer_await(old, "event=assigned", PARTITIONS / 2);
    consumer_await(young, "event=assigned", PARTITIONS / 2);
    load_send(&s, 3000);
    load_await_effects(&s, 500);
    assert_int_equal(consumer_end(old, SIGKILL), 128 + SIGKILL);
    assert_true(hostile_http_effects(s.cmi) < s.sent);
    next = consumer_start(&s.conf);
    load_send(&s, 1000);
    load_flush(&s);
    load_await_effects(&s, s.sent);
    consumer_await(next, "event=assigned", PARTITIONS / 2);
    load_send(&s, 2000);
    load_await_effects(&s, 4500);
    assert_int_equal(consumer_end(young, SIGTERM), COMMAND_OK);
    load_flush(&s);
    load_await_effects(&s, s.sent);
    consumer_await(next, "event=assigned", PARTITIONS / 2 + PARTITIONS);
    load_send(&s, 500);
    load_flush(&s);
    load_await_effects(&s, s.sent);
    assert_int_equal(consumer_end(next, SIGTERM), COMMAND_OK);
    load_check_effects(&s);
    load_check_committed(&s);
    consumer_free(old);
    consumer_free(young);
    consumer_free(next);
    load_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_consumers_work_is_ended_by_the_others),
    };

    redis_server_need();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
