#include "server/stored.h"

#include "bridge/core/shard.h"
#include "server/scripts.h"

void stored_read(struct redis *redis, const char *id_hex, redis_on_reply *reply, void *owner)
{
    struct view id = view_of(id_hex);
    unsigned shard = shard_of(id);
    char texts[2][SHARD_KEY_MAX];
    struct view keys[] = {shard_key(shard, "m", id, texts[0]),
                          shard_key(shard, "sl", id, texts[1])};

    redis_run(redis, script_of(SCRIPT_STORED), keys, 2, NULL, 0, reply, owner);
}

bool stored_of(const struct redis_value *reply, struct stored *out)
{
    if (reply->kind != REDIS_ARRAY || reply->count != 3 || reply->items[1].kind != REDIS_ARRAY)
        return false;
    *out = (struct stored){.now_ms = reply->items[0].integer,
                           .fields = &reply->items[1],
                           .record = reply->items[2].text};
    return true;
}
