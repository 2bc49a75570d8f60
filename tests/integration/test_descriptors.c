/* serve, schedule and consume while no file descriptor is left to them: they say so, lose nothing,
 * and go on when there are some again. prlimit is GNU's. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/consume_rig.h"
#include "tests/fakes/send_rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DESTINATIONS 100
#define MESSAGE                                                                                    \
    "{\"message\":\"Hello\",\"source\":\"12345678@sms.social365.com\",\"subType\":\"sms\","        \
    "\"destinations\":[{\"address\":\"+358401\"}]}"

/* What it has it keeps; it gets no other. Gives how it was. */
static struct rlimit starve(pid_t pid)
{
    struct rlimit before;
    struct rlimit none;

    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, NULL, &before), 0);
    none = before;
    none.rlim_cur = STDERR_FILENO + 1;
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &none, NULL), 0);
    return before;
}

static void feed(pid_t pid, struct rlimit limit)
{
    assert_int_equal(prlimit(pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static void expect_created(int fd)
{
    struct probe_reply r = probe_read(fd, false);

    assert_int_equal(r.status, 201);
    probe_done(&r);
}

static void serve_takes_connections_again_when_it_can(void **state)
{
    static struct serve_rig serve;
    int held;

    (void)state;
    serve_rig_start(&serve, "");
    held = serve_send(&serve, "/messages", "", MESSAGE);
    for (int round = 0; round < 2; round++) { /* beside another connection, and as the first */
        struct rlimit limit;
        int waiting[2];

        if (round == 0)
            expect_created(held); /* it stays open */
        else
            close(held);
        buf_clear(&serve.log);
        limit = starve(serve.pid);
        for (size_t i = 0; i < 2; i++)
            waiting[i] = serve_send(&serve, "/messages", "", MESSAGE);
        assert_true(serve_rig_await(&serve, "event=descriptors_out why=\"Too many open files\""));
        feed(serve.pid, limit);
        for (size_t i = 0; i < 2; i++) {
            expect_created(waiting[i]);
            close(waiting[i]);
        }
        assert_true(serve_rig_await(&serve, "event=descriptors_back"));
    }
    serve_expect(&serve, "GET", "/callbacks", "", NULL, 200, NULL);
    serve_rig_done(&serve);
}

static void serve_says_that_all_its_connections_are_taken(void **state)
{
    static struct serve_rig serve;
    int held[3];

    (void)state;
    serve_rig_start(&serve, "limits: {connections: 2}\n");
    for (size_t i = 0; i < 3; i++)
        held[i] = serve_send(&serve, "/messages", "", MESSAGE);
    assert_true(serve_rig_await(
        &serve, "event=connections_out why=\"limits.connections are open; others wait until"));
    expect_created(held[0]);
    close(held[0]);
    assert_true(serve_rig_await(&serve, "event=connections_back"));
    expect_created(held[2]);
    serve_rig_done(&serve);
    close(held[1]);
    close(held[2]);
}

/* It can't connect to the gateway, nor anew to anything else. */
static void schedule_sends_once_what_waited(void **state)
{
    static struct send_rig rig; /* too much for the stack */
    struct rlimit limit;
    char rest[128];

    (void)state;
    send_rig_start(&rig, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_await_log(&rig, "event=schedule_checked", 1, rest, sizeof rest);
    limit = starve(rig.schedule[0]);
    send_rig_post(&rig, DESTINATIONS, 0);
    send_rig_await_log(&rig, "no socket to connect with: Too many open files", 2, rest,
                       sizeof rest);
    send_rig_look(&rig);
    assert_int_equal(rig.lines, 0);
    feed(rig.schedule[0], limit);
    send_rig_until_ended(&rig);
    send_rig_check(&rig);
    send_rig_check_flags(&rig);
    assert_int_equal(rig.lines, DESTINATIONS);
    send_rig_end(&rig, 0);
    send_rig_done(&rig);
}

#define CALLBACK "{\"callbackQueueNumber\":\"153\",\"customerNumber\":\"+35840000\"}"

static const struct consume_rig_event events[] = {
    {.key = "a", .type = "callback.requested", .subject = "callbacks/1", .body = CALLBACK},
    {.key = "b", .type = "callback.requested", .subject = "callbacks/2", .body = CALLBACK},
    {.key = "c", .type = "callback.requested", .subject = "callbacks/3", .body = CALLBACK},
};

/* It reads on, from connections that it has; what it reads waits for one to the CMI. That is an
 * outage of the CMI, and nothing of it is given up (D4). */
static void consume_writes_once_what_waited(void **state)
{
    struct consume_rig *rig = malloc(sizeof *rig);
    struct rlimit limit;

    (void)state;
    assert_non_null(rig);
    consume_rig_start(rig);
    consume_rig_begin(rig, NULL);
    consume_rig_run(rig, NULL);
    consume_rig_until_ready(rig);
    limit = starve(rig->process.pid);
    consume_rig_publish(rig, events, sizeof events / sizeof events[0]);
    consume_rig_until_said(rig, "Too many open files");
    assert_int_equal(hostile_http_count(rig->cmi), 0);
    feed(rig->process.pid, limit);
    assert_true(consume_rig_until_done(rig));
    consume_rig_check_end(rig, 0);
    assert_int_equal(hostile_http_count(rig->cmi), sizeof events / sizeof events[0]);
    for (size_t i = 0; i < rig->count; i++)
        assert_false(rig->seen[i].said_duplicate);
    consume_rig_stop(rig);
    free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serve_takes_connections_again_when_it_can),
        cmocka_unit_test(serve_says_that_all_its_connections_are_taken),
        cmocka_unit_test(schedule_sends_once_what_waited),
        cmocka_unit_test(consume_writes_once_what_waited),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
