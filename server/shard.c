#include "server/shard.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

unsigned shard_of(struct view id)
{
    unsigned crc = 0;

    for (size_t i = 0; i < id.n; i++) {
        crc ^= (unsigned)(uint8_t)id.p[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = ((crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1) & 0xFFFFu;
    }
    return crc % SHARD_COUNT;
}

struct view shard_key(unsigned shard, const char *name, struct view id, char out[SHARD_KEY_MAX])
{
    int n = snprintf(out, SHARD_KEY_MAX, "s:{%02u}:%s%s%.*s", shard % SHARD_COUNT, name,
                     id.n > 0 ? ":" : "", VIEW_ARG(id));

    assert(n > 0 && n < SHARD_KEY_MAX);
    return (struct view){out, (size_t)n};
}
