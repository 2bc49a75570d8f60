/*
 * cmibridge consume, killed at every named moment (ports/fault_point.h), at its first occurrence,
 * its second, and so on until the run ends unhurt; then killed again while it recovers. After each
 * death what is committed must have ended, and after the recovery everything must have.
 *
 * CMIBRIDGE_LONG=1 takes every occurrence, and every pair of moments at two of them; else it is a
 * selection of occurrences, and on Apache Kafka a smaller one, with half of the pairs.
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

#define OCCURRENCES_MAX 200

#define CALLBACK(n) ("{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35840000" n "\"}")
#define CHANGED(n)                                                                                 \
    ("{\"customerNumber\":\"+35840000" n "\",\"lastResult\":\"BUSY\",\"notes\":\"\"}")
#define MESSAGE(text)                                                                              \
    ("{\"destinations\":[{\"address\":\"+35841000\"}],\"message\":\"" text "\","                   \
     "\"source\":\"12345@sms.example.com\",\"subType\":\"sms\"}")
#define QUEUED ("{\"queueId\":\"1EFC92416F0A46DC9BBC08A842B89D93\"}")
#define LEG    "contacts/DBEC8B07E3F0E9119E1D0050568C5E24"

static const struct consume_rig_event workload[] = {
    {.key = "ann", .type = "callback.requested", .subject = "callbacks/a", .body = CALLBACK("1")},
    {.key = "bob", .type = "message.requested", .subject = "messages/b", .body = MESSAGE("one")},
    {.key = "leg", .type = "contact.queued", .subject = LEG, .body = QUEUED},
    {.key = "ann", .type = "callback.updated", .subject = "callbacks/a", .body = CHANGED("2")},
    {.key = "leg",
     .type = "callback.requested",
     .subject = "callbacks/bad",
     .body = ("{\"callbackQueueNumber\":"),
     .fate = RIG_POISON},
    {.key = "bob", .type = "message.updated", .subject = "messages/b", .body = MESSAGE("two")},
    {.key = "cyd", .type = "weather.changed", .subject = "sky", .fate = RIG_PASSED_OVER},
    {.key = "leg", .type = "contact.closed", .subject = LEG, .body = ("{}")},
    {.key = "cyd", .type = "callback.requested", .subject = "callbacks/c", .body = CALLBACK("3")},
    {.key = "ann", .type = "callback.updated", .subject = "callbacks/a", .body = CHANGED("4")},
    {.key = "bob", .type = "message.cancelled", .subject = "messages/b"},
    {.key = "dan",
     .type = "customerconsent.changed",
     .subject = "customerConsents/whatsapp_+35842000",
     .body = ("{\"address\":\"+35842000\",\"usage\":\"whatsapp\",\"consent\":true}")},
    {.key = "cyd", .type = "callback.updated", .subject = "callbacks/c", .body = CHANGED("5")},
};

#define EVENTS (sizeof workload / sizeof workload[0])

/* The moments of the consume path. */
static const char *const points[] = {
    "polled", "request_half_sent", "request_sent", "reply_read", "result_produced", "offset_stored",
};

#define POINTS (sizeof points / sizeof points[0])

static bool is_long(void)
{
    return getenv("CMIBRIDGE_LONG") != NULL;
}

/* Runs it with that death ahead. true: it died of it, and what it had committed had ended. */
static bool dies_at(struct consume_rig *rig, const char *point, unsigned n)
{
    char armed[64];

    snprintf(armed, sizeof armed, "%s:%u", point, n);
    consume_rig_run(rig, armed);
    if (consume_rig_until_done(rig))
        return false;
    consume_rig_check_now(rig);
    return true;
}

/* What no number of deaths excuses: more requests for an event than there were lives. */
static void check_requests(struct consume_rig *rig)
{
    for (size_t i = 0; i < rig->count; i++)
        if (rig->seen[i].requests > (int)rig->starts)
            fail_msg("run %u: %s was sent %d times in %u lives", rig->number, rig->seen[i].id,
                     rig->seen[i].requests, rig->starts);
}

static void recovers(struct consume_rig *rig)
{
    if (rig->open == 0) {
        consume_rig_run(rig, NULL);
        assert_true(consume_rig_until_done(rig));
    }
    consume_rig_check_end(rig, 0);
    check_requests(rig);
}

static void begin(struct consume_rig *rig, bool honours_key)
{
    consume_rig_begin(rig, &(struct consume_rig_options){.honours_key = honours_key});
    consume_rig_publish(rig, workload, EVENTS);
}

/* ---- the tests ---- */

static void nothing_is_repeated_in_a_life_without_a_death(void **state)
{
    struct consume_rig *rig = *state;

    for (int honours_key = 0; honours_key < 2; honours_key++) {
        begin(rig, honours_key != 0);
        consume_rig_run(rig, NULL);
        assert_true(consume_rig_until_done(rig));
        recovers(rig);
        for (size_t i = 0; i < rig->count; i++) {
            assert_int_equal(rig->seen[i].requests, rig->events[i].fate == RIG_WRITTEN);
            assert_false(rig->seen[i].said_duplicate);
        }
        consume_rig_signal(rig, SIGTERM);
        assert_int_equal(consume_rig_ended(rig), 0);
    }
}

static void sweep(struct consume_rig *rig, bool honours_key)
{
    for (size_t p = 0; p < POINTS; p++) {
        unsigned step = 1;
        unsigned n = 1;

        for (;; n += step) {
            bool died;

            assert_in_range(n, 1, OCCURRENCES_MAX);
            begin(rig, honours_key);
            died = dies_at(rig, points[p], n);
            recovers(rig);
            if (!died)
                break;
            if (!is_long() && (n >= 3 || broker_is_apache()))
                step = 6;
        }
        if (n == 1)
            fail_msg("%s: this moment never came", points[p]);
    }
}

static void a_death_at_any_moment_loses_nothing_where_keys_are_honoured(void **state)
{
    sweep(*state, true);
}

static void a_death_at_any_moment_is_told_of_where_keys_are_ignored(void **state)
{
    sweep(*state, false);
}

static void a_second_death_while_recovering_changes_nothing(void **state)
{
    struct consume_rig *rig = *state;
    const bool half = !is_long() && broker_is_apache();

    for (size_t first = 0; first < POINTS; first++)
        for (size_t second = half ? first % 2 : 0; second < POINTS; second += half ? 2 : 1)
            for (unsigned n = 1; n <= (is_long() ? 2 : 1); n++) {
                begin(rig, (first + second + n) % 2 == 0);
                if (dies_at(rig, points[first], 2 * n))
                    (void)dies_at(rig, points[second], n);
                recovers(rig);
            }
}

static void deaths_in_every_life_end_when_nothing_is_left_to_do(void **state)
{
    struct consume_rig *rig = *state;

    for (size_t p = 0; p < POINTS; p++) {
        unsigned lives = 0;

        /* Each life gets as far as one reply; polled is left out, for it gets nowhere. */
        if (strcmp(points[p], "polled") == 0 || strcmp(points[p], "request_half_sent") == 0)
            continue;
        if (!is_long() && strcmp(points[p], "result_produced") != 0)
            continue;
        begin(rig, false);
        while (lives++ < 2 * EVENTS && dies_at(rig, points[p], 3))
            continue;
        recovers(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_repeated_in_a_life_without_a_death),
        cmocka_unit_test(a_death_at_any_moment_loses_nothing_where_keys_are_honoured),
        cmocka_unit_test(a_death_at_any_moment_is_told_of_where_keys_are_ignored),
        cmocka_unit_test(a_second_death_while_recovering_changes_nothing),
        cmocka_unit_test(deaths_in_every_life_end_when_nothing_is_left_to_do),
    };

#ifndef CMIBRIDGE_FAULT_POINTS
    printf("skipped: built without CMIBRIDGE_FAULT_POINTS\n");
    return 77;
#endif
    return cmocka_run_group_tests(tests, consume_rig_set_up, consume_rig_tear_down);
}
