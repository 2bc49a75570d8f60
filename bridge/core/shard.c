#include "bridge/core/shard.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* CRC-16/XMODEM of each nibble. */
static const uint16_t crc_of[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
                                    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};

unsigned shard_of(struct view id)
{
    unsigned crc = 0;

    for (size_t i = 0; i < id.n; i++) {
        unsigned byte = (unsigned char)id.p[i];

        crc = (crc << 4 & 0xFFFFu) ^ crc_of[(crc >> 12 ^ byte >> 4) & 15];
        crc = (crc << 4 & 0xFFFFu) ^ crc_of[(crc >> 12 ^ byte) & 15];
    }
    return crc % SHARD_COUNT;
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
