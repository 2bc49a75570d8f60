/*
 * cloudevent: CloudEvents 1.0 in and out: Kafka records (binary and structured mode), the JSON
 * format, and its batches.
 *
 * `specversion` must be 1.0; `id`, `source` and `type` must be there and not be empty; an attribute
 * given twice, longer than CLOUDEVENT_ATTRIBUTE_MAX, with a control character or not UTF-8 is
 * refused. JSON may begin with a byte order mark, which is taken off. A trace that is malformed or
 * given twice is ignored, as W3C asks; where the event has none, the record's own header
 * `traceparent` counts (what an instrumented producer adds). Other extensions are read over; a
 * user's identity is never an attribute, only data.
 */
#ifndef BRIDGE_CORE_CLOUDEVENT_H
#define BRIDGE_CORE_CLOUDEVENT_H

#include "bridge/core/buf.h"
#include "bridge/core/event_types.h"
#include "bridge/core/fault.h"
#include "bridge/core/json_out.h"
#include "bridge/core/record.h"

#define CLOUDEVENT_ATTRIBUTE_MAX 1024 /* bytes of one attribute's value */
/* Its data may be TOKEN_DEPTH_MAX deep in every mode, so as JSON an event has as much room around.
 */
#define CLOUDEVENT_OUTLINE 1

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
    uint32_t time_ns; /* after that, at most DATETIME_FINER_MAX_NS: for what order needs */
    enum cloudevent_content content; /* of data; JSON where no content type is given */
    bool has_data;
    struct view data; /* the bytes. Structured: the raw JSON of `data`, unescaped where the content
                         type is no JSON, or the decoded data_base64 */
};

/* Views point into the record or, where something had to be unescaped, into *text (cleared first;
 * must not change while the event is used; its maximum must be twice the value's at least). */
bool cloudevent_of_record(const struct record *r, struct cloudevent *out, struct buf *text,
                          struct fault *f) MUST_CHECK;
/* Of one structured JSON object; its `data` is well-formed JSON then (json_scan.h). Of one that is
 * refused, out has the id and the source as far as they were read, for who has to name it; *out is
 * left as it is where it is no object. */
bool cloudevent_of_json(struct view json, struct cloudevent *out, struct buf *text,
                        struct fault *f) MUST_CHECK;

/* A batch of events, taken apart by its outline alone: each is judged when it is read. */
struct cloudevent_batch {
    struct view rest; /* first all of its bytes, whatever they are */
    size_t count;     /* events taken off; 0 before the first */
};

/* Takes the next event's bytes off. false: none left, or with a fault (f->cls, which must be
 * FAULT_NONE before) it is no array, or no end of one. */
bool cloudevent_next(struct cloudevent_batch *b, struct view *json, struct fault *f) MUST_CHECK;

/* Writes the event as structured JSON, `data` given as well-formed JSON (data: EVENT_DATA_BODY), as
 * text (EVENT_DATA_TEXT) or left out (EVENT_DATA_NONE, or no bytes of EVENT_DATA_BODY). type: the
 * name written (the prefix may be taken off). */
void cloudevent_write_json(struct json_out *j, const struct cloudevent *e, const char *type,
                           struct view data, enum event_data kind);

#endif
