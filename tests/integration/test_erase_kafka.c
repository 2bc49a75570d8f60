/* `cmibridge erase --kafka`: what only Kafka's retention can erase is listed by its offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/base64.h"
#include "tests/fakes/erase_rig.h"
#include "tests/fakes/kafka_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void what_kafka_holds_is_listed(void **state)
{
    static const char *const topics[] = {"contact-events"};
    struct kafka_rig kafka;
    char arguments[256];

    (void)state;
    kafka_rig_start(&kafka, 1);
    kafka_rig_topic(&kafka, topics[0], 1);
    kafka_rig_send(&kafka, topics[0], "k", "{\"source\":\"+" DIGITS "\"}");
    kafka_rig_send(&kafka, topics[0], "k", "{\"source\":\"+358409999999\"}");
    kafka_rig_send(&kafka, topics[0], WHO, "{}");
    kafka_rig_flush(&kafka);
    snprintf(arguments, sizeof arguments, "--kafka --dry-run --json -b %s '" WHO "'",
             kafka.address);
    assert_int_equal(erase_rig_run(arguments), 0);
    erase_rig_says("\"kafka\":{\"looked\":3,\"found\":2,\"places\":"
                   "[{\"topic\":\"contact-events\",\"partition\":0,\"offset\":0},"
                   "{\"topic\":\"contact-events\",\"partition\":0,\"offset\":2}]}}");
    snprintf(arguments, sizeof arguments, "--kafka --dry-run -b %s '" WHO "'", kafka.address);
    assert_int_equal(erase_rig_run(arguments), 0);
    erase_rig_says("contact-events:0:0\ncontact-events:0:2\n");
    kafka_rig_stop(&kafka);
}

static void topics_of_a_pattern_are_read_each_once(void **state)
{
    struct kafka_rig kafka;
    char arguments[256];
    char dead[256];

    (void)state;
    kafka_rig_start(&kafka, 1);
    kafka_rig_topic(&kafka, "events.fi", 2);
    kafka_rig_topic(&kafka, "events.se", 1);
    kafka_rig_topic(&kafka, "cmi-results", 1); /* one of ours, and of the pattern */
    kafka_rig_topic(&kafka, "others", 1);
    kafka_rig_send(&kafka, "events.fi", WHO, "{}");
    kafka_rig_send(&kafka, "events.se", "k", "{\"source\":\"+" DIGITS "\"}");
    kafka_rig_send(&kafka, "events.se", "k", "{}");
    kafka_rig_send(&kafka, "cmi-results", "k", "{\"who\":\"" DIGITS "\"}");
    kafka_rig_send(&kafka, "others", WHO, "{}");
    kafka_rig_flush(&kafka);
    snprintf(arguments, sizeof arguments, "--kafka --dry-run --json -b %s '" WHO "'",
             kafka.address);
    snprintf(dead, sizeof dead, "--kafka --dry-run -b 127.0.0.1:9 '" WHO "'");

    setenv("CMIBRIDGE_KAFKA_TOPICS", "^(events[.]|cmi-).*", 1);
    assert_int_equal(erase_rig_run(arguments), 0);
    erase_rig_says("\"kafka\":{\"looked\":4,\"found\":3,");
    erase_rig_says("{\"topic\":\"events.fi\",\"partition\":");
    erase_rig_says("{\"topic\":\"events.se\",\"partition\":0,\"offset\":0}");
    erase_rig_says("{\"topic\":\"cmi-results\",\"partition\":0,\"offset\":0}");
    assert_int_equal(erase_rig_run(dead), 1);
    erase_rig_says(
        "kafka.topics: ^(events[.]|cmi-).*: the brokers can't be asked for their topics: ");
    erase_rig_says("history  contacts "); /* what was done is told all the same */

    setenv("CMIBRIDGE_KAFKA_TOPICS", "^nothing[.].*", 1);
    assert_int_equal(erase_rig_run(arguments), 0);
    erase_rig_says("kafka.topics: there is no topic like '^nothing[.].*'");
    erase_rig_says("\"kafka\":{\"looked\":1,\"found\":1,"); /* our own */
    setenv("CMIBRIDGE_KAFKA_TOPICS", "^(", 1);
    assert_int_equal(erase_rig_run(arguments), 3);
    erase_rig_says("is no regular expression");
    unsetenv("CMIBRIDGE_KAFKA_TOPICS");
    kafka_rig_stop(&kafka);
}

/* Structured, with its data as base64, in which some escape signs of it. */
static void send_base64(struct kafka_rig *kafka, struct view data, bool escaped)
{
    static const struct record_header type = {{"content-type", 12},
                                              {"application/cloudevents+json; charset=utf-8", 43}};
    struct buf coded;
    struct buf event;

    buf_init(&coded, 1024);
    buf_init(&event, 1024);
    base64_encode(data, &coded);
    buf_put_text(&event, "{\"specversion\":\"1.0\",\"data_base64\" :\n \"");
    for (size_t i = 0; i < coded.n; i++)
        if (escaped && coded.p[i] == '/')
            buf_put_text(&event, "\\/");
        else if (escaped && coded.p[i] == '+')
            buf_put_text(&event, "\\u002B");
        else
            buf_put_char(&event, coded.p[i]);
    buf_put_text(&event, "\",\"id\":\"1\"}");
    kafka_rig_produce(kafka, &(struct sink_record){.topic = "contact-events",
                                                   .has_value = true,
                                                   .value = buf_view(&event),
                                                   .headers = &type,
                                                   .header_count = 1});
    buf_done(&coded);
    buf_done(&event);
}

static void send_headers(struct kafka_rig *kafka, size_t count)
{
    struct record_header headers[RECORD_HEADERS_READ];

    for (size_t i = 0; i < count; i++)
        headers[i] = (struct record_header){VIEW("x"), i + 1 < count ? VIEW("y") : VIEW(WHO)};
    kafka_rig_produce(kafka, &(struct sink_record){.topic = "contact-events",
                                                   .headers = headers,
                                                   .header_count = count});
}

static void what_is_coded_is_found(void **state)
{
    struct kafka_rig kafka;
    char arguments[256];

    (void)state;
    kafka_rig_start(&kafka, 1);
    kafka_rig_topic(&kafka, "contact-events", 1);
    send_base64(&kafka, VIEW("\x81\xa6source\xad+" DIGITS), false);
    send_base64(&kafka, VIEW("{\"a\":\"~~~~~~ooo~~>oo?\",\"source\":\"+" DIGITS "\"}"), true);
    send_base64(&kafka, VIEW("{\"source\":\"+358409999999\"}"), false);
    kafka_rig_send(&kafka, "contact-events", "k",
                   "{\"data_base64\":{\"data_base64\":\"KzM1ODQwNzY1NDMyMQ==\"}}");
    kafka_rig_send(&kafka, "contact-events", "k", "{\"data_base64\":");
    send_headers(&kafka, RECORD_HEADERS_READ);
    kafka_rig_send(&kafka, "contact-events", "k", "{\"source\":\"Maija\\u002Bcc@x.fi\"}");
    send_base64(&kafka, VIEW("{\"source\":\"ma\\u0131ja\\u002Bcc\\u0040x.fi\"}"), false);
    send_base64(&kafka, VIEW("{\"source\":\"maija\\u002Bcc\\u0040x.fi\"}"), false);
    kafka_rig_flush(&kafka);
    snprintf(arguments, sizeof arguments, "--kafka --dry-run -b %s '" WHO "'", kafka.address);
    assert_int_equal(erase_rig_run(arguments), 0);
    erase_rig_says(
        "\ncontact-events:0:0\ncontact-events:0:1\ncontact-events:0:3\ncontact-events:0:5\n");
    snprintf(arguments, sizeof arguments, "--kafka --dry-run --json -b %s maija+cc@x.fi",
             kafka.address);
    assert_int_equal(erase_rig_run(arguments), 0);
    erase_rig_says("\"kafka\":{\"looked\":9,\"found\":2,\"places\":"
                   "[{\"topic\":\"contact-events\",\"partition\":0,\"offset\":6},"
                   "{\"topic\":\"contact-events\",\"partition\":0,\"offset\":8}]}}");
    kafka_rig_stop(&kafka);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_kafka_holds_is_listed),
        cmocka_unit_test(what_is_coded_is_found),
        cmocka_unit_test(topics_of_a_pattern_are_read_each_once),
    };

    return cmocka_run_group_tests(tests, erase_rig_start, erase_rig_stop);
}
