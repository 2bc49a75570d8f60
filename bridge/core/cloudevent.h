/*
 * cloudevent: CloudEvents 1.0 in and out of Kafka records (binary and structured mode) and batches.
 */
#ifndef BRIDGE_CORE_CLOUDEVENT_H
#define BRIDGE_CORE_CLOUDEVENT_H

#include "bridge/core/buf.h"
#include "bridge/core/event_types.h"
#include "bridge/core/fault.h"
#include "bridge/core/json_out.h"
#include "bridge/core/record.h"

#define CLOUDEVENT_ATTRIBUTE_MAX 1024 /* bytes of one attribute's value */

enum cloudevent_content { CLOUDEVENT_JSON, CLOUDEVENT_MSGPACK, CLOUDEVENT_TEXT, CLOUDEVENT_OTHER };

struct cloudevent {
    struct view id; /* required, as are source and type; the rest VIEW_NONE where absent */
    struct view source;
    struct view type;
    struct view subject;
    struct view sequence;
    struct view partitionkey;
    struct view traceparent;
    struct view tracestate;
    bool has_time;
    int64_t time_ms;
    enum cloudevent_content content; /* of data; absent in structured mode means JSON */
    bool has_data;
    struct view data; /* bytes; in structured mode the raw JSON of `data`, or decoded data_base64 */
};

/* Views point into the record or, where something had to be unescaped, into *text (cleared first;
 * must not change while the event is used). */
bool cloudevent_of_record(const struct record *r, struct cloudevent *out, struct buf *text,
                          struct fault *f) MUST_CHECK;
/* Of one structured JSON object; a batch's items are found with json_pick.h. */
bool cloudevent_of_json(struct view json, struct cloudevent *out, struct buf *text,
                        struct fault *f) MUST_CHECK;
/* Writes the event as structured JSON, `data` given as JSON (data: EVENT_DATA_BODY), as text
 * (EVENT_DATA_TEXT) or left out (n == 0). type: the name written (the prefix may be taken off). */
void cloudevent_write_json(struct json_out *j, const struct cloudevent *e, const char *type,
                           struct view data, enum event_data kind);

#endif
