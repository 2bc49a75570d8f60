#include "bridge/io/redis_wake.h"

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"

#include <stdio.h>
#include <uv.h>

#define CHANNEL "w:{00} "

struct redis_wake {
    struct redis *redis;
    uv_timer_t timer;
    redis_on_wake *woken;
    void *owner;
    unsigned open; /* the connection and the timer, not yet gone */
    char channels[SHARD_COUNT * (sizeof CHANNEL - 1)];
};

static void on_heard(void *owner, struct view channel, struct view message)
{
    struct redis_wake *w = owner;
    struct view digits = {channel.p + 3, 2};
    int64_t shard = 0;
    int64_t due_ms = 0;

    if (channel.n != sizeof CHANNEL - 2 || !num_int(message, &due_ms))
        return;
    if (digits.p[0] == '0')
        digits = view_skip(digits, 1);
    if (num_in(digits, 0, SHARD_COUNT - 1, &shard))
        w->woken(w->owner, (unsigned)shard, due_ms);
}

static void ignore(void *owner, const struct redis_value *v)
{
    (void)owner;
    (void)v; /* a lost one has ended the connection, which comes back */
}

static void on_timer(uv_timer_t *timer)
{
    struct redis_wake *w = timer->data;
    struct view args[] = {VIEW("PING")};

    if (redis_up(w->redis))
        redis_command(w->redis, args, 1, ignore, w);
}

struct redis_wake *redis_wake_new(struct uv_loop_s *loop, const struct redis_conf *conf,
                                  const struct notice *log, redis_on_wake *woken, void *owner,
                                  struct fault *f)
{
    struct redis_wake *w = mem_zeroed(1, sizeof *w);
    struct redis_conf hears = *conf;
    char *to = w->channels;

    hears.durable = false; /* it writes nothing */
    w->redis = redis_new(loop, &hears, log, f);
    if (w->redis == NULL) {
        mem_free(w);
        return NULL;
    }
    w->woken = woken;
    w->owner = owner;
    w->open = 2;
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        to += snprintf(to, sizeof CHANNEL, i + 1 < SHARD_COUNT ? "w:{%02u} " : "w:{%02u}",
                       i % SHARD_COUNT);
    redis_listen(w->redis, w->channels, on_heard, w);
    (void)uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    (void)uv_timer_start(&w->timer, on_timer, REDIS_WAKE_PING_MS, REDIS_WAKE_PING_MS);
    return w;
}

static void on_gone(void *owner)
{
    struct redis_wake *w = owner;

    if (--w->open == 0)
        mem_free(w);
}

static void on_timer_gone(uv_handle_t *handle)
{
    on_gone(handle->data);
}

void redis_wake_free(struct redis_wake *w)
{
    if (w == NULL)
        return;
    redis_close(w->redis, on_gone, w);
    uv_close((uv_handle_t *)&w->timer, on_timer_gone);
}
