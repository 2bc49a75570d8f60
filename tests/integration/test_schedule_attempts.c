/*
 * cmibridge schedule killed while its gateway refuses every second request: over all lives of the
 * process a destination gets the attempts that its message has and no more, each retryDelay after
 * the one before, and one of unknown fate again under its own number (D6 D10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/json_pick.h"
#include "tests/fakes/send_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MESSAGES     2
#define DESTINATIONS 30
#define RETRIES      2
#define RETRY_MS     1000
#define BUSY         60 /* requests that are refused: every second one of the first */

/* At which occurrence in the first life, and in the second, where retries are under way. */
static const struct {
    const char *name;
    int at[2];
} points[] = {
    {"claimed", {2, 1}},      {"progressed", {1, 1}}, {"request_half_sent", {9, 5}},
    {"request_sent", {9, 5}}, {"reply_read", {9, 5}}, {"settled", {9, 5}},
    {"finished", {1, 1}},
};
#define POINTS (sizeof points / sizeof points[0])

static struct send_rig rigs[POINTS];
static struct hostile_http *carriers[POINTS];

static void start(size_t i)
{
    static struct hostile_step steps[2 * BUSY];

    for (size_t k = 0; k < BUSY; k++) {
        steps[2 * k] = (struct hostile_step){.act = HOSTILE_REPLY, .status = 503, .body = "busy"};
        steps[2 * k + 1] = (struct hostile_step){.act = HOSTILE_CMI};
    }
    carriers[i] = hostile_http_start();
    hostile_http_ignore_keys(carriers[i], true);
    hostile_http_script(carriers[i], steps, 2 * BUSY);
    send_rig_start_as(&rigs[i], &(struct send_rig_options){.carrier = carriers[i]});
    for (size_t m = 0; m < MESSAGES; m++)
        (void)send_rig_post_as(&rigs[i], &(struct send_rig_message){.count = DESTINATIONS,
                                                                    .due_in_ms = 500,
                                                                    .retries = RETRIES,
                                                                    .retry_ms = RETRY_MS});
}

static size_t message_of(const struct send_rig *rig, const struct hostile_request *r)
{
    struct view key = hostile_request_header(r, "Idempotency-Key");
    size_t m = 0;

    while (!view_starts(key, view_of(rig->messages[m].id)))
        assert_true(++m < MESSAGES);
    return m;
}

/* No number is used up by a request that nobody got. */
static void check_numbers(struct send_rig *rig, struct hostile_http *carrier)
{
    int64_t last[MESSAGES][DESTINATIONS];

    memset(last, 0, sizeof last);
    for (size_t i = 0; i < hostile_http_count(carrier); i++) {
        const struct hostile_request *r = hostile_http_request(carrier, i);
        int64_t *one = &last[message_of(rig, r)][send_rig_destination(rig, r)];
        int64_t attempt = 0;

        assert_true(json_pick_int(r->body, "attempt", &attempt));
        if (attempt > *one + 1)
            fail_msg("attempt %" PRId64 " after %" PRId64, attempt, *one);
        *one = attempt;
    }
}

/* Who is given up has had all attempts, and some have had more than one. */
static void check_ends(const struct send_rig *rig)
{
    unsigned again = 0;

    for (size_t m = 0; m < MESSAGES; m++)
        for (size_t d = 0; d < DESTINATIONS; d++) {
            const struct send_rig_seen *seen = &rig->messages[m].seen[d];

            again += seen->attempt > 1;
            if (seen->failed && seen->ended != 1 + RETRIES)
                fail_msg("message %zu: %zu is given up after %u attempts: %s", m, d, seen->ended,
                         seen->reason);
        }
    assert_true(again > 0);
}

/* All of them at once, each on a Redis of its own: what takes time is waiting for leases. */
static void kills_neither_add_an_attempt_nor_take_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < POINTS; i++)
        start(i);
    for (size_t life = 0; life < 2; life++) {
        for (size_t i = 0; i < POINTS; i++) {
            char point[64];

            (void)snprintf(point, sizeof point, "%s:%d", points[i].name, points[i].at[life]);
            send_rig_run(&rigs[i], 0, point);
        }
        for (size_t i = 0; i < POINTS; i++) {
            send_rig_until_killed(&rigs[i], 0);
            assert_true(life > 0 || rigs[i].elsewhere == 0);
        }
    }
    for (size_t i = 0; i < POINTS; i++)
        send_rig_run(&rigs[i], 0, NULL);
    for (size_t i = 0; i < POINTS; i++) {
        send_rig_until_ended(&rigs[i]);
        send_rig_check_ended(&rigs[i]);
        check_numbers(&rigs[i], carriers[i]);
        check_ends(&rigs[i]);
        send_rig_end(&rigs[i], 0);
        send_rig_done(&rigs[i]);
        hostile_http_stop(carriers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_neither_add_an_attempt_nor_take_one),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
