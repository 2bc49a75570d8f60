/*
 * cmibridge schedule and a carrier that fails, lies and falls silent: in every way that
 * hostile_http knows, by every class of status, and gone for a while. After each the same must
 * hold (D6 D9 D10): every destination ends once, by what the carrier said; attempts are counted,
 * and retryDelay apart; what may have gone twice is said to be, and nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"
#include "tests/fakes/send_rig.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct send_rig rig; /* too much for the stack */
static struct hostile_http *carrier;

static void start(const char *timeout)
{
    carrier = hostile_http_start();
    hostile_http_ignore_keys(carrier, true);
    send_rig_start_as(&rig, &(struct send_rig_options){.carrier = carrier, .timeout = timeout});
}

static void end(void)
{
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(carrier);
}

/* One campaign, sent to the end. */
static void send_all(size_t count, int retries)
{
    (void)send_rig_post_as(
        &rig, &(struct send_rig_message){
                  .count = count, .due_in_ms = 500, .retries = retries, .retry_ms = 1000});
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
}

/* One that failed by no refusal has had all of its attempts. */
static void check_exhausted(void)
{
    const struct send_rig_sent *m = &rig.messages[0];

    for (size_t d = 0; d < m->count; d++)
        if (m->seen[d].failed && m->seen[d].ended != 1 + (unsigned)m->as.retries)
            fail_msg("%zu was given up after %u attempts: %s", d, m->seen[d].ended,
                     m->seen[d].reason);
}

static void whatever_becomes_of_a_reply_each_destination_ends_once(void **state)
{
    struct hostile_step steps[4 * HOSTILE_ACTS];
    size_t n = 0;

    (void)state;
    start("3s"); /* no good reply takes so long, on a busy machine either */
    for (int act = HOSTILE_REPLY_AND_CLOSE; act < HOSTILE_ACTS; act++) {
        if (act == HOSTILE_HOLD)
            continue;
        steps[n++] = (struct hostile_step){.act = (enum hostile_act)act, .times = 2};
        steps[n++] = (struct hostile_step){.act = HOSTILE_CMI}; /* else the breaker has the word */
    }
    hostile_http_script(carrier, steps, n);
    send_all(60, 2);
    send_rig_check_ended(&rig);
    send_rig_check_flags(&rig);
    check_exhausted();
    assert_true(hostile_http_count(carrier) > 60);
    assert_int_equal(send_rig_metric(&rig, 1, "cmibridge_channel_state{channel=\"out\"}"), 0);
    end();
}

/* ---- statuses ---- */

static bool is_refusal(const struct hostile_request *r)
{
    return r->act == HOSTILE_REPLY && r->status >= 400 && r->status != 408 && r->status != 425 &&
           (r->status < 500 || r->status == 501);
}

/* Nothing follows a refusal, and what comes last decides. */
static void check_statuses(void)
{
    static const struct hostile_request *last[SEND_RIG_DEST_MAX];
    const struct send_rig_sent *m = &rig.messages[0];

    memset(last, 0, sizeof last);
    for (size_t i = 0; i < hostile_http_count(carrier); i++) {
        const struct hostile_request *r = hostile_http_request(carrier, i);
        size_t d = send_rig_destination(&rig, r);

        if (last[d] != NULL && is_refusal(last[d]))
            fail_msg("%zu is sent to again after a %d", d, last[d]->status);
        if (last[d] != NULL && last[d]->status == 507 && r->time_ms < last[d]->time_ms + 2000)
            fail_msg("%zu does not wait for its Retry-After", d);
        last[d] = r;
    }
    for (size_t d = 0; d < m->count; d++) {
        assert_non_null(last[d]);
        assert_true(m->seen[d].handled == (last[d]->act == HOSTILE_CMI));
        assert_true(m->seen[d].handled || is_refusal(last[d]) ||
                    m->seen[d].ended == 1 + (unsigned)m->as.retries);
    }
}

static void each_status_means_what_it_means(void **state)
{
    static const struct {
        int status;
        const char *headers;
    } rows[] = {
        {408, NULL},
        {425, NULL},
        {500, NULL},
        {502, NULL},
        {503, "Retry-After: soon\r\n"},
        {504, NULL},
        {507, "Retry-After: 2\r\n"}, /* and these are refusals: */
        {400, NULL},
        {404, NULL},
        {405, NULL},
        {409, NULL},
        {410, NULL},
        {413, NULL},
        {415, NULL},
        {422, NULL},
        {451, NULL},
        {501, NULL},
    };
    struct hostile_step steps[2 * COUNT(rows)];

    (void)state;
    start("10s");
    for (size_t i = 0; i < COUNT(rows); i++) {
        steps[2 * i] = (struct hostile_step){.act = HOSTILE_REPLY,
                                             .status = rows[i].status,
                                             .headers = rows[i].headers,
                                             .body = "no"};
        steps[2 * i + 1] = (struct hostile_step){.act = HOSTILE_CMI};
    }
    hostile_http_script(carrier, steps, COUNT(steps));
    send_all(40, 1);
    send_rig_check_ended(&rig);
    send_rig_check_flags(&rig);
    check_statuses();
    assert_int_equal(rig.messages[0].failed, 10); /* the refusals */
    end();
}

/* The status was there: nobody is asked twice for what could be read once. */
static void an_answer_with_too_much_in_it_is_one(void **state)
{
    static char much[70000];
    const struct hostile_step steps[] = {
        {.act = HOSTILE_REPLY, .status = 400, .body = much},
        {.act = HOSTILE_REPLY, .status = 200, .body = much},
    };

    (void)state;
    memset(much, 'x', sizeof much - 1);
    start("10s");
    hostile_http_script(carrier, steps, COUNT(steps));
    send_all(10, 1);
    send_rig_check_ended(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(hostile_http_count(carrier), 10);
    assert_int_equal(rig.messages[0].failed, 1);
    end();
}

/* What a gateway asks for one destination is no matter of the others of its slice. */
static void who_is_told_to_wait_waits_alone(void **state)
{
    static const struct hostile_step steps[] = {
        {.act = HOSTILE_REPLY, .status = 503, .headers = "Retry-After: 4\r\n", .body = "no"},
        {.act = HOSTILE_REPLY, .status = 503, .body = "no", .times = 2},
        {.act = HOSTILE_REPLY, .status = 503, .headers = "Retry-After: 6\r\n", .body = "no"},
    };
    const struct hostile_request *r[8];
    size_t longest;
    size_t long_one;

    (void)state;
    start("10s");
    hostile_http_script(carrier, steps, COUNT(steps));
    send_all(4, 1);
    send_rig_check_ended(&rig);
    assert_int_equal(rig.messages[0].failed, 0);
    assert_int_equal(hostile_http_count(carrier), COUNT(r));
    for (size_t i = 0; i < COUNT(r); i++)
        r[i] = hostile_http_request(carrier, i);
    long_one = send_rig_destination(&rig, r[0]);
    longest = send_rig_destination(&rig, r[3]);
    assert_int_equal(send_rig_destination(&rig, r[6]), long_one); /* after the other two */
    assert_true(r[6]->time_ms >= r[0]->time_ms + 4000);
    assert_int_equal(send_rig_destination(&rig, r[7]), longest);
    assert_true(r[7]->time_ms >= r[3]->time_ms + 6000);
    end();
}

/* A token that has expired: no destination has lost its only attempt. */
static void what_is_about_us_costs_no_attempt(void **state)
{
    static const struct hostile_step steps[] = {
        {.act = HOSTILE_CMI, .times = 10},
        {.act = HOSTILE_REPLY, .status = 401, .body = "who", .times = 12},
    };
    char rest[128];

    (void)state;
    start("10s");
    hostile_http_script(carrier, steps, COUNT(steps));
    send_all(60, 0);
    send_rig_check(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(hostile_http_count(carrier), 60 + 12);
    send_rig_await_log(&rig, "event=channel channel=out state=stopped", 1, rest, sizeof rest);
    assert_int_equal(send_rig_metric(&rig, 1, "cmibridge_channel_state{channel=\"out\"}"), 0);
    end();
}

/* Whoever takes a message and shows us elsewhere to see what became of it gets no copy more than
 * the message has attempts. */
static void one_that_is_sent_elsewhere_has_its_attempts_and_no_more(void **state)
{
    (void)state;
    start("10s");
    hostile_http_default(carrier, (struct hostile_step){.act = HOSTILE_REPLY,
                                                        .status = 303,
                                                        .headers = "Location: /x\r\n",
                                                        .body = "there"});
    send_all(2, 2);
    send_rig_check_ended(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(hostile_http_count(carrier), 2 * 3);
    assert_int_equal(rig.messages[0].failed, 2);
    end();
}

/* An address that has moved. */
static void three_in_a_row_that_are_sent_elsewhere_stop_the_channel(void **state)
{
    static const struct hostile_step steps[] = {
        {.act = HOSTILE_CMI, .times = 10},
        {.act = HOSTILE_REPLY,
         .status = 302,
         .headers = "Location: /x\r\n",
         .body = "no",
         .times = 8},
    };
    char rest[128];

    (void)state;
    start("10s");
    hostile_http_script(carrier, steps, COUNT(steps));
    send_all(60, 5);
    send_rig_check_ended(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(rig.messages[0].failed, 0);
    assert_int_equal(hostile_http_count(carrier), 60 + 8);
    send_rig_await_log(&rig, "event=channel channel=out state=stopped", 1, rest, sizeof rest);
    assert_int_equal(send_rig_metric(&rig, 1, "cmibridge_channel_state{channel=\"out\"}"), 0);
    end();
}

/* ---- gone ---- */

/* Nobody was reached: no attempt, and no doubt. */
static void a_carrier_that_is_not_there_costs_nothing(void **state)
{
    char rest[128];

    (void)state;
    start("10s");
    hostile_http_down(carrier);
    (void)send_rig_post(&rig, 50, 300);
    send_rig_run(&rig, 0, NULL);
    send_rig_await_log(&rig, "event=channel channel=out state=open", 3, rest, sizeof rest);
    assert_int_equal(hostile_http_count(carrier), 0);
    hostile_http_up(carrier);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(hostile_http_count(carrier), 50);
    end();
}

/* ---- erased ---- */

/* In the place of the second address of the rig's only message stands that of nobody. */
static void put_erased(void)
{
    const struct send_rig_sent *m = &rig.messages[0];
    char time[DATETIME_TEXT_MAX];
    char path[64];
    char body[512];

    datetime_format(m->send_ms, time);
    snprintf(path, sizeof path, "/messages/%s", m->id);
    snprintf(body, sizeof body,
             "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","
             "\"maxRetryCount\":0,\"sendTime\":\"%s\",\"destinations\":[{\"address\":"
             "\"+35840001000\"},{\"address\":\"erased\"},{\"address\":\"+35840001002\"}]}",
             time);
    serve_expect(&rig.serve, "PUT", path, "", body, 204, NULL);
}

static void what_stands_for_an_erased_address_is_never_sent_to(void **state)
{
    const struct send_rig_sent *m = &rig.messages[0];
    char path[64];

    (void)state;
    start("10s");
    (void)send_rig_post(&rig, 3, 300);
    put_erased();
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    send_rig_check_ended(&rig);
    assert_int_equal(hostile_http_count(carrier), 2);
    assert_true(m->seen[0].handled && m->seen[1].failed && m->seen[2].handled);
    assert_string_equal(m->seen[1].reason, "erased");
    snprintf(path, sizeof path, "/messages/%s", m->id);
    serve_holds(&rig.serve, path,
                "[{\"address\":\"+35840001000\",\"status\":\"HANDLED\"},{\"address\":\"erased\","
                "\"status\":\"FAILED\"},{\"address\":\"+35840001002\",\"status\":\"HANDLED\"}]");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_becomes_of_a_reply_each_destination_ends_once),
        cmocka_unit_test(each_status_means_what_it_means),
        cmocka_unit_test(an_answer_with_too_much_in_it_is_one),
        cmocka_unit_test(who_is_told_to_wait_waits_alone),
        cmocka_unit_test(what_is_about_us_costs_no_attempt),
        cmocka_unit_test(one_that_is_sent_elsewhere_has_its_attempts_and_no_more),
        cmocka_unit_test(three_in_a_row_that_are_sent_elsewhere_stop_the_channel),
        cmocka_unit_test(a_carrier_that_is_not_there_costs_nothing),
        cmocka_unit_test(what_stands_for_an_erased_address_is_never_sent_to),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
