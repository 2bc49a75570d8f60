/* What stops sending: a consent that is withdrawn while a message is out; a gateway that knows us
 * no more, for all processes until it works again. `cmibridge schedule` as its users run it, on a
 * real Redis and Kafka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "tests/fakes/hostile_http.h"
#include "tests/fakes/send_rig.h"
#include "tests/fakes/shell.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS 1000 /* the carrier's */

static struct send_rig rig; /* too much for the stack */

static bool is_withdrawn(struct send_rig *r)
{
    return r->withdrawals > 0;
}

static void withdraw(const char *address)
{
    char body[128];

    (void)snprintf(body, sizeof body,
                   "{\"address\":\"%s\",\"usage\":\"whatsapp\",\"consent\":false}", address);
    serve_expect(&rig.serve, "POST", "/customerConsents", "", body, 204, "");
}

/* What was out is listed; what was not, is not sent; what has ended is listed no more. */
static void a_withdrawn_consent_lists_what_had_been_handed_over(void **state)
{
    char expected[256];

    (void)state;
    send_rig_start(&rig, ANSWER_MS);
    (void)send_rig_post_whatsapp(&rig, 1, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_lines(&rig, 1); /* the carrier has it, and has not answered */
    withdraw("+35840001000");
    send_rig_until_outcomes(&rig, is_withdrawn);
    (void)snprintf(expected, sizeof expected,
                   "{\"usage\":\"whatsapp\",\"address\":\"+35840001000\",\"destinations\":"
                   "[{\"message\":\"%s\",\"destination\":0}]}",
                   rig.messages[0].id);
    assert_memory_equal(rig.overtaken, expected, strlen(expected));
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].handled, 1);

    serve_expect(&rig.serve, "DELETE", "/customerConsents/whatsapp_35840001000", "", NULL, 204, "");
    withdraw("+35840001000"); /* nothing is out */
    withdraw("+35840011000");
    (void)send_rig_post_whatsapp(&rig, 1, 0);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[1].handled, 0);
    assert_int_equal(rig.withdrawals, 1);
    send_rig_until_lines(&rig, 1);
    assert_int_equal(rig.lines, 1);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

/* It is in the store that the channel is stopped: who has said so may sleep now. */
static void await_gate(void)
{
    char command[64];
    int looks = 0;

    (void)snprintf(command, sizeof command, "EXISTS s:{%02u}:gate:channel:out",
                   shard_of(VIEW("channel:out")));
    while (strcmp(redis_server_ask(rig.serve.redis, command), ":1") != 0)
        assert_true(looks++ < 100000);
}

/* Whoever asks for the message is told what stands in its way. */
static void expect_shown(const char *id, const char *options, const char *line)
{
    char command[512];
    struct buf said;

    buf_init(&said, 65536);
    (void)snprintf(command, sizeof command, "'%s' campaign show %s --config '%s' %s",
                   getenv("CMIBRIDGE_BIN"), options, rig.config, id);
    assert_int_equal(shell_run(command, &said), 0);
    if (strstr(buf_text(&said), line) == NULL)
        fail_msg("\"%s\" is not in what campaign shows: %s", line, buf_text(&said));
    buf_done(&said);
}

/* One process hears 401 and sleeps. The other, that never heard it, does not send its fifty
 * messages into the same: it tries with one at a time, and sends all of them once one is taken. */
static void a_gateway_that_stops_is_stopped_for_all_processes(void **state)
{
    struct hostile_http *gateway = hostile_http_start();
    char rest[128];
    size_t refused;

    (void)state;
    hostile_http_default(gateway, (struct hostile_step){HOSTILE_REPLY, 401, NULL, "{}", 0});
    send_rig_start(&rig, 0);
    send_rig_gateway(&rig, (unsigned)hostile_http_port(gateway), "{open_min: 2s, open_max: 2s}");
    (void)send_rig_post(&rig, 1, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_await_log(&rig, "state=stopped", 1, rest, sizeof rest);
    await_gate();
    assert_int_equal(kill(rig.schedule[0], SIGSTOP), 0);
    expect_shown(rig.messages[0].id, "", "\nchannel        out is stopped: ");
    expect_shown(rig.messages[0].id, "", "\n  tried again  20");
    expect_shown(rig.messages[0].id, "--json",
                 "\"channelStopped\":\"out\",\"channelStoppedWhy\":\"");
    (void)send_rig_post(&rig, 50, 0);
    send_rig_run(&rig, 1, NULL);
    send_rig_await_log(&rig, "state=stopped", 2, rest, sizeof rest);
    send_rig_expect_ready(&rig, 2, 503, "channel out is stopped: ");
    hostile_http_wait(gateway, 2); /* a probe */
    hostile_http_default(gateway, (struct hostile_step){HOSTILE_REPLY, 200,
                                                        "Content-Type: application/json\r\n",
                                                        "{\"id\":\"g\"}", 0});
    send_rig_await_log(&rig, "state=closed", 1, rest, sizeof rest);
    assert_int_equal(kill(rig.schedule[0], SIGCONT), 0);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].handled, 1); /* no attempt was used up by it */
    assert_int_equal(rig.messages[1].handled, 50);
    refused = hostile_http_count(gateway) - 51;
    if (refused < 2 || refused >= SEND_RIG_CONCURRENCY)
        fail_msg("%zu requests were refused", refused);
    send_rig_await_log(&rig, "state=closed", 2, rest, sizeof rest); /* the first one knows, too */
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    send_rig_done(&rig);
    hostile_http_stop(gateway);
}

/* It may be for their own sake that some are refused: whoever has stopped it is not what tries it
 * again and again, while others wait. */
static void a_stopped_gateway_is_tried_with_another_each_time(void **state)
{
    struct hostile_http *gateway = hostile_http_start();
    const struct hostile_step taken = {HOSTILE_CMI, 0, NULL, NULL, 0};
    unsigned seen[50] = {0};
    char rest[128];
    size_t refused;

    (void)state;
    hostile_http_default(gateway, (struct hostile_step){HOSTILE_REPLY, 401, NULL, "{}", 0});
    send_rig_start_as(&rig, &(struct send_rig_options){.carrier = gateway});
    send_rig_gateway(&rig, (unsigned)hostile_http_port(gateway), "{open_min: 2s, open_max: 2s}");
    (void)send_rig_post(&rig, 50, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_await_log(&rig, "state=stopped", 1, rest, sizeof rest);
    hostile_http_wait(gateway, hostile_http_count(gateway) + 4); /* they try it, one by one */
    hostile_http_default(gateway, taken);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].handled, 50);
    refused = hostile_http_count(gateway) - 50;
    assert_in_range(refused, 4, 49);
    for (size_t i = 0; i < refused; i++)
        seen[send_rig_destination(&rig, hostile_http_request(gateway, i))]++;
    for (size_t i = 0; i < 50; i++)
        assert_in_range(seen[i], 0, 1);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(gateway);
}

/* In the middle of a campaign nothing of ours is welcome any more. Two refusals may be about their
 * recipients; the third one in a row is not, and from there on nothing is lost to it. */
static void three_403_in_a_row_stop_a_campaign_until_one_is_taken(void **state)
{
    struct hostile_http *gateway = hostile_http_start();
    const struct hostile_step taken = {HOSTILE_CMI, 0, NULL, NULL, 0};
    char rest[128];
    size_t before;

    (void)state;
    send_rig_start_as(
        &rig, &(struct send_rig_options){.carrier = gateway, .channel = "rate: 200, burst: 10"});
    send_rig_gateway(&rig, (unsigned)hostile_http_port(gateway), "{open_min: 1s, open_max: 1s}");
    (void)send_rig_post(&rig, 400, 0);
    send_rig_run(&rig, 0, NULL);
    hostile_http_wait(gateway, 50);
    hostile_http_default(gateway, (struct hostile_step){HOSTILE_REPLY, 403, NULL, "{}", 0});
    send_rig_await_log(&rig, "state=stopped", 1, rest, sizeof rest);
    before = hostile_http_count(gateway);
    hostile_http_wait(gateway, before + 2); /* it tries, and stays stopped */
    send_rig_expect_ready(&rig, 1, 503, "channel out is stopped: ");
    hostile_http_default(gateway, taken);
    send_rig_until_ended(&rig);
    send_rig_check_ended(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(rig.messages[0].failed, 2);
    assert_int_equal(rig.messages[0].handled, 398);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(gateway);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_withdrawn_consent_lists_what_had_been_handed_over),
        cmocka_unit_test(a_gateway_that_stops_is_stopped_for_all_processes),
        cmocka_unit_test(a_stopped_gateway_is_tried_with_another_each_time),
        cmocka_unit_test(three_403_in_a_row_stop_a_campaign_until_one_is_taken),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
