#include "server/foundation.h"

#include "bridge/core/hex.h"
#include "bridge/core/mask.h"
#include "bridge/core/num.h"
#include "bridge/core/shard.h"
#include "bridge/io/crypto.h"

#include <stdio.h>

#define SECRET_HEX (2 * FRONT_SECRET_BYTES)

static void on_written(void *owner, const struct redis_value *v)
{
    struct foundation *f = owner;
    char text[FAULT_TEXT_MAX];

    if (v->kind == REDIS_ERROR || v->kind == REDIS_LOST)
        notice_say(f->server->log, NOTICE_WARN, "store_failed",
                   NOTICE_TEXT("error", mask_sentence(v->text, text, sizeof text)));
}

static void condemn(struct foundation *f, const struct fault *why)
{
    f->unfit = true;
    f->unsound(f->ctx, why);
}

static void look(struct foundation *f);

static void on_again(uv_timer_t *timer)
{
    struct foundation *f = timer->data;

    if (redis_up(f->server->redis))
        look(f);
}

/* What is not there although it was just written, if need be: Redis is full, or a replica, and has
 * said so. */
static void look_again(struct foundation *f)
{
    (void)uv_timer_start(&f->again, on_again, FOUNDATION_AGAIN_MS, 0);
}

static void on_secret(void *owner, const struct redis_value *v)
{
    struct foundation *f = owner;
    uint8_t secret[FRONT_SECRET_BYTES];
    struct fault why = {0};

    if (v->kind != REDIS_TEXT) {
        on_written(owner, v);
        look_again(f);
        return;
    }
    if (!hex_read(v->text, secret, sizeof secret)) {
        fault_set(&why, FAULT_STOP, "the secret in Redis (s:{00}:secret) is not one of ours");
        condemn(f, &why);
        return;
    }
    front_secret(f->front, secret);
    f->sound = true;
    notice_say(f->server->log, NOTICE_INFO, "store_ready", NOTICE_INT("shards", SHARD_COUNT));
}

static void ask_secret(struct foundation *f)
{
    uint8_t random[FRONT_SECRET_BYTES];
    char hex[SECRET_HEX + 1];
    char room[SHARD_KEY_MAX];
    struct view key = shard_key(0, "secret", VIEW_NONE, room);
    struct view ours[] = {VIEW("SET"), key, VIEW_NONE, VIEW("NX")};
    struct view theirs[] = {VIEW("GET"), key};

    crypto_random(random, sizeof random);
    hex_write(random, sizeof random, hex);
    ours[2] = view_of(hex);
    redis_command(f->server->redis, ours, 4, on_written, f);
    redis_command(f->server->redis, theirs, 2, on_secret, f);
}

static void on_shards(void *owner, const struct redis_value *v)
{
    struct foundation *f = owner;
    struct fault why = {0};
    int64_t shards = 0;

    if (v->kind != REDIS_TEXT) {
        on_written(owner, v);
        look_again(f);
        return;
    }
    if (num_int(v->text, &shards) && shards == SHARD_COUNT) {
        ask_secret(f);
        return;
    }
    fault_set(&why, FAULT_STOP,
              "the data in Redis is laid out in %.*s shards and this server knows %d only; use "
              "another database",
              VIEW_ARG(v->text), SHARD_COUNT);
    condemn(f, &why);
}

static void look(struct foundation *f)
{
    char room[SHARD_KEY_MAX];
    char count[8];
    struct view key = shard_key(0, "cfg", VIEW_NONE, room);
    struct view ours[] = {VIEW("HSETNX"), key, VIEW("shards"), VIEW_NONE};
    struct view theirs[] = {VIEW("HGET"), key, VIEW("shards")};

    if (f->unfit)
        return;
    snprintf(count, sizeof count, "%d", SHARD_COUNT);
    ours[3] = view_of(count);
    redis_command(f->server->redis, ours, 4, on_written, f);
    redis_command(f->server->redis, theirs, 3, on_shards, f);
}

static void on_redis(void *owner, bool up)
{
    struct foundation *f = owner;

    (void)uv_timer_stop(&f->again);
    if (up) {
        look(f);
        return;
    }
    f->sound = false;
    notice_say(f->server->log, NOTICE_WARN, "store_away",
               NOTICE_TEXT("why", redis_trouble(f->server->redis)));
}

void foundation_start(struct foundation *f)
{
    (void)uv_timer_init(f->server->loop, &f->again);
    f->again.data = f;
    redis_watch(f->server->redis, on_redis, f);
    if (redis_up(f->server->redis))
        look(f);
}

void foundation_stop(struct foundation *f)
{
    if (f->again.data != NULL && !uv_is_closing((uv_handle_t *)&f->again))
        uv_close((uv_handle_t *)&f->again, NULL);
}
