/* kafka_conf, kafka_start, kafka_slots, kafka_commits: what needs no broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/io/kafka_commits.h"
#include "bridge/io/kafka_conf.h"
#include "bridge/io/kafka_pattern.h"
#include "bridge/io/kafka_slots.h"
#include "bridge/io/kafka_start.h"
#include "bridge/io/kafka_trial.h"

#include <librdkafka/rdkafka.h>

#include <stdio.h>
#include <string.h>

static const char *const topics[] = {"events", "more"};

static void properties_that_would_break_a_promise_are_refused_by_name(void **state)
{
    static const struct {
        struct kafka_property p;
        int version;
        const char *says; /* NULL: allowed */
    } rows[] = {
        {{"enable.auto.commit", "true"}, 0x020002ff, "enable.auto.commit must stay false"},
        {{"enable.auto.commit", "false"}, 0x020002ff, NULL},
        {{"enable.auto.offset.store", "1"}, 0x020002ff, "must stay false"},
        {{"acks", "1"}, 0x020002ff, "acks must stay all"},
        {{"enable.idempotence", "false"}, 0x020002ff, "must stay true"},
        {{"group.id", "x"}, 0x020002ff, "use kafka.group"},
        {{"bootstrap.servers", "x"}, 0x020002ff, "use kafka.brokers"},
        {{"auto.offset.reset", "latest"}, 0x020002ff, "use kafka.offset_reset"},
        {{"partition.assignment.strategy", "cooperative-sticky"},
         0x020002ff,
         "needs librdkafka 2.10 or later (this is 2.0.2"},
        {{"partition.assignment.strategy", "range,cooperative-sticky"},
         0x020f00ff,
         "cooperative-sticky is not supported"},
        {{"partition.assignment.strategy", "roundrobin"}, 0x020002ff, NULL},
        {{"sasl.password", "x"}, 0x020002ff, NULL},
        {{"session.timeout.mss", "1"}, 0x020002ff, "did you mean session.timeout.ms?"},
        {{"sasl.pasword", "1"}, 0x020002ff, "did you mean sasl.password?"}, /* it has no default */
        {{"no.such.thing", "1"}, 0x020002ff, "no.such.thing is none of librdkafka's"},
        {{"message.max.bytes", "999999999999"},
         0x020002ff,
         "kafka.properties: message.max.bytes is 999999999999; it must be 1000 to 1000000000"},
        {{"batch.size", "4296015884"}, /* whose low bits are allowed */
         0x020002ff,
         "batch.size is 4296015884; it must be 1 to 2147483647"},
        {{"retries", "-99999999999"}, 0x020002ff, "retries is -99999999999; it must be 0 to 2147"},
        {{"linger.ms", "99999999999"}, 0x020002ff, "linger.ms is 99999999999; it must be 0 to 900"},
        {{"batch.size", "0000000000005"}, 0x020002ff, NULL},
        {{"client.rack", "99999999999"}, 0x020002ff, NULL},
        {{"sasl.password", "99999999999"}, 0x020002ff, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        bool ok = kafka_property_check(&rows[i].p, rows[i].version, &f);

        assert_true(ok == (rows[i].says == NULL));
        if (!ok && (strstr(f.text, rows[i].says) == NULL || strchr(f.text, '\n') != NULL))
            fail_msg("%s", f.text);
    }
}

static void a_configuration_is_checked_whole(void **state)
{
    static const char *const both[] = {"^a", "b"};
    static const char *const broken[] = {"^(a"};
    static const struct kafka_property unknown[] = {{"no.such.thing", "1"}};
    static const struct kafka_property secret[] = {{"ssl.key.pem", "very-secret"}};
    const struct kafka_conf good = {
        .brokers = "localhost:9092", .group = "g", .topics = topics, .topic_count = 2};
    struct kafka_conf c = good;
    struct fault f = {0};

    (void)state;
    assert_true(kafka_conf_check(&good, KAFKA_SOURCE, &f));
    assert_true(kafka_conf_check(&good, KAFKA_SINK, &f));
    assert_true(kafka_conf_check(&good, KAFKA_READER, &f));
    c.brokers = "";
    assert_false(kafka_conf_check(&c, KAFKA_SINK, &f));
    assert_non_null(strstr(f.text, "kafka.brokers"));
    c = good;
    c.group = NULL;
    assert_false(kafka_conf_check(&c, KAFKA_SOURCE, &f));
    assert_non_null(strstr(f.text, "kafka.group"));
    c = good;
    c.topics = both;
    assert_false(kafka_conf_check(&c, KAFKA_SOURCE, &f));
    assert_non_null(strstr(f.text, "'^a' must stand alone"));
    c.topics = broken;
    c.topic_count = 1;
    assert_false(kafka_conf_check(&c, KAFKA_SOURCE, &f));
    assert_non_null(strstr(f.text, "no regular expression"));
    c = good;
    c.assign = KAFKA_ASSIGN_ALL;
    c.instance_id = "one";
    assert_false(kafka_conf_check(&c, KAFKA_SOURCE, &f));
    c = good;
    c.properties = unknown;
    c.property_count = 1;
    assert_false(kafka_conf_check(&c, KAFKA_SOURCE, &f));
    assert_non_null(strstr(f.text, "no.such.thing"));
    c.properties = secret;
    if (!kafka_conf_check(&c, KAFKA_SOURCE, &f))
        assert_null(strstr(f.text, "very-secret"));
}

/* librdkafka names one thing at a time, some by another name than was given. */
static void properties_that_do_not_go_together_are_found_one_by_one(void **state)
{
    static const struct kafka_property given[] = {
        {"client.rack", "r"},
        {"max.in.flight.requests.per.connection", "10"},
        {"retries", "0"},
        {"fetch.max.bytes", "100"},
        {"max.poll.interval.ms", "1000"},
    };
    static const struct {
        enum kafka_role role;
        size_t without; /* how many of the first are left out */
        size_t property;
        const char *says; /* NULL: nothing */
    } rows[] = {
        {KAFKA_SINK, 0, 1,
         "kafka.properties: max.in.flight.requests.per.connection: `max.in.flight` must be set"},
        {KAFKA_SINK, 2, 0, "kafka.properties: retries: `retries` must be set >= 1"},
        {KAFKA_SINK, 3, 0, NULL},
        {KAFKA_SOURCE, 0, 3, "`fetch.max.bytes` must be >= `message.max.bytes`"},
        {KAFKA_SOURCE, 4, 0, "`max.poll.interval.ms`must be >= `session.timeout.ms`"},
        {KAFKA_READER, 5, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct kafka_conf c = {.session_timeout_ms = 45000,
                                     .properties = given + rows[i].without,
                                     .property_count =
                                         sizeof given / sizeof given[0] - rows[i].without};
        size_t property = 99;
        struct fault f = {0};

        if (kafka_trial(&c, rows[i].role, &property, &f) != (rows[i].says == NULL))
            fail_msg("row %zu: %s", i, f.text);
        if (rows[i].says == NULL)
            continue;
        assert_int_equal(property, rows[i].property);
        if (strstr(f.text, rows[i].says) == NULL)
            fail_msg("row %zu: %s", i, f.text);
    }
}

static void a_long_session_needs_no_property_beside_it(void **state)
{
    const struct kafka_conf c = {.session_timeout_ms = 1800000};
    size_t property = 99;
    struct fault f = {0};

    (void)state;
    assert_true(kafka_trial(&c, KAFKA_SOURCE, &property, &f));
}

/* Half of it is what librdkafka minds, half what we do, from one text. */
static void a_pattern_never_stands_for_topics_of_ours(void **state)
{
    static const char *const all[] = {"^.*"};
    static const char *const never[] = {"cmi.results", "cmi-dead-letters"};
    static const struct kafka_property given[] = {{"topic.blacklist", "^x,yy$"}};
    struct kafka_conf c = {.topics = all,
                           .topic_count = 1,
                           .never = never,
                           .never_count = 2,
                           .properties = given,
                           .property_count = 1};
    struct kafka_pattern p;
    struct fault f = {0};
    struct rd_kafka_conf_s *made = kafka_conf_draft(&c, KAFKA_SOURCE, &f);
    char *left_out;

    (void)state;
    assert_non_null(made);
    left_out = kafka_conf_left_out(made);
    rd_kafka_conf_destroy(made);
    assert_string_equal(left_out, "^x,yy$,^__,^cmi[.]results$,^cmi-dead-letters$");
    assert_true(kafka_pattern_make(&p, "^[a-z]", left_out, &f));
    assert_true(kafka_pattern_takes(&p, "cmi-results"));
    assert_false(kafka_pattern_takes(&p, "cmi.results"));
    assert_true(kafka_pattern_takes(&p, "cmi.results2"));
    assert_false(kafka_pattern_takes(&p, "cmi-dead-letters"));
    assert_false(kafka_pattern_takes(&p, "xa"));
    assert_false(kafka_pattern_takes(&p, "ayy"));
    assert_true(kafka_pattern_takes(&p, "ax"));
    assert_false(kafka_pattern_takes(&p, "1"));
    kafka_pattern_done(&p);
    mem_free(left_out);

    /* A list of names stands for what it names; a sink writes to them. */
    c.topics = topics;
    made = kafka_conf_draft(&c, KAFKA_SOURCE, &f);
    left_out = kafka_conf_left_out(made);
    rd_kafka_conf_destroy(made);
    assert_string_equal(left_out, "^x,yy$");
    mem_free(left_out);
    c.topics = all;
    c.property_count = 0;
    made = kafka_conf_draft(&c, KAFKA_SINK, &f);
    assert_null(kafka_conf_left_out(made));
    rd_kafka_conf_destroy(made);

    assert_true(kafka_pattern_make(&p, "^a", NULL, &f));
    assert_true(kafka_pattern_takes(&p, "ab"));
    kafka_pattern_done(&p);
    assert_false(kafka_pattern_make(&p, "^(", NULL, &f));
    assert_false(kafka_pattern_make(&p, "^a", "b,(", &f));
    assert_non_null(strstr(f.text, "'(' is no regular expression"));
}

/* What librdkafka leaves out of a subscription, and we where we ask for topics ourselves. */
static void a_pattern_never_stands_for_kafka_s_own_topics_but_by_their_beginning(void **state)
{
    static const struct {
        const char *pattern;
        const char *left_out;
        const char *topic;
        bool taken;
    } rows[] = {
        {"^.*", "^__", "__consumer_offsets", false},
        {"^.*", "^__", "_events", true},
        {"^.*", "^__", "events__", true},
        {"^[a-z_]+$", "^__", "__transaction_state", false},
        {"^_", "^__", "__consumer_offsets", false},
        {"^_", "^__", "_events", true},
        {"^__", NULL, "__consumer_offsets", true},
        {"^__events$", NULL, "__events", true},
        {"^__events$", NULL, "__consumer_offsets", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kafka_conf c = {.topics = &rows[i].pattern, .topic_count = 1};
        struct fault f = {0};
        struct rd_kafka_conf_s *made = kafka_conf_draft(&c, KAFKA_SOURCE, &f);
        char *left_out = kafka_conf_left_out(made);
        struct kafka_pattern p;

        rd_kafka_conf_destroy(made);
        assert_int_equal(left_out != NULL, rows[i].left_out != NULL);
        if (left_out != NULL)
            assert_string_equal(left_out, rows[i].left_out);
        mem_free(left_out);
        assert_true(kafka_pattern_make(&p, rows[i].pattern, NULL, &f));
        if (kafka_pattern_takes(&p, rows[i].topic) != rows[i].taken)
            fail_msg("%s: %s", rows[i].pattern, rows[i].topic);
        kafka_pattern_done(&p);
    }
}

static void reading_begins_where_nothing_is_lost_or_not_at_all(void **state)
{
    static const struct {
        enum kafka_reset reset;
        struct kafka_span span;
        enum kafka_begin begin;
        int64_t start;
    } rows[] = {
        {KAFKA_RESET_ERROR, {-1, 5, 9}, KAFKA_BEGIN_FRESH, 5},
        {KAFKA_RESET_EARLIEST, {-1, 5, 9}, KAFKA_BEGIN_FRESH, 5},
        {KAFKA_RESET_LATEST, {-1, 5, 9}, KAFKA_BEGIN_FRESH, 9},
        {KAFKA_RESET_ERROR, {5, 5, 9}, KAFKA_BEGIN_NEXT, 5},
        {KAFKA_RESET_ERROR, {9, 5, 9}, KAFKA_BEGIN_NEXT, 9},
        {KAFKA_RESET_LATEST, {7, 5, 9}, KAFKA_BEGIN_NEXT, 7},
        {KAFKA_RESET_ERROR, {4, 5, 9}, KAFKA_BEGIN_NEVER, -7},
        {KAFKA_RESET_ERROR, {10, 5, 9}, KAFKA_BEGIN_NEVER, -7},
        {KAFKA_RESET_EARLIEST, {4, 5, 9}, KAFKA_BEGIN_RESET, 5},
        {KAFKA_RESET_EARLIEST, {10, 5, 9}, KAFKA_BEGIN_RESET, 5},
        {KAFKA_RESET_LATEST, {4, 5, 9}, KAFKA_BEGIN_RESET, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault f = {0};
        int64_t start = -7;

        assert_int_equal(kafka_start(rows[i].reset, "events", 3, rows[i].span, &start, &f),
                         rows[i].begin);
        assert_int_equal(start, rows[i].start);
        assert_int_equal(f.cls, rows[i].begin == KAFKA_BEGIN_NEVER ? FAULT_STOP : FAULT_NONE);
    }
}

static void the_sentence_of_a_loss_is_whole_even_for_a_long_name(void **state)
{
    char name[250];
    int64_t start = 0;
    struct fault f = {0};

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    kafka_start(KAFKA_RESET_ERROR, name, INT32_MAX,
                (struct kafka_span){INT64_MAX / 2, INT64_MAX - 1, INT64_MAX}, &start, &f);
    assert_non_null(strstr(f.text, "kafka.offset_reset: earliest"));
}

static void partitions_are_found_again_after_others_left(void **state)
{
    struct kafka_slots *s = kafka_slots_new();
    struct source_partition *list = mem_zeroed(SOURCE_PARTITIONS_MAX, sizeof *list);
    char name[32];

    (void)state;
    for (int i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        snprintf(name, sizeof name, "topic-%d", i % 7);
        assert_non_null(kafka_slots_add(s, name, i, (uint32_t)(1 + i % 2), i));
    }
    assert_null(kafka_slots_add(s, "one", 0, 1, 0));
    for (int i = 0; i < SOURCE_PARTITIONS_MAX; i += 3) {
        snprintf(name, sizeof name, "topic-%d", i % 7);
        kafka_slots_remove(s, kafka_slots_find(s, name, i));
    }
    for (int i = 0; i < SOURCE_PARTITIONS_MAX; i++) {
        struct kafka_slot *slot;

        snprintf(name, sizeof name, "topic-%d", i % 7);
        slot = kafka_slots_find(s, name, i);
        assert_true((slot == NULL) == (i % 3 == 0));
        assert_true(slot == NULL || (slot->partition == i && slot->next_offset == i));
        assert_null(kafka_slots_find(s, "topic-7", i));
    }
    assert_int_equal(kafka_slots_list(s, 0, list), kafka_slots_count(s));
    assert_int_equal(kafka_slots_list(s, 1, list) + kafka_slots_list(s, 2, list),
                     kafka_slots_count(s));
    assert_null(kafka_slots_at(s, SOURCE_PARTITIONS_MAX));
    assert_null(kafka_slots_at(s, 0));
    mem_free(list);
    kafka_slots_free(s);
}

static void pausing_is_counted_once_and_ends_with_the_partition(void **state)
{
    struct kafka_slots *s = kafka_slots_new();
    struct kafka_slot *slot = kafka_slots_add(s, "events", 0, 1, 0);

    (void)state;
    kafka_slots_pause(s, slot, true);
    kafka_slots_pause(s, slot, true);
    assert_int_equal(kafka_slots_paused(s), 1);
    kafka_slots_remove(s, slot);
    assert_int_equal(kafka_slots_paused(s), 0);
    kafka_slots_free(s);
}

static struct kafka_record *hold(struct kafka_slots *s, struct kafka_slot *slot, size_t bytes)
{
    struct kafka_record *r = mem_zeroed(1, sizeof *r);

    r->r.offset = (int64_t)slot->held;
    r->r.value.n = bytes;
    kafka_slot_weigh(slot, r);
    kafka_slot_hold(s, slot, r);
    return r;
}

static void records_held_come_back_in_order_and_are_bounded(void **state)
{
    struct kafka_slots *s = kafka_slots_new();
    struct kafka_slot *slot = kafka_slots_add(s, "events", 0, 1, 0);
    struct kafka_slot *others[3];
    const struct record_header large = {VIEW("a"), {NULL, KAFKA_HEAVY_BYTES}};
    struct kafka_record *r;
    size_t n = 0;

    (void)state;
    for (; !kafka_slot_holds_enough(s, slot); n++)
        (void)hold(s, slot, 0);
    assert_true(n > 1000 && n <= KAFKA_HELD_BYTES_MAX / KAFKA_RECORD_BYTES);
    for (size_t i = 0; i < n; i++) {
        r = kafka_slot_held(s, slot);
        assert_int_equal(r->r.offset, i);
        mem_free(r);
    }
    assert_null(kafka_slot_held(s, slot));
    assert_int_equal(slot->held_bytes, 0);
    /* all together */
    for (int i = 0; i < 3; i++) {
        others[i] = kafka_slots_add(s, "events", i + 1, 1, 0);
        (void)hold(s, others[i], KAFKA_HELD_BYTES_MAX / 4 * 3);
        assert_int_equal(kafka_slot_holds_enough(s, others[i]), i == 2);
    }
    assert_false(kafka_slot_holds_enough(s, slot)); /* it has a part of its own */
    r = hold(s, slot, KAFKA_HELD_ALL_MAX / 4);
    assert_true(kafka_slot_holds_enough(s, slot));
    assert_ptr_equal(kafka_slot_held(s, slot), r);
    mem_free(r);
    for (int i = 0; i < 3; i++)
        mem_free(kafka_slot_held(s, others[i]));
    assert_false(kafka_slot_holds_enough(s, slot));
    /* headers, which librdkafka does not count */
    r = mem_zeroed(1, sizeof *r);
    r->r.headers = &large;
    r->r.header_count = 1;
    kafka_slot_weigh(slot, r);
    assert_true(kafka_slot_holds_enough(s, slot));
    mem_free(r);
    for (int i = 0; i < 3; i++)
        kafka_slots_remove(s, others[i]);
    kafka_slots_remove(s, slot);
    kafka_slots_free(s);
}

/* Behind the newest record may lie what no reader is given. It is passed only with all before it.
 */
static void the_logs_end_is_committed_when_all_before_it_is(void **state)
{
    struct kafka_slots *s = kafka_slots_new();
    struct kafka_slot *slot = kafka_slots_add(s, "events", 0, 1, 10);
    struct kafka_commits c = {.slots = s};

    (void)state;
    kafka_commits_want(&c, slot, 10);
    kafka_commits_end(&c, slot, 10);
    assert_int_equal(slot->want, 10);
    kafka_commits_end(&c, slot, 12); /* nothing to read from 10 on */
    assert_int_equal(slot->want, 12);
    slot->last = 14;
    kafka_commits_end(&c, slot, 16);
    assert_int_equal(kafka_slot_next(slot), 16);
    assert_int_equal(slot->want, 12); /* 12 to 14 have not ended */
    kafka_commits_want(&c, slot, 14);
    assert_int_equal(slot->want, 14);
    kafka_commits_want(&c, slot, 15);
    assert_int_equal(slot->want, 16);
    slot->last = 16; /* the end of before is in the middle now */
    assert_int_equal(kafka_slot_next(slot), 17);
    kafka_commits_want(&c, slot, 17);
    assert_int_equal(slot->want, 17);
    kafka_slots_remove(s, slot);
    kafka_slots_free(s);
}

/* A commit is sent when it was checked; what is committed is wanted again when it is renewed. */
static void commits_are_checked_before_they_are_sent(void **state)
{
    struct kafka_slots *s = kafka_slots_new();
    struct kafka_slot *slot = kafka_slots_add(s, "events", 0, 1, 10);
    struct kafka_commits c = {.slots = s, .not_before_ms = 5};

    (void)state;
    kafka_commits_renew(&c);
    assert_false(kafka_commits_unchecked(&c, 5)); /* nothing is committed yet */
    kafka_commits_want(&c, slot, 12);
    assert_false(kafka_commits_unchecked(&c, 4));
    assert_true(kafka_commits_unchecked(&c, 5));
    kafka_commits_clear(&c, slot, 12);
    kafka_commits_clear(&c, slot, 11);
    assert_int_equal(slot->checked, 12);
    assert_false(kafka_commits_unchecked(&c, 5));
    slot->asked = slot->committed = 12; /* as if it had been sent */
    c.wanted = c.cleared = false;
    kafka_commits_renew(&c);
    assert_true(kafka_commits_unchecked(&c, 5));
    assert_true(slot->want > slot->asked);
    slot->asked = 12;
    c.wanted = false;
    slot->anew = true;
    kafka_commits_want(&c, slot, 13);
    assert_int_equal(slot->want, 12);
    kafka_slots_remove(s, slot);
    kafka_slots_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(properties_that_would_break_a_promise_are_refused_by_name),
        cmocka_unit_test(a_configuration_is_checked_whole),
        cmocka_unit_test(properties_that_do_not_go_together_are_found_one_by_one),
        cmocka_unit_test(a_long_session_needs_no_property_beside_it),
        cmocka_unit_test(a_pattern_never_stands_for_topics_of_ours),
        cmocka_unit_test(a_pattern_never_stands_for_kafka_s_own_topics_but_by_their_beginning),
        cmocka_unit_test(reading_begins_where_nothing_is_lost_or_not_at_all),
        cmocka_unit_test(the_sentence_of_a_loss_is_whole_even_for_a_long_name),
        cmocka_unit_test(partitions_are_found_again_after_others_left),
        cmocka_unit_test(pausing_is_counted_once_and_ends_with_the_partition),
        cmocka_unit_test(records_held_come_back_in_order_and_are_bounded),
        cmocka_unit_test(the_logs_end_is_committed_when_all_before_it_is),
        cmocka_unit_test(commits_are_checked_before_they_are_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
