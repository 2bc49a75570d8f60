/* What is read as a time is written and read back as the same; the sentence is whole. */
#include "bridge/core/datetime.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault f = {0};
    int64_t ms;
    int64_t again;
    char out[DATETIME_TEXT_MAX];

    if (!datetime_parse((struct view){(const char *)data, size}, &ms, &f)) {
        assert(f.cls == FAULT_REJECT && strstr(f.text, " is no time; write it like ") != NULL);
        return 0;
    }
    assert(ms >= DATETIME_MIN_MS && ms <= DATETIME_MAX_MS);
    datetime_format(ms, out);
    assert(strlen(out) == 24);
    assert(datetime_parse(view_of(out), &again, &f) && again == ms);
    return 0;
}
