#include "tests/fakes/send_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/num.h"
#include "bridge/io/kafka_reader.h"
#include "standalone/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOKS_MAX  3000 /* at what is waited for; one takes some milliseconds at least */
#define LOG_MAX    (16u << 20)
#define PAUSE_NS   20000000L
#define KILL_LOOKS 750 /* for a fault point to come: 15 s, three leases */

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

int64_t send_rig_wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- processes ---- */

static pid_t spawn(const char *const *args, const char *fault_point, int out, int err)
{
    const char *binary = getenv("CMIBRIDGE_BIN");
    const char *argv[16] = {binary};
    pid_t pid;

    assert_non_null(binary); /* set by ctest */
    for (size_t i = 0; args[i] != NULL; i++)
        argv[i + 1] = args[i];
    pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* gone with the test, whatever becomes of it */
    if (fault_point != NULL)
        setenv("CMIBRIDGE_FAULT_POINT", fault_point, 1);
    if (out >= 0)
        dup2(out, 1);
    if (err >= 0)
        dup2(err, 2);
    execv(binary, (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void start_carrier(struct send_rig *rig, int delay_ms)
{
    char delay[16];
    const char *args[] = {"carrier", "--listen", "127.0.0.1:0", "--log", rig->log,
                          "--calls", rig->calls, "--delay-ms",  delay,   NULL};
    char line[128];
    struct view rest;
    int64_t port = 0;
    int fds[2];
    FILE *says;

    (void)snprintf(delay, sizeof delay, "%d", delay_ms);
    assert_int_equal(pipe(fds), 0);
    rig->carrier = spawn(args, NULL, fds[1], -1);
    close(fds[1]);
    says = fdopen(fds[0], "r");
    assert_non_null(says);
    assert_non_null(fgets(line, sizeof line, says));
    fclose(says);
    rest = view_of(strrchr(line, ':') + 1);
    rest.n = strcspn(rest.p, "\n");
    assert_true(num_in(rest, 1, 65535, &port));
    rig->carrier_port = (unsigned)port;
}

static void write_config(struct send_rig *rig)
{
    FILE *file = fopen(rig->config, "w");

    assert_non_null(file);
    fprintf(
        file,
        "kafka: {brokers: '%s', outcomes_topic: outcomes-%u}\n"
        "redis: {address: '%s', timeout: 2s}\n"
        "admin: {listen: '127.0.0.1:0'}\n"
        "schedule: {lease: 5s, drain: 5s}\n"
        "breaker: %s\n"
        "channels:\n"
        "  out: {type: webhook, url: 'http://127.0.0.1:%u/messages', timeout: 2s,\n"
        "        concurrency: %d}\n"
        "callbacks:\n"
        "  retry_delay: 1s\n"
        "  dialler: {type: webhook, url: 'http://127.0.0.1:%u/calls', timeout: 2s}\n"
        "chats:\n"
        "  queues:\n"
        "    sms: {id: 00000000000000000000000000000001, channel: sms, name: SMS, via: out,\n"
        "          address: 12345678@sms.social365.com}\n"
        "    wa: {id: 00000000000000000000000000000002, channel: whatsapp, name: WA, via: out,\n"
        "         address: 12345678@whatsapp.social365.com}\n",
        kafka_broker_bootstrap(rig->kafka), rig->number, rig->serve.redis->address, rig->breaker,
        rig->gateway_port, SEND_RIG_CONCURRENCY, rig->carrier_port);
    assert_int_equal(fclose(file), 0);
}

void send_rig_start(struct send_rig *rig, struct kafka_broker *kafka, unsigned number,
                    int carrier_delay_ms)
{
    memset(rig, 0, sizeof *rig);
    rig->kafka = kafka;
    rig->number = number;
    serve_rig_start(&rig->serve, "");
    (void)snprintf(rig->dir, sizeof rig->dir, "/tmp/cmibridge-send-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(rig->config, sizeof rig->config, "%s/schedule.yaml", rig->dir);
    (void)snprintf(rig->log, sizeof rig->log, "%s/carrier.jsonl", rig->dir);
    (void)snprintf(rig->calls, sizeof rig->calls, "%s/calls.jsonl", rig->dir);
    start_carrier(rig, carrier_delay_ms);
    send_rig_gateway(rig, rig->carrier_port, "{open_min: 50ms, open_max: 200ms}");
}

void send_rig_gateway(struct send_rig *rig, unsigned port, const char *breaker)
{
    rig->gateway_port = port;
    rig->breaker = breaker;
    write_config(rig);
}

void send_rig_run(struct send_rig *rig, unsigned which, const char *fault_point)
{
    const char *args[] = {"schedule", "--config", rig->config, NULL};
    char path[128];
    FILE *log;

    assert_int_equal(rig->schedule[which], 0);
    (void)snprintf(path, sizeof path, "%s/schedule.log", rig->dir);
    log = fopen(path, "a");
    assert_non_null(log);
    rig->schedule[which] = spawn(args, fault_point, -1, fileno(log));
    fclose(log);
}

static void print_log(const struct send_rig *rig)
{
    struct buf text;
    struct fault f = {0};
    char path[128];

    buf_init(&text, LOG_MAX);
    (void)snprintf(path, sizeof path, "%s/schedule.log", rig->dir);
    if (file_get(path, &text, &f))
        print_message("%.*s\n", VIEW_ARG(buf_view(&text)));
    buf_done(&text);
}

void send_rig_await_log(struct send_rig *rig, const char *text, unsigned times, char *rest,
                        size_t size)
{
    char path[128];
    struct buf log;
    struct fault f = {0};

    (void)snprintf(path, sizeof path, "%s/schedule.log", rig->dir);
    for (int i = 0; i < LOOKS_MAX; i++) {
        const char *at;
        unsigned seen = 0;

        buf_init(&log, LOG_MAX);
        assert_true(file_get(path, &log, &f));
        at = buf_text(&log);
        while (seen < times && (at = strstr(at, text)) != NULL) {
            at += strlen(text);
            seen++;
        }
        if (at != NULL)
            view_copy(view_of(at), rest, size);
        buf_done(&log);
        if (seen == times)
            return;
        pause_a_little();
    }
    print_log(rig);
    fail_msg("the log does not say %s %u times", text, times);
}

void send_rig_until_killed(struct send_rig *rig, unsigned which)
{
    int status = 0;
    pid_t gone = 0;

    for (int i = 0; gone == 0 && i < KILL_LOOKS; i++) {
        gone = waitpid(rig->schedule[which], &status, WNOHANG);
        if (gone == 0)
            pause_a_little();
    }
    if (gone == 0) { /* the work was done before the point came so often: then now */
        printf("schedule %u of rig %u is killed at no point in particular\n", which, rig->number);
        rig->elsewhere++;
        assert_int_equal(kill(rig->schedule[which], SIGKILL), 0);
        gone = waitpid(rig->schedule[which], &status, 0);
    }
    assert_int_equal(gone, rig->schedule[which]);
    rig->schedule[which] = 0;
    rig->deaths++;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        print_log(rig);
        fail_msg("schedule ended with %#x instead of being killed", (unsigned)status);
    }
}

void send_rig_until_stopped(struct send_rig *rig, unsigned which)
{
    int status = 0;

    assert_int_equal(waitpid(rig->schedule[which], &status, WUNTRACED), rig->schedule[which]);
    assert_true(WIFSTOPPED(status));
    rig->deaths++;
}

void send_rig_end(struct send_rig *rig, unsigned which)
{
    int status = 0;

    assert_int_equal(kill(rig->schedule[which], SIGTERM), 0);
    assert_int_equal(waitpid(rig->schedule[which], &status, 0), rig->schedule[which]);
    rig->schedule[which] = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        print_log(rig);
        fail_msg("schedule ended with %#x", (unsigned)status);
    }
}

void send_rig_done(struct send_rig *rig)
{
    static const char *const files[] = {"schedule.yaml", "carrier.jsonl", "calls.jsonl",
                                        "schedule.log"};
    char path[128];

    for (unsigned i = 0; i < 2; i++)
        if (rig->schedule[i] != 0)
            send_rig_end(rig, i);
    kill(rig->carrier, SIGKILL);
    waitpid(rig->carrier, NULL, 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", rig->dir, files[i]);
        unlink(path);
    }
    rmdir(rig->dir);
    serve_rig_done(&rig->serve);
}

/* ---- messages ---- */

static size_t post(struct send_rig *rig, const char *sub_type, size_t count, int due_in_ms)
{
    size_t at = rig->message_count++;
    int64_t send_ms = send_rig_wall_ms() + due_in_ms;
    char time[DATETIME_TEXT_MAX];
    struct buf body;

    assert_true(at < SEND_RIG_MESSAGES_MAX && count <= SEND_RIG_DEST_MAX);
    buf_init(&body, 1 << 20);
    datetime_format(send_ms, time);
    buf_printf(&body,
               "{\"message\":\"Hello\",\"source\":\"12345678@%s.social365.com\",\"subType\":"
               "\"%s\",\"maxRetryCount\":0,\"sendTime\":\"%s\",\"destinations\":[",
               sub_type, sub_type, time);
    for (size_t i = 0; i < count; i++)
        buf_printf(&body, "%s{\"address\":\"+35840%02zu%04zu\"}", i > 0 ? "," : "", at, 1000 + i);
    buf_put_text(&body, "]}");
    rig->messages[at].count = count;
    rig->messages[at].send_ms = send_ms;
    serve_create(&rig->serve, "/messages", "", buf_text(&body), rig->messages[at].id);
    buf_done(&body);
    return at;
}

size_t send_rig_post(struct send_rig *rig, size_t count, int due_in_ms)
{
    return post(rig, "sms", count, due_in_ms);
}

size_t send_rig_post_whatsapp(struct send_rig *rig, size_t count, int due_in_ms)
{
    return post(rig, "whatsapp", count, due_in_ms);
}

/* ---- what the carrier saw ---- */

static struct view member(struct view object, const char *key)
{
    struct json_walk w;
    struct view name;
    struct view value;

    assert_true(json_walk_init(&w, object));
    while (json_walk_next(&w, &name, &value))
        if (name.n == strlen(key) + 2 && memcmp(name.p + 1, key, name.n - 2) == 0)
            return value.n >= 2 && value.p[0] == '"' ? (struct view){value.p + 1, value.n - 2}
                                                     : value;
    return VIEW_NONE;
}

static int64_t member_int(struct view object, const char *key)
{
    int64_t n = 0;

    return num_int(member(object, key), &n) ? n : 0;
}

static size_t message_of(const struct send_rig *rig, struct view id)
{
    size_t i = 0;

    while (i < rig->message_count && !view_is(id, rig->messages[i].id))
        i++;
    assert_true(i < rig->message_count);
    return i;
}

static void see(struct send_rig *rig, struct view line)
{
    struct view key = member(line, "idempotency_key");
    size_t at = message_of(rig, view_cut(&key, '-'));
    int64_t time_ms = member_int(line, "time_ms");
    int64_t dest = 0;

    assert_true(num_in(key, 0, (int64_t)rig->messages[at].count - 1, &dest));
    if (time_ms < rig->messages[at].send_ms)
        fail_msg("message %zu was sent %d ms too early", at,
                 (int)(rig->messages[at].send_ms - time_ms));
    rig->messages[at].seen[dest]++;
    rig->lines++;
    if (time_ms > rig->last_line_ms)
        rig->last_line_ms = time_ms;
}

static void look_at_log(struct send_rig *rig)
{
    struct buf text;
    struct view rest;
    struct fault f = {0};

    for (size_t i = 0; i < rig->message_count; i++)
        memset(rig->messages[i].seen, 0, sizeof rig->messages[i].seen);
    rig->lines = 0;
    if (access(rig->log, F_OK) != 0)
        return; /* nothing was sent yet */
    buf_init(&text, LOG_MAX);
    assert_true(file_get(rig->log, &text, &f));
    rest = buf_view(&text);
    while (view_has(rest, '\n')) /* the last one may be half written */
        see(rig, view_cut(&rest, '\n'));
    buf_done(&text);
}

void send_rig_until_lines(struct send_rig *rig, size_t count)
{
    for (int i = 0; i < LOOKS_MAX; i++) {
        look_at_log(rig);
        if (rig->lines >= count)
            return;
        pause_a_little();
    }
    print_log(rig);
    fail_msg("the carrier has %zu messages; %zu were waited for", rig->lines, count);
}

/* ---- outcomes ---- */

static struct view header(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, name))
            return r->headers[i].value;
    return VIEW_NONE;
}

static bool on_outcome(void *ctx, const struct record *r, int64_t done, int64_t total,
                       struct fault *f)
{
    struct send_rig *rig = ctx;
    struct view type = header(r, "ce_type");
    size_t at;

    (void)done, (void)total, (void)f;
    if (view_starts(type, VIEW("callback."))) {
        rig->callback_results++;
        rig->callback_over = rig->callback_over || !view_is(type, "callback.attempted");
        return true;
    }
    if (view_is(type, "consent.overtaken")) {
        rig->withdrawals++;
        view_copy(r->value, rig->overtaken, sizeof rig->overtaken);
        return true;
    }
    at = message_of(rig, member(r->value, "message"));
    if (view_starts(type, VIEW("message.destination."))) {
        int64_t dest = member_int(r->value, "destination");

        assert_true(dest >= 0 && (size_t)dest < rig->messages[at].count);
        if (view_is(member(r->value, "possible_duplicate"), "true"))
            rig->messages[at].flagged[dest] = true;
        return true;
    }
    rig->messages[at].completed |= view_is(type, "message.completed");
    rig->messages[at].cancelled |= view_is(type, "message.cancelled");
    rig->messages[at].handled = member_int(r->value, "handled");
    rig->messages[at].in_flight = member_int(r->value, "inFlight");
    return true;
}

static void look_at_outcomes(struct send_rig *rig)
{
    const struct kafka_property quick = {"fetch.wait.max.ms", "10"};
    const struct kafka_conf conf = {
        .brokers = kafka_broker_bootstrap(rig->kafka), .properties = &quick, .property_count = 1};
    struct fault f = {0};
    struct kafka_reader *reader = kafka_reader_new(&conf, &f);
    char topic[32];

    assert_non_null(reader);
    rig->callback_results = rig->withdrawals = 0;
    (void)snprintf(topic, sizeof topic, "outcomes-%u", rig->number);
    if (!kafka_reader_scan(reader, topic, on_outcome, rig, NULL, &f))
        fail_msg("%s", f.text);
    kafka_reader_free(reader);
}

void send_rig_until_outcomes(struct send_rig *rig, bool (*holds)(struct send_rig *rig))
{
    for (int i = 0; i < LOOKS_MAX; i++) {
        look_at_outcomes(rig);
        if (holds(rig))
            return;
        pause_a_little();
    }
    print_log(rig);
    fail_msg("an outcome was waited for in vain");
}

static bool all_are_completed(struct send_rig *rig)
{
    for (size_t i = 0; i < rig->message_count; i++)
        if (!rig->messages[i].completed && !rig->messages[i].cancelled)
            return false;
    return true;
}

void send_rig_until_ended(struct send_rig *rig)
{
    send_rig_until_outcomes(rig, all_are_completed);
}

void send_rig_check(struct send_rig *rig)
{
    unsigned duplicates = 0;

    look_at_log(rig);
    look_at_outcomes(rig);
    for (size_t m = 0; m < rig->message_count; m++)
        for (size_t d = 0; d < rig->messages[m].count && !rig->messages[m].cancelled; d++) {
            unsigned seen = rig->messages[m].seen[d];

            if (seen == 0)
                fail_msg("message %zu: %zu was never sent to", m, d);
            if (seen > 1 && !rig->messages[m].flagged[d])
                fail_msg("message %zu: %zu was sent to %u times, and no outcome says so", m, d,
                         seen);
            duplicates += seen - 1;
        }
    if (duplicates > rig->deaths * SEND_RIG_UNRECORDED)
        fail_msg("%u duplicates after %u deaths; %d requests can be unrecorded", duplicates,
                 rig->deaths, SEND_RIG_UNRECORDED);
}
