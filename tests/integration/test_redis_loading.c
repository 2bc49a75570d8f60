/*
 * A Redis that has come back and still loads its data (LOADING): nothing is taken, handed over or
 * lost, /readyz says what is waited for, and all goes on once it has loaded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/num.h"
#include "tests/fakes/send_rig.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MS 20
#define STILL    "it is still loading its data\n"
/* It answers after each 1024 keys, so within the rig's 2 s; all of them would take 20 s. */
#define FILL "EVAL \"for i = 1, 40000 do redis.call('SET', 'pad:' .. i, i) end return 1\" 0"

static const char *const slowly[] = {"--key-load-delay", "500", NULL}; /* us */

static struct send_rig rig; /* too much for the stack */

/* Until /readyz is so, and has the text. */
static void await_ready(unsigned admin_port, int status, const char *text)
{
    for (int i = 0;; i++) {
        struct probe_reply r = probe_ask(admin_port, "GET", "/readyz", "", NULL);
        bool there = r.status == status && strstr(r.body.p, text) != NULL;

        if (!there && i == PROBE_PATIENCE_MS / PAUSE_MS)
            fail_msg("/readyz is %d: %s", r.status, r.body.p);
        probe_done(&r);
        if (there)
            return;
        poll(NULL, 0, PAUSE_MS);
    }
}

/* Of the nth schedule that was started. */
static unsigned port_of(unsigned nth)
{
    char text[16];
    int64_t n = 0;

    send_rig_await_log(&rig, "admin_port=", nth, text, sizeof text);
    assert_true(num_in((struct view){text, strspn(text, "0123456789")}, 1, 65535, &n));
    return (unsigned)n;
}

static void expect_refused(void)
{
    struct probe_reply r = serve_ask(&rig.serve, "POST", "/messages", "",
                                     "{\"message\":\"m\",\"source\":\"12345678@sms.social365.com\","
                                     "\"subType\":\"sms\",\"destinations\":[{\"address\":\"1\"}]}");

    assert_int_equal(r.status, 503);
    assert_string_not_equal(probe_header(&r, "Retry-After"), "");
    probe_done(&r);
}

static void what_redis_still_loads_is_waited_for(void **state)
{
    struct redis_server *redis;

    (void)state;
    send_rig_start(&rig, 0);
    redis = rig.serve.redis;
    assert_string_equal(redis_server_ask(redis, FILL), ":1");
    send_rig_run(&rig, 0, NULL);
    (void)send_rig_post(&rig, 10, 0);
    send_rig_until_ended(&rig);
    (void)send_rig_post(&rig, 10, 4000); /* it becomes due meanwhile */

    redis->extra = slowly;
    redis_server_restart_loading(redis);
    send_rig_run(&rig, 1, NULL); /* and one that finds it so */
    await_ready(rig.serve.admin_port, 503, STILL);
    await_ready(port_of(1), 503, STILL);
    await_ready(port_of(2), 503, STILL);
    expect_refused();
    assert_string_equal(redis_server_ask(redis, "PING"),
                        "-LOADING Redis is loading the dataset in memory");

    assert_string_equal(redis_server_ask(redis, "CONFIG SET key-load-delay 0"), "+OK");
    await_ready(rig.serve.admin_port, 200, "");
    (void)send_rig_post(&rig, 10, 0);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(rig.lines, 30);
    await_ready(port_of(1), 200, "");
    await_ready(port_of(2), 200, "");
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    send_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_redis_still_loads_is_waited_for),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
