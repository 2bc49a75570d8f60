#include "producers/store_ask.h"

#include "bridge/core/mem.h"
#include "config/conf_redis.h"

#include <signal.h>
#include <uv.h>

struct store_ask {
    uv_loop_t loop;
    uv_timer_t patience;
    uv_signal_t interrupt[2];
    struct redis *redis;
    bool over; /* of the time, of the sleep */
    bool interrupted;
    bool closed;
};

struct question {
    redis_on_reply *take;
    void *ctx;
    struct fault *f;
    bool ok;
    bool over;
};

static void on_patience(uv_timer_t *timer)
{
    ((struct store_ask *)timer->data)->over = true;
}

static void on_interrupt(uv_signal_t *handle, int number)
{
    struct store_ask *s = handle->data;

    (void)number;
    s->over = s->interrupted = true;
}

struct store_ask *store_ask_new(const struct conf *conf, const struct notice *log, struct fault *f)
{
    static const int signals[2] = {SIGINT, SIGTERM};
    struct redis_conf redis = conf_redis(conf);
    struct store_ask *s = mem_zeroed(1, sizeof *s);

    (void)uv_loop_init(&s->loop); /* fails only without descriptors: then nothing here works */
    (void)uv_timer_init(&s->loop, &s->patience);
    s->patience.data = s;
    for (size_t i = 0; i < 2; i++) {
        (void)uv_signal_init(&s->loop, &s->interrupt[i]);
        s->interrupt[i].data = s;
        (void)uv_signal_start(&s->interrupt[i], on_interrupt, signals[i]);
    }
    s->redis = redis_new(&s->loop, &redis, log, f);
    if (s->redis != NULL) {
        (void)uv_timer_start(&s->patience, on_patience, (uint64_t)redis.timeout_ms, 0);
        while (!redis_up(s->redis) && !s->over)
            uv_run(&s->loop, UV_RUN_ONCE);
        (void)uv_timer_stop(&s->patience);
        if (redis_up(s->redis))
            return s;
        fault_set(f, FAULT_RETRY, "%s", redis_trouble(s->redis));
    }
    store_ask_free(s);
    return NULL;
}

static void on_closed(void *owner)
{
    ((struct store_ask *)owner)->closed = true;
}

void store_ask_free(struct store_ask *s)
{
    if (s == NULL)
        return;
    if (s->redis != NULL) {
        redis_close(s->redis, on_closed, s);
        while (!s->closed)
            uv_run(&s->loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&s->patience, NULL);
    for (size_t i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&s->interrupt[i], NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&s->loop);
    mem_free(s);
}

struct redis *store_ask_redis(struct store_ask *s)
{
    return s->redis;
}

struct uv_loop_s *store_ask_loop(struct store_ask *s)
{
    return &s->loop;
}

static void on_answer(void *owner, const struct redis_value *v)
{
    struct question *q = owner;

    q->over = true;
    q->ok = v->kind != REDIS_LOST && v->kind != REDIS_ERROR;
    if (q->ok)
        q->take(q->ctx, v);
    else
        fault_set(q->f, FAULT_RETRY, "the store did not answer as it should: %.*s",
                  VIEW_ARG(v->text));
}

void store_ask_await(struct store_ask *s, const bool *over)
{
    while (!*over)
        uv_run(&s->loop, UV_RUN_ONCE);
}

bool store_ask_watch(struct store_ask *s, const bool *over)
{
    while (!*over && !s->interrupted)
        uv_run(&s->loop, UV_RUN_ONCE);
    return *over;
}

bool store_ask(struct store_ask *s, const struct view *args, size_t count, redis_on_reply *take,
               void *ctx, struct fault *f)
{
    struct question q = {.take = take, .ctx = ctx, .f = f};

    redis_command(s->redis, args, count, on_answer, &q);
    store_ask_await(s, &q.over);
    return q.ok;
}

bool store_ask_script(struct store_ask *s, const struct redis_script *script,
                      const struct view *keys, size_t key_count, const struct view *args,
                      size_t arg_count, redis_on_reply *take, void *ctx, struct fault *f)
{
    struct question q = {.take = take, .ctx = ctx, .f = f};

    redis_run(s->redis, script, keys, key_count, args, arg_count, on_answer, &q);
    store_ask_await(s, &q.over);
    return q.ok;
}

bool store_ask_sleep(struct store_ask *s, int64_t ms)
{
    s->over = s->interrupted;
    (void)uv_timer_start(&s->patience, on_patience, ms > 0 ? (uint64_t)ms : 0, 0);
    while (!s->over)
        uv_run(&s->loop, UV_RUN_ONCE);
    (void)uv_timer_stop(&s->patience);
    return !s->interrupted;
}
