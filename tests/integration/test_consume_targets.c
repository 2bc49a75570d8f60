/* `cmibridge consume` and its targets: one that is down holds up its own events, and no others'
 * (D4); odd replies; what the ledger takes for a repeat (D2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "tests/fakes/consumer.h"
#include "tests/fakes/hostile_http.h"
#include "tests/fakes/kafka_rig.h"
#include "tests/fakes/redis_server.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define IN_FLIGHT 64
#define CHATS     300 /* far more than may be held */
#define CALLBACKS 100

/* Those of one number have one key, and so their order. */
static void publish_as(struct kafka_rig *rig, const char *topic, const char *id, int key_number,
                       int number, const char *type, const char *collection, const char *data)
{
    char key[16];
    char subject[64];
    const struct record_header headers[] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), view_of(id)},
        {VIEW("ce_source"), view_of(topic)},
        {VIEW("ce_type"), view_of(type)},
        {VIEW("ce_subject"),
         {subject, (size_t)snprintf(subject, sizeof subject, "%s/%d", collection, number)}},
    };

    (void)snprintf(key, sizeof key, "%d", key_number);
    kafka_rig_produce(rig,
                      &(struct sink_record){.topic = topic,
                                            .has_key = true,
                                            .key = view_of(key),
                                            .has_value = true,
                                            .value = view_of(data),
                                            .headers = headers,
                                            .header_count = sizeof headers / sizeof headers[0]});
}

static void publish(struct kafka_rig *rig, const char *topic, int number, const char *type,
                    const char *collection, const char *data)
{
    char id[64];

    (void)snprintf(id, sizeof id, "%s-%d", type, number);
    publish_as(rig, topic, id, number, number, type, collection, data);
}

static void a_target_that_is_down_leaves_the_others_their_room(void **state)
{
    struct hostile_http *up = hostile_http_start();
    struct hostile_http *down = hostile_http_start();
    struct redis_server *redis = redis_server_start(NULL);
    struct consumer_conf conf = {.topic = "stuck",
                                 .also = "flowing",
                                 .cmi = hostile_http_url(up),
                                 .other = hostile_http_url(down),
                                 .redis = redis->address,
                                 .honours_key = true,
                                 .in_flight = IN_FLIGHT};
    struct kafka_rig rig;
    struct consumer *consumer;

    (void)state;
    kafka_rig_start(&rig, 1);
    conf.brokers = rig.address;
    kafka_rig_topic(&rig, "stuck", 40); /* more than half of what may be held */
    kafka_rig_topic(&rig, "flowing", 2);
    kafka_rig_topic(&rig, "stuck-results", 1);
    kafka_rig_topic(&rig, "stuck-dead", 1);
    hostile_http_down(down);
    for (int i = 0; i < CHATS; i++)
        publish(&rig, "stuck", i, "chat.created", "chats",
                "{\"from_queue\":{\"id\":\"00000000000000000000000000000001\"},\"title\":\"t\","
                "\"originator\":\"a\",\"destination\":\"b\",\"channel_type\":\"chat\","
                "\"channel_sub_type\":\"sms\",\"participants\":[{\"alias\":\"a\","
                "\"uniquekey\":\"u\"}],\"transcript\":{\"messages\":[{\"message\":\"m\","
                "\"originator\":\"a\",\"timestamp\":\"2026-01-01T00:00:00Z\"}]}}");
    kafka_rig_flush(&rig);
    consumer = consumer_start(&conf);
    consumer_await(consumer, "event=breaker target=other state=open", 1);
    for (int i = 0; i < CALLBACKS; i++)
        publish(&rig, "flowing", i, "callback.requested", "callbacks",
                "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+358401234567\"}");
    kafka_rig_flush(&rig);
    hostile_http_wait(up, CALLBACKS);
    assert_int_equal(hostile_http_effects(up), CALLBACKS);
    assert_int_equal(hostile_http_effects(down), 0);
    hostile_http_up(down);
    hostile_http_wait(down, CHATS);
    assert_int_equal(consumer_end(consumer, SIGTERM), COMMAND_OK);
    assert_int_equal(hostile_http_effects(down), CHATS);
    assert_int_equal(consumer_said(consumer, "event=dead_letter"), 0);
    consumer_free(consumer);
    kafka_rig_stop(&rig);
    redis_server_stop(redis);
    hostile_http_stop(up);
    hostile_http_stop(down);
}

/* 409 with a Retry-After that nobody can read asks for another try all the same; a 201 without an
 * id is a write, and is said. */
static void replies_that_say_too_little_are_made_the_best_of(void **state)
{
    static const struct hostile_step steps[] = {
        {HOSTILE_REPLY, 409, "Retry-After: soon\r\n", "busy", 0},
        {HOSTILE_REPLY, 201, "Content-Type: application/json\r\n", "{\"id\":\"made-1\"}", 0},
        {HOSTILE_REPLY, 201, NULL, "it is done", 0},
    };
    struct hostile_http *cmi = hostile_http_start();
    struct redis_server *redis = redis_server_start(NULL);
    struct consumer_conf conf = {
        .topic = "odd", .cmi = hostile_http_url(cmi), .redis = redis->address, .honours_key = true};
    struct kafka_rig rig;
    struct consumer *consumer;

    (void)state;
    hostile_http_script(cmi, steps, sizeof steps / sizeof steps[0]);
    kafka_rig_start(&rig, 1);
    conf.brokers = rig.address;
    kafka_rig_topic(&rig, "odd", 1);
    kafka_rig_topic(&rig, "odd-results", 1);
    kafka_rig_topic(&rig, "odd-dead", 1);
    publish(&rig, "odd", 0, "callback.requested", "callbacks",
            "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+358401234567\"}");
    kafka_rig_flush(&rig);
    consumer = consumer_start(&conf);
    hostile_http_wait(cmi, 2);
    assert_int_equal(consumer_said(consumer, "event=unrouted writes=\"\" history=\"contact.*, "),
                     1);
    publish(&rig, "odd", 1, "callback.requested", "callbacks",
            "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+358401234567\"}");
    kafka_rig_flush(&rig);
    hostile_http_wait(cmi, 3); /* it gets the third answer */
    publish(&rig, "odd", 0, "callback.updated", "callbacks",
            "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+358401234567\","
            "\"notes\":\"\",\"lastResult\":\"BUSY\"}");
    kafka_rig_flush(&rig);
    hostile_http_wait(cmi, 4);
    consumer_await(consumer, "event=no_id target=main type=callback.requested status=201", 1);
    assert_int_equal(consumer_end(consumer, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_said(consumer, "event=no_id"), 1);
    assert_int_equal(consumer_said(consumer, "event=dead_letter"), 0);
    assert_int_equal(hostile_http_count(cmi), 4);
    assert_string_equal(hostile_http_request(cmi, 2)->path, "/callbacks");
    assert_string_equal(hostile_http_request(cmi, 3)->path, "/callbacks/made-1");
    consumer_free(consumer);
    kafka_rig_stop(&rig);
    redis_server_stop(redis);
    hostile_http_stop(cmi);
}

/* A key may be as long as a record. Its event is written, and its result, without the key, told. */
static void a_key_too_long_for_a_result_stops_nothing(void **state)
{
    static char key[1048100];
    struct hostile_http *cmi = hostile_http_start();
    struct redis_server *redis = redis_server_start(NULL);
    struct consumer_conf conf = {.topic = "long",
                                 .cmi = hostile_http_url(cmi),
                                 .redis = redis->address,
                                 .honours_key = true};
    const struct record_header headers[] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), VIEW("1")},
        {VIEW("ce_source"), VIEW("/long")},
        {VIEW("ce_type"), VIEW("callback.requested")},
        {VIEW("ce_subject"), VIEW("callbacks/1")},
    };
    const char *data = "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+358401234567\"}";
    struct kafka_rig rig;
    struct consumer *consumer;

    (void)state;
    memset(key, 'k', sizeof key);
    kafka_rig_start(&rig, 1);
    conf.brokers = rig.address;
    kafka_rig_topic(&rig, "long", 1);
    kafka_rig_topic(&rig, "long-results", 1);
    kafka_rig_topic(&rig, "long-dead", 1);
    kafka_rig_produce(&rig,
                      &(struct sink_record){.topic = "long",
                                            .has_key = true,
                                            .key = {key, sizeof key},
                                            .has_value = true,
                                            .value = view_of(data),
                                            .headers = headers,
                                            .header_count = sizeof headers / sizeof headers[0]});
    publish(&rig, "long", 2, "callback.requested", "callbacks", data);
    kafka_rig_flush(&rig);
    consumer = consumer_start(&conf);
    hostile_http_wait(cmi, 2);
    assert_int_equal(consumer_end(consumer, SIGTERM), COMMAND_OK);
    assert_int_equal(consumer_said(consumer, "event=dead_letter"), 0);
    assert_int_equal(consumer_said(consumer, "event=drain_deadline"), 0);
    consumer_free(consumer);
    kafka_rig_stop(&rig);
    redis_server_stop(redis);
    hostile_http_stop(cmi);
}

#define CALL(number) "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35840" number "\"}"

/* Where the ledger stands in for the CMI: an id that is used for something else is no repeat of
 * what was written. */
static void an_id_that_is_used_again_does_not_pass_for_written(void **state)
{
    struct hostile_http *cmi = hostile_http_start();
    struct redis_server *redis = redis_server_start(NULL);
    struct consumer_conf conf = {
        .topic = "again", .cmi = hostile_http_url(cmi), .redis = redis->address};
    struct kafka_rig rig;
    struct consumer *consumer;

    (void)state;
    hostile_http_ignore_keys(cmi, true);
    kafka_rig_start(&rig, 1);
    conf.brokers = rig.address;
    kafka_rig_topic(&rig, "again", 1);
    kafka_rig_topic(&rig, "again-results", 1);
    kafka_rig_topic(&rig, "again-dead", 1);
    publish_as(&rig, "again", "1", 7, 1, "callback.requested", "callbacks", CALL("1"));
    publish_as(&rig, "again", "1", 7, 2, "callback.requested", "callbacks", CALL("1"));
    publish_as(&rig, "again", "1", 7, 2, "callback.requested", "callbacks", CALL("2"));
    for (int number = 1; number <= 2; number++) /* as they were: they are repeats */
        publish_as(&rig, "again", "1", 7, number, "callback.requested", "callbacks", CALL("1"));
    publish_as(&rig, "again", "1", 7, 2, "callback.updated", "callbacks",
               "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+358401\",\"notes\":\"\","
               "\"lastResult\":\"BUSY\"}");
    kafka_rig_flush(&rig);
    consumer = consumer_start(&conf);
    hostile_http_wait(cmi, 4);
    assert_int_equal(consumer_end(consumer, SIGTERM), COMMAND_OK);
    assert_int_equal(hostile_http_count(cmi), 4);
    assert_string_equal(hostile_http_request(cmi, 3)->method, "PUT");
    assert_int_equal(consumer_said(consumer, "event=dead_letter"), 0);
    consumer_free(consumer);
    kafka_rig_stop(&rig);
    redis_server_stop(redis);
    hostile_http_stop(cmi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_is_down_leaves_the_others_their_room),
        cmocka_unit_test(replies_that_say_too_little_are_made_the_best_of),
        cmocka_unit_test(a_key_too_long_for_a_result_stops_nothing),
        cmocka_unit_test(an_id_that_is_used_again_does_not_pass_for_written),
    };

    redis_server_need();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
