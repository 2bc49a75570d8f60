/* consume_rig_process: the consumer of a consume_rig: its life, its log, its metrics. */
#define _GNU_SOURCE /* environ */
#include "tests/fakes/consume_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "tests/fakes/probe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS     10 /* between two questions whose answer no event brings */
#define FAULT_POINT "CMIBRIDGE_FAULT_POINT="

/* ---- its life ---- */

static void wake_up(uv_timer_t *timer)
{
    (void)timer;
}

static void close_one(struct consume_rig *rig, uv_handle_t *handle)
{
    uv_close(handle, NULL);
    rig->open--;
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *room)
{
    struct consume_rig *rig = handle->data;

    (void)size;
    *room = uv_buf_init(rig->piece, sizeof rig->piece);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
    struct consume_rig *rig = stream->data;

    if (n > 0)
        buf_put(&rig->log, (struct view){piece->base, (size_t)n});
    else if (n < 0)
        close_one(rig, (uv_handle_t *)stream);
}

static void on_exit_code(uv_process_t *process, int64_t code, int signal)
{
    struct consume_rig *rig = process->data;

    rig->exit_code = code;
    rig->exit_signal = signal;
    rig->deaths += signal == SIGKILL;
    close_one(rig, (uv_handle_t *)process);
}

/* This environment, with the fault point instead of any it holds. */
static char **environment(const char *fault_point, char text[64])
{
    size_t n = 0;
    size_t kept = 0;
    char **env;

    while (environ[n] != NULL)
        n++;
    env = mem_zeroed(n + 2, sizeof *env);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], FAULT_POINT, strlen(FAULT_POINT)) != 0)
            env[kept++] = environ[i];
    snprintf(text, 64, FAULT_POINT "%s", fault_point != NULL ? fault_point : "");
    if (fault_point != NULL)
        env[kept] = text;
    return env;
}

void consume_rig_run(struct consume_rig *rig, const char *fault_point)
{
    char *program = getenv("CMIBRIDGE_BIN");
    char parent[16];
    char file[96];
    char text[64];
    char tether[] = "tether";
    char command[] = "consume";
    char option[] = "--config";
    char *args[] = {program, tether, parent, program, command, option, file, NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&rig->pipe},
    };
    uv_process_options_t o = {
        .exit_cb = on_exit_code, .file = program, .args = args, .stdio_count = 3, .stdio = stdio};
    int err;

    assert_non_null(program); /* set by ctest */
    assert_int_equal(rig->open, 0);
    snprintf(parent, sizeof parent, "%d", (int)getpid());
    snprintf(file, sizeof file, "%s/cmibridge.yaml", rig->dir);
    rig->log_at = rig->log.n;
    rig->starts++;
    uv_pipe_init(&rig->kafka.loop, &rig->pipe, 0);
    rig->pipe.data = rig;
    rig->process.data = rig;
    o.env = environment(fault_point, text);
    err = uv_spawn(&rig->kafka.loop, &rig->process, &o);
    mem_free(o.env);
    if (err != 0)
        fail_msg("%s can't be run: %s", program, uv_strerror(err));
    rig->open = 2;
    uv_read_start((uv_stream_t *)&rig->pipe, on_room, on_read);
}

/* Of the last start; 0: it has not said it yet. */
static unsigned said_port(struct consume_rig *rig)
{
    const char *at = strstr(buf_text(&rig->log) + rig->log_at, "admin_port=");
    int64_t port = 0;

    if (at == NULL)
        return 0;
    at += strlen("admin_port=");
    assert_true(num_in((struct view){at, strspn(at, "0123456789")}, 1, 65535, &port));
    return (unsigned)port;
}

/* cmocka's own printing cuts at 1024 bytes. */
void consume_rig_print(struct consume_rig *rig)
{
    fflush(stdout);
    fputs(buf_text(&rig->log), stderr);
    if (rig->open == 2 && said_port(rig) != 0) {
        struct probe_reply r = probe_ask(said_port(rig), "GET", "/metrics", "", NULL);

        fprintf(stderr, "%.*s", VIEW_ARG(r.body));
        probe_done(&r);
    }
    for (int p = 0; p < CONSUME_RIG_PARTITIONS; p++)
        fprintf(stderr, "partition %d is committed up to %lld\n", p, (long long)rig->committed[p]);
    for (size_t i = 0; i < hostile_http_count(rig->cmi); i++) {
        const struct hostile_request *r = hostile_http_request(rig->cmi, i);

        fprintf(stderr, "request %zu on connection %u: %s %s, key %.*s%s\n", i, r->connection,
                r->method, r->path, VIEW_ARG(hostile_request_header(r, "Idempotency-Key")),
                r->effect ? "" : ", without effect");
    }
}

void consume_rig_until(struct consume_rig_wait *w, bool (*holds)(struct consume_rig_wait *w),
                       const char *what)
{
    struct consume_rig *rig = w->rig;
    uint64_t end = uv_hrtime() + CONSUME_RIG_PATIENCE_MS * UINT64_C(1000000);
    bool ok;

    uv_timer_start(&rig->tick, wake_up, TICK_MS, TICK_MS);
    while (!(ok = holds(w)) && uv_hrtime() < end)
        uv_run(&rig->kafka.loop, UV_RUN_ONCE);
    uv_timer_stop(&rig->tick);
    if (ok)
        return;
    consume_rig_print(rig);
    fail_msg("run %u: waited in vain: %s %s", rig->number, what, w->text != NULL ? w->text : "");
}

static bool has_ended(struct consume_rig_wait *w)
{
    return w->rig->open == 0;
}

int64_t consume_rig_ended(struct consume_rig *rig)
{
    consume_rig_until(&(struct consume_rig_wait){.rig = rig}, has_ended, "for its end");
    return rig->exit_signal != 0 ? -rig->exit_signal : rig->exit_code;
}

void consume_rig_signal(struct consume_rig *rig, int signal)
{
    assert_int_equal(rig->open, 2);
    assert_int_equal(uv_process_kill(&rig->process, signal), 0);
}

void consume_rig_kill(struct consume_rig *rig)
{
    consume_rig_signal(rig, SIGKILL);
    assert_int_equal(consume_rig_ended(rig), -SIGKILL);
}

void consume_rig_end(struct consume_rig *rig)
{
    if (rig->open == 0)
        return;
    (void)uv_process_kill(&rig->process, SIGKILL);
    (void)consume_rig_ended(rig);
}

/* ---- what it says of itself ---- */

bool consume_rig_said(struct consume_rig *rig, const char *text)
{
    return strstr(buf_text(&rig->log) + rig->log_at, text) != NULL;
}

/* Its log is read to the end before it counts as dead. */
bool consume_rig_lives(struct consume_rig *rig)
{
    if (rig->open > 0)
        return true;
    consume_rig_print(rig);
    fail_msg("run %u: it ended by itself: code %d, signal %d", rig->number, (int)rig->exit_code,
             rig->exit_signal);
    return false;
}

static bool has_said(struct consume_rig_wait *w)
{
    return consume_rig_said(w->rig, w->text) || !consume_rig_lives(w->rig);
}

void consume_rig_until_said(struct consume_rig *rig, const char *text)
{
    consume_rig_until(&(struct consume_rig_wait){.rig = rig, .text = text}, has_said,
                      "until it says");
}

static unsigned admin_port(struct consume_rig *rig)
{
    consume_rig_until_said(rig, "admin_port=");
    return said_port(rig);
}

bool consume_rig_ready(struct consume_rig *rig, const char **why)
{
    static char said[2048];
    struct probe_reply r = probe_ask(admin_port(rig), "GET", "/readyz", "", NULL);
    bool ready = r.status == 200;

    view_copy(r.body, said, sizeof said);
    probe_done(&r);
    if (why != NULL)
        *why = said;
    return ready;
}

static bool is_ready(struct consume_rig_wait *w)
{
    return consume_rig_lives(w->rig) && consume_rig_ready(w->rig, NULL);
}

void consume_rig_until_ready(struct consume_rig *rig)
{
    consume_rig_until(&(struct consume_rig_wait){.rig = rig}, is_ready, "until it is ready");
}

static bool is_unready(struct consume_rig_wait *w)
{
    return consume_rig_lives(w->rig) && !consume_rig_ready(w->rig, NULL);
}

void consume_rig_until_unready(struct consume_rig *rig)
{
    consume_rig_until(&(struct consume_rig_wait){.rig = rig}, is_unready, "until it is unready");
}

int64_t consume_rig_metric(struct consume_rig *rig, const char *metric)
{
    struct probe_reply r = probe_ask(admin_port(rig), "GET", "/metrics", "", NULL);
    int64_t value = -1;
    struct view rest = r.body;

    assert_int_equal(r.status, 200);
    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');

        if (view_starts(line, view_of(metric)) && line.p[strlen(metric)] == ' ')
            assert_true(num_in(view_skip(line, strlen(metric) + 1), 0, INT64_MAX, &value));
    }
    probe_done(&r);
    return value;
}

static bool has_metric(struct consume_rig_wait *w)
{
    return consume_rig_lives(w->rig) && consume_rig_metric(w->rig, w->text) >= w->least;
}

void consume_rig_until_metric(struct consume_rig *rig, const char *metric, int64_t least)
{
    consume_rig_until(&(struct consume_rig_wait){.rig = rig, .text = metric, .least = least},
                      has_metric, "for the metric");
}
