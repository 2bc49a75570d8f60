/*
 * The messages of an outbound chat, of two schedulers on a real Redis: at the gateway they are in
 * the order of the transcript, whatever becomes of one of them or of a process (contract 19).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "tests/fakes/send_rig.h"

#include <stdio.h>
#include <string.h>

#define LINES 8
#define DESK                                                                                       \
    "chats.queues.desk: {id: 000000000000000000000000000000A1, address: desk@sms.example.com,\n"   \
    "  channel: sms, name: Desk, via: out}\n"

static struct hostile_http *carrier;
static struct send_rig rig;

/* A chat of so many messages m0, m1, ..., which are tried again after a second. */
static void start(const struct hostile_step *steps, size_t count)
{
    struct buf body;
    char chat[33];
    char command[256];

    carrier = hostile_http_start();
    hostile_http_script(carrier, steps, count);
    send_rig_start_as(
        &rig, &(struct send_rig_options){
                  .carrier = carrier,
                  .more = DESK,
                  .serve = "channels.out: {type: webhook, url: 'http://127.0.0.1:9'}\n" DESK});
    buf_init(&body, 1 << 16);
    buf_put_text(&body, "{\"originator\":\"d\",\"destination\":\"+5521244222225555\","
                        "\"from_queue\":{\"id\":\"000000000000000000000000000000A1\","
                        "\"name\":\"Desk\"},\"title\":\"\",\"channel_type\":\"chatout\","
                        "\"channel_sub_type\":\"sms\",\"transcript\":{\"messages\":[");
    for (int i = LINES - 1; i >= 0; i--) /* newest first */
        buf_printf(&body, "{\"message\":\"m%d\",\"originator\":\"d\"}%s", i, i > 0 ? "," : "]}}");
    serve_create(&rig.serve, "/chats", "", buf_text(&body), chat);
    buf_done(&body);
    for (unsigned i = 0; i < LINES; i++) {
        char id[GUID_TEXT_MAX];

        serve_chat_line(chat, i, id);
        snprintf(command, sizeof command, "HSET s:{%02u}:m:%s rd 1", shard_of(view_of(chat)), id);
        assert_string_equal(redis_server_ask(rig.serve.redis, command), ":0");
    }
}

static void stop(void)
{
    send_rig_done(&rig);
    hostile_http_stop(carrier);
}

/* The i-th request is of that line. */
static void expect_line(size_t i, int line)
{
    char text[16];

    snprintf(text, sizeof text, "\"m%d\"", line);
    if (strstr(hostile_http_request(carrier, i)->body.p, text) == NULL)
        fail_msg("request %zu is not of line %d", i, line);
}

static void they_go_out_oldest_first_though_some_fail(void **state)
{
    static const struct hostile_step steps[] = {
        {.act = HOSTILE_REPLY, .status = 503},
        {.act = HOSTILE_CMI, .times = 2},
        {.act = HOSTILE_REPLY, .status = 400}, /* for good */
        {.act = HOSTILE_CMI},
        {.act = HOSTILE_REPLY, .status = 503},
        {.act = HOSTILE_REPLY, .status = 503},
    };
    static const int order[] = {0, 0, 1, 2, 3, 4, 4, 4, 5, 6, 7};

    (void)state;
    start(steps, sizeof steps / sizeof steps[0]);
    send_rig_run(&rig, 0, NULL);
    send_rig_run(&rig, 1, NULL);
    hostile_http_wait(carrier, sizeof order / sizeof order[0]);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        expect_line(i, order[i]);
    send_rig_end(&rig, 0);
    send_rig_end(&rig, 1);
    assert_int_equal(hostile_http_count(carrier), sizeof order / sizeof order[0]);
    stop();
}

static void a_kill_lets_none_past_the_one_that_was_out(void **state)
{
    static const int order[] = {0, 1, 1, 2, 3, 4, 5, 6, 7};

    (void)state;
    start(NULL, 0);
    send_rig_run(&rig, 0, "request_sent:2");
    send_rig_until_killed(&rig, 0);
    hostile_http_wait(carrier, 2);
    send_rig_run(&rig, 1, NULL); /* it takes over when the lease is over */
    hostile_http_wait(carrier, sizeof order / sizeof order[0]);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        expect_line(i, order[i]);
    send_rig_end(&rig, 1);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_go_out_oldest_first_though_some_fail),
        cmocka_unit_test(a_kill_lets_none_past_the_one_that_was_out),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
