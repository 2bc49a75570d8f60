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
#include "server/user.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#define REPLY_MAX (64 << 20)

/* ---- the server's process ---- */

struct inside {
    struct server server;
    uv_loop_t loop;
    struct users *users;
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
        .address = "chat@example.com", .name = "My support chat", .channel = "text"};
    struct exchange_user user = {
        .login = "mark.smith", .name = "Smith, Mark", .language = "en", .act_for = !plain_user};
    struct http_server_conf http = {.address = "127.0.0.1:0",
                                    .connections_max = 256,
                                    .head_max_bytes = 16384,
                                    .bodies_max_bytes = 64 << 20,
                                    .request_time_ms = 60000};
    static const uint8_t secret[FRONT_SECRET_BYTES] = {7};
    struct fault f = {0};

    if (!guid_parse(VIEW(RIG_QUEUE_ID), &queue.id) || !guid_parse(VIEW(RIG_USER_ID), &user.id))
        abort();
    s->log = (struct notice){.least = NOTICE_ERROR, .say = say};
    s->server.log = &s->log;
    s->server.stats = stats_new();
    s->server.loop = &s->loop;
    s->server.remarks_max_bytes = 65536;
    s->server.body_max_bytes = 16 << 20;
    uv_loop_init(&s->loop);
    s->queues = queues_new();
    queues_add_chat(s->queues, &queue);
    s->server.queues = s->queues;
    s->users = users_new_anonymous(&user);
    s->front = front_new(&s->server, s->users);
    front_secret(s->front, secret);
    front_add(s->front, FRONT_BASE, chat_routes);
    front_add(s->front, FRONT_BASE, recording_routes);
    front_add(s->front, FRONT_BASE, remarks_routes);
    front_add(s->front, "", ingest_routes);
    s->server.history = history_open(&s->loop, file, &s->log, s->server.stats, &f);
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
    users_free(s.users);
    queues_free(s.queues);
    stats_free(s.server.stats);
    _exit(0);
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

void rig_stop(struct history_rig *rig)
{
    int status = 0;

    kill(rig->pid, SIGTERM);
    waitpid(rig->pid, &status, 0);
    rig->pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int connect_to(unsigned port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int send_to(unsigned port, const char *method, const char *target, const char *extra,
                   const char *body)
{
    struct buf request;
    int fd = connect_to(port);
    size_t sent = 0;

    if (fd < 0)
        return -1;
    buf_init(&request, REPLY_MAX);
    buf_printf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method,
               target, extra);
    if (body != NULL)
        buf_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_put_text(&request, "\r\n");
    if (body != NULL)
        buf_put_text(&request, body);
    while (sent < request.n) {
        ssize_t n = send(fd, request.p + sent, request.n - sent, MSG_NOSIGNAL);

        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    buf_done(&request);
    return fd;
}

int rig_send(struct history_rig *rig, const char *method, const char *target, const char *extra,
             const char *body)
{
    return send_to(rig->port, method, target, extra, body);
}

void rig_read(int fd, struct rig_reply *reply)
{
    struct buf all;
    char piece[16384];
    ssize_t n;
    const char *end;

    memset(reply, 0, sizeof *reply);
    buf_init(&reply->head, REPLY_MAX);
    buf_init(&reply->body, REPLY_MAX);
    if (fd < 0)
        return;
    buf_init(&all, REPLY_MAX);
    while ((n = recv(fd, piece, sizeof piece, 0)) > 0)
        buf_put(&all, (struct view){piece, (size_t)n});
    close(fd);
    end = strstr(buf_text(&all), "\r\n\r\n");
    if (end != NULL) {
        buf_put(&reply->head, (struct view){all.p, (size_t)(end - all.p) + 2});
        buf_put(&reply->body, view_skip(buf_view(&all), reply->head.n + 2));
        reply->status = (int)strtol(all.p + strlen("HTTP/1.1 "), NULL, 10);
    }
    buf_done(&all);
}

void rig_ask(struct history_rig *rig, const char *method, const char *target, const char *extra,
             const char *body, struct rig_reply *reply)
{
    rig_read(rig_send(rig, method, target, extra, body), reply);
}

void rig_reply_done(struct rig_reply *reply)
{
    buf_done(&reply->head);
    buf_done(&reply->body);
}

const char *rig_header(struct rig_reply *reply, const char *name, char *out, size_t size)
{
    struct view rest = buf_view(&reply->head);

    out[0] = '\0';
    while (rest.n > 0) {
        struct view value = view_cut(&rest, '\n');
        struct view key = view_cut(&value, ':');

        if (!view_eq_nocase(key, view_of(name)))
            continue;
        if (value.n > 0 && value.p[value.n - 1] == '\r')
            value.n--;
        value = view_trim(value);
        snprintf(out, size, "%.*s", VIEW_ARG(value));
    }
    return out;
}

long rig_metric(struct history_rig *rig, const char *series)
{
    struct rig_reply reply;
    struct view rest;
    long value = -1;

    rig_read(send_to(rig->admin_port, "GET", "/metrics", "", NULL), &reply);
    rest = buf_view(&reply.body);
    while (rest.n > 0) {
        struct view number = view_cut(&rest, '\n');
        struct view name = view_cut(&number, ' ');

        if (view_is(name, series))
            value = strtol(number.p, NULL, 10);
    }
    rig_reply_done(&reply);
    return value;
}
