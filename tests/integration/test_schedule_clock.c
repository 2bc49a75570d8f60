/*
 * cmibridge schedule and serve, and clocks that jump. Redis' is the one that counts: hours begin by
 * it, also on the two days on which clocks change, and it says what now is; their own wall clocks
 * may jump as they like (D5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "tests/fakes/clock_shift.h"
#include "tests/fakes/send_rig.h"

#include <inttypes.h>
#include <stdio.h>

#define HOUR_MS  INT64_C(3600000)
#define DELAY_MS 60000
#define RETRY_MS 300000

static struct send_rig rig; /* too much for the stack */

/* All of it, Redis too, lives then. */
static void live_at(int64_t then_ms)
{
    rig.clock_ms = then_ms - send_rig_wall_ms();
    clock_shift_set(rig.clock_ms);
}

/* Due an hour before its sender's hours begin, it waits for them; it leaves when they have begun.
 */
static void hours_begin(const char *open)
{
    struct fault f = {0};
    int64_t open_ms;

    assert_true(datetime_parse(view_of(open), &open_ms, &f));
    clock_shift_begin();
    live_at(open_ms - HOUR_MS);
    send_rig_start_as(
        &rig, &(struct send_rig_options){.channel = "hours: '03:30-05:00', zone: Europe/Helsinki"});
    live_at(open_ms - HOUR_MS);
    (void)send_rig_post(&rig, 100, 0);
    send_rig_run(&rig, 0, NULL);
    clock_shift_end();
    assert_true(send_rig_until_parked(&rig, 0) == open_ms);
    send_rig_look(&rig);
    assert_int_equal(rig.lines, 0);
    live_at(open_ms - 1500);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    if (rig.first_line_ms < open_ms)
        fail_msg("it has left %d ms before %s", (int)(open_ms - rig.first_line_ms), open);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    clock_shift_done();
}

static void hours_begin_when_clocks_go_forward(void **state)
{
    (void)state;
    hours_begin("2026-03-29T01:00:00Z"); /* there is no 03:30: at 04:00 */
}

static void hours_begin_once_when_clocks_go_back(void **state)
{
    (void)state;
    hours_begin("2026-10-25T00:30:00Z"); /* the first of two */
}

static void a_wall_clock_that_jumps_changes_nothing(void **state)
{
    (void)state;
    send_rig_start(&rig, 20);
    clock_shift_begin();
    send_rig_run(&rig, 0, NULL);
    clock_shift_end();
    (void)send_rig_post(&rig, 300, 300);
    (void)send_rig_post(&rig, 50, 2500);
    send_rig_until_lines(&rig, 50);
    clock_shift_set(HOUR_MS); /* the second one must not think that its time has come */
    send_rig_until_lines(&rig, 150);
    clock_shift_set(-HOUR_MS);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(rig.lines, 350);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    clock_shift_done();
}

/* Redis' clock jumps in the middle of a campaign: leases end at once, or last an hour longer. What
 * is out then counts as after a death; nothing is lost, and what is due later waits for its time.
 */
static void redis_jumps(int64_t by_ms)
{
    struct hostile_http *gateway = hostile_http_start(); /* its clock does not jump */

    clock_shift_begin();
    send_rig_start_as(
        &rig, &(struct send_rig_options){.carrier = gateway, .channel = "rate: 200, burst: 10"});
    send_rig_gateway(&rig, (unsigned)hostile_http_port(gateway), "{}");
    clock_shift_end();
    send_rig_run(&rig, 0, NULL);
    send_rig_run(&rig, 1, NULL);
    (void)send_rig_post(&rig, 300, 0);
    send_rig_until_lines(&rig, 50);
    clock_shift_set(by_ms);
    rig.clock_ms = by_ms;
    if (by_ms < 0)
        rig.messages[0].send_ms += by_ms; /* its time had come before */
    rig.deaths++;
    send_rig_until_lines(&rig, 150);
    (void)send_rig_post(&rig, 20, 1500);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    send_rig_done(&rig);
    clock_shift_done();
    hostile_http_stop(gateway);
}

static void a_redis_whose_clock_jumps_ahead_loses_nothing(void **state)
{
    (void)state;
    redis_jumps(HOUR_MS);
}

static void a_redis_whose_clock_falls_back_loses_nothing(void **state)
{
    (void)state;
    redis_jumps(-HOUR_MS);
}

/* ---- serve's clock ---- */

static void at_is(const char *id, const char *field, int64_t from_ms, int64_t to_ms)
{
    char command[128];
    int64_t at = 0;

    (void)snprintf(command, sizeof command, "HGET s:{%02u}:m:%s %s", shard_of(view_of(id)), id,
                   field);
    assert_true(num_int(view_of(redis_server_ask(rig.serve.redis, command)), &at));
    if (at < from_ms || at > to_ms)
        fail_msg("%s is %" PRId64 " ms after now", field, at - from_ms);
}

#define MESSAGE                                                                                    \
    "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","        \
    "\"destinations\":[{\"address\":\"+358401\"}]}"

#define CHAT                                                                                       \
    "{\"originator\":\"d\",\"destination\":\"+358401\",\"from_queue\":{\"id\":"                    \
    "\"A0000000000000000000000000000001\",\"name\":\"x\"},\"title\":\"\",\"channel_type\":"        \
    "\"chatout\",\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":["                      \
    "{\"message\":\"m\",\"originator\":\"d\"}]}}"

/* What is due now, or so long after now, is by Redis' clock; so is whether a time has passed. */
static void due_by_redis(int64_t off_ms)
{
    char message[33];
    char callback[33];
    char chat[33];
    char line[GUID_TEXT_MAX];
    char path[64];
    int64_t before;

    clock_shift_set(off_ms);
    before = send_rig_wall_ms();
    serve_create(&rig.serve, "/messages", "", MESSAGE, message);
    serve_create(&rig.serve, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+358401\"}", callback);
    at_is(message, "at", before, send_rig_wall_ms());
    at_is(callback, "at", before + DELAY_MS, send_rig_wall_ms() + DELAY_MS);
    at_is(callback, "next", before + DELAY_MS, send_rig_wall_ms() + DELAY_MS);
    (void)snprintf(path, sizeof path, "/callbacks/%s", callback);
    serve_expect(&rig.serve, "PUT", path, "",
                 "{\"customerNumber\":\"+358401\",\"notes\":\"\",\"lastResult\":\"RESCHEDULE\"}",
                 204, ""); /* its time is still to come, and stays */
    at_is(callback, "next", before + DELAY_MS, send_rig_wall_ms() + DELAY_MS);
    before = send_rig_wall_ms();
    serve_create(&rig.serve, "/chats", "", CHAT, chat);
    serve_chat_line(chat, 0, line);
    at_is(line, "at", before, send_rig_wall_ms());

    before = send_rig_wall_ms();
    (void)snprintf(path, sizeof path, "/messages/%s", message);
    serve_expect(&rig.serve, "PUT", path, "", MESSAGE, 204, "");
    at_is(message, "at", before, send_rig_wall_ms());
    (void)snprintf(path, sizeof path, "/callbacks/%s", callback);
    serve_expect(&rig.serve, "PUT", path, "",
                 "{\"customerNumber\":\"+358401\",\"notes\":\"\",\"lastResult\":\"BUSY\"}", 204,
                 "");
    at_is(callback, "at", before + RETRY_MS, send_rig_wall_ms() + RETRY_MS);
    at_is(callback, "next", before + RETRY_MS, send_rig_wall_ms() + RETRY_MS);
}

static void what_is_due_now_does_not_wait_for_serve_s_clock(void **state)
{
    (void)state;
    send_rig_start_as(
        &rig, &(struct send_rig_options){
                  .serve = "channels.gate: {type: webhook, url: 'http://127.0.0.1:9'}\n"
                           "chats.queues.desk: {id: A0000000000000000000000000000001, name: Desk,\n"
                           "  address: desk@sms.example.com, channel: sms, via: gate}\n"});
    serve_rig_stop(&rig.serve);
    clock_shift_begin();
    serve_rig_restart(&rig.serve);
    clock_shift_end();
    due_by_redis(HOUR_MS);
    due_by_redis(-HOUR_MS);
    send_rig_done(&rig);
    clock_shift_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_begin_when_clocks_go_forward),
        cmocka_unit_test(hours_begin_once_when_clocks_go_back),
        cmocka_unit_test(a_wall_clock_that_jumps_changes_nothing),
        cmocka_unit_test(a_redis_whose_clock_jumps_ahead_loses_nothing),
        cmocka_unit_test(a_redis_whose_clock_falls_back_loses_nothing),
        cmocka_unit_test(what_is_due_now_does_not_wait_for_serve_s_clock),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
