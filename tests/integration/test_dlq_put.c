/* cmibridge dlq replay, the program itself: many letters, and such as their topic does not take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/commands.h"
#include "producers/dlq_put.h"
#include "tests/fakes/dlq_rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void bury(struct kafka_rig *rig, const char *topic, unsigned offset, struct view value)
{
    char origin[16];

    snprintf(origin, sizeof origin, "%u", offset);
    dlq_rig_bury_bare(
        rig, &(struct dlq_rig_bare){
                 .id = origin, .topic = topic, .partition = "0", .offset = origin, .value = value});
}

/* Ten times what the producer's queue holds: the marks wait for their room in it. */
static void each_of_many_is_marked(void **state)
{
    enum { LETTERS = 1000 };
    struct kafka_rig rig;
    const char *output;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, "many", 1);
    kafka_rig_topic(&rig, DLQ_RIG_DEAD, 1);
    kafka_rig_topic(&rig, DLQ_RIG_RESULTS, 1);
    for (unsigned i = 0; i < LETTERS; i++)
        bury(&rig, "many", i, VIEW("{}"));
    kafka_rig_flush(&rig);
    assert_int_equal(
        kafka_rig_command(&rig, "", "dlq replay -X queue.buffering.max.messages=100", &output),
        COMMAND_OK);
    assert_string_equal(output,
                        "replayed 1000 of 1000; passed over: 0 replayed before, 0 written since\n");
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list", &output), COMMAND_OK);
    assert_non_null(strstr(output, "no dead letters that were not replayed"));
    kafka_rig_stop(&rig);
}

/* It is told, counted and left; those behind it are replayed and marked, on its topic and others.
 */
static void one_that_is_too_large_holds_up_no_other(void **state)
{
    static const char *const other[] = {"other"};
    char large[2000];
    struct kafka_rig rig;
    struct reader r = {.rig = NULL};
    struct kafka_conf conf;
    const char *output;

    (void)state;
    kafka_rig_start(&rig, 1);
    kafka_rig_topic(&rig, "big", 1);
    kafka_rig_topic(&rig, "other", 1);
    kafka_rig_topic(&rig, DLQ_RIG_DEAD, 1);
    kafka_rig_topic(&rig, DLQ_RIG_RESULTS, 1);
    memset(large, 'x', sizeof large);
    bury(&rig, "big", 0, VIEW("{}"));
    bury(&rig, "big", 1, (struct view){large, sizeof large});
    bury(&rig, "big", 2, VIEW("{}"));
    bury(&rig, "other", 3, VIEW("{}"));
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay -X message.max.bytes=1500", &output),
                     COMMAND_FAILED);
    assert_non_null(strstr(output, "0:1 was not replayed: a record of 2000 bytes for topic big is "
                                   "too large; it came from big[0] offset 1\n"));
    assert_non_null(strstr(output, "replayed 3 of 4; "));
    assert_null(strstr(output, "not marked"));
    conf = kafka_rig_conf(&rig, other);
    reader_start(&r, &rig, &conf);
    reader_await(&r, 1);
    reader_done(&r);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq list", &output), COMMAND_OK);
    assert_int_equal(strncmp(output, "0:1 ", 4), 0); /* the only one */
    kafka_rig_stop(&rig);
}

static pid_t start_replay(const struct kafka_rig *rig)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl(getenv("CMIBRIDGE_BIN"), "cmibridge", "dlq", "replay", "-b", rig->address,
              (char *)NULL);
        _exit(127);
    }
    return pid;
}

/* One goes alone, until it is marked. */
static bool has_some(void *ctx)
{
    const struct reader *r = ctx;

    return r->count > 1;
}

static bool has_the_last(void *ctx)
{
    const struct reader *r = ctx;

    return r->count > 0 && strcmp(r->got[r->count - 1].key, "last") == 0;
}

/* Interrupted, it marks what it has sent; killed, it repeats at most what was out. */
static void an_interrupted_one_goes_on_where_it_was(void **state)
{
    enum { LETTERS = 5000 };
    static const struct {
        int signal;
        size_t repeats;
    } rows[] = {{SIGTERM, 0}, {SIGINT, 0}, {SIGKILL, DLQ_PUT_OPEN_MAX}};
    static const char *const many[] = {"many"};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct kafka_rig rig;
        struct reader r = {.rig = NULL};
        struct kafka_conf conf;
        const char *output;
        pid_t pid;
        int status = 0;

        kafka_rig_start(&rig, 1);
        kafka_rig_topic(&rig, many[0], 1);
        kafka_rig_topic(&rig, DLQ_RIG_DEAD, 1);
        kafka_rig_topic(&rig, DLQ_RIG_RESULTS, 1);
        for (unsigned l = 0; l < LETTERS; l++)
            bury(&rig, many[0], l, VIEW("{}"));
        kafka_rig_flush(&rig);
        conf = kafka_rig_conf(&rig, many);
        reader_start(&r, &rig, &conf);
        reader_await_partitions(&r, 1);
        pid = start_replay(&rig);
        kafka_rig_until(&rig, has_some, &r);
        assert_int_equal(kill(pid, rows[i].signal), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (rows[i].signal == SIGKILL)
            assert_true(WIFSIGNALED(status));
        else
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 128 + rows[i].signal);
        assert_int_equal(kafka_rig_command(&rig, "", "dlq replay", &output), COMMAND_OK);
        assert_null(strstr(output, "replayed 0 of 0")); /* else it was not interrupted */
        kafka_rig_send(&rig, many[0], "last", "");
        kafka_rig_until(&rig, has_the_last, &r);
        assert_in_range(r.count - 1, LETTERS, LETTERS + rows[i].repeats);
        reader_done(&r);
        kafka_rig_stop(&rig);
    }
}

/* Of a large one, and one without a key for a compacted topic, which are refused with the batch
 * that they are in. */
static void what_the_broker_refuses_holds_up_no_other(void **state)
{
    char large[3000];
    struct kafka_rig rig;
    const char *output;

    (void)state;
    broker_apache_only("the embedded broker takes any record");
    kafka_rig_start(&rig, 1);
    broker_topic_of(rig.broker, "big", 1, "max.message.bytes", "2000");
    broker_topic_of(rig.broker, "packed", 1, "cleanup.policy", "compact");
    kafka_rig_topic(&rig, "other", 1);
    kafka_rig_topic(&rig, DLQ_RIG_DEAD, 1);
    kafka_rig_topic(&rig, DLQ_RIG_RESULTS, 1);
    memset(large, 'x', sizeof large);
    bury(&rig, "big", 0, VIEW("{}"));
    bury(&rig, "big", 1, VIEW("{}"));
    bury(&rig, "big", 2, (struct view){large, sizeof large});
    bury(&rig, "big", 3, VIEW("{}"));
    bury(&rig, "packed", 4, VIEW("{}"));
    bury(&rig, "other", 5, VIEW("{}"));
    kafka_rig_flush(&rig);
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay", &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "0:2 was not replayed: " SINK_TOO_LARGE "; it came from big[0] "
                                   "offset 2\n"));
    assert_non_null(strstr(output, "0:4 was not replayed: " SINK_INVALID));
    assert_non_null(strstr(output, "replayed 4 of 6; "));
    assert_non_null(strstr(output, ", 2 refused\n"));
    assert_null(strstr(output, "not marked"));
    assert_int_equal(kafka_rig_command(&rig, "", "dlq replay", &output), COMMAND_FAILED);
    assert_non_null(strstr(output, "replayed 0 of 2; passed over: 4 replayed before, "));
    kafka_rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_many_is_marked),
        cmocka_unit_test(an_interrupted_one_goes_on_where_it_was),
        cmocka_unit_test(what_the_broker_refuses_holds_up_no_other),
        cmocka_unit_test(one_that_is_too_large_holds_up_no_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
