/* serve: a dialler's report of a call, against the real binary on a real Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/io/crypto.h"
#include "tests/fakes/clock_shift.h"
#include "tests/fakes/receipt_rig.h"

#include <stdio.h>
#include <time.h>

#define KEY_TEXT "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define COMMAND  1024
#define RETRY_MS 300000 /* callbacks.retry_delay */

static struct serve_rig rig;

static int start(void **state)
{
    (void)state;
    crypto_init();
    serve_rig_start(&rig, "callbacks.dialler: {type: webhook, url: 'http://127.0.0.1:9',\n"
                          "  signing_secret: " KEY_TEXT "}\n");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    serve_rig_done(&rig);
    return 0;
}

static int64_t now_s(void)
{
    return (int64_t)time(NULL);
}

static int hook(const char *event, const char *body, int64_t at_s)
{
    return receipt_rig_hook(&rig, "dialler", KEY_TEXT, event, body, at_s);
}

/* A callback whose call of that number is under way. */
static void begin_call(const char *id, int calls)
{
    static const uint8_t holder[SLICE_HOLDER_BYTES] = "a dialler";
    char command[COMMAND];
    struct slice s;

    assert_true(slice_read(&s, VIEW_NONE, 1));
    slice_claim(&s, holder);
    slice_hand_over(&s, 1);
    receipt_rig_slice(&rig, id, &s);
    snprintf(command, sizeof command, "HSET s:{%02u}:m:%s calls %d", shard_of(view_of(id)), id,
             calls);
    assert_true(redis_server_ask(rig.redis, command)[0] == ':');
}

static int report(const char *event, const char *id, int attempt, const char *result)
{
    char body[512];

    snprintf(body, sizeof body, "{\"callbackId\":\"%s\",\"attempt\":%d,\"result\":\"%s\"}", id,
             attempt, result);
    return hook(event, body, now_s());
}

static void expect_callback(const char *id, const char *result, int failures)
{
    char path[64];
    char text[64];

    snprintf(path, sizeof path, "/callbacks/%s", id);
    snprintf(text, sizeof text, "\"lastResult\":\"%s\"", result);
    serve_holds(&rig, path, text);
    snprintf(text, sizeof text, "\"failures\":%d", failures);
    serve_holds(&rig, path, text);
}

static void a_dialler_s_report_ends_the_call_once(void **state)
{
    char id[33];
    char command[COMMAND];

    (void)state;
    serve_create(&rig, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\"}", id);
    assert_int_equal(report("call-0", id, 1, "BUSY"), 200); /* none was made yet */
    expect_callback(id, "ADDED", 0);
    begin_call(id, 1);
    assert_int_equal(report("call-1", id, 2, "BUSY"), 200); /* nor this one */
    expect_callback(id, "ADDED", 0);
    assert_int_equal(report("call-2", id, 1, "BUSY"), 200);
    expect_callback(id, "BUSY", 1);
    snprintf(command, sizeof command, "ZCARD s:{%02u}:q:%s", shard_of(view_of(id)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), ":1"); /* its next call waits */
    assert_int_equal(report("call-2", id, 1, "BUSY"), 200);
    assert_int_equal(report("call-3", id, 1, "NO_ANSWER"), 200); /* it has its result */
    expect_callback(id, "BUSY", 1);
    begin_call(id, 2);
    assert_int_equal(report("call-4", id, 1, "NO_ANSWER"), 200); /* late, of the first */
    expect_callback(id, "BUSY", 1);
    snprintf(command, sizeof command, "HSET s:{%02u}:m:%s rq '4102444800000 a dialler       '",
             shard_of(view_of(id)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), ":1"); /* its request is out still */
    assert_int_equal(report("call-8", id, 2, "NO_ANSWER"), 200);
    expect_callback(id, "NO_ANSWER", 2);
    snprintf(command, sizeof command, "ZSCORE s:{%02u}:dial %s", shard_of(view_of(id)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), "4102444800000");
    begin_call(id, 3);
    assert_int_equal(report("call-5", id, 3, "SUCCESSFUL"), 200);
    expect_callback(id, "SUCCESSFUL", 2);
    serve_lacks(&rig, "/callbacks", id);
    assert_int_equal(report("call-6", id, 3, "BUSY"), 200); /* closed */
    expect_callback(id, "SUCCESSFUL", 2);
    assert_int_equal(hook("call-7", "{}", now_s()), 400);
    assert_int_equal(receipt_rig_ask(&rig, "POST", "/receipts/dialler", "", "{}"), 401);
    snprintf(command, sizeof command,
             "EVAL \"local n=0 for _,e in ipairs(redis.call('XRANGE',KEYS[1],'-','+')) do if "
             "e[2][4]==ARGV[1] then n=n+1 end end return n\" 1 s:{%02u}:out %s",
             shard_of(view_of(id)), id);
    assert_string_equal(redis_server_ask(rig.redis, command), ":3"); /* told three times in all */
}

/* Not of requests that brought no call: those are not counted. */
static void a_time_that_is_wished_for_too_often_is_a_failure(void **state)
{
    char id[33];
    char body[512];
    char command[COMMAND];

    (void)state;
    serve_create(&rig, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852157\"}", id);
    for (int i = 0; i < 2; i++) {
        begin_call(id, 100 + i);
        snprintf(body, sizeof body,
                 "{\"callbackId\":\"%s\",\"attempt\":%d,\"result\":\"CUSTOM_TIME\","
                 "\"nextCallTime\":\"2040-01-01T00:00:00.000Z\"}",
                 id, 100 + i);
        assert_int_equal(hook(i == 0 ? "wish-1" : "wish-2", body, now_s()), 200);
        expect_callback(id, i == 0 ? "CUSTOM_TIME" : "OTHER", i);
        snprintf(command, sizeof command, "HSET s:{%02u}:m:%s wishes 60", shard_of(view_of(id)),
                 id);
        (void)redis_server_ask(rig.redis, command);
    }
}

static int64_t next_call_ms(const char *id)
{
    char command[COMMAND];
    int64_t ms = 0;

    snprintf(command, sizeof command, "HGET s:{%02u}:m:%s next", shard_of(view_of(id)), id);
    assert_true(num_int(view_of(redis_server_ask(rig.redis, command)), &ms));
    return ms;
}

/* Whatever the clock of who takes the report says. */
static void a_next_call_is_so_long_after_the_last_by_redis_clock(void **state)
{
    static const int64_t hour_s = 3600;
    char id[33];
    char body[512];
    char event[16];

    (void)state;
    serve_create(&rig, "/callbacks", "",
                 "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35854852156\"}", id);
    serve_rig_stop(&rig);
    clock_shift_begin();
    serve_rig_restart(&rig);
    clock_shift_end();
    for (int i = 0; i < 2; i++) {
        int64_t off_s = i == 0 ? hour_s : -hour_s;
        int64_t before_ms = now_s() * 1000;

        begin_call(id, i + 1);
        clock_shift_set(off_s * 1000);
        snprintf(event, sizeof event, "clock-%d", i);
        snprintf(body, sizeof body, "{\"callbackId\":\"%s\",\"attempt\":%d,\"result\":\"BUSY\"}",
                 id, i + 1);
        assert_int_equal(hook(event, body, now_s() + off_s), 200);
        assert_in_range(next_call_ms(id), before_ms + RETRY_MS, (now_s() + 1) * 1000 + RETRY_MS);
    }
    serve_rig_stop(&rig);
    clock_shift_done();
    serve_rig_restart(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dialler_s_report_ends_the_call_once),
        cmocka_unit_test(a_time_that_is_wished_for_too_often_is_a_failure),
        cmocka_unit_test(a_next_call_is_so_long_after_the_last_by_redis_clock),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
