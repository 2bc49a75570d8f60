/* What is read as a trace is written as one of version 00, and its child belongs to the same. */
#include "bridge/core/traceparent.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct traceparent t;
    struct traceparent again;
    struct traceparent child;
    char out[TRACEPARENT_TEXT_MAX];

    if (traceparent_state_valid(text))
        assert(!view_has(text, '\r') && !view_has(text, '\n') && size <= TRACEPARENT_STATE_MAX);
    if (!traceparent_parse(text, &t))
        return 0;
    traceparent_format(&t, out);
    assert(memcmp(out + 3, text.p + 3, 52) == 0);
    assert(traceparent_parse(view_of(out), &again) && memcmp(&again, &t, sizeof t) == 0);
    child = traceparent_child(&t, data + 3);
    traceparent_format(&child, out);
    assert(traceparent_parse(view_of(out), &again));
    assert(memcmp(again.trace_id, t.trace_id, sizeof t.trace_id) == 0);
    return 0;
}
