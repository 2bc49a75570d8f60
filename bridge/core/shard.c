#include "bridge/core/shard.h"

#include "bridge/core/crc16.h"

#include <assert.h>
#include <string.h>

unsigned shard_of(struct view id)
{
    return crc16(id) % SHARD_COUNT;
}

static size_t put(char *out, size_t n, struct view v)
{
    assert(n + v.n < SHARD_KEY_MAX);
    if (v.n > 0)
        memcpy(out + n, v.p, v.n);
    return n + v.n;
}

struct view shard_key(unsigned shard, const char *name, struct view id, char out[SHARD_KEY_MAX])
{
    char head[] = "s:{00}:";
    size_t n = 0;

    head[3] = (char)('0' + shard % SHARD_COUNT / 10);
    head[4] = (char)('0' + shard % SHARD_COUNT % 10);
    n = put(out, 0, view_of(head));
    n = put(out, n, view_of(name));
    if (id.n > 0)
        n = put(out, put(out, n, VIEW(":")), id);
    out[n] = '\0';
    return (struct view){out, n};
}
