/* What is stored of destinations: any bytes are read without a step outside; and what is added
 * (one address a line) is there again, each once. */
#include "bridge/core/address_list.h"
#include "bridge/core/destinations.h"
#include "bridge/core/settlement.h"
#include "bridge/core/slice.h"

#include <assert.h>
#include <stdint.h>

#define SLICE_MAX  3
#define SLICES_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(struct view part, struct view all)
{
    return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static void read_any(struct view bytes)
{
    struct view list = bytes;
    struct view one = VIEW_NONE;
    struct repeat r;
    size_t count = 0;
    struct slice s;
    struct settlement said;

    if (address_list_open(&list, &count))
        while (address_list_next(&list, &one))
            assert(within(one, bytes));
    list = bytes;
    while (repeat_next(&list, &r))
        assert(within(r.text, bytes));
    list = bytes;
    while (settlement_next_event(&list, &said))
        assert(within(said.address, bytes));
    list = bytes;
    while (settlement_next_kept(&list, &said))
        assert(within(said.provider_id, bytes) && within(said.reason, bytes));
    if (slice_read(&s, bytes, SLICE_DESTINATIONS_MAX))
        assert(slice_ended(&s) <= SLICE_DESTINATIONS_MAX &&
               slice_left(&s) <= SLICE_DESTINATIONS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[16] = {1};
    struct view bytes = {(const char *)data, size};
    struct view rest = bytes;
    struct destinations d;
    struct fault f = {0};
    size_t shown = 0;
    struct view one = VIEW_NONE;
    struct repeat r;

    read_any(bytes);
    destinations_init(&d, key, SLICE_MAX, SLICES_MAX);
    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');

        if (line.n <= 1024 && !destinations_add(&d, line, &f))
            assert(f.cls == FAULT_REJECT && f.text[0] != '\0');
    }
    destinations_end(&d);
    assert(d.count <= SLICE_MAX * SLICES_MAX && d.slice_count <= SLICES_MAX);
    for (size_t i = 0; i < d.slice_count; i++) {
        struct view list = buf_view(&d.slices[i]);
        size_t count = 0;

        assert(address_list_open(&list, &count) && count > 0 && count <= SLICE_MAX);
        for (size_t k = 0; k < count; k++, shown++)
            assert(address_list_next(&list, &one));
        assert(list.n == 0);
    }
    assert(shown == d.count);
    for (rest = buf_view(&d.repeats); rest.n > 0; shown++)
        assert(repeat_next(&rest, &r) && r.of < d.count && r.position < d.given);
    assert(shown == d.given);
    destinations_done(&d);
    return 0;
}
