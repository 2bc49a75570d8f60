/* Any reply has one meaning, for every channel and dialler. Three bytes are status and
 * Retry-After's length; then Retry-After, then the body. */
#include "bridge/core/dialler.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct channel_reply reply = {.wall_ms = 1700000000000};
    size_t after = 0;

    if (size < 3)
        return 0;
    reply.status = data[0] << 8 | data[1];
    after = data[2] < size - 3 ? data[2] : size - 3;
    reply.retry_after = (struct view){(const char *)data + 3, after};
    reply.body = (struct view){(const char *)data + 3 + after, size - 3 - after};
    reply.cut = reply.body.n % 2 == 1;
    for (size_t i = 0; channels[i] != NULL; i++) {
        struct channel_outcome out;

        channels[i]->judge(&reply, &out);
        assert(out.wait_ms >= 0 && out.wait_ms <= CHANNEL_WAIT_MAX_MS);
        assert(utf8_valid(view_of(out.reason)));
        assert((out.verdict == CHANNEL_HANDLED) == (out.reason[0] == '\0'));
        assert(out.verdict == CHANNEL_TRANSIENT || out.verdict == CHANNEL_REDIRECTED ||
               !out.unknown);
        assert(out.verdict != CHANNEL_HANDLED || (reply.status >= 200 && reply.status <= 299));
    }
    for (size_t i = 0; diallers[i] != NULL; i++) {
        struct dialler_outcome out;

        diallers[i]->judge(&reply, &out);
        assert((out.verdict == DIALLER_RESULT) == (out.result != CALLBACK_ADDED));
        assert(out.wait_ms >= 0 && out.wait_ms <= CHANNEL_WAIT_MAX_MS);
        assert(utf8_valid(view_of(out.reason)));
    }
    return 0;
}
