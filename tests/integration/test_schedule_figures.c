/*
 * The figures of cmibridge schedule that its operators watch (docs/OPERATIONS.md): each is there,
 * under that name, and counts what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "standalone/file.h"
#include "tests/fakes/send_rig.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define PAUSE_MS 20
#define LOG_MAX  (1u << 20)

static struct send_rig rig; /* too much for the stack */

static void expect(unsigned nth, const char *name, int64_t value)
{
    int64_t is = send_rig_metric(&rig, nth, name);

    if (is != value)
        fail_msg("%s is %" PRId64 ", not %" PRId64, name, is, value);
}

static void await(unsigned nth, const char *name, int64_t value)
{
    for (int i = 0; send_rig_metric(&rig, nth, name) != value; i++) {
        if (i == PROBE_PATIENCE_MS / PAUSE_MS)
            fail_msg("%s does not become %" PRId64, name, value);
        poll(NULL, 0, PAUSE_MS);
    }
}

static void what_comes_of_attempts_is_counted(void **state)
{
    static const struct hostile_step steps[] = {
        {.act = HOSTILE_CMI, .times = 2},
        {.act = HOSTILE_REPLY, .status = 400, .body = "no"},
        {.act = HOSTILE_REPLY, .status = 503, .body = "no"},
        {.act = HOSTILE_REPLY, .status = 429, .headers = "Retry-After: 1\r\n", .body = "no"},
    };
    struct hostile_http *carrier = hostile_http_start();

    (void)state;
    hostile_http_script(carrier, steps, COUNT(steps));
    send_rig_start_as(&rig, &(struct send_rig_options){.carrier = carrier, .timeout = "10s"});
    (void)send_rig_post_as(&rig,
                           &(struct send_rig_message){.count = 10, .retries = 1, .retry_ms = 1000});
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    expect(1, "cmibridge_destinations_total{outcome=\"handled\"}", 9);
    expect(1, "cmibridge_destinations_total{outcome=\"failed\"}", 1);
    expect(1, "cmibridge_destinations_total{outcome=\"retry\"}", 2);
    expect(1, "cmibridge_sender_pauses_total{sender=\"1…@sms.social365.com\"}", 1);
    expect(1, "cmibridge_sent_total", 12);
    expect(1, "cmibridge_possible_duplicates_total", 0);
    expect(1, "cmibridge_outbox_full", 0);
    expect(1, "cmibridge_sources_without_channel", 0);
    assert_true(send_rig_metric(&rig, 1, "cmibridge_lateness_seconds_count") >= 1);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
    hostile_http_stop(carrier);
}

static const char *in_shard(const char *verb, const char *name, const char *rest)
{
    const char *id = rig.messages[0].id;
    char command[512];

    (void)snprintf(command, sizeof command, "%s s:{%02u}:%s %s", verb, shard_of(view_of(id)), name,
                   rest);
    return redis_server_ask(rig.serve.redis, command);
}

/* Asked for long ago, and due two minutes ago. */
static void how_late_it_is_is_measured(void **state)
{
    char field[64];

    (void)state;
    send_rig_start(&rig, 0);
    (void)send_rig_post(&rig, 1, -120000);
    (void)snprintf(field, sizeof field, "m:%s", rig.messages[0].id);
    assert_string_equal(in_shard("HSET", field, "created 1"), ":0");
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    expect(1, "cmibridge_lateness_seconds_bucket{le=\"60\"}", 0);
    expect(1, "cmibridge_lateness_seconds_count", 1);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

static void what_a_dead_process_had_out_is_counted_by_the_next(void **state)
{
    (void)state;
    send_rig_start(&rig, 0);
    (void)send_rig_post(&rig, 1, 0);
    send_rig_run(&rig, 0, "request_sent:1");
    send_rig_until_killed(&rig, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    expect(2, "cmibridge_possible_duplicates_total", 1);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

/* Nothing points to it any more, so nobody would send it. */
static void what_is_repaired_is_counted(void **state)
{
    (void)state;
    send_rig_start(&rig, 0);
    (void)send_rig_post(&rig, 1, 0);
    assert_string_equal(in_shard("ZREM", "due", rig.messages[0].id), ":1");
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    expect(1, "cmibridge_schedule_repairs_total{what=\"unreachable\"}", 1);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

static void a_source_that_nobody_sends_for_is_counted(void **state)
{
    char id[33];

    (void)state;
    send_rig_start(&rig, 0);
    serve_create(&rig.serve, "/messages", "",
                 "{\"message\":\"m\",\"source\":\"11ERHG2PJ0NJKMNF7WRTR9Y1551@whatsapp."
                 "sinchconversation.com\",\"subType\":\"whatsapp\",\"destinations\":"
                 "[{\"address\":\"+358401\"}]}",
                 id);
    send_rig_run(&rig, 0, NULL);
    await(1, "cmibridge_sources_without_channel", 1);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

/* ---- the outbox ---- */

#define OUTBOX_MAX "100" /* the least that there may be */

static bool log_has(const char *text)
{
    struct buf log;
    struct fault f = {0};
    char path[128];
    bool found;

    buf_init(&log, LOG_MAX);
    (void)snprintf(path, sizeof path, "%s/schedule.log", rig.dir);
    assert_true(file_get(path, &log, &f));
    found = strstr(buf_text(&log), text) != NULL;
    buf_done(&log);
    return found;
}

/* Another message, of another shard than the first. Its index. */
static size_t post_elsewhere(void)
{
    unsigned first = shard_of(view_of(rig.messages[0].id));
    size_t at;

    do
        at = send_rig_post(&rig, 10, 0);
    while (shard_of(view_of(rig.messages[at].id)) == first);
    return at;
}

/* Without Kafka: of the shard whose outbox is full nothing is sent, and so it is said, whatever is
 * heard of the others. */
static void one_full_outbox_is_shown_as_long_as_it_is_full(void **state)
{
    char path[64];
    size_t others;

    (void)state;
    send_rig_start_as(&rig, &(struct send_rig_options){
                                .kafka = "brokers: '127.0.0.1:1', outcomes_topic: outcomes",
                                .schedule = "outbox_max: " OUTBOX_MAX});
    (void)send_rig_post(&rig, 1, 0);
    assert_string_equal(in_shard("EVAL \"for i = 1, " OUTBOX_MAX
                                 " do redis.call('XADD', KEYS[1], '*', 't', 'completed', 'm', "
                                 "ARGV[1], 'at', 1, 'c', '1 1 0 0 0') end return 1\" 1",
                                 "out", rig.messages[0].id),
                        ":1");
    others = post_elsewhere();
    send_rig_run(&rig, 0, NULL);
    send_rig_until_lines(&rig, 10);
    assert_int_equal(rig.messages[others].seen[0].accepted, 1);
    await(1, "cmibridge_outbox_full", 1);
    others = post_elsewhere(); /* its shard is looked at, and has room */
    send_rig_until_lines(&rig, 20);
    assert_int_equal(rig.messages[others].seen[0].accepted, 1);
    expect(1, "cmibridge_outbox_full", 1);
    send_rig_expect_ready(&rig, 1, 503, "the outbox is full: outcomes don't get to Kafka\n");
    assert_false(log_has("has room"));
    (void)snprintf(path, sizeof path, "/messages/%s", rig.messages[0].id);
    serve_holds(&rig.serve, path, "\"ADDED\"");
    /* What it can't tell it would wait for. */
    assert_int_equal(kill(rig.schedule[0], SIGKILL), 0);
    assert_int_equal(waitpid(rig.schedule[0], NULL, 0), rig.schedule[0]);
    rig.schedule[0] = 0;
    send_rig_done(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_of_attempts_is_counted),
        cmocka_unit_test(how_late_it_is_is_measured),
        cmocka_unit_test(what_a_dead_process_had_out_is_counted_by_the_next),
        cmocka_unit_test(what_is_repaired_is_counted),
        cmocka_unit_test(a_source_that_nobody_sends_for_is_counted),
        cmocka_unit_test(one_full_outbox_is_shown_as_long_as_it_is_full),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
