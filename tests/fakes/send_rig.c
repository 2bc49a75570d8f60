#include "tests/fakes/send_rig_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/datetime.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/io/crypto.h"
#include "standalone/file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_MAX        (16u << 20)
#define PATH_MAX_BYTES 128
#define PAUSE_NS       20000000L
#define KILL_LOOKS     750 /* for a fault point to come: 15 s, three leases */

static struct kafka_broker *kafka; /* one a program: it keeps some 5 MB a partition */

void send_rig_pause(void)
{
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
}

int64_t send_rig_wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void log_path(const struct send_rig *rig, char path[PATH_MAX_BYTES])
{
    (void)snprintf(path, PATH_MAX_BYTES, "%s/schedule.log", rig->dir);
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
    closefrom(STDERR_FILENO + 1);
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

static const char *more_of(const char *members, const char *before)
{
    static char text[4][256];
    static unsigned next;
    char *to = text[next++ % 4];

    (void)snprintf(to, sizeof text[0], "%s%s", members != NULL ? before : "",
                   members != NULL ? members : "");
    return to;
}

static void write_config(struct send_rig *rig)
{
    const struct send_rig_options *o = &rig->options;
    char kafka_text[128];
    char dialled[64];
    char url[64];
    FILE *file = fopen(rig->config, "w");

    assert_non_null(file);
    (void)snprintf(kafka_text, sizeof kafka_text, "brokers: '%s', outcomes_topic: outcomes-%u",
                   kafka_broker_bootstrap(rig->kafka), rig->number);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", rig->gateway_port);
    (void)snprintf(dialled, sizeof dialled, "type: webhook, url: 'http://127.0.0.1:%u/calls'",
                   o->dials != NULL ? (unsigned)hostile_http_port(o->dials) : rig->carrier_port);
    fprintf(file,
            "kafka: {%s}\n"
            "redis: {address: '%s', timeout: 2s}\n"
            "admin: {listen: '127.0.0.1:0'}\n"
            "schedule: {lease: 5s, drain: 5s%s}\n"
            "breaker: %s\n"
            "channels:\n"
            "  out: {type: webhook, url: '%s/messages', timeout: %s, concurrency: %d%s}\n",
            o->kafka != NULL ? o->kafka : kafka_text, rig->serve.redis->address,
            more_of(o->schedule, ", "), rig->breaker, url, o->timeout != NULL ? o->timeout : "2s",
            SEND_RIG_CONCURRENCY, more_of(o->channel, ", "));
    fprintf(file,
            "callbacks:\n"
            "  retry_delay: 1s\n"
            "%s%s"
            "  dialler: {%s, timeout: %s%s}\n"
            "chats:\n"
            "  queues:\n"
            "    sms: {id: 00000000000000000000000000000001, channel: sms, name: SMS, via: out,\n"
            "          address: 12345678@sms.social365.com}\n"
            "    wa: {id: 00000000000000000000000000000002, channel: whatsapp, name: WhatsApp,\n"
            "         via: out, address: 12345678@whatsapp.social365.com}\n"
            "%s",
            more_of(o->callbacks, "  "), o->callbacks != NULL ? "\n" : "",
            o->dialled != NULL ? o->dialled : dialled,
            o->dial_timeout != NULL ? o->dial_timeout : "2s", more_of(o->dialler, ", "),
            o->more != NULL ? o->more : "");
    assert_int_equal(fclose(file), 0);
}

int send_rig_begin(void **state)
{
    struct fault f = {0};

    (void)state;
    redis_server_need();
    crypto_init();
    kafka = kafka_broker_start(1, &f);
    if (kafka == NULL)
        fail_msg("no broker: %s", f.text);
    return 0;
}

int send_rig_finish(void **state)
{
    (void)state;
    kafka_broker_stop(kafka);
    return 0;
}

void send_rig_start_as(struct send_rig *rig, const struct send_rig_options *options)
{
    static unsigned rigs;

    memset(rig, 0, sizeof *rig);
    rig->options = *options;
    rig->kafka = kafka;
    rig->number = rigs++;
    serve_rig_start(&rig->serve, options->serve != NULL ? options->serve : "");
    (void)snprintf(rig->dir, sizeof rig->dir, "/tmp/cmibridge-send-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(rig->config, sizeof rig->config, "%s/schedule.yaml", rig->dir);
    (void)snprintf(rig->log, sizeof rig->log, "%s/carrier.jsonl", rig->dir);
    (void)snprintf(rig->calls, sizeof rig->calls, "%s/calls.jsonl", rig->dir);
    start_carrier(rig, options->carrier_delay_ms);
    send_rig_gateway(rig,
                     options->carrier != NULL ? (unsigned)hostile_http_port(options->carrier)
                                              : rig->carrier_port,
                     "{open_min: 50ms, open_max: 200ms}");
}

void send_rig_gateway(struct send_rig *rig, unsigned port, const char *breaker)
{
    rig->gateway_port = port;
    rig->breaker = breaker;
    write_config(rig);
}

void send_rig_start(struct send_rig *rig, int carrier_delay_ms)
{
    send_rig_start_as(rig, &(struct send_rig_options){.carrier_delay_ms = carrier_delay_ms});
}

void send_rig_run(struct send_rig *rig, unsigned which, const char *fault_point)
{
    const char *args[] = {"schedule", "--config", rig->config, NULL};
    char path[128];
    FILE *log;

    assert_int_equal(rig->schedule[which], 0);
    log_path(rig, path);
    log = fopen(path, "a");
    assert_non_null(log);
    rig->schedule[which] = spawn(args, fault_point, -1, fileno(log));
    fclose(log);
}

static void read_log(const struct send_rig *rig, struct buf *text)
{
    struct fault f = {0};
    char path[PATH_MAX_BYTES];

    buf_init(text, LOG_MAX);
    log_path(rig, path);
    if (access(path, F_OK) == 0)
        assert_true(file_get(path, text, &f));
}

void send_rig_print_log(const struct send_rig *rig)
{
    struct buf text;

    read_log(rig, &text);
    print_message("%.*s\n", VIEW_ARG(buf_view(&text)));
    buf_done(&text);
}

void send_rig_await_log(struct send_rig *rig, const char *text, unsigned times, char *rest,
                        size_t size)
{
    for (int i = 0; i < SEND_RIG_LOOKS_MAX; i++) {
        struct buf log;
        const char *at;
        unsigned seen = 0;

        read_log(rig, &log);
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
        send_rig_pause();
    }
    send_rig_print_log(rig);
    fail_msg("the log does not say %s %u times", text, times);
}

static unsigned admin_port(struct send_rig *rig, unsigned nth)
{
    char text[16];
    int64_t n = 0;

    send_rig_await_log(rig, "admin_port=", nth, text, sizeof text);
    assert_true(num_in((struct view){text, strspn(text, "0123456789")}, 1, 65535, &n));
    return (unsigned)n;
}

int64_t send_rig_metric(struct send_rig *rig, unsigned nth, const char *name)
{
    struct probe_reply r = probe_ask(admin_port(rig, nth), "GET", "/metrics", "", NULL);
    char line[128];
    const char *at;
    struct view number;
    int64_t n = 0;

    assert_int_equal(r.status, 200);
    (void)snprintf(line, sizeof line, "\n%s ", name);
    at = strstr(r.body.p, line);
    if (at == NULL)
        fail_msg("there is no metric %s", name);
    number = view_of(at + strlen(line));
    number.n = strcspn(number.p, "\n");
    assert_true(num_int(number, &n));
    probe_done(&r);
    return n;
}

void send_rig_expect_ready(struct send_rig *rig, unsigned nth, int status, const char *line)
{
    struct probe_reply r = probe_ask(admin_port(rig, nth), "GET", "/readyz", "", NULL);

    if (r.status != status || strstr(r.body.p, line) == NULL)
        fail_msg("/readyz is %d: %s", r.status, r.body.p);
    probe_done(&r);
}

/* ---- its end ---- */

void send_rig_until_killed(struct send_rig *rig, unsigned which)
{
    int status = 0;
    pid_t gone = 0;

    for (int i = 0; gone == 0 && i < KILL_LOOKS; i++) {
        gone = waitpid(rig->schedule[which], &status, WNOHANG);
        if (gone == 0)
            send_rig_pause();
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
        send_rig_print_log(rig);
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
        send_rig_print_log(rig);
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

/* Less than the interface lets it be, so that a test need not wait for a minute. */
static void shorten_delay(struct send_rig *rig, const char *id, int ms)
{
    char command[128];

    assert_int_equal(ms % 1000, 0);
    (void)snprintf(command, sizeof command, "HSET s:{%02u}:m:%s rd %d", shard_of(view_of(id)), id,
                   ms / 1000);
    assert_string_equal(redis_server_ask(rig->serve.redis, command), ":0");
}

size_t send_rig_post_as(struct send_rig *rig, const struct send_rig_message *as)
{
    size_t at = rig->message_count++;
    struct send_rig_sent *m = &rig->messages[at];
    char time[DATETIME_TEXT_MAX];
    struct buf body;

    assert_true(at < SEND_RIG_MESSAGES_MAX && as->count <= SEND_RIG_DEST_MAX);
    m->as = *as;
    m->count = as->count;
    m->send_ms = send_rig_wall_ms() + rig->clock_ms + as->due_in_ms;
    buf_init(&body, 1 << 20);
    datetime_format(m->send_ms, time);
    buf_printf(&body,
               "{\"message\":\"%s\",\"source\":\"12345678@%s.social365.com\",\"subType\":\"%s\","
               "\"maxRetryCount\":%d,\"sendTime\":\"%s\",\"destinations\":[",
               as->text != NULL ? as->text : "Hello", as->whatsapp ? "whatsapp" : "sms",
               as->whatsapp ? "whatsapp" : "sms", as->retries, time);
    for (size_t i = 0; i < as->count; i++)
        buf_printf(&body, "%s{\"address\":\"+35840%02zu%04zu\"}", i > 0 ? "," : "",
                   as->same ? 99 : at, 1000 + i);
    buf_put_text(&body, "]}");
    serve_create(&rig->serve, "/messages", "", buf_text(&body), m->id);
    buf_done(&body);
    if (as->retry_ms > 0)
        shorten_delay(rig, m->id, as->retry_ms);
    return at;
}

size_t send_rig_post(struct send_rig *rig, size_t count, int due_in_ms)
{
    return send_rig_post_as(rig,
                            &(struct send_rig_message){.count = count, .due_in_ms = due_in_ms});
}

size_t send_rig_post_whatsapp(struct send_rig *rig, size_t count, int due_in_ms)
{
    return send_rig_post_as(
        rig, &(struct send_rig_message){.count = count, .due_in_ms = due_in_ms, .whatsapp = true});
}

static int64_t until_number(struct send_rig *rig, const char *command, int64_t least)
{
    const char *answer = "";
    int64_t n;

    for (int i = 0; i < SEND_RIG_LOOKS_MAX; i++) {
        answer = redis_server_ask(rig->serve.redis, command);
        if (num_int(view_of(answer), &n) && n >= least)
            return n;
        send_rig_pause();
    }
    fail_msg("%s: %s", command, answer);
    return 0;
}

int64_t send_rig_until_parked(struct send_rig *rig, size_t message)
{
    const char *id = rig->messages[message].id;
    char command[128];

    (void)snprintf(command, sizeof command, "HGET s:{%02u}:m:%s pk", shard_of(view_of(id)), id);
    return until_number(rig, command, 0);
}

int64_t send_rig_until_call_waits(struct send_rig *rig, const char *id, int64_t least_ms)
{
    char command[128];

    (void)snprintf(command, sizeof command, "ZSCORE s:{%02u}:q:%s 0", shard_of(view_of(id)), id);
    return until_number(rig, command, least_ms);
}
