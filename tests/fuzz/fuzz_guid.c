/* What is read as an id is written in both forms, and both are read as the same. */
#include "bridge/core/guid.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct guid g;
    struct guid again;
    char out[GUID_TEXT_MAX];

    if (!guid_parse(text, &g))
        return 0;
    guid_hex(&g, out);
    assert(guid_parse(view_of(out), &again) && guid_eq(&g, &again));
    assert(size != GUID_HEX_LEN || view_eq_nocase(text, view_of(out)));
    guid_hyphen(&g, out);
    assert(guid_parse(view_of(out), &again) && guid_eq(&g, &again));
    assert(size != GUID_HYPHEN_LEN || view_eq_nocase(text, view_of(out)));
    return 0;
}
