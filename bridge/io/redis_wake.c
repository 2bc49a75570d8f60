#include "bridge/io/redis_wake.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/io/redis_greeting.h"
#include "bridge/io/redis_link.h"
#include "bridge/io/redis_words.h"

#include <stdio.h>
#include <uv.h>

#define CHANNEL_MAX 8 /* "w:{00}" and a NUL */

struct redis_wake {
    struct uv_loop_s *loop;
    const struct redis *companion;
    struct redis_conf conf; /* user and password only */
    struct redis_link *link;
    unsigned attempt;
    unsigned heard; /* replies since the last tick */
    bool hears;
    uv_timer_t timer; /* with a link: the next PING; without: the next attempt */
    unsigned open;    /* the timer and links, not yet gone */
    bool closed;
    redis_on_wake *woken;
    void *owner;
};

/* ---- commands ---- */

static void put_command(struct redis_link *l, const struct view *args, size_t count)
{
    struct buf *out = redis_link_out(l);

    redis_words_begin(out, count);
    for (size_t i = 0; i < count; i++)
        redis_words_put(out, args[i]);
}

static void on_opened(void *ctx)
{
    struct redis_wake *w = ctx;
    struct redis_greeting_command auth;
    char names[SHARD_COUNT][CHANNEL_MAX];
    struct view args[1 + SHARD_COUNT] = {VIEW("SUBSCRIBE")};

    if (redis_greeting_command(REDIS_GREETING_AUTH, &w->conf, &auth))
        put_command(w->link, auth.args, auth.count);
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        snprintf(names[i], sizeof names[i], "w:{%c%c}", '0' + (int)(i / 10), '0' + (int)(i % 10));
        args[1 + i] = view_of(names[i]);
    }
    put_command(w->link, args, 1 + SHARD_COUNT);
    redis_link_flush(w->link);
}

/* ---- what is heard ---- */

static void on_message(struct redis_wake *w, struct view channel, struct view message)
{
    struct view digits = {channel.p + 3, 2};
    int64_t shard = 0;
    int64_t due_ms = 0;

    if (channel.n != CHANNEL_MAX - 2 || !num_int(message, &due_ms))
        return;
    if (digits.p[0] == '0')
        digits = view_skip(digits, 1);
    if (num_in(digits, 0, SHARD_COUNT - 1, &shard))
        w->woken(w->owner, (unsigned)shard, due_ms);
}

static void drop(struct redis_wake *w);

static void on_reply(void *ctx, const struct redis_value *v)
{
    struct redis_wake *w = ctx;

    w->heard++;
    if (v->kind == REDIS_ERROR) {
        drop(w); /* the companion's connection says why, if it is for long */
    } else if (v->kind == REDIS_ARRAY && v->count == 3) {
        if (view_is(v->items[0].text, "message"))
            on_message(w, v->items[1].text, v->items[2].text);
        else if (v->items[2].integer == SHARD_COUNT)
            w->hears = true;
    }
}

/* ---- the connection ---- */

static void on_gone(void *owner)
{
    struct redis_wake *w = owner;

    if (--w->open == 0)
        mem_free(w);
}

static void on_tick(uv_timer_t *timer);

static void tick_in(struct redis_wake *w, uint64_t ms)
{
    (void)uv_timer_start(&w->timer, on_tick, ms, 0);
}

static void drop(struct redis_wake *w)
{
    if (w->link == NULL)
        return;
    redis_link_close(w->link, on_gone, w);
    w->link = NULL;
    w->hears = false;
    if (!w->closed)
        tick_in(w, REDIS_WAKE_AGAIN_MS);
}

static void on_lost(void *ctx, const char *why)
{
    (void)why;
    drop(ctx);
}

static void connect_it(struct redis_wake *w)
{
    struct redis_address at;
    struct fault f = {0};

    if (redis_up(w->companion) && redis_address_parse(redis_address(w->companion), &at, &f)) {
        w->heard = 1;
        w->open++;
        w->link = redis_link_open(w->loop, &at, w->attempt++,
                                  (struct redis_link_owner){w, on_opened, on_reply, on_lost});
        tick_in(w, REDIS_WAKE_PING_MS);
    } else {
        tick_in(w, REDIS_WAKE_LOOK_MS);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct redis_wake *w = timer->data;
    struct view ping[] = {VIEW("PING")};

    if (w->link == NULL) {
        connect_it(w);
    } else if (w->heard == 0 || !w->hears) {
        drop(w);
    } else {
        w->heard = 0;
        put_command(w->link, ping, 1);
        redis_link_flush(w->link);
        tick_in(w, REDIS_WAKE_PING_MS);
    }
}

struct redis_wake *redis_wake_new(struct uv_loop_s *loop, const struct redis *r,
                                  const struct redis_conf *conf, redis_on_wake *woken, void *owner)
{
    struct redis_wake *w = mem_zeroed(1, sizeof *w);

    w->loop = loop;
    w->companion = r;
    w->conf = (struct redis_conf){.user = conf->user, .password = conf->password};
    w->woken = woken;
    w->owner = owner;
    w->open = 1;
    (void)uv_timer_init(loop, &w->timer);
    w->timer.data = w;
    tick_in(w, 0);
    return w;
}

bool redis_wake_hears(const struct redis_wake *w)
{
    return w->hears;
}

static void on_timer_gone(uv_handle_t *handle)
{
    on_gone(handle->data);
}

void redis_wake_free(struct redis_wake *w)
{
    if (w == NULL)
        return;
    w->closed = true;
    drop(w);
    uv_close((uv_handle_t *)&w->timer, on_timer_gone);
}
