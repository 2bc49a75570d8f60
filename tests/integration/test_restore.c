/*
 * The steps of docs/OPERATIONS.md, "Backup", as an operator takes them: what is damaged is put back
 * from its copy, and what has been since is told again, not done again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_rig.h"
#include "tests/fakes/shell.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define OLD     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1"
#define NEW     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA2"
#define ERASED  "+358405550199"
#define TALKER  "+358401234567"
#define WRITTEN "Idempotency-Key: before-the-damage\r\n"
#define CALL_ME                                                                                    \
    "{\"nextCallTime\":\"2035-03-04T12:00:00Z\",\"customerNumber\":\"+358401\","                   \
    "\"callbackQueueNumber\":\"505\"}"
#define BATCH "Content-Type: application/cloudevents-batch+json\r\n"

#define COUNT 100

static struct send_rig rig; /* too much for the stack */

static void run(const char *line)
{
    struct buf said;

    buf_init(&said, 65536);
    if (shell_run(line, &said) != 0)
        fail_msg("%s: %s", line, buf_text(&said));
    buf_done(&said);
}

/* Of the program, with the server's configuration. */
static void command(const char *verb, const char *what)
{
    char line[512];

    (void)snprintf(line, sizeof line, "\"$CMIBRIDGE_BIN\" %s --config %s %s 2>&1", verb,
                   rig.serve.config, what);
    run(line);
}

/* ---- the history alone ---- */

static void tell_of_call(const char *id, const char *source)
{
    char batch[512];
    struct probe_reply r;

    (void)snprintf(batch, sizeof batch,
                   "[{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/t\",\"type\":"
                   "\"contact.received\",\"subject\":\"contacts/%s\",\"data\":{\"channel\":"
                   "\"PHONE\",\"type\":\"CallIn\",\"source\":\"%s\",\"destination\":\"100\"}}]",
                   id, id, source);
    r = probe_ask(rig.serve.port, "POST", "/ingest", BATCH, batch);
    if (r.status != 200 || strstr(r.body.p, "\"status\":204") == NULL)
        fail_msg("%d %.*s", r.status, VIEW_ARG(r.body));
    probe_done(&r);
}

static void expect_calls(const char *source, unsigned count)
{
    char path[128];
    struct probe_reply r;
    unsigned found = 0;

    (void)snprintf(path, sizeof path, "/contacts?source=%s", source);
    r = serve_ask(&rig.serve, "GET", path, "", NULL);
    assert_int_equal(r.status, 200);
    for (const char *at = r.body.p; (at = strstr(at, "\"arrivalTime\"")) != NULL; at++)
        found++;
    if (found != count)
        fail_msg("%u calls from %s, not %u: %.*s", found, source, count, VIEW_ARG(r.body));
    probe_done(&r);
}

static void a_history_is_put_back_and_told_again(void **state)
{
    char copy[128];
    char line[512];
    char callback[33];
    char again[33];

    (void)state;
    serve_rig_start(&rig.serve, "");
    tell_of_call(OLD, ERASED);
    (void)snprintf(copy, sizeof copy, "%s/copy.sqlite", rig.serve.dir);
    command("backup", copy);

    tell_of_call(NEW, TALKER);
    serve_create(&rig.serve, "/callbacks", WRITTEN, CALL_ME, callback);
    command("erase", ERASED);
    expect_calls("%2B358405550199", 0);

    serve_rig_stop(&rig.serve);
    (void)snprintf(line, sizeof line,
                   "cd %s && mv copy.sqlite history.sqlite && rm -f history.sqlite-wal"
                   " history.sqlite-shm",
                   rig.serve.dir);
    run(line);
    serve_rig_restart(&rig.serve);
    expect_calls("%2B358405550199", 1); /* hence: erase again */
    expect_calls("%2B358401234567", 0);
    for (unsigned i = 0; i < 2; i++) { /* the group's offsets are set back */
        tell_of_call(OLD, ERASED);
        tell_of_call(NEW, TALKER);
        serve_create(&rig.serve, "/callbacks", WRITTEN, CALL_ME, again);
        assert_string_equal(again, callback);
    }
    expect_calls("%2B358405550199", 1);
    expect_calls("%2B358401234567", 1);
    command("erase", ERASED);
    expect_calls("%2B358405550199", 0);
    tell_of_call(OLD, ERASED);
    expect_calls("%2B358405550199", 0);
    serve_rig_done(&rig.serve);
}

/* ---- Redis ---- */

#define AGREED "whatsapp_%2B358407000001"

static void agree(bool consent)
{
    char body[128];

    (void)snprintf(body, sizeof body,
                   "{\"address\":\"+358407000001\",\"usage\":\"whatsapp\",\"consent\":%s}",
                   consent ? "true" : "false");
    serve_expect(&rig.serve, "POST", "/customerConsents", "", body, 204, "");
}

static void expect_consent(const char *text)
{
    serve_holds(&rig.serve, "/customerConsents/" AGREED, text);
}

/* BGREWRITEAOF, and the directory while Redis writes none anew. */
static void copy_redis(void)
{
    char line[512];

    assert_string_equal(
        redis_server_ask(rig.serve.redis, "CONFIG SET auto-aof-rewrite-percentage 0"), "+OK");
    assert_true(redis_server_ask(rig.serve.redis, "BGREWRITEAOF")[0] == '+');
    for (unsigned i = 0;; i++) {
        const char *all = redis_server_ask(rig.serve.redis, "INFO persistence");

        if (strstr(all, "aof_rewrite_in_progress:0") != NULL &&
            strstr(all, "aof_rewrite_scheduled:0") != NULL)
            break;
        assert_true(i < PROBE_PATIENCE_MS / 10);
        poll(NULL, 0, 10);
    }
    (void)snprintf(line, sizeof line, "cp -r %s/appendonlydir %s/copy", rig.serve.redis->dir,
                   rig.serve.dir);
    run(line);
}

static void put_redis_back(void)
{
    char line[512];

    send_rig_end(&rig, 0);
    serve_rig_stop(&rig.serve);
    redis_server_kill(rig.serve.redis);
    (void)snprintf(line, sizeof line, "cd %s && rm -r appendonlydir && mv %s/copy appendonlydir",
                   rig.serve.redis->dir, rig.serve.dir);
    run(line);
    redis_server_restart(rig.serve.redis);
    serve_rig_restart(&rig.serve);
}

/* A message goes out, another is cancelled and a consent withdrawn, all since the copy; then it is
 * put back. */
static void go_back(void)
{
    char path[64];

    send_rig_start(&rig, 0);
    agree(true);
    (void)send_rig_post(&rig, COUNT, -60000);
    (void)send_rig_post(&rig, COUNT, 3600 * 1000);
    copy_redis();

    agree(false);
    (void)snprintf(path, sizeof path, "/messages/%s", rig.messages[1].id);
    serve_expect(&rig.serve, "DELETE", path, "", NULL, 204, "");
    send_rig_run(&rig, 0, NULL);
    send_rig_until_ended(&rig);
    send_rig_look(&rig);
    assert_int_equal(rig.lines, COUNT);
    put_redis_back();
    expect_consent("\"consent\":true");                /* hence: withdraw again */
    serve_holds(&rig.serve, path, "\"destinations\""); /* and cancel again */
    agree(false);
    serve_expect(&rig.serve, "DELETE", path, "", NULL, 204, "");
}

/* Something else goes out, and nothing of the one before it. */
static void expect_only_another(void)
{
    (void)send_rig_post(&rig, COUNT, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_lines(&rig, 2 * COUNT);
    send_rig_end(&rig, 0);
    send_rig_look(&rig);
    assert_int_equal(rig.lines, 2 * COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(rig.messages[0].seen[i].requests, 1);
        assert_int_equal(rig.messages[2].seen[i].requests, 1);
    }
    expect_consent("\"consent\":false");
    send_rig_done(&rig);
}

static void a_campaign_that_was_paused_before_schedule_starts_is_not_sent_again(void **state)
{
    (void)state;
    go_back();
    command("campaign pause", rig.messages[0].id);
    expect_only_another();
}

static void nor_is_what_was_due_before_valid_for(void **state)
{
    (void)state;
    go_back();
    rig.options.schedule = "valid_for: 30s";
    send_rig_gateway(&rig, rig.gateway_port, "{}"); /* written anew */
    expect_only_another();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_history_is_put_back_and_told_again),
        cmocka_unit_test(a_campaign_that_was_paused_before_schedule_starts_is_not_sent_again),
        cmocka_unit_test(nor_is_what_was_due_before_valid_for),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
