/* event_record: whatever a line holds, it is refused with a sentence or made into a record that the
 * consumer's own reader takes. */
#include "producers/event_record.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_record e;
    struct view json = {(const char *)data, size};
    struct buf text;
    struct fault f = {.cls = FAULT_NONE};

    event_record_init(&e);
    buf_init(&text, 4 * EVENT_RECORD_JSON_MAX);
    if (event_record_check(&e, json, VIEW(""), &f)) {
        for (int structured = 0; structured <= 1; structured++) {
            struct cloudevent event;
            struct record r;
            enum cloudevent_content content;

            if (!event_record_make(&e, json, structured == 1, &f)) {
                assert(f.text[0] != '\0');
                continue;
            }
            r = (struct record){.has_key = e.r.has_key,
                                .key = e.r.key,
                                .has_value = e.r.has_value,
                                .value = e.r.value,
                                .headers = e.r.headers,
                                .header_count = e.r.header_count};
            if (!cloudevent_of_record(&r, &event, &text, &f))
                abort();
            content = event.content;
            if (!cloudevent_of_json(json, &event, &text, &f) || event.content != content)
                abort();
        }
    } else {
        assert(f.text[0] != '\0');
    }
    buf_done(&text);
    event_record_done(&e);
    return 0;
}
