/* The normal form of a normal form is itself. */
#include "bridge/core/phone.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char out[PHONE_NORMAL_MAX];
    char out_again[PHONE_NORMAL_MAX];
    struct view normal;
    struct view again;
    struct fault f = {0};

    if (!phone_normal((struct view){(const char *)data, size}, out, &normal, &f)) {
        assert(f.cls == FAULT_REJECT);
        return 0;
    }
    assert(normal.n > 0 && normal.n <= size);
    assert(phone_normal(normal, out_again, &again, &f) && view_eq(normal, again));
    return 0;
}
