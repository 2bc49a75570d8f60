/*
 * How fast cmibridge schedule sends, counted at the carrier: message parts of one sender over two
 * processes, messages to one recipient, and a sender whom the carrier has asked to wait. Each is a
 * limit that may not be passed by the carrier's clock; how fast it goes below it is nobody's
 * promise here. And how messages share a sender, counted in requests.
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
#include <sys/wait.h>

/* 161 characters: two parts. */
#define TWO_PARTS                                                                                  \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "1234567890123456789012345678901234567890123456789012345678901234567890"

static struct send_rig rig; /* too much for the stack */
static struct hostile_http *carrier;

static void start(const char *channel)
{
    carrier = hostile_http_start();
    hostile_http_ignore_keys(carrier, true);
    send_rig_start_as(&rig, &(struct send_rig_options){.carrier = carrier, .channel = channel});
}

static void end(void)
{
    char rest[16];

    /* A process that has not come so far yet, since the other did all, ends by the signal itself.
     */
    send_rig_await_log(&rig, "event=started", 2, rest, sizeof rest);
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    send_rig_done(&rig);
    hostile_http_stop(carrier);
}

static void stop(unsigned which)
{
    int status = 0;

    assert_int_equal(kill(rig.schedule[which], SIGSTOP), 0);
    assert_int_equal(waitpid(rig.schedule[which], &status, WUNTRACED), rig.schedule[which]);
}

/* Two messages of which each process has one: while it claims its own, the other one is stopped,
 * for much less than a lease. */
static void share_out(const struct send_rig_message *as)
{
    (void)send_rig_post_as(&rig, as);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_lines(&rig, 1);
    stop(0);
    (void)send_rig_post_as(&rig, as);
    send_rig_run(&rig, 1, NULL);
    while (send_rig_metric(&rig, 2, "cmibridge_sent_total") == 0)
        send_rig_look(&rig);
    assert_int_equal(kill(rig.schedule[0], SIGCONT), 0);
}

#define RATE  100
#define BURST 10

static void two_processes_share_one_rate_in_message_parts(void **state)
{
    int64_t parts = 0;

    (void)state;
    start("rate: 100, burst: 10");
    share_out(&(struct send_rig_message){.count = 60, .text = TWO_PARTS});
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    for (size_t i = 0; i < hostile_http_count(carrier); i++) {
        const struct hostile_request *r = hostile_http_request(carrier, i);
        int64_t since_ms = r->time_ms + 1 - rig.messages[0].send_ms; /* no grant was before it */

        assert_int_equal(send_rig_parts(r), 2);
        parts += 2;
        if (parts > BURST + RATE * since_ms / 1000)
            fail_msg("%d parts are out after %d ms", (int)parts, (int)since_ms);
    }
    assert_int_equal(parts, 2 * 2 * 60);
    end();
}

#define GAP_MS 1000

static void one_recipient_hears_from_us_no_more_often_than_allowed(void **state)
{
    const struct send_rig_message as = {.count = 5, .due_in_ms = 300, .same = true};

    (void)state;
    start("recipient_gap: 1s");
    for (int i = 0; i < 2; i++)
        (void)send_rig_post_as(&rig, &as);
    send_rig_run(&rig, 0, NULL);
    send_rig_run(&rig, 1, NULL);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    for (size_t i = 0; i < hostile_http_count(carrier); i++)
        for (size_t k = 0; k < i; k++) {
            const struct hostile_request *first = hostile_http_request(carrier, k);
            const struct hostile_request *then = hostile_http_request(carrier, i);

            if (send_rig_destination(&rig, first) == send_rig_destination(&rig, then) &&
                then->time_ms < first->time_ms + GAP_MS)
                fail_msg("two messages to one recipient within %d ms",
                         (int)(then->time_ms - first->time_ms));
        }
    end();
}

#define WAIT_MS 2000
#define MOST    45 /* of the 80 that the rate has for that time: grants unused, some under way */

static void a_sender_asked_to_wait_waits_in_both_processes(void **state)
{
    const struct hostile_step good = {.act = HOSTILE_CMI, .times = 30};
    const struct hostile_step throttled = {
        .act = HOSTILE_REPLY, .status = 429, .headers = "Retry-After: 2\r\n", .body = "slower"};
    int64_t asked_ms = 0;
    unsigned meanwhile = 0;

    (void)state;
    start("rate: 40, burst: 1");
    hostile_http_script(carrier, &good, 1);
    hostile_http_script(carrier, &throttled, 1);
    share_out(
        &(struct send_rig_message){.count = 50, .due_in_ms = 300, .retries = 1, .retry_ms = 1000});
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    for (size_t i = 0; i < hostile_http_count(carrier); i++) {
        const struct hostile_request *r = hostile_http_request(carrier, i);

        if (r->status == 429)
            asked_ms = r->time_ms;
        else if (asked_ms > 0 && r->time_ms < asked_ms + WAIT_MS)
            meanwhile++;
    }
    assert_true(asked_ms > 0);
    if (meanwhile > MOST)
        fail_msg("%u requests in the pause", meanwhile);
    end();
}

#define LONGER_MS 5000

/* Of two requests that are out together one is to wait for a second, the other for longer. That
 * holds for the process that is started then, too. */
static void a_sender_asked_to_wait_waits_in_a_process_that_starts(void **state)
{
    const struct hostile_step steps[] = {
        {.act = HOSTILE_REPLY, .status = 429, .headers = "Retry-After: 1\r\n", .body = "slower"},
        {.act = HOSTILE_REPLY, .status = 429, .headers = "Retry-After: 5\r\n", .body = "slower"}};
    const struct send_rig_message as = {.count = 2, .retries = 1, .retry_ms = 1000};
    int64_t asked_ms;
    char rest[16];

    (void)state;
    start(NULL);
    hostile_http_script(carrier, steps, 2);
    (void)send_rig_post_as(&rig, &as);
    send_rig_run(&rig, 0, NULL);
    send_rig_await_log(&rig, "wait_ms=5000", 1, rest, sizeof rest);
    asked_ms = hostile_http_request(carrier, 0)->time_ms;
    send_rig_run(&rig, 1, NULL);
    (void)send_rig_post(&rig, 100, 0);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    for (size_t i = 2; i < hostile_http_count(carrier); i++)
        if (hostile_http_request(carrier, i)->time_ms < asked_ms + LONGER_MS)
            fail_msg("request %zu is out in the pause", i);
    end();
}

static bool is_of_small(size_t request)
{
    return !view_starts(
        hostile_request_header(hostile_http_request(carrier, request), "Idempotency-Key"),
        view_of(rig.messages[0].id));
}

static bool small_one_is_over(struct send_rig *r)
{
    return r->messages[1].completed;
}

/* No stall of this machine's makes the holder of the large one look dead (its lease half over). */
#define LEASE "20s"

/* Alone the small one would take as many requests as it has destinations (D8), from its first on.
 * Of two processes, which both could have taken of the large one, it is the first one's. */
static void small_one_shares(const char *channel, size_t gone, unsigned processes, size_t count)
{
    char rest[16];
    size_t before;
    size_t small = 0;
    size_t all = 0;
    char path[64];

    start(channel);
    (void)send_rig_post_as(&rig, &(struct send_rig_message){.count = SEND_RIG_DEST_MAX});
    if (processes > 1)
        assert_int_equal(setenv("CMIBRIDGE_SCHEDULE_LEASE", LEASE, 1), 0);
    for (unsigned i = 0; i < processes; i++)
        send_rig_run(&rig, i, NULL);
    assert_int_equal(unsetenv("CMIBRIDGE_SCHEDULE_LEASE"), 0);
    send_rig_await_log(&rig, "event=started", processes, rest, sizeof rest);
    send_rig_until_lines(&rig, gone); /* what a claim can take of it, is taken */
    if (processes > 1)
        stop(1);
    before = hostile_http_count(carrier);
    (void)send_rig_post_as(&rig, &(struct send_rig_message){.count = count});
    if (processes > 1) {
        while (!is_of_small(hostile_http_count(carrier) - 1))
            send_rig_look(&rig);
        assert_int_equal(kill(rig.schedule[1], SIGCONT), 0);
    }
    send_rig_until_outcomes(&rig, small_one_is_over);
    while (!is_of_small(before)) /* by when it is claimed is this machine's disk's */
        before++;
    for (size_t i = before; small < count; i++, all++)
        small += is_of_small(i);
    print_message("%zu requests until %zu of a small one were out\n", all, small);
    assert_true(all <= 3 * count);
    (void)snprintf(path, sizeof path, "/messages/%s", rig.messages[0].id);
    serve_expect(&rig.serve, "DELETE", path, "", NULL, 204, NULL);
    send_rig_until_ended(&rig);
    send_rig_end(&rig, 0);
    if (processes > 1)
        send_rig_end(&rig, 1);
    send_rig_done(&rig);
    hostile_http_stop(carrier);
}

/* Slow: a slice takes longer than a lease. */
static void a_small_message_shares_a_slow_sender_with_a_large_one(void **state)
{
    (void)state;
    small_one_shares("rate: 30, burst: 10", 40, 1, 40);
}

static void a_small_message_shares_a_slow_sender_over_two_processes(void **state)
{
    (void)state;
    small_one_shares("rate: 30, burst: 10", 40, 2, 40);
}

/* Fast: its process has several slices of the large one. */
static void a_small_message_shares_a_fast_sender_with_a_large_one(void **state)
{
    (void)state;
    small_one_shares("rate: 1000, burst: 10", 500, 1, 200);
}

static void a_small_message_shares_a_sender_over_two_processes(void **state)
{
    (void)state;
    small_one_shares("rate: 200, burst: 10", 300, 2, 300);
}

#define QUEUES 500 /* more than a claim can name */

/* Each has a rate of its own; messages of two of them. */
static void a_sender_among_many_sends(void **state)
{
    static char queues[QUEUES * 128];
    size_t n = 0;

    (void)state;
    for (int i = 0; i < QUEUES; i++)
        n += (size_t)snprintf(queues + n, sizeof queues - n,
                              "    q%d: {id: f%031d, channel: sms, name: Q, via: out, "
                              "address: '%d@sms.example.com'}\n",
                              i, i, i);
    carrier = hostile_http_start();
    send_rig_start_as(&rig, &(struct send_rig_options){
                                .carrier = carrier, .channel = "rate: 1000", .more = queues});
    send_rig_run(&rig, 0, NULL);
    send_rig_run(&rig, 1, NULL);
    (void)send_rig_post(&rig, 300, 0);
    (void)send_rig_post_whatsapp(&rig, 30, 0);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_processes_share_one_rate_in_message_parts),
        cmocka_unit_test(one_recipient_hears_from_us_no_more_often_than_allowed),
        cmocka_unit_test(a_sender_asked_to_wait_waits_in_both_processes),
        cmocka_unit_test(a_sender_asked_to_wait_waits_in_a_process_that_starts),
        cmocka_unit_test(a_small_message_shares_a_slow_sender_with_a_large_one),
        cmocka_unit_test(a_small_message_shares_a_slow_sender_over_two_processes),
        cmocka_unit_test(a_small_message_shares_a_fast_sender_with_a_large_one),
        cmocka_unit_test(a_small_message_shares_a_sender_over_two_processes),
        cmocka_unit_test(a_sender_among_many_sends),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
