#include "bridge/core/guid.h"

#include "bridge/core/hex.h"

#include <string.h>

static bool hyphen_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

bool guid_parse(struct view text, struct guid *out)
{
    struct guid g = {{0}};
    size_t digits = 0;

    if (text.n != GUID_HEX_LEN && text.n != GUID_HYPHEN_LEN)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int d;

        if (text.n == GUID_HYPHEN_LEN && hyphen_at(i)) {
            if (text.p[i] != '-')
                return false;
            continue;
        }
        d = hex_digit(text.p[i]);
        if (d < 0)
            return false;
        g.bytes[digits / 2] = (uint8_t)(g.bytes[digits / 2] << 4 | d);
        digits++;
    }
    *out = g;
    return true;
}

void guid_hex(const struct guid *g, char out[GUID_TEXT_MAX])
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < sizeof g->bytes; i++) {
        out[2 * i] = hex[g->bytes[i] >> 4];
        out[2 * i + 1] = hex[g->bytes[i] & 15];
    }
    out[GUID_HEX_LEN] = '\0';
}

void guid_hyphen(const struct guid *g, char out[GUID_TEXT_MAX])
{
    char hex[GUID_TEXT_MAX];
    size_t from = 0;

    guid_hex(g, hex);
    for (size_t i = 0; i < GUID_HYPHEN_LEN; i++)
        out[i] = hyphen_at(i) ? '-' : hex[from++];
    out[GUID_HYPHEN_LEN] = '\0';
}

bool guid_eq(const struct guid *a, const struct guid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static struct guid with_version(const uint8_t bytes[16], unsigned version)
{
    struct guid g;

    memcpy(g.bytes, bytes, sizeof g.bytes);
    g.bytes[6] = (uint8_t)((g.bytes[6] & 0x0f) | version << 4);
    g.bytes[8] = (uint8_t)((g.bytes[8] & 0x3f) | 0x80);
    return g;
}

struct guid guid_v5_of_digest(const uint8_t digest_bytes[20])
{
    return with_version(digest_bytes, 5);
}

struct guid guid_v4_of_random(const uint8_t random[16])
{
    return with_version(random, 4);
}
