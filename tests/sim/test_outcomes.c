/*
 * What becomes of outcomes that are larger than their topic takes, on fakes: whoever refuses them,
 * the producer or the broker, all are told, in parts or cut, none is lost, and none holds up those
 * behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/run/schedule.h"
#include "bridge/run/schedule_outcome.h"

#include <stdio.h>
#include <string.h>

#define TURNS_MAX  200000 /* of a millisecond */
#define TOLD_MAX   4096
#define SENT_MAX   1024
#define SHARD      5
#define EVENTS     5
#define OVERTAKEN  300 /* destinations of the consent */
#define ADDRESS    1000
#define EVERYTHING SIZE_MAX

struct told {
    char id[OUTCOME_ID_MAX + 4];
    char data[OVERTAKEN * 128];
    size_t destinations; /* listed */
    bool cut;
};

static struct {
    int64_t now_ms;
    struct schedule *loop;
    struct stats *stats;
    bool reading;
    struct schedule_event events[EVENTS];
    bool gone[EVENTS];
    size_t producer_takes; /* bytes of a record */
    size_t topic_takes;
    struct sent { /* on their way to the broker, in order */
        uint64_t token;
        size_t size;
        struct told what;
    } sent[SENT_MAX];
    size_t sent_count;
    struct told told[TOLD_MAX];
    size_t told_count;
    size_t refusals;
    bool takes_none; /* whatever its size is */
} w;

/* ---- fakes ---- */

static int64_t now(void *ctx)
{
    (void)ctx;
    return w.now_ms;
}

static uint64_t no_chance(void *ctx)
{
    (void)ctx;
    return 0;
}

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count)
{
    (void)ctx, (void)level, (void)event, (void)fields, (void)field_count;
}

static bool up(void *ctx)
{
    (void)ctx;
    return true;
}

static void claim(void *ctx, const struct schedule_claim *c)
{
    (void)ctx, (void)c; /* never answered: it is about what waits already */
}

static void ask(void *ctx, const struct schedule_ask *a)
{
    (void)ctx, (void)a;
}

static void flush(void *ctx)
{
    (void)ctx;
}

static void answer(unsigned shard)
{
    struct schedule_event left[EVENTS];
    struct schedule_outbox o = {.shard = shard, .state = SCHEDULE_DONE, .events = left};

    for (size_t i = 0; shard == SHARD && i < EVENTS; i++)
        if (!w.gone[i])
            left[o.count++] = w.events[i];
    schedule_answers_of(w.loop).outbox(w.loop, &o);
}

static bool wanted[SHARD_COUNT];

static void read_outbox(void *ctx, unsigned shard, const char *const *ids, size_t count)
{
    (void)ctx;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < EVENTS; k++)
            w.gone[k] = w.gone[k] || strcmp(w.events[k].id, ids[i]) == 0;
    wanted[shard] = true;
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;

    for (; (text = strstr(text, part)) != NULL; text++)
        n++;
    return n;
}

static bool produce(void *ctx, const struct sink_record *r, struct fault *f)
{
    size_t size = r->key.n + r->value.n;
    struct sent *to = &w.sent[w.sent_count];

    (void)ctx;
    for (size_t i = 0; i < r->header_count; i++)
        size += r->headers[i].name.n + r->headers[i].value.n;
    if (size > w.producer_takes) {
        w.refusals++;
        return fault_set(f, FAULT_REJECT, "too large");
    }
    if (w.sent_count == SENT_MAX)
        return fault_set(f, FAULT_RETRY, "the queue is full");
    w.sent_count++;
    to->token = r->token;
    to->size = size;
    view_copy(r->value, to->what.data, sizeof to->what.data);
    view_copy(r->headers[2].value, to->what.id, sizeof to->what.id);
    to->what.destinations = count_of(to->what.data, "\"destination\":");
    to->what.cut = strstr(to->what.data, "\"cut\":true") != NULL;
    return true;
}

static void report_all(void)
{
    size_t n = w.sent_count;
    static struct sent sent[SENT_MAX];

    memcpy(sent, w.sent, n * sizeof *sent);
    w.sent_count = 0;
    for (size_t i = 0; i < n; i++) {
        bool delivered = sent[i].size <= w.topic_takes && !w.takes_none;

        w.refusals += !delivered;
        if (delivered) {
            assert_true(w.told_count < TOLD_MAX);
            w.told[w.told_count++] = sent[i].what;
        }
        schedule_on_report(w.loop, sent[i].token, delivered,
                           delivered      ? NULL
                           : w.takes_none ? "Broker: it is not taken"
                                          : SINK_TOO_LARGE);
    }
}

/* ---- what waits in the outbox ---- */

static char long_address[ADDRESS + 1];
static char long_reason[SETTLEMENT_TEXT_MAX + 1];
static char settled_blob[8192];
static char consent_blob[OVERTAKEN * 48 + 3 * ADDRESS];

static void put_settled(struct buf *to, uint16_t index, const char *address, const char *reason)
{
    settlement_put_event(to, &(struct settlement){.index = index,
                                                  .attempt = 1,
                                                  .state = SETTLEMENT_FAILED,
                                                  .reason = view_of(reason),
                                                  .provider_id = view_of(reason),
                                                  .at_ms = 1700000000000,
                                                  .address = view_of(address)});
}

static struct view settled(void)
{
    struct view blob = {settled_blob, 0};
    struct buf b;

    buf_init(&b, sizeof settled_blob);
    put_settled(&b, 0, "+358401", "busy");
    put_settled(&b, 1, long_address, long_reason);
    put_settled(&b, 2, "+358403", "busy");
    blob.n = b.n;
    memcpy(settled_blob, b.p, b.n);
    buf_done(&b);
    return blob;
}

static struct view consent(void)
{
    size_t n = (size_t)snprintf(consent_blob, sizeof consent_blob, "whatsapp_%s%c%s%c",
                                long_address, '\0', long_address, '\0');

    for (size_t i = 0; i < OVERTAKEN; i++)
        n += (size_t)snprintf(consent_blob + n, sizeof consent_blob - n, "%s%032zx/%zu",
                              i > 0 ? " " : "", i, i);
    return (struct view){consent_blob, n};
}

static void fill(void)
{
    static const enum schedule_event_type types[EVENTS] = {
        SCHEDULE_EVENT_SETTLED, SCHEDULE_EVENT_WITHDRAWN, SCHEDULE_EVENT_CALLED_LAST,
        SCHEDULE_EVENT_COMPLETED, SCHEDULE_EVENT_CANCELLED};

    memset(long_address, 'a', ADDRESS);
    memset(long_reason, 'r', SETTLEMENT_TEXT_MAX);
    for (size_t i = 0; i < EVENTS; i++) {
        w.events[i] = (struct schedule_event){.type = types[i],
                                              .at_ms = 1700000000000,
                                              .slice = 100000,
                                              .added = INT32_MAX,
                                              .ok = INT32_MAX,
                                              .result = CALLBACK_NO_ANSWER};
        snprintf(w.events[i].id, sizeof w.events[i].id, "1700000000000-%zu", i);
        snprintf(w.events[i].message, sizeof w.events[i].message, "%032zX", i);
    }
    w.events[0].blob = settled();
    w.events[1].blob = consent();
    w.events[2].blob = view_of(long_reason);
}

/* ---- running ---- */

static void run_for(const char *topic, size_t producer_takes, size_t topic_takes)
{
    static const struct notice silent = {NULL, NOTICE_ERROR, say};
    static const struct schedule_channel channel = {.name = "one", .slots = 1, .timeout_ms = 1000};
    const struct schedule_conf conf = {.dialler = -1,
                                       .channels = &channel,
                                       .channel_count = 1,
                                       .in_flight = 1,
                                       .lease_ms = 10000,
                                       .breaker = {.failures = 5, .open = {1, 2}},
                                       .outcomes_topic = topic};
    struct schedule_ports ports = {.schedule = {.up = up,
                                                .claim = claim,
                                                .ask = ask,
                                                .flush = flush,
                                                .read_outbox = read_outbox},
                                   .sink = {NULL, produce},
                                   .clock = {NULL, now, now, no_chance},
                                   .log = &silent};

    memset(&w, 0, sizeof w);
    memset(wanted, 0, sizeof wanted);
    w.now_ms = 1000000;
    w.producer_takes = producer_takes;
    w.topic_takes = topic_takes;
    w.stats = ports.stats = stats_new();
    w.loop = schedule_new(&conf, &ports);
    fill();
}

static void run(size_t producer_takes, size_t topic_takes)
{
    run_for("outcomes", producer_takes, topic_takes);
}

static bool all_gone(void)
{
    bool all = true;

    for (size_t i = 0; i < EVENTS; i++)
        all = all && w.gone[i];
    return all;
}

static void step(void)
{
    (void)schedule_turn(w.loop);
    for (unsigned shard = 0; shard < SHARD_COUNT; shard++)
        if (wanted[shard]) {
            wanted[shard] = false;
            answer(shard);
        }
    report_all();
    w.now_ms++;
}

static void until_told(void)
{
    for (size_t i = 0; i < TURNS_MAX && !all_gone(); i++)
        step();
    assert_true(all_gone());
}

static void end(void)
{
    schedule_free(w.loop);
    stats_free(w.stats);
}

/* All with that text, each counted once. */
static size_t told_with(const char *part, bool *cut)
{
    size_t n = 0;

    for (size_t i = 0; i < w.told_count; i++) {
        bool again = false;

        for (size_t k = 0; k < i; k++)
            again = again || strcmp(w.told[k].id, w.told[i].id) == 0;
        if (again || strstr(w.told[i].data, part) == NULL)
            continue;
        n++;
        *cut = w.told[i].cut;
    }
    return n;
}

/* Parts of any two sizes may overlap; none of the destinations is missing. */
static void expect_all_overtaken(void)
{
    for (size_t i = 0; i < OVERTAKEN; i++) {
        char part[96];
        bool cut;

        snprintf(part, sizeof part, "{\"message\":\"%032zx\",\"destination\":%zu}", i, i);
        assert_true(told_with(part, &cut) > 0);
    }
}

static void expect_all(bool cut)
{
    bool was = false;

    assert_int_equal(told_with("\"destination\":100000000,", &was), 1);
    assert_false(was); /* what fits is whole */
    assert_int_equal(told_with("\"destination\":100000001,", &was), 1);
    assert_int_equal(was, cut);
    assert_int_equal(told_with("\"destination\":100000002,", &was), 1);
    assert_false(was);
    assert_int_equal(told_with("\"lastResult\":\"NO_ANSWER\"", &was), 1);
    assert_int_equal(told_with("\"added\":2147483647", &was), 2);
    assert_false(was);
    expect_all_overtaken();
}

static void nothing_is_cut_that_fits(void **state)
{
    bool cut;

    (void)state;
    run(EVERYTHING, EVERYTHING);
    until_told();
    expect_all(false);
    assert_int_equal(w.told_count, 3 + 4);
    assert_int_equal(told_with("\"usage\":\"whatsapp\"", &cut), 1);
    assert_false(cut);
    end();
}

static void what_the_broker_refuses_is_told_in_parts_or_cut(void **state)
{
    bool cut;

    (void)state;
    run(EVERYTHING, 4000);
    until_told();
    expect_all(false);
    assert_true(told_with("\"usage\":\"whatsapp\"", &cut) > 1);
    assert_false(cut); /* it is in parts, all whole */
    end();
    run(EVERYTHING, 1500);
    until_told();
    expect_all(true);
    end();
}

static void what_the_producer_refuses_is_told_in_parts_or_cut(void **state)
{
    (void)state;
    run(1500, EVERYTHING);
    until_told();
    expect_all(true);
    end();
}

/* As small as a topic may be made that takes any outcome at all. */
static void with_nothing_long_in_it_each_fits_into_what_is_promised(void **state)
{
    (void)state;
    run(EVERYTHING, OUTCOME_BARE_MAX);
    until_told();
    expect_all(true);
    end();
}

/* It is known by then what the topic takes: nothing more is refused, until the limits are read. */
static void a_size_is_tried_once(void **state)
{
    struct schedule_conf conf = {.breaker = {.failures = 5, .open = {1, 2}}};
    size_t refusals;

    (void)state;
    run(EVERYTHING, 1500);
    until_told();
    refusals = w.refusals;
    assert_true(refusals > 0);
    memset(w.gone, 0, sizeof w.gone);
    until_told();
    assert_int_equal(w.refusals, refusals);
    schedule_retune(w.loop, &conf);
    memset(w.gone, 0, sizeof w.gone);
    w.topic_takes = EVERYTHING;
    w.told_count = 0;
    until_told();
    expect_all(false);
    assert_int_equal(w.refusals, refusals);
    end();
}

/* Each time all of the shard is told again. */
static void what_is_not_taken_is_told_again_ever_more_seldom(void **state)
{
    size_t each;

    (void)state;
    run(EVERYTHING, EVERYTHING);
    w.takes_none = true;
    while (w.refusals == 0)
        step();
    each = w.refusals;
    for (size_t i = 0; i < 60000; i++)
        step();
    assert_in_range(w.refusals, 5 * each, 15 * each);
    w.takes_none = false;
    until_told();
    expect_all(false);
    memset(w.gone, 0, sizeof w.gone);
    w.takes_none = true;
    for (w.refusals = 0; w.refusals == 0;)
        step();
    for (size_t i = 0; i < 1000; i++)
        step();
    assert_in_range(w.refusals, 2 * each, 4 * each); /* it begins anew */
    end();
}

/* What waited before somebody said so, too: it would fill up, and nothing be sent. */
static void without_a_topic_the_outbox_is_emptied_and_nothing_told(void **state)
{
    (void)state;
    run_for(NULL, EVERYTHING, EVERYTHING);
    until_told();
    memset(w.gone, 0, sizeof w.gone); /* and what comes later */
    until_told();
    assert_int_equal(w.told_count, 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_cut_that_fits),
        cmocka_unit_test(what_the_broker_refuses_is_told_in_parts_or_cut),
        cmocka_unit_test(what_the_producer_refuses_is_told_in_parts_or_cut),
        cmocka_unit_test(what_is_not_taken_is_told_again_ever_more_seldom),
        cmocka_unit_test(with_nothing_long_in_it_each_fits_into_what_is_promised),
        cmocka_unit_test(a_size_is_tried_once),
        cmocka_unit_test(without_a_topic_the_outbox_is_emptied_and_nothing_told),
    };

    return cmocka_run_group_tests_name("outcomes", tests, NULL, NULL);
}
