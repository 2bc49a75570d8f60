/* A record of lines "name:value", an empty line, then the value. What is read as an event and
 * written as JSON is read as the same event. */
#include "bridge/core/cloudevent.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/utf8.h"

#include <assert.h>

#define TEXT_MAX (1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_written(const struct cloudevent *e)
{
    bool text = e->content == CLOUDEVENT_TEXT && utf8_valid(e->data);
    bool json = false;
    struct cloudevent again;
    struct fault f = {0};
    struct json_out j;
    struct buf written;
    struct buf room;

    if (e->content == CLOUDEVENT_JSON && e->has_data)
        json = json_scan_all(e->data, &f);
    buf_init(&written, TEXT_MAX);
    buf_init(&room, 2 * TEXT_MAX);
    json_out_init(&j, &written);
    cloudevent_write_json(&j, e, "t", text || json ? e->data : VIEW_NONE,
                          text   ? EVENT_DATA_TEXT
                          : json ? EVENT_DATA_BODY
                                 : EVENT_DATA_NONE);
    /* What JSON holds may nest as deep as an event's data, and the event is one level more. */
    if (cloudevent_of_json(buf_view(&written), &again, &room, &f)) {
        assert(view_eq(e->id, again.id) && view_eq(e->source, again.source));
        assert(view_eq(e->subject, again.subject) && view_eq(e->sequence, again.sequence));
        assert(view_eq(e->traceparent, again.traceparent) && e->has_time == again.has_time);
        assert(view_eq(e->tracestate, again.tracestate) && e->time_ms == again.time_ms);
        if (text)
            assert(view_eq(again.data, e->data));
    } else {
        assert(json);
    }
    buf_done(&written);
    buf_done(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_header headers[RECORD_HEADERS_READ + 1];
    struct record r = {.headers = headers};
    struct view rest = {(const char *)data, size};
    struct cloudevent e;
    struct fault f = {0};
    struct buf text;

    while (rest.n > 0 && rest.p[0] != '\n' && r.header_count <= RECORD_HEADERS_READ) {
        struct view value = view_cut(&rest, '\n');
        struct view name = view_cut(&value, ':');

        headers[r.header_count++] = (struct record_header){name, value};
    }
    r.has_value = rest.n > 0;
    r.value = view_skip(rest, 1);
    buf_init(&text, TEXT_MAX);
    if (cloudevent_of_record(&r, &e, &text, &f)) {
        assert(e.id.n > 0 && e.source.n > 0 && e.type.n > 0);
        check_written(&e);
    } else {
        assert(f.cls == FAULT_REJECT && f.text[0] != '\0');
    }
    buf_done(&text);
    return 0;
}
