#include "tests/fakes/history_feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/cloudevent.h"
#include "tests/fakes/kafka_rig.h"
#include "tests/fakes/redis_server.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TOPIC      "contact-events"
#define PARTITIONS 8  /* the embedded broker keeps 5 MiB of each */
#define LOOK_MS    20 /* between two looks at a figure that no event tells of */
#define LOOKS_MAX  6000
#define STORED     "cmibridge_ingest_events_total{result=\"applied\"}"

struct feed {
    struct kafka_rig kafka;
    struct redis_server *redis;
    char dir[64];
    char lines[96];
    char config[96];
    char log[96];
    long events;
    pid_t consumer;
};

static void write_lines(struct feed *f, const struct view *batches, size_t count)
{
    FILE *file = fopen(f->lines, "w");
    struct fault fault = {0};
    struct view json;

    assert_non_null(file);
    for (size_t i = 0; i < count; i++)
        for (struct cloudevent_batch b = {.rest = batches[i]}; cloudevent_next(&b, &json, &fault);
             f->events++)
            fprintf(file, "%.*s\n", VIEW_ARG(json));
    assert_int_equal(fault.cls, FAULT_NONE);
    assert_int_equal(fclose(file), 0);
}

static void write_config(const struct feed *f, const struct history_rig *rig)
{
    FILE *file = fopen(f->config, "w");

    assert_non_null(file);
    fprintf(file,
            "kafka: {brokers: '%s', assign: all, offset_reset: earliest, results_topic: ''}\n"
            "targets:\n  cmi: {url: 'http://127.0.0.1:%u/RI/cmi', honours_key: true,"
            " ingest: /ingest}\n"
            "redis: {address: '%s'}\nadmin: {listen: '127.0.0.1:0'}\n",
            f->kafka.address, rig->port, f->redis->address);
    assert_int_equal(fclose(file), 0);
}

static void start_consumer(struct feed *f)
{
    const char *binary = getenv("CMIBRIDGE_BIN");

    assert_non_null(binary); /* set by ctest */
    f->consumer = fork();
    assert_true(f->consumer >= 0);
    if (f->consumer == 0) {
        int log = open(f->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no test leaves one behind, however it ends */
        dup2(log, 2);
        closefrom(STDERR_FILENO + 1);
        execl(binary, binary, "consume", "--config", f->config, (char *)NULL);
        _exit(127);
    }
}

static void fail_with_log(const struct feed *f, const char *what)
{
    char text[16384];
    FILE *file = fopen(f->log, "r");
    size_t n = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;

    text[n] = '\0';
    fail_msg("%s: %s", what, text);
}

static void await_all(const struct feed *f, struct history_rig *rig)
{
    const struct timespec pause = {0, LOOK_MS * 1000000L};
    long stored = 0;

    for (int i = 0; i < LOOKS_MAX && (stored = rig_metric(rig, STORED)) < f->events; i++)
        nanosleep(&pause, NULL);
    if (stored != f->events)
        fail_with_log(f, "not all that was published is stored");
}

static void end_consumer(struct feed *f)
{
    int status = 0;

    assert_int_equal(kill(f->consumer, SIGTERM), 0);
    assert_int_equal(waitpid(f->consumer, &status, 0), f->consumer);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_with_log(f, "consume did not end well");
}

void history_feed(struct history_rig *rig, const struct view *batches, size_t count)
{
    static struct feed f;
    const char *output = NULL;
    char arguments[256];

    f = (struct feed){.dir = "/tmp/cmibridge-feed-XXXXXX"};
    redis_server_need();
    assert_non_null(mkdtemp(f.dir));
    snprintf(f.lines, sizeof f.lines, "%s/events.jsonl", f.dir);
    snprintf(f.config, sizeof f.config, "%s/conf.yaml", f.dir);
    snprintf(f.log, sizeof f.log, "%s/log", f.dir);
    write_lines(&f, batches, count);
    f.redis = redis_server_start(NULL);
    kafka_rig_start(&f.kafka, 1);
    kafka_rig_topic(&f.kafka, TOPIC, PARTITIONS);
    write_config(&f, rig);
    snprintf(arguments, sizeof arguments, "publish --topic " TOPIC " %s", f.lines);
    if (kafka_rig_command(&f.kafka, "", arguments, &output) != 0)
        fail_msg("publish: %s", output);
    start_consumer(&f);
    await_all(&f, rig);
    end_consumer(&f);
    kafka_rig_stop(&f.kafka);
    redis_server_stop(f.redis);
    unlink(f.lines);
    unlink(f.config);
    unlink(f.log);
    assert_int_equal(rmdir(f.dir), 0);
}
