/*
 * cmibridge consume as its operators and peers see it: a reload names what it takes over and what
 * needs a restart, each way of signing on is sent, a trace goes through.
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/traceparent.h"
#include "tests/fakes/consume_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CALLBACK "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35840000\"}"
#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN_ID  "b7ad6b7169203331"

static const struct consume_rig_event one[] = {
    {.key = "ann",
     .type = "callback.requested",
     .subject = "callbacks/a",
     .body = CALLBACK,
     .traceparent = "00-" TRACE_ID "-" SPAN_ID "-01"},
};

static void run_one(struct consume_rig *rig, const struct consume_rig_options *options)
{
    consume_rig_begin(rig, options);
    consume_rig_publish(rig, one, 1);
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    assert_int_equal(hostile_http_count(rig->cmi), 1);
}

static bool said_so_often(struct consume_rig_wait *w)
{
    int64_t times = 0;

    for (const char *at = buf_text(&w->rig->log); (at = strstr(at, w->text)) != NULL; at++)
        times++;
    return consume_rig_lives(w->rig) && times >= w->least;
}

/* The log of the reload number `nth`, which it waits for. */
static const char *reload(struct consume_rig *rig, const char *retry, int drain_ms, int64_t nth)
{
    size_t at = rig->log.n;

    consume_rig_configure(rig, &(struct consume_rig_options){.retry = retry,
                                                             .drain_ms = drain_ms,
                                                             .more = "  level: debug\n"});
    consume_rig_signal(rig, SIGHUP);
    consume_rig_until(
        &(struct consume_rig_wait){.rig = rig, .text = "event=reloaded", .least = nth},
        said_so_often, "for a reload");
    return buf_text(&rig->log) + at;
}

static void a_reload_takes_over_what_it_can_and_names_what_it_cannot(void **state)
{
    static const char other[] = "  base: 30ms\n  max: 200ms\n  attempts: 10\n";
    static const char first[] = "  base: 20ms\n  max: 200ms\n  attempts: 10\n";
    struct consume_rig *rig = *state;
    const char *said;

    run_one(rig, NULL);
    consume_rig_configure(rig, &(struct consume_rig_options){.retry = "  base: soon\n"});
    consume_rig_signal(rig, SIGHUP);
    consume_rig_until_said(rig, "event=reload_refused");
    consume_rig_until_said(rig, "retry.base is 'soon'");
    said = reload(rig, other, 10000, 1);
    assert_non_null(strstr(said, "event=setting_changed setting=retry.base"));
    assert_non_null(strstr(said, "event=setting_changed setting=log.level"));
    assert_non_null(strstr(said, "event=setting_needs_restart setting=consume.drain text=\"it "
                                 "differs from what runs, and waits for a restart\""));
    assert_null(strstr(said, "setting=retry.max"));
    consume_rig_publish(rig, one, 1);
    assert_true(consume_rig_until_done(rig));
    consume_rig_until_said(rig, "level=debug");

    /* The same again: nothing has changed, and something waits. */
    said = reload(rig, other, 10000, 2);
    assert_null(strstr(said, "event=setting_changed"));
    assert_non_null(strstr(said, "event=setting_needs_restart setting=consume.drain text=\"it "
                                 "differs from what runs, and still waits for a restart\""));
    /* Back to the start is a change, too, and nothing waits any more. */
    said = reload(rig, first, 20000, 3);
    assert_non_null(strstr(said, "event=setting_changed setting=retry.base"));
    assert_non_null(strstr(said, "event=setting_changed_back setting=consume.drain"));
    assert_null(strstr(said, "event=setting_needs_restart"));
    said = reload(rig, first, 20000, 4);
    assert_null(strstr(said, "event=setting_"));
    consume_rig_signal(rig, SIGTERM);
    assert_int_equal(consume_rig_ended(rig), 0);
}

/* A dead letter that is read would end as one again, and so for ever. */
static void a_pattern_reads_no_topic_of_ours(void **state)
{
    static const struct consume_rig_event events[] = {
        {.key = "bob",
         .type = "callback.requested",
         .subject = "callbacks/b",
         .body = "{}",
         .fate = RIG_POISON},
        {.key = "bob", .type = "callback.requested", .subject = "callbacks/c", .body = CALLBACK},
    };
    struct consume_rig *rig = *state;

    for (int group = 0; group < 2; group++) {
        consume_rig_begin(rig, &(struct consume_rig_options){.pattern = true, .group = group == 1});
        consume_rig_publish(rig, events, 1);
        consume_rig_run(rig, NULL);
        assert_true(consume_rig_until_done(rig));
        consume_rig_publish(rig, events + 1, 1);
        assert_true(consume_rig_until_done(rig));
        consume_rig_check_end(rig, 0);
        assert_int_equal(rig->seen[0].dead_letters, 1);
        /* Where reading begins is said of each partition. */
        assert_true(consume_rig_said(rig, "event=kafka_nothing_committed topic=events-"));
        assert_false(consume_rig_said(rig, "topic=dead-"));
        assert_false(consume_rig_said(rig, "topic=results-"));
    }
}

static void each_way_of_signing_on_is_sent(void **state)
{
    static const struct {
        const char *target;
        const char *header;
        const char *value; /* NULL: none */
    } rows[] = {
        {NULL, "Authorization", NULL},
        {"    auth: basic\n    user: bridge\n    password: s3cret\n", "Authorization",
         "Basic YnJpZGdlOnMzY3JldA=="},
        {"    auth: bearer\n    token: t0ken\n", "Authorization", "Bearer t0ken"},
        {"    auth: api-key\n    api_key: k3y\n", "X-API-Key", "k3y"},
        {"    auth: api-key\n    api_key: k3y\n    api_key_header: X-Mine\n", "X-Mine", "k3y"},
    };
    struct consume_rig *rig = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct view value;

        run_one(rig, &(struct consume_rig_options){.target = rows[i].target});
        value = hostile_request_header(hostile_http_request(rig->cmi, 0), rows[i].header);
        if (rows[i].value == NULL ? value.n > 0 : !view_is(value, rows[i].value))
            fail_msg("%s: '%.*s'", rows[i].header, VIEW_ARG(value));
        assert_false(consume_rig_said(rig, "s3cret"));
        assert_false(consume_rig_said(rig, "t0ken"));
        assert_false(consume_rig_said(rig, "k3y"));
    }
}

static void a_trace_goes_from_event_to_request_and_result(void **state)
{
    struct consume_rig *rig = *state;
    struct traceparent sent;
    struct view header;

    run_one(rig, NULL);
    header = hostile_request_header(hostile_http_request(rig->cmi, 0), "traceparent");
    assert_true(traceparent_parse(header, &sent));
    assert_true(view_starts(header, VIEW("00-" TRACE_ID "-")));
    assert_null(strstr(header.p, SPAN_ID)); /* a span of its own */
    assert_true(view_is(header, rig->seen[0].traceparent));
}

static void a_name_that_is_taken_over_is_said(void **state)
{
    struct consume_rig *rig = *state;

    run_one(rig, NULL);
    assert_null(strstr(buf_text(&rig->results), "replaced_id"));
    assert_false(consume_rig_said(rig, "event=reference_moved"));
    consume_rig_publish(rig, one, 1);
    assert_true(consume_rig_until_done(rig));
    consume_rig_until_said(rig, "event=reference_moved resource=callbacks reference=a from=");
    consume_rig_check_end(rig, 0);
    assert_non_null(strstr(buf_text(&rig->results), ",\"replaced_id\":\""));
    consume_rig_until_metric(rig, "cmibridge_references_moved_total", 1);
    consume_rig_until_metric(rig, "cmibridge_kafka_repeats_total", 0);
}

/* D11: a peer that repeats what it was asked with, a reference and a type that are numbers. */
static void neither_a_secret_nor_a_number_is_said(void **state)
{
    static const struct consume_rig_event events[] = {
        {.key = "a",
         .type = "contact.remarks.added",
         .subject = "contacts/%2B358%2054_852%20156",
         .content_type = "text/plain",
         .body = "New",
         .fate = RIG_PASSED_OVER},
        {.key = "b", .type = "35854852156", .subject = "x", .body = "{}", .fate = RIG_PASSED_OVER},
        {.key = "c", .type = "callback.requested", .subject = "callbacks/c", .body = CALLBACK},
    };
    struct consume_rig *rig = *state;
    const char *why;

    consume_rig_begin(
        rig, &(struct consume_rig_options){
                 .target = "    auth: basic\n    user: bridge\n    password: s3cret-word\n",
                 .more = "refs:\n  wait: 10ms\nevents:\n  unknown: dead-letter\n"});
    consume_rig_publish(rig, events, 2);
    consume_rig_run(rig, NULL);
    consume_rig_until_said(rig, "the subject's name '%2B…156' is known from no contacts event");
    consume_rig_until_said(rig, "'…156' is no event type of ours");
    hostile_http_default(rig->cmi,
                         (struct hostile_step){.act = HOSTILE_REPLY,
                                               .status = 401,
                                               .body = "no: Basic YnJpZGdlOnMzY3JldC13b3Jk, "
                                                       "bridge:s3cret-word, s3cret-word, sorry"});
    consume_rig_publish(rig, events + 2, 1);
    consume_rig_until_said(rig, "event=breaker target=cmi state=open");
    assert_false(consume_rig_ready(rig, &why));
    assert_non_null(strstr(why, "cmi answered 401: no: Basic (24 characters), (18 characters), "
                                "(11 characters), sorry"));
    assert_false(consume_rig_said(rig, "s3cret"));
    assert_false(consume_rig_said(rig, "YnJpZGdl"));
    assert_false(consume_rig_said(rig, "54852") || consume_rig_said(rig, "54 852"));
    hostile_http_default(rig->cmi, (struct hostile_step){.act = HOSTILE_CMI});
    assert_true(consume_rig_until_done(rig));
}

/* A prefix that is mistyped would lose every event without a word. */
static void a_type_that_nobody_knows_is_said_once(void **state)
{
    static const struct consume_rig_event events[] = {
        {.key = "a", .type = "com.callback.requested", .subject = "x", .fate = RIG_PASSED_OVER},
        {.key = "a", .type = "com.callback.requested", .subject = "x", .fate = RIG_PASSED_OVER},
        {.key = "a", .type = "com.35854852156", .subject = "x", .fate = RIG_PASSED_OVER},
        {.key = "a", .type = "com.callback.requested", .subject = "x", .fate = RIG_PASSED_OVER},
        {.key = "a", .type = "for Sam, he is", .subject = "x", .fate = RIG_PASSED_OVER},
    };
    static const char said[] = "event=unknown_type type=com.callback.requested events=1 topic=";
    struct consume_rig *rig = *state;

    consume_rig_begin(rig, NULL);
    consume_rig_publish(rig, events, sizeof events / sizeof events[0]);
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    consume_rig_until_said(rig, "event=unknown_type type=\"(14 characters)\" events=1 topic=");
    assert_true(consume_rig_said(rig, "event=unknown_type type=\"com.…156\" events=1 topic="));
    assert_true(consume_rig_said(rig, said));
    assert_null(strstr(strstr(buf_text(&rig->log), said) + sizeof said, "com.callback.requested"));
    assert_false(consume_rig_said(rig, "54852"));
    assert_false(consume_rig_said(rig, "Sam"));
    consume_rig_until_metric(rig, "cmibridge_events_skipped_total", 5);
    consume_rig_check_end(rig, 0);
}

/* D4: an outage of the target is none of an event's that names what waits for it. */
static void an_outage_longer_than_refs_wait_makes_no_reference_unknown(void **state)
{
    static const struct consume_rig_event events[] = {
        {.key = "a", .type = "callback.requested", .subject = "callbacks/a", .body = CALLBACK},
        {.key = "b",
         .type = "callback.updated",
         .subject = "callbacks/a",
         .body = "{\"customerNumber\":\"1\",\"lastResult\":\"BUSY\",\"notes\":\"\"}"},
    };
    struct consume_rig *rig = *state;

    consume_rig_begin(rig, &(struct consume_rig_options){.more = "refs:\n  wait: 100ms\n"});
    hostile_http_default(rig->cmi,
                         (struct hostile_step){.act = HOSTILE_REPLY, .status = 503, .body = "no"});
    consume_rig_publish(rig, events, 2);
    consume_rig_run(rig, NULL);
    hostile_http_wait(rig->cmi, 20); /* waits of up to 200 ms: far beyond the 100 ms */
    hostile_http_default(rig->cmi, (struct hostile_step){.act = HOSTILE_CMI});
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
}

/* A record that fits into its topic only just is too large with what is said of it. */
static void poison_of_any_size_goes(void **state)
{
    static char large[1048300];
    const struct consume_rig_event events[] = {
        {.key = "a",
         .type = "callback.requested",
         .subject = "callbacks/a",
         .body = large,
         .body_bytes = sizeof large,
         .fate = RIG_POISON},
        {.key = "b", .type = "callback.requested", .subject = "callbacks/b", .body = CALLBACK},
    };
    struct consume_rig *rig = *state;

    memset(large, 'x', sizeof large);
    consume_rig_begin(rig, NULL);
    consume_rig_publish(rig, events, 2);
    consume_rig_run(rig, NULL);
    consume_rig_until_said(rig, "event=dead_letter_cut");
    assert_true(consume_rig_until_done(rig));
    assert_int_equal(hostile_http_effects(rig->cmi), 1);
    consume_rig_signal(rig, SIGTERM);
    assert_int_equal(consume_rig_ended(rig), 0);
}

/* A batch that is too large for the target is none of its events' fault. */
static void a_batch_that_is_too_large_goes_in_pieces(void **state)
{
    enum { EVENTS = 40 };
    static const struct hostile_step steps[] = {
        {.act = HOSTILE_HOLD},
        {.act = HOSTILE_REPLY, .status = 413, .body = "too large", .times = 2},
    };
    struct consume_rig_event events[EVENTS];
    char keys[EVENTS][8];
    char subjects[EVENTS][64];
    struct consume_rig *rig = *state;

    for (size_t i = 0; i < EVENTS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "%zu", i);
        (void)snprintf(subjects[i], sizeof subjects[i],
                       "contacts/%08zu-0000-4000-8000-000000000000", i);
        events[i] = (struct consume_rig_event){
            .key = keys[i],
            .type = "contact.queued",
            .subject = subjects[i],
            .body = "{\"queueId\":\"F5168FBDD6914C8DB1C6D0BD64563A39\"}"};
    }
    consume_rig_begin(rig, &(struct consume_rig_options){.target = "    concurrency: 1\n"});
    hostile_http_script(rig->cmi, steps, 2);
    consume_rig_publish(rig, events, 1);
    consume_rig_run(rig, NULL);
    hostile_http_wait(rig->cmi, 1);
    consume_rig_publish(rig, events + 1, EVENTS - 1);
    consume_rig_until_metric(rig, "cmibridge_deliveries{state=\"ready\"}", EVENTS - 1);
    hostile_http_release(rig->cmi);
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    consume_rig_until_said(rig, "event=batch_too_large target=cmi");
    assert_int_equal(hostile_http_count(rig->cmi), 1 + 2 + 4);
}

static void a_page_is_no_answer_of_a_cmi(void **state)
{
    struct consume_rig *rig = *state;

    consume_rig_begin(rig, NULL);
    hostile_http_script(rig->cmi,
                        &(struct hostile_step){.act = HOSTILE_REPLY,
                                               .status = 200,
                                               .body = "<html><body>Login</body></html>",
                                               .times = 2},
                        1);
    consume_rig_publish(rig, one, 1);
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    consume_rig_look(rig);
    assert_int_equal(rig->seen[0].requests, 3);
    assert_int_equal(rig->seen[0].done_results, 1);
    assert_true(rig->seen[0].said_duplicate);
    assert_null(strstr(buf_text(&rig->results), "html"));
}

static bool was_asked(struct consume_rig_wait *w)
{
    return consume_rig_lives(w->rig) && hostile_http_count(w->rig->cmi) >= (size_t)w->least;
}

static void until_asked(struct consume_rig *rig, int64_t times)
{
    consume_rig_until(&(struct consume_rig_wait){.rig = rig, .least = times}, was_asked,
                      "for a request");
}

/* Of the event that a request has; the rig's CMI lives as long. */
static struct view time_in(const struct hostile_request *r)
{
    static const char name[] = "\"time\":\"";
    const char *at = memmem(r->body.p, r->body.n, name, sizeof name - 1);

    assert_non_null(at);
    return (struct view){at + sizeof name - 1, sizeof "2026-05-04T12:00:00.000Z" - 1};
}

/* Contract 4: what came after it stays the newer one, whenever it is replayed, and whatever time
 * the replay's record has. */
static void a_replay_without_a_time_is_of_its_first_publication(void **state)
{
    static const struct hostile_step refuse = {
        .act = HOSTILE_REPLY, .status = 400, .body = "Not now"};
    static const struct consume_rig_event history[] = {
        {.key = "ann",
         .type = "contact.updated",
         .subject = "contacts/1",
         .body = "{\"subject\":\"old\"}"},
    };
    struct consume_rig *rig = *state;
    char arguments[96];
    const char *output;

    consume_rig_begin(rig, NULL);
    hostile_http_script(rig->cmi, &refuse, 1);
    consume_rig_publish(rig, history, 1);
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    snprintf(arguments, sizeof arguments, "dlq replay -t %s --results %s", rig->dead_topic,
             rig->results_topic);
    assert_int_equal(kafka_rig_command(&rig->kafka, "", arguments, &output), 0);
    assert_non_null(strstr(output, "replayed 1 of 1"));
    until_asked(rig, 2);
    assert_true(view_eq(time_in(hostile_http_request(rig->cmi, 0)),
                        time_in(hostile_http_request(rig->cmi, 1))));
}

/* 87: INVALID_RECORD. An operator hears of which topic, why, and what it is about; others go on,
 * and when the topic takes it, so does it. */
static void a_dead_letter_that_the_broker_refuses_is_said(void **state)
{
    static const struct consume_rig_event bad[] = {{.key = "ann",
                                                    .type = "callback.requested",
                                                    .subject = "callbacks/b",
                                                    .body = "{}",
                                                    .fate = RIG_POISON}};
    struct consume_rig *rig = *state;
    char expected[128];
    const char *why;

    broker_embedded_only("Apache Kafka takes every record that we make");
    consume_rig_begin(rig, NULL);
    consume_rig_publish(rig, bad, 1);
    broker_fail(rig->kafka.broker, KAFKA_REQUEST_PRODUCE, 87, 5);
    consume_rig_run(rig, NULL);
    snprintf(expected, sizeof expected,
             "event=produce_failed to=%s reason=\"" SINK_INVALID "Broker: ", rig->dead_topic);
    consume_rig_until_said(rig, expected);
    assert_false(consume_rig_ready(rig, &why));
    snprintf(expected, sizeof expected, "topic %s does not take 1 records, such as that of %s[",
             rig->dead_topic, rig->events_topic);
    assert_non_null(strstr(why, expected));
    consume_rig_until_ready(rig);
    assert_true(consume_rig_until_done(rig));
    snprintf(expected, sizeof expected, "cmibridge_produce_failed_total{topic=\"%s\"}",
             rig->dead_topic);
    consume_rig_until_metric(rig, expected, 5);
    consume_rig_check_end(rig, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_takes_over_what_it_can_and_names_what_it_cannot),
        cmocka_unit_test(each_way_of_signing_on_is_sent),
        cmocka_unit_test(a_trace_goes_from_event_to_request_and_result),
        cmocka_unit_test(a_name_that_is_taken_over_is_said),
        cmocka_unit_test(neither_a_secret_nor_a_number_is_said),
        cmocka_unit_test(a_type_that_nobody_knows_is_said_once),
        cmocka_unit_test(a_page_is_no_answer_of_a_cmi),
        cmocka_unit_test(an_outage_longer_than_refs_wait_makes_no_reference_unknown),
        cmocka_unit_test(poison_of_any_size_goes),
        cmocka_unit_test(a_batch_that_is_too_large_goes_in_pieces),
        cmocka_unit_test(a_replay_without_a_time_is_of_its_first_publication),
        cmocka_unit_test(a_dead_letter_that_the_broker_refuses_is_said),
        /* Last: once the embedded broker has seen members in the group, it takes no commit of who
         * is none. */
        cmocka_unit_test(a_pattern_reads_no_topic_of_ours),
    };

    return cmocka_run_group_tests(tests, consume_rig_set_up, consume_rig_tear_down);
}
