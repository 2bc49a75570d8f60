#include "tests/fakes/history_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/admin.h"
#include "bridge/io/crypto.h"
#include "bridge/io/signals.h"
#include "bridge/ports/notice.h"
#include "server/front.h"
#include "server/history.h"
#include "server/queues.h"
#include "server/sign_on.h"
#include "tests/fakes/probe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

/* ---- the server's process ---- */

struct inside {
    struct server server;
    uv_loop_t loop;
    struct sign_on *sign_on;
    struct queues *queues;
    struct front *front;
    struct http_server *http;
    struct admin *admin;
    struct signals *signals;
    struct notice log;
};

static void say(void *ctx, enum notice_level level, const char *event,
                const struct notice_field *fields, size_t field_count)
{
    (void)ctx;
    (void)level;
    (void)event;
    (void)fields;
    (void)field_count;
}

static bool ready(void *ctx, struct buf *why)
{
    (void)ctx;
    (void)why;
    return true;
}

static void drained(void *ctx)
{
    struct inside *s = ctx;

    history_close(s->server.history, NULL, NULL);
    http_server_free(s->http);
    admin_free(s->admin);
    signals_free(s->signals);
}

static void drain(void *ctx)
{
    struct inside *s = ctx;

    http_server_drain(s->http, drained, s);
}

static void make(struct inside *s, const char *file, bool plain_user)
{
    struct chat_queue queue = {
        .address = "chat@example.com", .name = "My support chat", .channel = "text", .via = "out"};
    struct exchange_user user = {
        .login = "mark.smith", .name = "Smith, Mark", .language = "en", .act_for = !plain_user};
    struct http_server_conf http = {.address = "127.0.0.1:0",
                                    .connections_max = 256,
                                    .head_max_bytes = 16384,
                                    .bodies_max_bytes = 64 << 20,
                                    .request_time_ms = 60000};
    static const uint8_t secret[FRONT_SECRET_BYTES] = {7};
    struct history_conf history = {
        .file = file, .readers = HISTORY_READERS_MIN, .read_time_ms = 60000};
    struct fault f = {0};

    if (!guid_parse(VIEW(RIG_QUEUE_ID), &queue.id) || !guid_parse(VIEW(RIG_USER_ID), &user.id))
        abort();
    s->log = (struct notice){.least = NOTICE_ERROR, .say = say};
    s->server.log = &s->log;
    s->server.stats = stats_new();
    s->server.loop = &s->loop;
    s->server.remarks_max_bytes = 65536;
    s->server.body_max_bytes = 16 << 20;
    s->server.wrapup_max_ms = 3600000;
    uv_loop_init(&s->loop);
    s->queues = queues_new();
    queues_add_chat(s->queues, &queue);
    s->server.queues = s->queues;
    user.remarks_any = !plain_user;
    s->sign_on =
        sign_on_new(&(struct sign_on_conf){&s->loop, &s->log, s->server.stats, "X-API-Key"},
                    users_new_anonymous(&user));
    s->front = front_new(&s->server, s->sign_on);
    front_secret(s->front, secret);
    front_add(s->front, FRONT_BASE, contact_routes);
    front_add(s->front, FRONT_BASE, email_routes);
    front_add(s->front, FRONT_BASE, script_result_routes);
    front_add(s->front, FRONT_BASE, chat_routes);
    front_add(s->front, FRONT_BASE, recording_routes);
    front_add(s->front, FRONT_BASE, remarks_routes);
    front_add(s->front, "", ingest_routes);
    s->server.history = history_open(&s->loop, &history, &s->log, s->server.stats, &f);
    s->http = http_server_new(&s->loop, &http, front_owner(s->front), &f);
    s->admin = admin_new(&s->loop, "127.0.0.1:0", s->server.stats,
                         (struct admin_owner){s, ready, NULL}, &f);
    s->signals = signals_new(&s->loop, &(struct signals_owner){s, drain, NULL, NULL}, &f);
    if (s->server.history == NULL || s->http == NULL || s->admin == NULL || s->signals == NULL) {
        fprintf(stderr, "history_rig: %s\n", f.text);
        _exit(9);
    }
}

static _Noreturn void be_the_server(const char *file, bool plain_user, int ports)
{
    static struct inside s;
    unsigned numbers[2];

    crypto_init();
    make(&s, file, plain_user);
    numbers[0] = http_server_port(s.http);
    numbers[1] = admin_port(s.admin);
    if (write(ports, numbers, sizeof numbers) != sizeof numbers)
        _exit(9);
    close(ports);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&s.loop) != 0)
        _exit(8);
    front_free(s.front);
    sign_on_free(s.sign_on);
    queues_free(s.queues);
    stats_free(s.server.stats);
    exit(0); /* not _exit: a leak checker has its say */
}

/* ---- the test's side ---- */

void rig_init(struct history_rig *rig)
{
    memset(rig, 0, sizeof *rig);
    snprintf(rig->dir, sizeof rig->dir, "%s/cmibridge-history-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->file, sizeof rig->file, "%s/history.db", rig->dir);
}

void rig_done(struct history_rig *rig)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-lock", NULL};
    char name[RIG_PATH_MAX + 32];

    if (rig->pid != 0)
        rig_kill(rig);
    for (size_t i = 0; suffixes[i] != NULL; i++) {
        snprintf(name, sizeof name, "%s%s", rig->file, suffixes[i]);
        unlink(name);
    }
    rmdir(rig->dir);
}

void rig_start(struct history_rig *rig)
{
    unsigned ports[2];
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no test leaves one behind, however it ends */
        if (rig->fault_point != NULL)
            setenv("CMIBRIDGE_FAULT_POINT", rig->fault_point, 1);
        be_the_server(rig->file, rig->plain_user, ends[1]);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], ports, sizeof ports), sizeof ports);
    close(ends[0]);
    rig->port = ports[0];
    rig->admin_port = ports[1];
}

void rig_kill(struct history_rig *rig)
{
    kill(rig->pid, SIGKILL);
    waitpid(rig->pid, NULL, 0);
    rig->pid = 0;
}

void rig_await(struct history_rig *rig)
{
    int status = 0;

    waitpid(rig->pid, &status, 0);
    rig->pid = 0;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

void rig_stop(struct history_rig *rig)
{
    int status = 0;

    kill(rig->pid, SIGTERM);
    waitpid(rig->pid, &status, 0);
    rig->pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

long rig_metric(struct history_rig *rig, const char *series)
{
    struct probe_reply reply = probe_ask(rig->admin_port, "GET", "/metrics", "", NULL);
    struct view rest = reply.body;
    long value = -1;

    while (rest.n > 0) {
        struct view number = view_cut(&rest, '\n');
        struct view name = view_cut(&number, ' ');

        if (view_is(name, series))
            value = strtol(number.p, NULL, 10);
    }
    probe_done(&reply);
    return value;
}
