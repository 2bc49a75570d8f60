/* `cmibridge consume` with two targets: one that is down holds up its own events, and no others'
 * (D4).
 */
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

#define IN_FLIGHT 64
#define CHATS     300 /* far more than may be held */
#define CALLBACKS 100

static void publish(struct kafka_rig *rig, const char *topic, int number, const char *type,
                    const char *collection, const char *data)
{
    char id[16];
    char subject[64];
    const struct record_header headers[] = {
        {VIEW("content-type"), VIEW("application/json")},
        {VIEW("ce_specversion"), VIEW("1.0")},
        {VIEW("ce_id"), {id, (size_t)snprintf(id, sizeof id, "%d", number)}},
        {VIEW("ce_source"), view_of(topic)},
        {VIEW("ce_type"), view_of(type)},
        {VIEW("ce_subject"),
         {subject, (size_t)snprintf(subject, sizeof subject, "%s/%d", collection, number)}},
    };

    kafka_rig_produce(rig,
                      &(struct sink_record){.topic = topic,
                                            .has_key = true,
                                            .key = view_of(id),
                                            .has_value = true,
                                            .value = view_of(data),
                                            .headers = headers,
                                            .header_count = sizeof headers / sizeof headers[0]});
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
    kafka_rig_topic(&rig, "stuck", 3);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_is_down_leaves_the_others_their_room),
    };

    redis_server_need();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
