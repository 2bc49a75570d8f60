#include "bridge/io/redis_aof.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#define LEFT_MAX 65536

struct redis_aof {
    struct redis *redis;
    struct redis_servers servers;
    size_t at;           /* the server whose turn it is */
    bool noted;          /* its replicas are in `left` */
    bool told;           /* it was, and its end is waited for */
    int64_t before;      /* files that it had written anew when it was told */
    int64_t deadline_ms; /* of it */
    bool rewritten;      /* by all so far */
    struct buf left;
    uv_timer_t timer;
    bool asked;  /* a reply is on its way */
    bool ended;  /* nobody listens any more */
    bool closed; /* the timer is gone */
    redis_aof_done *done;
    void *owner;
};

static void free_if_over(struct redis_aof *a)
{
    if (!a->closed || a->asked)
        return;
    buf_done(&a->left);
    mem_free(a);
}

static void on_timer(uv_timer_t *timer);

static void later(struct redis_aof *a, uint64_t ms)
{
    (void)uv_timer_start(&a->timer, on_timer, ms, 0);
}

static void begin_server(struct redis_aof *a)
{
    a->noted = a->told = false;
    a->deadline_ms = (int64_t)uv_now(a->timer.loop) + REDIS_AOF_PATIENCE_MS;
    later(a, 0);
}

static void end_server(struct redis_aof *a, bool rewritten)
{
    if (!rewritten) {
        a->rewritten = false;
        buf_printf(&a->left, "%s\n", a->servers.at[a->at]);
    }
    a->at++;
    begin_server(a);
}

/* ---- what a server says of itself ---- */

/* The value of "name:value" among INFO's lines. */
static struct view info(struct view all, struct view name)
{
    while (all.n > 0) {
        struct view line = view_cut(&all, '\n');

        if (view_starts(line, name) && line.n > name.n && line.p[name.n] == ':') {
            struct view value = view_skip(line, name.n + 1);

            value.n -= value.n > 0 && value.p[value.n - 1] == '\r';
            return value;
        }
    }
    return VIEW_NONE;
}

static int64_t info_number(struct view all, struct view name)
{
    int64_t n = 0;

    return num_in(info(all, name), 0, INT64_MAX, &n) ? n : -1;
}

/* "ip=10.0.0.2,port=6379,state=online,…" */
static void note_replica(struct redis_aof *a, struct view said)
{
    struct view host = VIEW_NONE;
    struct view port = VIEW_NONE;

    while (said.n > 0) {
        struct view part = view_cut(&said, ',');

        if (view_starts(part, VIEW("ip=")))
            host = view_skip(part, 3);
        else if (view_starts(part, VIEW("port=")))
            port = view_skip(part, 5);
    }
    if (view_has(host, ':'))
        buf_printf(&a->left, "[%.*s]:%.*s\n", VIEW_ARG(host), VIEW_ARG(port));
    else
        buf_printf(&a->left, "%.*s:%.*s\n", VIEW_ARG(host), VIEW_ARG(port));
}

static void note_replicas(struct redis_aof *a, struct view all)
{
    char name[32];

    for (int64_t i = 0; !a->noted && i < info_number(all, VIEW("connected_slaves")); i++) {
        snprintf(name, sizeof name, "slave%d", (int)i);
        note_replica(a, info(all, view_of(name)));
    }
    a->noted = true;
}

/* ---- one server ---- */

static void on_told(void *owner, const struct redis_value *v)
{
    const struct view other = VIEW("ERR Background append only file rewriting already");
    struct redis_aof *a = owner;

    a->asked = false;
    if (a->ended) {
        free_if_over(a);
    } else if (v->kind == REDIS_STATUS) {
        later(a, 0);
    } else if (v->kind == REDIS_ERROR && view_starts(v->text, other)) {
        a->told = false; /* begun since it was looked at: after that one */
        later(a, REDIS_AOF_LOOK_MS);
    } else {
        end_server(a, false); /* it may not be ours to ask */
    }
}

static void tell(struct redis_aof *a)
{
    const struct view args[] = {VIEW("BGREWRITEAOF")};

    a->told = true;
    a->asked = true;
    redis_command_at(a->redis, a->servers.at[a->at], args, 1, on_told, a);
}

/* One that is under way before it is told began with what was there then: it is told after that. */
static void on_info(void *owner, const struct redis_value *v)
{
    struct redis_aof *a = owner;
    struct view all = v->kind == REDIS_TEXT ? v->text : VIEW_NONE;
    int64_t written = info_number(all, VIEW("aof_rewrites"));
    bool busy = info_number(all, VIEW("aof_rewrite_in_progress")) == 1 ||
                (a->told && info_number(all, VIEW("aof_rewrite_scheduled")) == 1);

    a->asked = false;
    if (a->ended) {
        free_if_over(a);
    } else if (written < 0) {
        end_server(a, false);
    } else if (busy && (int64_t)uv_now(a->timer.loop) < a->deadline_ms) {
        later(a, REDIS_AOF_LOOK_MS);
    } else if (busy) {
        end_server(a, false);
    } else if (!a->told) {
        a->before = written;
        note_replicas(a, all);
        tell(a);
    } else { /* one that was started again has written none */
        end_server(a, written > a->before &&
                          view_is(info(all, VIEW("aof_last_bgrewrite_status")), "ok"));
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct redis_aof *a = timer->data;
    const struct view args[] = {VIEW("INFO"), VIEW("persistence"), VIEW("replication")};

    if (a->at < a->servers.count) {
        a->asked = true;
        redis_command_at(a->redis, a->servers.at[a->at], args, 3, on_info, a);
    } else {
        const struct redis_aof_outcome outcome = {a->rewritten, buf_view(&a->left)};

        a->done(a->owner, &outcome);
    }
}

/* ---- life ---- */

struct redis_aof *redis_aof_rewrite(struct uv_loop_s *loop, struct redis *r, redis_aof_done *done,
                                    void *owner)
{
    struct redis_aof *a = mem_zeroed(1, sizeof *a);

    a->redis = r;
    a->done = done;
    a->owner = owner;
    buf_init(&a->left, LEFT_MAX);
    (void)uv_timer_init(loop, &a->timer); /* never fails */
    a->timer.data = a;
    redis_servers(r, &a->servers);
    a->rewritten = a->servers.count > 0;
    begin_server(a);
    return a;
}

static void on_closed(uv_handle_t *handle)
{
    struct redis_aof *a = handle->data;

    a->closed = true;
    free_if_over(a);
}

void redis_aof_free(struct redis_aof *a)
{
    if (a == NULL)
        return;
    a->ended = true;
    uv_close((uv_handle_t *)&a->timer, on_closed);
}
