#include "tests/fakes/consumer.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "tests/fakes/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOG_MAX (16 << 20)
#define WAIT_S  60

struct consumer {
    pid_t pid; /* 0: ended */
    int exit_code;
    char dir[64];
    int log;
    pthread_t reader;
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    struct buf said;
    bool silent; /* its end of the log is closed */
};

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "consumer: %s: %s\n", what, why);
    exit(1);
}

static void *read_log(void *arg)
{
    struct consumer *c = arg;
    char piece[4096];
    ssize_t n;

    while ((n = read(c->log, piece, sizeof piece)) > 0) {
        pthread_mutex_lock(&c->lock);
        buf_put(&c->said, (struct view){piece, (size_t)n});
        pthread_cond_broadcast(&c->changed);
        pthread_mutex_unlock(&c->lock);
    }
    pthread_mutex_lock(&c->lock);
    c->silent = true;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

static void write_conf(const struct consumer *c, const struct consumer_conf *conf)
{
    int session_ms = conf->session_ms > 0 ? conf->session_ms : 6000;
    char path[96];
    FILE *file;

    snprintf(path, sizeof path, "%s/consume.yaml", c->dir);
    file = fopen(path, "w");
    if (file == NULL)
        give_up(path, strerror(errno));
    fprintf(file,
            "kafka:\n"
            "  brokers: %s\n"
            "  group: %s\n"
            "  topics: [%s%s%s]\n"
            "  results_topic: %s-results\n"
            "  dead_letters_topic: %s-dead\n"
            "  commit_interval: 100ms\n"
            "  session_timeout: %dms\n",
            conf->brokers, conf->topic, conf->topic, conf->also != NULL ? ", " : "",
            conf->also != NULL ? conf->also : "", conf->topic, conf->topic, session_ms);
    if (conf->instance != NULL)
        fprintf(file, "  instance_id: %s\n", conf->instance);
    if (conf->reset != NULL)
        fprintf(file, "  offset_reset: %s\n", conf->reset);
    if (conf->assign != NULL)
        fprintf(file, "  assign: %s\n", conf->assign);
    fprintf(file,
            "  properties:\n"
            "    fetch.wait.max.ms: '10'\n"
            "    reconnect.backoff.max.ms: '200'\n"
            "    topic.metadata.refresh.interval.ms: '%d'\n"
            "targets:\n"
            "  main:\n"
            "    url: %s\n"
            "    honours_key: %s\n"
            "    concurrency: 16\n",
            conf->refresh_ms > 0 ? conf->refresh_ms : 300000, conf->cmi,
            conf->honours_key ? "true" : "false");
    if (conf->other != NULL)
        fprintf(file,
                "  other: {url: '%s', honours_key: true}\nroutes: {chat.*: other, '*': main}\n",
                conf->other);
    fprintf(file,
            "redis:\n"
            "  address: %s\n"
            "admin:\n"
            "  listen: 127.0.0.1:0\n"
            "consume:\n"
            "  drain: %dms\n"
            "  in_flight: %d\n"
            "log:\n"
            "  format: logfmt\n",
            conf->redis, session_ms - 1000, conf->in_flight > 0 ? conf->in_flight : 2048);
    if (fclose(file) != 0)
        give_up(path, strerror(errno));
}

static void run(const struct consumer *c, const char *program, int log, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || chdir(c->dir) != 0)
        _exit(127);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    closefrom(STDERR_FILENO + 1);
    execl(program, "cmibridge", "consume", "--config", "consume.yaml", (char *)NULL);
    _exit(127);
}

/* Under the lock. */
static size_t times_said(struct consumer *c, const char *text)
{
    size_t times = 0;

    for (const char *at = buf_text(&c->said); (at = strstr(at, text)) != NULL; at++)
        times++;
    return times;
}

size_t consumer_said(struct consumer *c, const char *text)
{
    size_t times;

    pthread_mutex_lock(&c->lock);
    times = times_said(c, text);
    pthread_mutex_unlock(&c->lock);
    return times;
}

void consumer_await(struct consumer *c, const char *text, size_t times)
{
    struct timespec until;
    int late = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&c->lock);
    while (times_said(c, text) < times) {
        if (late != 0 || c->silent) {
            fprintf(stderr, "%s", buf_text(&c->said));
            give_up("it does not say", text);
        }
        late = pthread_cond_timedwait(&c->changed, &c->lock, &until);
    }
    pthread_mutex_unlock(&c->lock);
}

void consumer_await_ready(struct consumer *c)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    time_t until = time(NULL) + WAIT_S;
    unsigned port;

    consumer_await(c, "admin_port=", 1);
    pthread_mutex_lock(&c->lock);
    port = (unsigned)strtoul(strstr(buf_text(&c->said), "admin_port=") + 11, NULL, 10);
    pthread_mutex_unlock(&c->lock);
    for (;;) {
        struct probe_reply r = probe_ask(port, "GET", "/readyz", "", NULL);

        if (r.status != 200 && time(NULL) > until)
            give_up("it does not get ready", r.body.p);
        probe_done(&r);
        if (r.status == 200)
            return;
        nanosleep(&pause, NULL);
    }
}

struct consumer *consumer_start(const struct consumer_conf *conf)
{
    struct consumer *c = mem_zeroed(1, sizeof *c);
    const char *program = getenv("CMIBRIDGE_BIN"); /* set by ctest */
    pid_t parent = getpid();
    int log[2];

    if (program == NULL)
        give_up("CMIBRIDGE_BIN", "it is not set");
    buf_init(&c->said, LOG_MAX);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    snprintf(c->dir, sizeof c->dir, "/tmp/cmibridge-consumer-XXXXXX");
    if (mkdtemp(c->dir) == NULL || pipe(log) != 0)
        give_up("no directory or pipe", strerror(errno));
    write_conf(c, conf);
    c->pid = fork();
    if (c->pid < 0)
        give_up("no process", strerror(errno));
    if (c->pid == 0)
        run(c, program, log[1], parent);
    close(log[1]);
    c->log = log[0];
    if (pthread_create(&c->reader, NULL, read_log, c) != 0)
        give_up("no thread", "for its log");
    consumer_await(c, "started", 1);
    return c;
}

void consumer_signal(struct consumer *c, int signal)
{
    if (c->pid == 0 || kill(c->pid, signal) != 0)
        give_up("it can't be sent a signal", c->pid != 0 ? strerror(errno) : "it has ended");
}

int consumer_end(struct consumer *c, int signal)
{
    int status;

    if (c->pid == 0)
        return c->exit_code;
    if (signal != 0)
        kill(c->pid, signal);
    if (waitpid(c->pid, &status, 0) != c->pid)
        give_up("it can't be waited for", strerror(errno));
    c->pid = 0;
    pthread_join(c->reader, NULL);
    c->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return c->exit_code;
}

void consumer_free(struct consumer *c)
{
    char path[96];

    if (c == NULL)
        return;
    (void)consumer_end(c, SIGKILL);
    snprintf(path, sizeof path, "%s/consume.yaml", c->dir);
    if (unlink(path) != 0 || rmdir(c->dir) != 0)
        give_up(c->dir, strerror(errno));
    close(c->log);
    buf_done(&c->said);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->changed);
    mem_free(c);
}
