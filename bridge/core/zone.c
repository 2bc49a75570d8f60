#include "bridge/core/zone.h"

/* The change that holds at utc_ms. */
static size_t at(const struct zone *z, int64_t utc_ms)
{
    size_t low = 0;
    size_t high = z->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;

        if (z->changes[middle].from_ms <= utc_ms)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t zone_offset_ms(const struct zone *z, int64_t utc_ms)
{
    return z->count == 0 ? 0 : z->changes[at(z, utc_ms)].offset_ms;
}

int64_t zone_utc_ms(const struct zone *z, int64_t local_ms)
{
    for (size_t i = 0; i < z->count; i++) {
        int64_t utc_ms = local_ms - z->changes[i].offset_ms;

        if (i + 1 < z->count && utc_ms >= z->changes[i + 1].from_ms)
            continue;
        /* Before this change began, and after the one before ended: clocks skip it. */
        return i > 0 && utc_ms < z->changes[i].from_ms ? z->changes[i].from_ms : utc_ms;
    }
    return local_ms;
}
