/*
 * What cmibridge schedule takes over at a SIGHUP, and from when on: schedule.valid_for and the
 * breaker's limits. The process goes on; what waits for a restart is named, and stays as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "standalone/file.h"
#include "tests/fakes/send_rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LOG_MAX (1u << 20)
#define QUICK   "open_min: 50ms, open_max: 200ms"

static struct send_rig rig; /* too much for the stack */

static void end(void)
{
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

/* The rig's options, and this breaker, in the process that runs. */
static void reload(const char *breaker, unsigned times)
{
    char rest[128];

    send_rig_gateway(&rig, rig.gateway_port, breaker);
    assert_int_equal(kill(rig.schedule[0], SIGHUP), 0);
    send_rig_await_log(&rig, "event=reloaded", times, rest, sizeof rest);
}

static void expect_changed(const char *setting)
{
    char rest[128];

    send_rig_await_log(&rig, "event=setting_changed setting=", 1, rest, sizeof rest);
    if (strncmp(rest, setting, strlen(setting)) != 0)
        fail_msg("what changed is %.40s, not %s", rest, setting);
}

static void valid_for_holds_from_the_reload_on(void **state)
{
    (void)state;
    send_rig_start(&rig, 0);
    (void)send_rig_post(&rig, 10, -60000);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[0].handled, 10);

    rig.options.schedule = "valid_for: 30s";
    reload("{" QUICK "}", 1);
    expect_changed("schedule.valid_for");
    (void)send_rig_post(&rig, 10, -60000);
    (void)send_rig_post(&rig, 10, 0);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[1].failed, 10);
    assert_string_equal(rig.messages[1].seen[0].reason, "expired");
    assert_int_equal(rig.messages[2].handled, 10);

    rig.options.schedule = NULL;
    reload("{" QUICK "}", 2);
    (void)send_rig_post(&rig, 10, -60000);
    send_rig_until_ended(&rig);
    assert_int_equal(rig.messages[3].handled, 10);
    send_rig_check_ended(&rig);
    end();
}

/* How often the channel's breaker has opened, by the log. */
static unsigned opened(void)
{
    struct buf log;
    struct fault f = {0};
    char path[128];
    unsigned times = 0;

    buf_init(&log, LOG_MAX);
    (void)snprintf(path, sizeof path, "%s/schedule.log", rig.dir);
    assert_true(file_get(path, &log, &f));
    for (const char *at = buf_text(&log); (at = strstr(at, "channel=out state=open")) != NULL; at++)
        times++;
    buf_done(&log);
    return times;
}

/* To one, who is reached at the second attempt. */
static void send_past_one_failure(struct hostile_http *carrier)
{
    static const struct hostile_step busy = {.act = HOSTILE_REPLY, .status = 503, .body = "busy"};

    hostile_http_script(carrier, &busy, 1);
    /* Not at once: its retry_ms is set after it was posted. */
    (void)send_rig_post_as(
        &rig,
        &(struct send_rig_message){.count = 1, .due_in_ms = 1500, .retries = 1, .retry_ms = 1000});
    send_rig_until_ended(&rig);
}

static void the_breaker_opens_after_as_many_failures_as_the_reload_says(void **state)
{
    struct hostile_http *carrier = hostile_http_start();

    (void)state;
    send_rig_start_as(&rig, &(struct send_rig_options){.carrier = carrier, .timeout = "10s"});
    send_rig_run(&rig, 0, NULL);
    send_past_one_failure(carrier);
    assert_int_equal(opened(), 0);
    reload("{failures: 1, " QUICK "}", 1);
    expect_changed("breaker.failures");
    send_past_one_failure(carrier);
    assert_int_equal(opened(), 1);
    reload("{failures: 2, " QUICK "}", 2);
    send_past_one_failure(carrier);
    assert_int_equal(opened(), 1);
    send_rig_check(&rig);
    assert_int_equal(hostile_http_count(carrier), 3 * 2);
    assert_int_equal(send_rig_metric(&rig, 1, "cmibridge_channel_state{channel=\"out\"}"), 0);
    end();
    hostile_http_stop(carrier);
}

/* It is another gateway in the file: the process stays with its own until it is started anew. */
static void what_waits_for_a_restart_is_named_and_stays(void **state)
{
    char rest[128];

    (void)state;
    send_rig_start(&rig, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_await_log(&rig, "event=started", 1, rest, sizeof rest);
    send_rig_gateway(&rig, 9, "{" QUICK "}");
    assert_int_equal(kill(rig.schedule[0], SIGHUP), 0);
    send_rig_await_log(&rig, "event=setting_needs_restart setting=channels.out.url", 1, rest,
                       sizeof rest);
    (void)send_rig_post(&rig, 10, 0);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_for_holds_from_the_reload_on),
        cmocka_unit_test(the_breaker_opens_after_as_many_failures_as_the_reload_says),
        cmocka_unit_test(what_waits_for_a_restart_is_named_and_stays),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
