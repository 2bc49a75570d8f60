/*
 * Whom a campaign has not reached, and why: `cmibridge campaign missed` after a real schedule, a
 * gateway that refuses some, and a receipt that says of one that it was lost on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/receipt_rig.h"
#include "tests/fakes/send_rig.h"
#include "tests/fakes/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define COUNT  5

static struct send_rig rig; /* too much for the stack */

/* In the order of the requests: each once, then those that may be tried again. */
enum { TAKEN, REFUSED, BUSY, LOST, BUSY_TOO, BUSY_AGAIN, TAKEN_AT_LAST, REQUESTS };

static const struct hostile_step steps[REQUESTS] = {
    [TAKEN] = {.act = HOSTILE_REPLY, .status = 200, .body = "{\"id\":\"g-1\"}"},
    [REFUSED] = {.act = HOSTILE_REPLY, .status = 400, .body = "no such number"},
    [BUSY] = {.act = HOSTILE_REPLY, .status = 503, .body = "busy"},
    [LOST] = {.act = HOSTILE_REPLY, .status = 200, .body = "{\"id\":\"g-4\"}"},
    [BUSY_TOO] = {.act = HOSTILE_REPLY, .status = 503, .body = "busy"},
    [BUSY_AGAIN] = {.act = HOSTILE_REPLY, .status = 503, .body = "still busy"},
    [TAKEN_AT_LAST] = {.act = HOSTILE_REPLY, .status = 200, .body = "{\"id\":\"g-7\"}"},
};

static void report_lost(size_t destination)
{
    char body[256];

    (void)snprintf(body, sizeof body,
                   "{\"id\":\"%s-%zu\",\"status\":\"failed\",\"reason\":\"absent subscriber\"}",
                   rig.messages[0].id, destination);
    assert_int_equal(receipt_rig_hook(&rig.serve, "out", SECRET, "r-1", body, (int64_t)time(NULL)),
                     200);
}

static void expect_missed(const char *lines)
{
    char command[512];
    struct buf said;

    buf_init(&said, 65536);
    (void)snprintf(command, sizeof command, "'%s' campaign missed --config '%s' %s",
                   getenv("CMIBRIDGE_BIN"), rig.config, rig.messages[0].id);
    assert_int_equal(shell_run(command, &said), 0);
    assert_string_equal(buf_text(&said), lines);
    buf_done(&said);
}

static void missed_says_of_each_how_often_it_was_tried_and_why_it_failed(void **state)
{
    struct hostile_http *carrier = hostile_http_start();
    size_t at[REQUESTS]; /* the destination of each request */
    struct buf lines;

    (void)state;
    hostile_http_script(carrier, steps, REQUESTS);
    send_rig_start_as(&rig,
                      &(struct send_rig_options){
                          .carrier = carrier,
                          .timeout = "10s",
                          .serve = "channels.out: {type: webhook, url: 'http://127.0.0.1:9',\n"
                                   "  signing_secret: " SECRET "}\nchats.queues.sms.via: out\n"});
    (void)send_rig_post_as(&rig,
                           &(struct send_rig_message){
                               .count = COUNT, .due_in_ms = 300, .retries = 1, .retry_ms = 1000});
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    send_rig_check_ended(&rig);
    assert_int_equal(hostile_http_count(carrier), REQUESTS);
    for (size_t i = 0; i < REQUESTS; i++)
        at[i] = send_rig_destination(&rig, hostile_http_request(carrier, i));
    report_lost(at[LOST]);

    buf_init(&lines, 4096);
    buf_put_text(&lines, "address,status,attempts,reason,provider_id\r\n");
    for (size_t d = 0; d < COUNT; d++) { /* nobody who was reached */
        const char *rest = d == at[REFUSED]      ? "1,\"400: no such number\",\"\""
                           : d == at[BUSY_AGAIN] ? "2,\"503: still busy\",\"\""
                           : d == at[LOST]       ? "1,\"absent subscriber\",\"g-4\""
                                                 : NULL;

        if (rest != NULL)
            buf_printf(&lines, "\"+35840%02d%04zu\",FAILED,%s\r\n", 0, 1000 + d, rest);
    }
    expect_missed(buf_text(&lines));
    buf_done(&lines);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(carrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missed_says_of_each_how_often_it_was_tried_and_why_it_failed),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
