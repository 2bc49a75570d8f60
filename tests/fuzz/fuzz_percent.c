/* What is decoded is text without U+0000, no longer than it was, and survives being encoded. */
#include "bridge/core/percent.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool (*decode)(struct view, char *, struct view *, struct fault *),
                  struct view text)
{
    struct fault f = {0};
    struct view decoded;
    struct view again;
    struct buf encoded;
    char *out = malloc(text.n > 0 ? text.n : 1); /* a byte past it is seen */

    assert(out != NULL);
    if (!decode(text, out, &decoded, &f)) {
        assert(f.cls == FAULT_REJECT);
        free(out);
        return;
    }
    assert(decoded.n <= text.n && utf8_valid(decoded) && !view_has(decoded, '\0'));
    buf_init(&encoded, 3 * decoded.n);
    percent_encode(decoded, &encoded);
    assert(!encoded.full);
    assert(decode(buf_view(&encoded), encoded.p, &again, &f)); /* in its own place */
    assert(view_eq(again, decoded));
    buf_done(&encoded);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view query = {(const char *)data, size};
    struct view name;
    struct view value;

    check(percent_decode_segment, query);
    while (percent_next_pair(&query, &name, &value)) {
        assert(!view_has(name, '&') && !view_has(name, '=') && !view_has(value, '&'));
        check(percent_decode_query, name);
        check(percent_decode_query, value);
    }
    return 0;
}
