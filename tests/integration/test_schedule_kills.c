/*
 * cmibridge schedule as its users run it: killed at every named moment, and again while it
 * recovers; stopped for longer than its leases with a second process at hand; without Redis for a
 * while; a message deleted half way; a callback. The carrier's log is the oracle (D5 D6 D7 D10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES     4
#define DESTINATIONS 30
#define LARGE        1000 /* destinations */
#define DELAY_MS     20   /* of the carrier */

/* At which occurrence in the first, second and third life. */
static const struct {
    const char *name;
    int at[3];
} points[] = {
    {"claimed", {1, 1, 2}},      {"progressed", {1, 1, 2}},       {"request_half_sent", {1, 2, 3}},
    {"request_sent", {1, 2, 3}}, {"reply_read", {1, 2, 3}},       {"settled", {1, 2, 3}},
    {"finished", {1, 1, 1}},     {"outcome_produced", {1, 2, 3}},
};
#define POINTS (sizeof points / sizeof points[0])

static struct send_rig rigs[POINTS];

/* All of them at once, each on a Redis of its own: what takes time is waiting for leases. One that
 * was killed at a point is killed while it recovers at the one so many behind it. */
static void kill_all(size_t further)
{
    for (size_t i = 0; i < POINTS; i++) {
        send_rig_start(&rigs[i], DELAY_MS);
        for (size_t m = 0; m < MESSAGES; m++)
            (void)send_rig_post(&rigs[i], DESTINATIONS, 500);
    }
    for (size_t life = 0; life < 3; life++) {
        for (size_t i = 0; i < POINTS; i++) {
            size_t p = (i + life * further) % POINTS;
            char point[64];

            (void)snprintf(point, sizeof point, "%s:%d", points[p].name, points[p].at[life]);
            send_rig_run(&rigs[i], 0, point);
        }
        for (size_t i = 0; i < POINTS; i++) {
            send_rig_until_killed(&rigs[i], 0);
            /* Later lives may find too little left to do; the first must come to its point. */
            assert_true(life > 0 || rigs[i].elsewhere == 0);
        }
    }
    for (size_t i = 0; i < POINTS; i++)
        send_rig_run(&rigs[i], 0, NULL);
    for (size_t i = 0; i < POINTS; i++) {
        send_rig_until_ended(&rigs[i]);
        send_rig_check(&rigs[i]);
        send_rig_done(&rigs[i]);
    }
}

/* CMIBRIDGE_LONG=1 takes every pair of points. */
static void kills_at_every_moment_lose_nothing(void **state)
{
    size_t rounds = getenv("CMIBRIDGE_LONG") != NULL ? POINTS : 1;

    (void)state;
    for (size_t further = 0; further < rounds; further++)
        kill_all(further);
}

static void one_that_is_stopped_for_longer_than_its_leases_sends_nothing_more(void **state)
{
    struct send_rig *rig = &rigs[0];

    (void)state;
    send_rig_start(rig, DELAY_MS);
    (void)send_rig_post(rig, 200, 300);
    send_rig_run(rig, 0, "progressed:2:stop");
    send_rig_until_stopped(rig, 0);
    send_rig_run(rig, 1, NULL);
    send_rig_until_ended(rig);
    assert_int_equal(kill(rig->schedule[0], SIGCONT), 0);
    (void)send_rig_post(rig, 50, 300); /* both are alive, and share it */
    send_rig_until_ended(rig);
    send_rig_end(rig, 0);
    send_rig_end(rig, 1);
    send_rig_check(rig);
    send_rig_done(rig);
}

static void redis_that_dies_and_comes_back_costs_nothing(void **state)
{
    struct send_rig *rig = &rigs[0];

    (void)state;
    send_rig_start(rig, DELAY_MS);
    (void)send_rig_post(rig, 300, 300);
    send_rig_run(rig, 0, NULL);
    send_rig_until_lines(rig, 20);
    redis_server_kill(rig->serve.redis);
    redis_server_restart(rig->serve.redis);
    send_rig_until_ended(rig);
    send_rig_end(rig, 0);
    send_rig_check(rig); /* no death of a process: no duplicate */
    send_rig_done(rig);
}

static void nothing_goes_out_after_a_delete_but_what_it_told_of(void **state)
{
    struct send_rig *rig = &rigs[0];
    char path[64];
    int64_t deleted_ms;

    (void)state;
    send_rig_start(rig, DELAY_MS);
    (void)send_rig_post(rig, LARGE, 300);
    send_rig_run(rig, 0, NULL);
    send_rig_until_lines(rig, 50);
    (void)snprintf(path, sizeof path, "/messages/%s", rig->messages[0].id);
    serve_expect(&rig->serve, "DELETE", path, "", NULL, 204, NULL);
    deleted_ms = send_rig_wall_ms();
    send_rig_until_ended(rig);
    send_rig_end(rig, 0);
    send_rig_check(rig);
    assert_true(rig->lines < LARGE);
    assert_true(rig->last_line_ms <= deleted_ms + 1000 + DELAY_MS);
    assert_true((int64_t)rig->lines <= rig->messages[0].handled + rig->messages[0].in_flight);
    send_rig_done(rig);
}

static bool callback_is_over(struct send_rig *rig)
{
    return rig->callback_over;
}

static void a_callback_is_called_until_it_is_reached(void **state)
{
    struct send_rig *rig = &rigs[0];
    char id[33];
    char path[64];

    (void)state;
    send_rig_start(rig, DELAY_MS);
    serve_create(&rig->serve, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\","
                 "\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
                 id);
    send_rig_run(rig, 0, NULL);
    send_rig_run(rig, 1, NULL);
    send_rig_until_outcomes(rig, callback_is_over);
    assert_int_equal(rig->callback_results, 2); /* BUSY, then SUCCESSFUL */
    (void)snprintf(path, sizeof path, "/callbacks/%s", id);
    serve_holds(&rig->serve, path, "\"failures\":1");
    serve_holds(&rig->serve, path, "\"lastResult\":\"SUCCESSFUL\"");
    send_rig_end(rig, 0);
    send_rig_end(rig, 1);
    send_rig_done(rig);
}

/* Wherever its process dies, a call that may have been made is not made again: it is open until its
 * handling timeout, which counts as OTHER. */
static void no_call_is_made_twice(void **state)
{
    static const char *const moments[] = {"claimed:1",      "progressed:1", "request_half_sent:1",
                                          "request_sent:1", "reply_read:1", "settled:1"};
    const size_t count = sizeof moments / sizeof moments[0];
    char id[33];

    (void)state;
    for (size_t i = 0; i < count; i++) {
        send_rig_start_as(&rigs[i],
                          &(struct send_rig_options){.carrier_delay_ms = DELAY_MS,
                                                     .callbacks = "handling_timeout: 3s"});
        serve_create(&rigs[i].serve, "/callbacks", "",
                     "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\","
                     "\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
                     id);
        send_rig_run(&rigs[i], 0, moments[i]);
    }
    for (size_t i = 0; i < count; i++) {
        send_rig_until_killed(&rigs[i], 0);
        assert_int_equal(rigs[i].elsewhere, 0);
        send_rig_run(&rigs[i], 0, NULL);
        send_rig_run(&rigs[i], 1, NULL);
    }
    for (size_t i = 0; i < count; i++) {
        send_rig_until_outcomes(&rigs[i], callback_is_over);
        send_rig_check_calls(&rigs[i], 3, 1000);
        send_rig_end(&rigs[i], 0);
        send_rig_end(&rigs[i], 1);
        send_rig_done(&rigs[i]);
    }
}

static void post_callback(struct send_rig *rig, const char *number, const char *at, char id[33])
{
    char body[192];

    (void)snprintf(body, sizeof body,
                   "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"%s\","
                   "\"nextCallTime\":\"%s\"}",
                   number, at);
    serve_create(&rig->serve, "/callbacks", "", body, id);
}

/* At once. */
static void reschedule(struct send_rig *rig, const char *id)
{
    char path[64];

    (void)snprintf(path, sizeof path, "/callbacks/%s", id);
    serve_expect(&rig->serve, "PUT", path, "",
                 "{\"customerNumber\":\"+35854852156\",\"notes\":\"\",\"lastResult\":"
                 "\"RESCHEDULE\",\"nextCallTime\":\"2020-01-01T00:00:00Z\"}",
                 204, "");
}

static bool names(const struct hostile_request *r, const char *id)
{
    char guid[40];

    (void)snprintf(guid, sizeof guid, "%s", id);
    return strstr(r->body.p, guid) != NULL;
}

/* Two processes, a PUT while the dialler is still at the first call's request. */
static void the_next_call_waits_for_the_request_that_is_out(void **state)
{
    static const struct hostile_step held[] = {{.act = HOSTILE_HOLD}};
    struct hostile_http *dialler = hostile_http_start();
    struct send_rig *rig = &rigs[0];
    char id[33];
    char other[33];
    char rest[16];

    (void)state;
    send_rig_start_as(rig, &(struct send_rig_options){.dials = dialler,
                                                      .dial_timeout = "60s",
                                                      .dialler = "concurrency: 8"});
    hostile_http_script(dialler, held, 1);
    post_callback(rig, "+35854852156", "2020-01-01T00:00:00Z", id);
    send_rig_run(rig, 0, NULL);
    send_rig_run(rig, 1, NULL);
    send_rig_await_log(rig, "event=started", 2, rest, sizeof rest);
    hostile_http_wait(dialler, 1);
    reschedule(rig, id);
    for (size_t i = 2; i < 10; i++) { /* both look again and again, and call others */
        post_callback(rig, "+35854852157", "2020-01-01T00:00:00Z", other);
        hostile_http_wait(dialler, i);
        assert_true(names(hostile_http_request(dialler, i - 1), other));
    }
    hostile_http_release(dialler);
    hostile_http_wait(dialler, 10);
    assert_true(names(hostile_http_request(dialler, 9), id));
    send_rig_end(rig, 0);
    send_rig_end(rig, 1);
    send_rig_done(rig);
    hostile_http_stop(dialler);
}

/* Whoever called was killed: a PUT says what came of it, and once the request can't be out any more
 * the next one begins, long before the handling timeout. */
static void a_put_ends_the_wait_for_a_call_whose_process_was_killed(void **state)
{
    static const struct hostile_step silent[] = {{.act = HOSTILE_SILENCE}};
    struct hostile_http *dialler = hostile_http_start();
    struct send_rig *rig = &rigs[0];
    char id[33];

    (void)state;
    send_rig_start_as(rig, &(struct send_rig_options){.dials = dialler});
    hostile_http_script(dialler, silent, 1);
    post_callback(rig, "+35854852156", "2020-01-01T00:00:00Z", id);
    send_rig_run(rig, 0, "request_sent:1");
    send_rig_until_killed(rig, 0);
    hostile_http_wait(dialler, 1);
    reschedule(rig, id);
    send_rig_run(rig, 1, NULL);
    hostile_http_wait(dialler, 2);
    assert_true(hostile_http_request(dialler, 1)->time_ms >=
                hostile_http_request(dialler, 0)->time_ms + 2000); /* its timeout */
    send_rig_end(rig, 1);
    send_rig_done(rig);
    hostile_http_stop(dialler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_at_every_moment_lose_nothing),
        cmocka_unit_test(one_that_is_stopped_for_longer_than_its_leases_sends_nothing_more),
        cmocka_unit_test(redis_that_dies_and_comes_back_costs_nothing),
        cmocka_unit_test(nothing_goes_out_after_a_delete_but_what_it_told_of),
        cmocka_unit_test(a_callback_is_called_until_it_is_reached),
        cmocka_unit_test(no_call_is_made_twice),
        cmocka_unit_test(the_next_call_waits_for_the_request_that_is_out),
        cmocka_unit_test(a_put_ends_the_wait_for_a_call_whose_process_was_killed),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
