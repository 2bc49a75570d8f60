/*
 * cmibridge schedule where nobody wants to know what became of messages: kafka.outcomes_topic is
 * "". Then it has no Kafka, whether brokers are named that are away, or none: it is ready, sends,
 * and keeps nothing for a topic that there is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/shard.h"
#include "standalone/file.h"
#include "tests/fakes/redis_server.h"
#include "tests/fakes/send_rig.h"

#include <stdio.h>
#include <string.h>

#define MESSAGES  4
#define LOOKS_MAX 100000
#define LOG_MAX   (1u << 20)

static struct send_rig rig; /* too much for the stack */

static void until(const char *command, const char *answer)
{
    const char *last = "";

    for (int looks = 0; looks < LOOKS_MAX; looks++) {
        last = redis_server_ask(rig.serve.redis, command);
        if (strcmp(last, answer) == 0)
            return;
    }
    fail_msg("%s: %s", command, last);
}

static void until_settled_and_forgotten(const char *id)
{
    unsigned shard = shard_of(view_of(id));
    char command[128];

    (void)snprintf(command, sizeof command, "HGET s:{%02u}:m:%s ok", shard, id);
    until(command, "10");
    (void)snprintf(command, sizeof command, "XLEN s:{%02u}:out", shard);
    until(command, ":0");
}

static void expect_no_word_of_kafka(void)
{
    struct buf log;
    struct fault f = {0};
    char path[128];

    buf_init(&log, LOG_MAX);
    (void)snprintf(path, sizeof path, "%s/schedule.log", rig.dir);
    assert_true(file_get(path, &log, &f));
    assert_non_null(strstr(buf_text(&log), "event=started"));
    if (strstr(buf_text(&log), "kafka") != NULL)
        fail_msg("%s", buf_text(&log));
    buf_done(&log);
}

static void it_sends_without(const char *kafka)
{
    send_rig_start_as(&rig, &(struct send_rig_options){.kafka = kafka});
    for (int i = 0; i < MESSAGES; i++)
        (void)send_rig_post(&rig, 10, 0);
    send_rig_run(&rig, 0, NULL);
    send_rig_until_lines(&rig, (size_t)MESSAGES * 10);
    for (int i = 0; i < MESSAGES; i++)
        until_settled_and_forgotten(rig.messages[i].id);
    send_rig_expect_ready(&rig, 1, 200, "");
    send_rig_end(&rig, 0);
    expect_no_word_of_kafka();
    send_rig_done(&rig);
}

static void brokers_need_not_be_named(void **state)
{
    (void)state;
    it_sends_without("outcomes_topic: ''");
}

static void brokers_that_are_away_are_not_missed(void **state)
{
    (void)state;
    it_sends_without("brokers: '127.0.0.1:1', outcomes_topic: ''");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brokers_need_not_be_named),
        cmocka_unit_test(brokers_that_are_away_are_not_missed),
    };

    return cmocka_run_group_tests(tests, send_rig_begin, send_rig_finish);
}
