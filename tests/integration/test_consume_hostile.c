/*
 * cmibridge consume and peers that fail, lie and fall silent: a CMI in every way that hostile_http
 * knows, every class of status, and CMI, Redis and broker gone for a while under load. After each
 * the same must hold: all is delivered in order, and nothing of an outage was dead-lettered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/consume_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALLBACK "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35840000\"}"
#define CHANGED  "{\"customerNumber\":\"+35840000\",\"lastResult\":\"BUSY\",\"notes\":\"\"}"
#define QUEUED   "{\"queueId\":\"1EFC92416F0A46DC9BBC08A842B89D93\"}"
#define LEG      "contacts/DBEC8B07E3F0E9119E1D0050568C5E24"

/* Two keys; a write by reference, and one to the ingest endpoint. */
static const struct consume_rig_event dependent[] = {
    {.key = "ann", .type = "callback.requested", .subject = "callbacks/a", .body = CALLBACK},
    {.key = "bob", .type = "callback.requested", .subject = "callbacks/b", .body = CALLBACK},
    {.key = "ann", .type = "callback.updated", .subject = "callbacks/a", .body = CHANGED},
    {.key = "bob", .type = "contact.queued", .subject = LEG, .body = QUEUED},
    {.key = "bob", .type = "callback.updated", .subject = "callbacks/b", .body = CHANGED},
};

/* None needs another's id, so each may be refused by itself; each has a key of its own. */
static const struct consume_rig_event independent[] = {
    {.key = "a", .type = "callback.requested", .subject = "callbacks/1", .body = CALLBACK},
    {.key = "b", .type = "callback.requested", .subject = "callbacks/2", .body = CALLBACK},
    {.key = "c", .type = "callback.requested", .subject = "callbacks/3", .body = CALLBACK},
    {.key = "d", .type = "callback.requested", .subject = "callbacks/4", .body = CALLBACK},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void run_to_the_end(struct consume_rig *rig, int refused)
{
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, refused);
}

static bool said_twice(const struct consume_rig *rig)
{
    bool said = false;

    for (size_t i = 0; i < rig->count; i++)
        said |= rig->seen[i].said_duplicate;
    return said;
}

/* ---- one request after the other goes wrong ---- */

static const struct act {
    enum hostile_act act;
    bool is_answer; /* its reply counts */
} acts[] = {
    {HOSTILE_REPLY_AND_CLOSE, true},  {HOSTILE_SILENCE, false},     {HOSTILE_HALF_CLOSE, false},
    {HOSTILE_CLOSE, false},           {HOSTILE_RESET, false},       {HOSTILE_CUT_HEAD, false},
    {HOSTILE_CUT_BODY, false},        {HOSTILE_BYTES, true},        {HOSTILE_CRAWL, false},
    {HOSTILE_ENDLESS_HEADERS, false}, {HOSTILE_LONG_HEADER, false}, {HOSTILE_1XX_FLOOD, false},
    {HOSTILE_HUGE_BODY, false},       {HOSTILE_CHUNKS, false},      {HOSTILE_TOO_SHORT, false},
    {HOSTILE_TOO_LONG, true},         {HOSTILE_TWO_LENGTHS, false}, {HOSTILE_CONTROL, false},
    {HOSTILE_GARBAGE, false},
};

static void meet(struct consume_rig *rig, struct act a, bool honours_key)
{
    const struct consume_rig_options o = {.honours_key = honours_key,
                                          .lying_ids = a.act == HOSTILE_TOO_LONG,
                                          .target = "    timeout: 500ms\n"};

    consume_rig_begin(rig, &o);
    hostile_http_script(rig->cmi, &(struct hostile_step){.act = a.act, .times = 3}, 1);
    consume_rig_publish(rig, dependent, COUNT(dependent));
    run_to_the_end(rig, 0);
    if (hostile_http_count(rig->cmi) <= COUNT(dependent) && !a.is_answer)
        fail_msg("act %d: nothing was sent again", (int)a.act);
    /* The next request may be on its way when the connection is closed: then nobody knows of it. */
    if (said_twice(rig) != (!honours_key && (!a.is_answer || hostile_http_swallowed(rig->cmi) > 0)))
        fail_msg("act %d: what may have been done twice is not what is said to be", (int)a.act);
}

static void whatever_becomes_of_a_reply_the_write_is_repeated(void **state)
{
    for (size_t i = 0; i < COUNT(acts); i++)
        meet(*state, acts[i], i % 2 == 0);
}

/* The other half; the broker has no part in it, so on Apache Kafka a few will do. */
static void what_may_have_been_done_twice_is_said(void **state)
{
    const bool is_short = broker_is_apache() && getenv("CMIBRIDGE_LONG") == NULL;

    for (size_t i = 0; i < COUNT(acts); i += is_short ? 6 : 1)
        meet(*state, acts[i], i % 2 != 0);
}

/* ---- statuses ---- */

struct answer {
    int status;
    const char *headers;
    int refused; /* events that are given up for three such replies */
};

static void answers(struct consume_rig *rig, const struct answer *a, unsigned times)
{
    consume_rig_begin(rig, NULL);
    hostile_http_script(rig->cmi,
                        &(struct hostile_step){.act = HOSTILE_REPLY,
                                               .status = a->status,
                                               .headers = a->headers,
                                               .body = "no",
                                               .times = times},
                        1);
    consume_rig_publish(rig, independent, COUNT(independent));
    run_to_the_end(rig, a->refused);
}

static void what_may_pass_is_tried_again(void **state)
{
    static const struct answer rows[] = {
        {408, NULL, 0},
        {425, NULL, 0},
        {429, NULL, 0},
        {500, NULL, 0},
        {502, NULL, 0},
        {503, NULL, 0},
        {504, NULL, 0},
        {507, NULL, 0},
        {429, "Retry-After: 1\r\n", 0},
        {409, "Retry-After: 1\r\n", 0},
        {503, "Retry-After: 0\r\n", 0},
        {503, "Retry-After: Fri, 01 Jan 2021 00:00:00 GMT\r\n", 0}, /* past: at once */
        {503, "Retry-After: soon\r\n", 0},                          /* no such thing: ignored */
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        answers(*state, &rows[i], 3);
}

/* Whatever the status, Retry-After is obeyed where it is tried again, and saves nothing that will
 * never do (409 is above). Several a run, as each event meets one. */
static void with_retry_after_each_status_is_what_it_is_without(void **state)
{
    static const int passing[] = {408, 425, 500, 502, 504, 507};
    static const int refused[][3] = {
        {400, 404, 405}, {406, 410, 413}, {415, 422, 501}, {451, 403, 423}};
    static const int shut_out[] = {401, 301, 302, 303, 307, 308};
    struct consume_rig *rig = *state;
    struct hostile_step steps[COUNT(passing)];

    for (size_t i = 0; i < COUNT(passing); i++)
        steps[i] = (struct hostile_step){.act = HOSTILE_REPLY,
                                         .status = passing[i],
                                         .headers = "Retry-After: 0\r\n",
                                         .body = "no",
                                         .times = 1};
    consume_rig_begin(rig, NULL);
    hostile_http_script(rig->cmi, steps, COUNT(passing));
    consume_rig_publish(rig, independent, COUNT(independent));
    run_to_the_end(rig, 0);
    for (size_t i = 0; i < COUNT(refused); i++) {
        for (size_t j = 0; j < COUNT(refused[i]); j++)
            steps[j].status = refused[i][j];
        consume_rig_begin(rig, NULL);
        hostile_http_script(rig->cmi, steps, COUNT(refused[i]));
        consume_rig_publish(rig, independent, COUNT(independent));
        run_to_the_end(rig, (int)COUNT(refused[i]));
    }
    for (size_t i = 0; i < COUNT(shut_out); i++)
        steps[i].status = shut_out[i];
    consume_rig_begin(rig, NULL);
    hostile_http_script(rig->cmi, steps, COUNT(shut_out));
    consume_rig_publish(rig, independent, COUNT(independent));
    run_to_the_end(rig, 0);
    assert_true(consume_rig_said(rig, "event=breaker target=cmi state=open"));
}

/* A day is asked for, and a date far away: longer than anybody here waits. */
static void no_reply_is_obeyed_beyond_what_is_configured(void **state)
{
    static const char *const far[] = {"Retry-After: 86400\r\n",
                                      "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n"};
    struct consume_rig *rig = *state;

    for (size_t i = 0; i < COUNT(far); i++) {
        const struct hostile_step step = {
            .act = HOSTILE_REPLY, .status = 503, .headers = far[i], .body = "no", .times = 3};

        consume_rig_begin(rig, &(struct consume_rig_options){
                                   .retry = "  base: 20ms\n  max: 200ms\n  attempts: 10\n"
                                            "  retry_after_max: 300ms\n"});
        hostile_http_script(rig->cmi, &step, 1);
        consume_rig_publish(rig, independent, COUNT(independent));
        run_to_the_end(rig, 0);
    }
}

static void a_date_to_come_is_waited_for(void **state)
{
    static char headers[64];
    struct answer a = {503, headers, 0};
    time_t then = time(NULL) + 2;
    struct tm parts;

    assert_non_null(gmtime_r(&then, &parts));
    strftime(headers, sizeof headers, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    answers(*state, &a, 1);
    assert_true(time(NULL) >= then); /* not before it; how long after is nobody's promise */
}

static void what_will_never_do_is_given_up(void **state)
{
    static const struct answer rows[] = {
        {400, NULL, 3}, {404, NULL, 3}, {405, NULL, 3}, {406, NULL, 3},
        {409, NULL, 3}, {410, NULL, 3}, {413, NULL, 3}, {415, NULL, 3},
        {422, NULL, 3}, {451, NULL, 3}, {501, NULL, 3},
    };
    struct consume_rig *rig = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        answers(rig, &rows[i], 3);
        for (size_t j = 0; j < rig->count; j++)
            if (rig->seen[j].dead_letters > 0)
                assert_string_equal(rig->seen[j].disposition, "refused");
    }
}

/* The status was there; a write whose id is not is made again under its key. */
static void an_answer_with_too_much_in_it_is_one(void **state)
{
    static char much[70000];
    static const struct consume_rig_event events[] = {
        {.key = "a", .type = "callback.requested", .subject = "callbacks/1", .body = CALLBACK},
        {.key = "a", .type = "callback.updated", .subject = "callbacks/1", .body = CHANGED},
        {.key = "a", .type = "callback.updated", .subject = "callbacks/1", .body = CHANGED},
    };
    const struct hostile_step steps[] = {
        {.act = HOSTILE_REPLY, .status = 201, .body = much},
        {.act = HOSTILE_CMI},
        {.act = HOSTILE_REPLY, .status = 200, .body = much},
        {.act = HOSTILE_REPLY, .status = 400, .body = much},
    };
    struct consume_rig *rig = *state;

    memset(much, 'x', sizeof much - 1);
    consume_rig_begin(rig, NULL);
    hostile_http_script(rig->cmi, steps, COUNT(steps));
    consume_rig_publish(rig, events, COUNT(events));
    run_to_the_end(rig, 1);
    assert_int_equal(hostile_http_count(rig->cmi), COUNT(steps));
}

static void what_shuts_us_out_stops_all_and_gives_nothing_up(void **state)
{
    static const struct answer rows[] = {
        {401, "WWW-Authenticate: Basic realm=\"cmi\"\r\n", 0},
        {301, "Location: http://127.0.0.1:1/\r\n", 0},
        {302, "Location: /elsewhere\r\n", 0},
        {303, "Location: /elsewhere\r\n", 0},
        {307, "Location: /elsewhere\r\n", 0},
        {308, "Location: /elsewhere\r\n", 0},
    };
    struct consume_rig *rig = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        answers(rig, &rows[i], 3);
        assert_true(consume_rig_said(rig, "event=breaker target=cmi state=open"));
        assert_true(consume_rig_said(rig, "event=breaker target=cmi state=closed"));
        for (size_t j = 0; j < hostile_http_count(rig->cmi); j++)
            assert_string_equal(hostile_http_request(rig->cmi, j)->path, "/RI/cmi/callbacks");
    }
}

/* It was done, and the answer is another: by a proxy that failed, or points elsewhere. */
static void what_a_status_may_hide_is_said(void **state)
{
    static const struct {
        int status;
        bool may;
    } rows[] = {
        {300, true}, {301, true},  {302, true},  {303, true},  {500, true},
        {502, true}, {307, false}, {308, false}, {429, false}, {503, false},
    };
    struct consume_rig *rig = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct hostile_step step = {.act =
                                              rows[i].may ? HOSTILE_REPLY_TO_DONE : HOSTILE_REPLY,
                                          .status = rows[i].status,
                                          .body = "no"};

        consume_rig_begin(rig, NULL);
        hostile_http_script(rig->cmi, &step, 1);
        consume_rig_publish(rig, independent, COUNT(independent));
        run_to_the_end(rig, 0);
        if (said_twice(rig) != rows[i].may)
            fail_msg("after %d it is%s said that it may be there twice", rows[i].status,
                     rows[i].may ? " not" : "");
    }
}

static void while_it_is_shut_out_it_says_so(void **state)
{
    struct consume_rig *rig = *state;
    const char *why;

    consume_rig_begin(rig, NULL);
    hostile_http_default(rig->cmi,
                         (struct hostile_step){.act = HOSTILE_REPLY, .status = 401, .body = "who"});
    consume_rig_publish(rig, independent, COUNT(independent));
    consume_rig_run(rig, NULL);
    consume_rig_until_said(rig, "event=breaker target=cmi state=open");
    assert_false(consume_rig_ready(rig, &why));
    assert_non_null(strstr(why, "target cmi: cmi answered 401: who"));
    consume_rig_check_now(rig);
    hostile_http_default(rig->cmi, (struct hostile_step){.act = HOSTILE_CMI});
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    consume_rig_until_ready(rig);
}

static void one_403_refuses_an_event_and_three_keys_stop_the_target(void **state)
{
    /* 16 events of 16 keys are all answered 403: two are given up, then no more. */
    struct consume_rig *rig = *state;
    static char names[16][24];
    const struct answer once = {403, NULL, 1};
    struct consume_rig_event events[16];

    answers(rig, &once, 1);
    consume_rig_begin(rig, &(struct consume_rig_options){.target = "    concurrency: 1\n"});
    hostile_http_default(rig->cmi,
                         (struct hostile_step){.act = HOSTILE_REPLY, .status = 403, .body = "no"});
    for (size_t i = 0; i < COUNT(events); i++) {
        snprintf(names[i], sizeof names[i], "callbacks/%zu", i);
        events[i] = (struct consume_rig_event){
            .key = names[i], .type = "callback.requested", .subject = names[i], .body = CALLBACK};
    }
    consume_rig_publish(rig, events, COUNT(events));
    consume_rig_run(rig, NULL);
    consume_rig_until_said(rig, "event=breaker target=cmi state=open");
    hostile_http_wait(rig->cmi, 6); /* trials too are refused, and give nothing up */
    hostile_http_default(rig->cmi, (struct hostile_step){.act = HOSTILE_CMI});
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 2);
}

static void no_more_is_given_up_than_the_budget_has(void **state)
{
    struct consume_rig *rig = *state;

    consume_rig_begin(rig, &(struct consume_rig_options){
                               .more = "dead_letters:\n  budget: 2\n  budget_per_success: 0%\n"});
    hostile_http_default(rig->cmi,
                         (struct hostile_step){.act = HOSTILE_REPLY, .status = 400, .body = "no"});
    consume_rig_publish(rig, independent, COUNT(independent));
    consume_rig_run(rig, NULL);
    consume_rig_until_said(rig, "dead_letters.budget");
    hostile_http_wait(rig->cmi, 8);
    hostile_http_default(rig->cmi, (struct hostile_step){.act = HOSTILE_CMI});
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 2);
}

static void what_is_gone_need_not_be_deleted(void **state)
{
    static const struct consume_rig_event cancelled[] = {
        {.key = "m",
         .type = "message.cancelled",
         .subject = "messages/DBEC8B07E3F0E9119E1D0050568C5E24"},
    };
    struct consume_rig *rig = *state;

    consume_rig_begin(rig, &(struct consume_rig_options){.lying_ids = true});
    hostile_http_script(
        rig->cmi, &(struct hostile_step){.act = HOSTILE_REPLY, .status = 404, .body = "no"}, 1);
    consume_rig_publish(rig, cancelled, 1);
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    consume_rig_look(rig);
    assert_int_equal(rig->seen[0].done_results, 1);
    assert_int_equal(rig->seen[0].requests, 1);
}

/* ---- outages under load ---- */

#define LOAD      240
#define LOAD_KEYS 12

/* A POST, then PUTs of what it made, of each key in turn. */
static void publish_load(struct consume_rig *rig)
{
    static char keys[LOAD_KEYS][8];
    static char subjects[LOAD_KEYS][24];
    static struct consume_rig_event events[LOAD];

    for (size_t i = 0; i < LOAD; i++) {
        size_t k = i % LOAD_KEYS;

        snprintf(keys[k], sizeof keys[k], "k%zu", k);
        snprintf(subjects[k], sizeof subjects[k], "callbacks/r%zu", k);
        events[i] = (struct consume_rig_event){.key = keys[k],
                                               .type = i < LOAD_KEYS ? "callback.requested"
                                                                     : "callback.updated",
                                               .subject = subjects[k],
                                               .body = i < LOAD_KEYS ? CALLBACK : CHANGED};
    }
    consume_rig_publish(rig, events, LOAD);
}

static void start_load(struct consume_rig *rig, bool honours_key)
{
    consume_rig_begin(rig, &(struct consume_rig_options){.honours_key = honours_key,
                                                         .target = "    timeout: 1s\n"});
    publish_load(rig);
    consume_rig_run(rig, NULL);
    hostile_http_wait(rig->cmi, LOAD / 6);
}

static void end_load(struct consume_rig *rig)
{
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    consume_rig_until_ready(rig);
}

static void a_cmi_that_is_gone_for_a_while_costs_nothing(void **state)
{
    struct consume_rig *rig = *state;

    for (int times = 0; times < 2; times++) {
        start_load(rig, times == 0);
        hostile_http_down(rig->cmi);
        consume_rig_until_said(rig, "event=breaker target=cmi state=open");
        /* A reply that had come before it was gone may close the breaker once more. */
        consume_rig_until_unready(rig);
        consume_rig_check_now(rig);
        hostile_http_up(rig->cmi);
        end_load(rig);
    }
}

static void a_cmi_that_is_not_there_at_the_start_is_waited_for(void **state)
{
    struct consume_rig *rig = *state;

    consume_rig_begin(rig, NULL);
    hostile_http_down(rig->cmi);
    publish_load(rig);
    consume_rig_run(rig, NULL);
    consume_rig_until_said(rig, "event=breaker target=cmi state=open");
    hostile_http_up(rig->cmi);
    end_load(rig);
    for (size_t i = 0; i < rig->count; i++)
        assert_false(rig->seen[i].said_duplicate); /* a refused connection carried nothing */
}

static void without_redis_it_pauses_and_then_goes_on(void **state)
{
    struct consume_rig *rig = *state;
    const char *why;

    for (int times = 0; times < 2; times++) {
        start_load(rig, times == 0);
        redis_server_kill(rig->redis);
        consume_rig_until_said(rig, "event=redis_down");
        assert_false(consume_rig_ready(rig, &why));
        assert_non_null(strstr(why, "Redis"));
        redis_server_restart(rig->redis);
        end_load(rig);
    }
}

static void a_redis_that_hangs_is_a_redis_that_is_gone(void **state)
{
    struct consume_rig *rig = *state;

    start_load(rig, false);
    redis_server_freeze(rig->redis);
    consume_rig_until_said(rig, "event=redis_down");
    redis_server_thaw(rig->redis);
    end_load(rig);
}

static void a_redis_that_hangs_while_nothing_is_asked_of_it_is_found_out(void **state)
{
    struct consume_rig *rig = *state;
    const char *why;

    consume_rig_begin(rig, NULL);
    consume_rig_publish(rig, dependent, COUNT(dependent));
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    consume_rig_until_ready(rig);
    redis_server_freeze(rig->redis);
    consume_rig_until_said(rig, "event=redis_down");
    assert_false(consume_rig_ready(rig, &why));
    assert_non_null(strstr(why, "no reply within the time limit"));
    redis_server_thaw(rig->redis);
    consume_rig_until_ready(rig);
    consume_rig_publish(rig, independent, COUNT(independent));
    end_load(rig);
}

static void a_broker_that_is_gone_for_a_while_costs_nothing(void **state)
{
    struct consume_rig *rig = *state;

    start_load(rig, false);
    broker_down(rig->kafka.broker, SIGKILL);
    consume_rig_until_said(rig, "event=kafka_error");
    broker_up(rig->kafka.broker);
    end_load(rig);
}

static void a_broker_that_is_not_there_at_the_start_is_waited_for(void **state)
{
    struct consume_rig *rig = *state;

    consume_rig_begin(rig, NULL);
    publish_load(rig);
    broker_down(rig->kafka.broker, SIGTERM);
    consume_rig_run(rig, NULL);
    consume_rig_until_said(rig, "event=kafka_error");
    assert_false(consume_rig_ready(rig, NULL));
    broker_up(rig->kafka.broker);
    end_load(rig);
}

/* While it is idle, nothing makes its Kafka clients connect again: they must by themselves. */
static void an_outage_of_the_broker_that_it_slept_through_delays_nothing(void **state)
{
    struct consume_rig *rig = *state;

    consume_rig_begin(rig, NULL);
    consume_rig_publish(rig, dependent, COUNT(dependent));
    consume_rig_run(rig, NULL);
    assert_true(consume_rig_until_done(rig));
    broker_down(rig->kafka.broker, SIGKILL);
    consume_rig_until_said(rig, "event=kafka_error");
    broker_up(rig->kafka.broker);
    consume_rig_until_ready(rig);
    consume_rig_publish(rig, independent, COUNT(independent));
    end_load(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_becomes_of_a_reply_the_write_is_repeated),
        cmocka_unit_test(what_may_have_been_done_twice_is_said),
        cmocka_unit_test(what_may_pass_is_tried_again),
        cmocka_unit_test(with_retry_after_each_status_is_what_it_is_without),
        cmocka_unit_test(no_reply_is_obeyed_beyond_what_is_configured),
        cmocka_unit_test(a_date_to_come_is_waited_for),
        cmocka_unit_test(what_will_never_do_is_given_up),
        cmocka_unit_test(an_answer_with_too_much_in_it_is_one),
        cmocka_unit_test(what_shuts_us_out_stops_all_and_gives_nothing_up),
        cmocka_unit_test(what_a_status_may_hide_is_said),
        cmocka_unit_test(while_it_is_shut_out_it_says_so),
        cmocka_unit_test(one_403_refuses_an_event_and_three_keys_stop_the_target),
        cmocka_unit_test(no_more_is_given_up_than_the_budget_has),
        cmocka_unit_test(what_is_gone_need_not_be_deleted),
        cmocka_unit_test(a_cmi_that_is_gone_for_a_while_costs_nothing),
        cmocka_unit_test(a_cmi_that_is_not_there_at_the_start_is_waited_for),
        cmocka_unit_test(without_redis_it_pauses_and_then_goes_on),
        cmocka_unit_test(a_redis_that_hangs_is_a_redis_that_is_gone),
        cmocka_unit_test(a_redis_that_hangs_while_nothing_is_asked_of_it_is_found_out),
        cmocka_unit_test(a_broker_that_is_gone_for_a_while_costs_nothing),
        cmocka_unit_test(a_broker_that_is_not_there_at_the_start_is_waited_for),
        cmocka_unit_test(an_outage_of_the_broker_that_it_slept_through_delays_nothing),
    };

    return cmocka_run_group_tests(tests, consume_rig_set_up, consume_rig_tear_down);
}
