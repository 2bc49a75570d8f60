#include "server/purge.h"

#include "bridge/core/mem.h"
#include "bridge/core/shard.h"
#include "server/scripts.h"

#include <uv.h>

#define KEYS_COUNT 11

struct purge {
    struct server *server;
    uv_timer_t timer;
    unsigned shard;
    bool asked; /* a reply is on its way */
    bool closed;
    bool ended;
    struct stat *calls;
};

static void free_if_over(struct purge *p)
{
    if (p->closed && !p->asked)
        mem_free(p);
}

static void ask(struct purge *p);

static void on_reply(void *owner, const struct redis_value *v)
{
    struct purge *p = owner;

    p->asked = false;
    if (p->ended) {
        free_if_over(p);
        return;
    }
    if (v->kind == REDIS_ARRAY && v->count == 1 && v->items[0].integer == 1) {
        stat_add(p->calls, 1);
        ask(p);
        return;
    }
    if (v->kind == REDIS_ERROR)
        notice_say(p->server->log, NOTICE_WARN, "purge_failed", NOTICE_VIEW("error", v->text));
    p->shard = (p->shard + 1) % SHARD_COUNT;
}

static void ask(struct purge *p)
{
    static const char *const names[KEYS_COUNT] = {"gc",        "m:",    "q:",          "c:",
                                                  "sl:",       "late:", "rep:",        "messages",
                                                  "callbacks", "o:",    "chatmessages"};
    char texts[KEYS_COUNT][SHARD_KEY_MAX];
    struct view keys[KEYS_COUNT];

    for (size_t i = 0; i < KEYS_COUNT; i++)
        keys[i] = shard_key(p->shard, names[i], VIEW_NONE, texts[i]);
    p->asked = true;
    redis_run(p->server->redis, script_of(SCRIPT_PURGE), keys, KEYS_COUNT, NULL, 0, on_reply, p);
}

static void on_tick(uv_timer_t *timer)
{
    struct purge *p = timer->data;

    if (!p->asked && redis_up(p->server->redis))
        ask(p);
}

struct purge *purge_new(struct server *server)
{
    struct purge *p = mem_zeroed(1, sizeof *p);

    p->server = server;
    p->calls = stats_get(server->stats, STAT_COUNTER, "cmibridge_store_purged_total", "",
                         "Steps of taking away what was deleted or closed for long enough.");
    uv_timer_init(server->loop, &p->timer);
    p->timer.data = p;
    uv_timer_start(&p->timer, on_tick, PURGE_TICK_MS, PURGE_TICK_MS);
    return p;
}

static void on_closed(uv_handle_t *handle)
{
    struct purge *p = handle->data;

    p->closed = true;
    free_if_over(p);
}

void purge_free(struct purge *p)
{
    if (p == NULL)
        return;
    p->ended = true;
    uv_close((uv_handle_t *)&p->timer, on_closed);
}
