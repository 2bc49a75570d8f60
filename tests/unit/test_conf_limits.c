/* conf: how long and how many what is named may be; the first too many is told of with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/conf.h"
#include "config/yaml_in.h"

#include <stdio.h>
#include <string.h>

#define MISTAKES_MAX (1 << 20)

/* The mistakes of a text; "" where it has none. */
static const char *mistakes_of(const char *yaml, struct buf *b)
{
    struct conf *c;

    buf_init(b, MISTAKES_MAX);
    c = conf_parse("f", view_of(yaml), 0, b);
    assert_int_equal(c == NULL, b->n > 0);
    conf_free(c);
    return buf_text(b);
}

static void topics_are_as_long_as_kafka_takes_and_as_many_as_a_source_does(void **state)
{
    char yaml[1024];
    struct buf topics;
    struct buf b;

    (void)state;
    (void)snprintf(yaml, sizeof yaml, "kafka: {topics: [%0249d]}\n", 0);
    assert_string_equal(mistakes_of(yaml, &b), "");
    buf_done(&b);
    (void)snprintf(yaml, sizeof yaml, "kafka: {topics: [%0250d]}\n", 0);
    assert_string_equal(mistakes_of(yaml, &b),
                        "f:1: kafka.topics[0] has 250 bytes; a topic's name has 1 to 249\n");
    buf_done(&b);
    (void)snprintf(yaml, sizeof yaml, "kafka: {topics: ['^%0300d']}\n", 0);
    assert_string_equal(mistakes_of(yaml, &b), "");
    buf_done(&b);
    buf_init(&topics, sizeof yaml);
    for (int i = 0; i < CONF_TOPICS_MAX; i++)
        buf_printf(&topics, i > 0 ? ", t%d" : "t%d", i);
    (void)snprintf(yaml, sizeof yaml, "kafka: {topics: [%s]}\n", buf_text(&topics));
    assert_string_equal(mistakes_of(yaml, &b), "");
    buf_done(&b);
    (void)snprintf(yaml, sizeof yaml, "kafka: {topics: [%s, a]}\n", buf_text(&topics));
    assert_string_equal(mistakes_of(yaml, &b), "f:1: kafka.topics has 65 topics; the most is 64\n");
    buf_done(&b);
    buf_done(&topics);
}

static void check_most(const char *map, const char *entry, size_t most)
{
    char expected[256];
    struct buf yaml;
    struct buf b;

    buf_init(&yaml, 1 << 16);
    buf_printf(&yaml, "routes: {'*': n0}\n%s:\n", map);
    for (size_t i = 0; i < most; i++)
        buf_printf(&yaml, "  n%zu: %s\n", i, entry);
    assert_null(strstr(mistakes_of(buf_text(&yaml), &b), "the most is"));
    buf_done(&b);
    buf_printf(&yaml, "  more: %s\n  still: %s\n", entry, entry);
    (void)snprintf(expected, sizeof expected, "f:%zu: %s.more: there are %zu %s; the most is %zu\n",
                   most + 3, map, most + 2, map, most);
    assert_non_null(strstr(mistakes_of(buf_text(&yaml), &b), expected));
    buf_done(&b);
    buf_done(&yaml);
}

static void the_first_target_or_channel_too_many_is_named_with_its_line(void **state)
{
    (void)state;
    check_most("targets", "{url: 'http://localhost'}", CONF_TARGETS_MAX);
    check_most("channels", "{type: webhook, url: 'http://localhost'}", CONF_CHANNELS_MAX);
}

static void names_have_a_maximum(void **state)
{
    struct buf yaml;
    struct buf b;

    (void)state;
    buf_init(&yaml, YAML_BYTES_MAX);
    buf_put_text(&yaml, "callbacks.queues:\n");
    for (int i = 0; i < CONF_ENTRIES_MAX + 1; i++)
        buf_printf(&yaml, " %d:\n", i);
    assert_string_equal(mistakes_of(buf_text(&yaml), &b),
                        "f:12002: there are more than 12000 names\n");
    buf_done(&b);
    buf_done(&yaml);
}

/* Who has thousands of senders has as many queues; of two that are alike the later one is named. */
static void thousands_of_queues_are_read_and_told_apart(void **state)
{
    struct buf yaml;
    struct buf b;

    (void)state;
    buf_init(&yaml, YAML_BYTES_MAX);
    buf_put_text(&yaml, "channels: {out: {type: webhook, url: 'http://localhost'}}\n"
                        "chats:\n queues:\n");
    for (int i = 0; i < 2500; i++)
        buf_printf(&yaml,
                   "  q%d: {id: %032d, channel: sms, name: Q, via: out, address: '%d@sms.x'}\n", i,
                   i, i);
    assert_string_equal(mistakes_of(buf_text(&yaml), &b), "");
    buf_done(&b);
    buf_printf(&yaml, "  a: {id: %032d, channel: sms, name: Q, via: out, address: ' 7@SMS.X'}\n",
               2500);
    buf_printf(&yaml, "  b: {id: %032d, channel: sms, name: Q, via: out, address: '7@sms.x'}\n",
               2501);
    assert_string_equal(mistakes_of(buf_text(&yaml), &b),
                        "f:2504: chats.queues.a.address is that of chats.queues.q7, too\n"
                        "f:2505: chats.queues.b.address is that of chats.queues.q7, too\n");
    buf_done(&b);
    buf_done(&yaml);
}

/* As queues are found by a message's source: in capitals and small letters, of any script. */
static void queues_are_told_apart_as_they_are_looked_for(void **state)
{
    struct buf b;

    (void)state;
    assert_string_equal(
        mistakes_of("chats:\n queues:\n"
                    "  a: {id: 0A6C34F2B1D24E0F9A5B7C8D9E0F1A2B, channel: sms, name: A, "
                    "address: 'жёpromo@x'}\n"
                    "  b: {id: 0A6C34F2B1D24E0F9A5B7C8D9E0F1A2C, channel: sms, name: B, "
                    "address: 'жеpromo@x'}\n"
                    "  c: {id: 0A6C34F2B1D24E0F9A5B7C8D9E0F1A2D, channel: sms, name: C, "
                    "address: 'ЖЁPromo@x '}\n"
                    "  d: {id: 0A6C34F2B1D24E0F9A5B7C8D9E0F1A2E, channel: sms, name: D, "
                    "address: Äiti@x}\n"
                    "  e: {id: 0A6C34F2B1D24E0F9A5B7C8D9E0F1A2F, channel: sms, name: E, "
                    "address: äiti@X}\n"
                    "  f: {id: 0a6c34f2-b1d2-4e0f-9a5b-7c8d9e0f1a2f, channel: sms, name: F, "
                    "address: f@x}\n",
                    &b),
        "f:5: chats.queues.c.address is that of chats.queues.a, too\n"
        "f:7: chats.queues.e.address is that of chats.queues.d, too\n"
        "f:8: chats.queues.f.id is that of chats.queues.e, too\n");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_as_long_as_kafka_takes_and_as_many_as_a_source_does),
        cmocka_unit_test(the_first_target_or_channel_too_many_is_named_with_its_line),
        cmocka_unit_test(names_have_a_maximum),
        cmocka_unit_test(thousands_of_queues_are_read_and_told_apart),
        cmocka_unit_test(queues_are_told_apart_as_they_are_looked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
