/*
 * When cmibridge schedule may send: hours, for how long a message is worth sending, and consents.
 * What may not go ends as failed with its reason, or waits; either way the carrier hears nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "tests/fakes/send_rig.h"
#include "tests/fakes/shell.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

static struct send_rig rig; /* too much for the stack */

static void start(const struct send_rig_options *o)
{
    send_rig_start_as(&rig, o);
}

static void end(void)
{
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

static void expect_failed(size_t message, const char *reason)
{
    const struct send_rig_sent *m = &rig.messages[message];

    assert_int_equal(m->failed, m->count);
    for (size_t d = 0; d < m->count; d++) {
        assert_string_equal(m->seen[d].reason, reason);
        assert_int_equal(m->seen[d].ended, 0); /* none of its attempts was made */
        assert_false(m->seen[d].flagged);
    }
}

/* ---- hours ---- */

/* Half an hour, six hours from now. Its begin. */
static int64_t later(char hours[32])
{
    int64_t begin_ms = (send_rig_wall_ms() / HOUR_MS + 6) * HOUR_MS;
    int hour = (int)(begin_ms % DAY_MS / HOUR_MS);

    (void)snprintf(hours, 32, "'%02d:00-%02d:30'", hour, hour);
    return begin_ms;
}

/* A second one, too, when the sender is known to be outside its hours. */
static void what_is_due_outside_the_hours_of_one_who_does_not_wait_fails(void **state)
{
    char hours[32];
    char channel[64];

    (void)state;
    (void)later(hours);
    (void)snprintf(channel, sizeof channel, "hours: %s, outside_hours: expire", hours);
    start(&(struct send_rig_options){.channel = channel});
    (void)send_rig_post(&rig, 50, 300);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    (void)send_rig_post(&rig, 50, 0);
    send_rig_until_ended(&rig);
    send_rig_check_ended(&rig);
    expect_failed(0, "expired");
    expect_failed(1, "expired");
    assert_int_equal(rig.lines, 0);
    end();
}

/* It rests in the store until they begin; and still can be deleted. */
static void what_is_due_outside_the_hours_of_one_who_waits_waits(void **state)
{
    char hours[32];
    char channel[64];
    char path[64];
    int64_t begin_ms;

    (void)state;
    begin_ms = later(hours);
    (void)snprintf(channel, sizeof channel, "hours: %s", hours);
    start(&(struct send_rig_options){.channel = channel});
    (void)send_rig_post(&rig, 50, 300);
    send_rig_run(&rig, 0, NULL);
    assert_int_equal(send_rig_until_parked(&rig, 0), begin_ms);
    send_rig_look(&rig);
    assert_int_equal(rig.lines, 0);
    (void)snprintf(path, sizeof path, "/messages/%s", rig.messages[0].id);
    serve_lacks(&rig.serve, path, "HANDLED");
    serve_lacks(&rig.serve, path, "FAILED");
    serve_expect(&rig.serve, "DELETE", path, "", NULL, 204, NULL);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].in_flight, 0);
    end();
}

static void a_call_outside_the_dialler_s_hours_waits(void **state)
{
    char hours[32];
    char dialler[64];
    char id[33];
    int64_t begin_ms = later(hours);

    (void)state;
    (void)snprintf(dialler, sizeof dialler, "hours: %s", hours);
    start(&(struct send_rig_options){.dialler = dialler});
    serve_create(&rig.serve, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\","
                 "\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
                 id);
    send_rig_run(&rig, 0, NULL);
    assert_int_equal(send_rig_until_call_waits(&rig, id, begin_ms - DAY_MS), begin_ms);
    assert_int_not_equal(access(rig.calls, F_OK), 0); /* nobody was called */
    end();
}

static void resume(const char *id)
{
    char command[512];
    struct buf said;

    buf_init(&said, 65536);
    (void)snprintf(command, sizeof command, "'%s' campaign resume --config '%s' %s",
                   getenv("CMIBRIDGE_BIN"), rig.config, id);
    assert_int_equal(shell_run(command, &said), 0);
    buf_done(&said);
}

/* What has met hours that were wrong rests until they would have begun; unless somebody says so. */
static void hours_that_are_mended_hold_for_what_is_resumed_or_put(void **state)
{
    char hours[40];
    char text[32];
    char id[33];
    char path[64];
    int64_t begin_ms = later(text);

    (void)state;
    (void)snprintf(hours, sizeof hours, "hours: %s", text);
    start(&(struct send_rig_options){.channel = hours, .dialler = hours});
    (void)send_rig_post(&rig, 50, 0);
    serve_create(&rig.serve, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\","
                 "\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
                 id);
    send_rig_run(&rig, 0, NULL);
    assert_int_equal(send_rig_until_parked(&rig, 0), begin_ms);
    assert_int_equal(send_rig_until_call_waits(&rig, id, begin_ms - DAY_MS), begin_ms);
    resume(rig.messages[0].id);
    assert_int_equal(send_rig_until_parked(&rig, 0), begin_ms); /* it asks the hours anew */
    send_rig_end(&rig, 0);

    rig.options.channel = rig.options.dialler = NULL;
    send_rig_gateway(&rig, rig.carrier_port, "{open_min: 1s, open_max: 1s}");
    send_rig_run(&rig, 0, NULL);
    resume(rig.messages[0].id);
    (void)snprintf(path, sizeof path, "/callbacks/%s", id);
    serve_expect(
        &rig.serve, "PUT", path, "",
        "{\"customerNumber\":\"+35854852156\",\"notes\":\"\",\"lastResult\":\"RESCHEDULE\","
        "\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
        204, "");
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].handled, 50);
    for (int i = 0; access(rig.calls, F_OK) != 0; i++) {
        assert_true(i < PROBE_PATIENCE_MS / 10);
        poll(NULL, 0, 10);
    }
    end();
}

/* ---- worth ---- */

/* schedule was not there when they were due. */
static void after_an_outage_what_is_out_of_date_is_not_sent(void **state)
{
    (void)state;
    start(&(struct send_rig_options){.schedule = "valid_for: 30s"});
    (void)send_rig_post(&rig, 100, -60000);
    (void)send_rig_post(&rig, 100, -31000);
    (void)send_rig_post(&rig, 100, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    send_rig_check_ended(&rig);
    expect_failed(0, "expired");
    expect_failed(1, "expired");
    assert_int_equal(rig.messages[2].handled, 100);
    assert_int_equal(rig.lines, 100);
    end();
}

/* Its sender is too slow for all of it: what is left when its time is over fails at once, also what
 * is held already. */
static void what_does_not_get_its_turn_in_time_fails(void **state)
{
    const struct send_rig_sent *m = &rig.messages[0];

    (void)state;
    start(&(struct send_rig_options){.schedule = "valid_for: 2s", .channel = "rate: 20, burst: 1"});
    (void)send_rig_post(&rig, 500, 300);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(
        &rig); /* at its rate it would take 25 s, and 5 more looks than there are */
    send_rig_check_ended(&rig);
    assert_true(m->handled > 0 && m->handled <= 2 * 20 + 1);
    assert_int_equal(m->failed, 500 - m->handled);
    assert_int_equal(rig.lines, m->handled);
    for (size_t d = 0; d < m->count; d++)
        if (m->seen[d].failed)
            assert_string_equal(m->seen[d].reason, "expired");
    end();
}

/* ---- consents ---- */

static void consent(size_t message, size_t dest, bool given)
{
    char body[128];

    (void)snprintf(body, sizeof body,
                   "{\"address\":\"+35840%02zu%04zu\\n\",\"usage\":\"whatsapp\",\"consent\":%s}",
                   message, 1000 + dest, given ? "true" : "false");
    serve_expect(&rig.serve, "POST", "/customerConsents", "", body, 204, "");
}

/* Of three of each message the first has given consent and the second withdrawn it; of the third
 * nothing is known. By SMS nobody asks. */
static void send_to_three(const char *mode, int64_t handled)
{
    const struct send_rig_sent *m = &rig.messages[0];
    char more[64];

    (void)snprintf(more, sizeof more, "consent: {whatsapp: %s}\n", mode);
    start(&(struct send_rig_options){.more = more});
    consent(0, 0, true);
    consent(0, 1, false);
    consent(1, 1, false);
    (void)send_rig_post_whatsapp(&rig, 3, 300);
    (void)send_rig_post(&rig, 3, 300);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    send_rig_check_ended(&rig);
    assert_int_equal(m->handled, handled);
    assert_true(m->seen[0].handled && m->seen[1].failed);
    for (size_t d = 0; d < 3; d++)
        if (m->seen[d].failed) {
            assert_string_equal(m->seen[d].reason, "consent");
            assert_int_equal(m->seen[d].requests, 0);
        }
    assert_int_equal(rig.messages[1].handled, 3);
    assert_int_equal(rig.lines, handled + 3);
    end();
}

static void where_consent_is_required_none_is_no(void **state)
{
    (void)state;
    send_to_three("required", 1);
}

static void where_it_is_assumed_only_a_withdrawal_is_no(void **state)
{
    (void)state;
    send_to_three("unless-withdrawn", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_due_outside_the_hours_of_one_who_does_not_wait_fails),
        cmocka_unit_test(what_is_due_outside_the_hours_of_one_who_waits_waits),
        cmocka_unit_test(a_call_outside_the_dialler_s_hours_waits),
        cmocka_unit_test(hours_that_are_mended_hold_for_what_is_resumed_or_put),
        cmocka_unit_test(after_an_outage_what_is_out_of_date_is_not_sent),
        cmocka_unit_test(what_does_not_get_its_turn_in_time_fails),
        cmocka_unit_test(where_consent_is_required_none_is_no),
        cmocka_unit_test(where_it_is_assumed_only_a_withdrawal_is_no),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
