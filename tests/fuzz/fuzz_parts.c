/* A text in parts: together they are the text, none is too long, none ends within a character. */
#include "bridge/core/parts.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct view rest = text;
    struct view part = {0};
    struct parts p = parts_of(text);
    size_t bytes = 0;
    size_t units = 0;
    unsigned count = 0;

    while (parts_next(&p, &rest, &part)) {
        struct parts alone = parts_of(part);

        assert(part.n > 0 && part.p == text.p + bytes);
        assert(alone.count == 1);
        assert(utf8_valid(part) || !utf8_valid(text));
        bytes += part.n;
        units += alone.coding == p.coding ? alone.units : 0;
        count++;
    }
    assert(bytes == size);
    assert(count == p.count || (size == 0 && p.count == 1));
    assert(p.coding == PARTS_UCS2 || units == p.units);
    return 0;
}
