/* A wait is within its bounds, at whatever time it is read: the first 8 bytes are the clock. */
#include "bridge/core/datetime.h"

#include <assert.h>
#include <string.h>

#define MAX_MS 600000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t wall_ms = 0;
    int64_t wait_ms = -1;

    if (size < sizeof wall_ms)
        return 0;
    memcpy(&wall_ms, data, sizeof wall_ms);
    data += sizeof wall_ms;
    size -= sizeof wall_ms;
    if (datetime_retry_after((struct view){(const char *)data, size}, wall_ms, MAX_MS, &wait_ms))
        assert(wait_ms >= 0 && wait_ms <= MAX_MS);
    else
        assert(wait_ms == -1);
    return 0;
}
