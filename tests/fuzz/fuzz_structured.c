/* A batch of events, or one: each is read or refused with a sentence, and every slice of it is JSON
 * that stands alone. */
#include "bridge/core/cloudevent.h"
#include "bridge/core/json_scan.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(struct view json)
{
    struct cloudevent e;
    struct fault f = {0};
    struct buf text;

    buf_init(&text, 2 * json.n);
    if (!cloudevent_of_json(json, &e, &text, &f))
        assert(f.cls == FAULT_REJECT && f.text[0] != '\0');
    else if (e.has_data && e.content == CLOUDEVENT_JSON && e.data.p >= json.p &&
             e.data.p < json.p + json.n)
        assert(json_scan_all(e.data, &f));
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cloudevent_batch b = {.rest = {(const char *)data, size}};
    struct fault f = {0};
    struct view json;

    one(b.rest);
    while (cloudevent_next(&b, &json, &f))
        one(json);
    return 0;
}
