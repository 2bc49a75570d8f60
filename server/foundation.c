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

static void on_shards(void *owner, const struct redis_value *v)
{
    struct foundation *f = owner;
    struct fault why = {0};
    int64_t shards = 0;

    if (v->kind != REDIS_TEXT)
        return; /* on_secret will see it, too */
    if (num_int(v->text, &shards) && shards == SHARD_COUNT)
        return;
    fault_set(&why, FAULT_STOP,
              "the data in Redis is laid out in %.*s shards and this server knows %d only; use "
              "another database",
              VIEW_ARG(v->text), SHARD_COUNT);
    condemn(f, &why);
}

static void on_secret(void *owner, const struct redis_value *v)
{
    struct foundation *f = owner;
    uint8_t secret[FRONT_SECRET_BYTES];
    struct fault why = {0};

    if (f->unfit)
        return;
    if (v->kind == REDIS_ERROR || v->kind == REDIS_LOST) {
        on_written(owner, v);
        return; /* looked at again when the store is back */
    }
    if (v->kind != REDIS_TEXT || !hex_read(v->text, secret, sizeof secret)) {
        fault_set(&why, FAULT_STOP, "the secret in Redis (s:{00}:secret) is not one of ours");
        condemn(f, &why);
        return;
    }
    front_secret(f->front, secret);
    f->sound = true;
    notice_say(f->server->log, NOTICE_INFO, "store_ready", NOTICE_INT("shards", SHARD_COUNT));
}

static void lay(struct foundation *f)
{
    uint8_t random[FRONT_SECRET_BYTES];
    char hex[SECRET_HEX + 1];
    char cfg[SHARD_KEY_MAX];
    char key[SHARD_KEY_MAX];
    char count[8];
    struct view cfg_key = shard_key(0, "cfg", VIEW_NONE, cfg);
    struct view secret_key = shard_key(0, "secret", VIEW_NONE, key);
    struct redis *r = f->server->redis;

    crypto_random(random, sizeof random);
    hex_write(random, sizeof random, hex);
    snprintf(count, sizeof count, "%d", SHARD_COUNT);

    struct view first[] = {VIEW("HSETNX"), cfg_key, VIEW("shards"), view_of(count)};
    struct view second[] = {VIEW("HGET"), cfg_key, VIEW("shards")};
    struct view third[] = {VIEW("SET"), secret_key, view_of(hex), VIEW("NX")};
    struct view fourth[] = {VIEW("GET"), secret_key};

    redis_command(r, first, 4, on_written, f);
    redis_command(r, second, 3, on_shards, f);
    redis_command(r, third, 4, on_written, f);
    redis_command(r, fourth, 2, on_secret, f);
}

static void on_redis(void *owner, bool up)
{
    struct foundation *f = owner;

    if (up) {
        lay(f);
        return;
    }
    f->sound = false;
    notice_say(f->server->log, NOTICE_WARN, "store_away",
               NOTICE_TEXT("why", redis_trouble(f->server->redis)));
}

void foundation_start(struct foundation *f)
{
    redis_watch(f->server->redis, on_redis, f);
    if (redis_up(f->server->redis))
        lay(f);
}
