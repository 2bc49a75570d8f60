#include "bridge/core/cloudevent.h"

#include "bridge/core/base64.h"
#include "bridge/core/datetime.h"
#include "bridge/core/json_pick.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/utf8.h"

#include <stddef.h>

/* Attributes that are kept, by name. Others are read over, as the specification asks. */
static const struct attribute {
    const char *name;
    size_t at; /* of the view in struct cloudevent */
} attributes[] = {
    {"id", offsetof(struct cloudevent, id)},
    {"source", offsetof(struct cloudevent, source)},
    {"type", offsetof(struct cloudevent, type)},
    {"subject", offsetof(struct cloudevent, subject)},
    {"sequence", offsetof(struct cloudevent, sequence)},
    {"partitionkey", offsetof(struct cloudevent, partitionkey)},
    {"traceparent", offsetof(struct cloudevent, traceparent)},
    {"tracestate", offsetof(struct cloudevent, tracestate)},
};

static bool check_text(struct view name, struct view value, struct fault *f)
{
    if (value.n > CLOUDEVENT_ATTRIBUTE_MAX)
        return fault_set(f, FAULT_REJECT, "the attribute %.*s is longer than %d bytes",
                         VIEW_ARG(name), CLOUDEVENT_ATTRIBUTE_MAX);
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return fault_set(f, FAULT_REJECT, "the attribute %.*s holds a control character",
                             VIEW_ARG(name));
    if (!utf8_valid(value))
        return fault_set(f, FAULT_REJECT, "the attribute %.*s is not UTF-8", VIEW_ARG(name));
    return true;
}

static void set_content(struct cloudevent *e, struct view type)
{
    struct view rest = type;
    struct view media = view_trim(view_cut(&rest, ';'));

    e->content = view_eq_nocase(media, VIEW("application/json"))        ? CLOUDEVENT_JSON
                 : view_eq_nocase(media, VIEW("application/msgpack"))   ? CLOUDEVENT_MSGPACK
                 : view_eq_nocase(media, VIEW("application/x-msgpack")) ? CLOUDEVENT_MSGPACK
                 : view_eq_nocase(media, VIEW("text/plain"))            ? CLOUDEVENT_TEXT
                                                                        : CLOUDEVENT_OTHER;
}

/* The one door for an attribute, from whichever mode. */
static bool set(struct cloudevent *e, bool *version_seen, struct view name, struct view value,
                struct fault *f)
{
    if (view_is(name, "specversion")) {
        *version_seen = true;
        return view_is(value, "1.0") || fault_set(f, FAULT_REJECT, "specversion must be 1.0");
    }
    if (view_is(name, "time")) {
        e->has_time = datetime_parse(value, &e->time_ms, f);
        return e->has_time || fault_add(f, "the attribute time");
    }
    if (view_is(name, "datacontenttype")) {
        set_content(e, value);
        return true;
    }
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        if (!view_is(name, attributes[i].name))
            continue;
        if (!check_text(name, value, f))
            return false;
        *(struct view *)(void *)((char *)e + attributes[i].at) = value;
        return true;
    }
    return true;
}

static bool complete(const struct cloudevent *e, bool version_seen, struct fault *f)
{
    if (!version_seen)
        return fault_set(f, FAULT_REJECT, "this is no CloudEvent: there is no specversion");
    if (e->id.n == 0)
        return fault_set(f, FAULT_REJECT, "the attribute id is missing");
    if (e->source.n == 0)
        return fault_set(f, FAULT_REJECT, "the attribute source is missing");
    if (e->type.n == 0)
        return fault_set(f, FAULT_REJECT, "the attribute type is missing");
    return true;
}

/* ---- structured ---- */

static bool set_data(struct cloudevent *e, struct view name, struct view value, struct buf *text,
                     struct fault *f)
{
    struct view encoded;
    size_t start;

    if (e->has_data)
        return fault_set(f, FAULT_REJECT, "there are both data and data_base64");
    e->has_data = true;
    if (view_is(name, "data")) {
        e->data = value;
        return true;
    }
    if (!json_pick_text(value, text, &encoded))
        return fault_set(f, FAULT_REJECT, "data_base64 must be a string");
    start = text->n;
    if (!base64_decode(encoded, text))
        return fault_set(f, FAULT_REJECT, "data_base64 is not Base64");
    e->data = (struct view){text->p + start, text->n - start};
    return true;
}

/* `data` is a JSON value whatever datacontenttype says; only a text stands in it as a string. */
static bool settle_data(struct cloudevent *e, bool is_json, struct buf *text, struct fault *f)
{
    if (!e->has_data || !is_json)
        return true;
    if (e->content == CLOUDEVENT_TEXT)
        return json_pick_text(e->data, text, &e->data) ||
               fault_set(f, FAULT_REJECT,
                         "data must be a string, as datacontenttype is text/plain");
    e->content = CLOUDEVENT_JSON;
    return true;
}

/* Room for all that can be unescaped, and decoded after that, is had at once: no view moves. */
static bool read_members(struct view json, struct cloudevent *e, bool *version_seen,
                         struct buf *text, struct fault *f)
{
    bool is_json = false;
    struct json_pick members;
    struct view key;
    struct view value;

    if (!json_pick_open(&members, json, '{'))
        return fault_set(f, FAULT_REJECT, "an event must be an object");
    if (buf_room(text, 2 * json.n) == NULL)
        return fault_set(f, FAULT_REJECT, "the event is longer than %zu bytes", text->max);
    while (json_pick_next(&members, &key, &value)) {
        struct view name;
        struct view plain;

        if (!json_pick_text(key, text, &name))
            return fault_set(f, FAULT_REJECT, "the event's keys are too long");
        if (view_is(name, "data") || view_is(name, "data_base64")) {
            if (view_is(value, "null"))
                continue;
            if (!set_data(e, name, value, text, f))
                return false;
            is_json = view_is(name, "data");
        } else if (json_pick_text(value, text, &plain)) {
            if (!set(e, version_seen, name, plain, f))
                return false;
        }
    }
    return settle_data(e, is_json, text, f);
}

bool cloudevent_of_json(struct view json, struct cloudevent *out, struct buf *text, struct fault *f)
{
    struct cloudevent e = {.content = CLOUDEVENT_JSON};
    bool version_seen = false;

    buf_clear(text);
    if (!json_scan_all(json, f) || !read_members(json, &e, &version_seen, text, f) ||
        !complete(&e, version_seen, f))
        return false;
    *out = e;
    return true;
}

/* ---- binary ---- */

static bool is_structured(struct view content_type)
{
    return view_starts_nocase(content_type, VIEW("application/cloudevents"));
}

bool cloudevent_of_record(const struct record *r, struct cloudevent *out, struct buf *text,
                          struct fault *f)
{
    struct cloudevent e = {.content = CLOUDEVENT_OTHER};
    bool version_seen = false;

    for (size_t i = 0; i < r->header_count; i++) {
        struct view name = r->headers[i].name;

        if (view_eq_nocase(name, VIEW("content-type"))) {
            if (is_structured(r->headers[i].value))
                return cloudevent_of_json(r->value, out, text, f);
            set_content(&e, r->headers[i].value);
        } else if (view_starts(name, VIEW("ce_")) && !view_is(name, "ce_datacontenttype")) {
            if (!set(&e, &version_seen, view_skip(name, 3), r->headers[i].value, f))
                return false;
        }
    }
    buf_clear(text);
    e.has_data = r->has_value && r->value.n > 0;
    e.data = r->value;
    if (!complete(&e, version_seen, f))
        return false;
    *out = e;
    return true;
}

/* ---- out ---- */

static void put(struct json_out *j, const char *name, struct view value)
{
    if (value.n == 0)
        return;
    json_key(j, name);
    json_string(j, value);
}

void cloudevent_write_json(struct json_out *j, const struct cloudevent *e, const char *type,
                           struct view data, enum event_data kind)
{
    char time[DATETIME_TEXT_MAX];

    json_object(j);
    put(j, "specversion", VIEW("1.0"));
    put(j, "id", e->id);
    put(j, "source", e->source);
    put(j, "type", view_of(type));
    put(j, "subject", e->subject);
    if (e->has_time) {
        datetime_format(e->time_ms, time);
        put(j, "time", view_of(time));
    }
    put(j, "sequence", e->sequence);
    put(j, "traceparent", e->traceparent);
    if (data.n > 0) {
        put(j, "datacontenttype",
            kind == EVENT_DATA_TEXT ? VIEW("text/plain") : VIEW("application/json"));
        json_key(j, "data");
        if (kind == EVENT_DATA_TEXT)
            json_string(j, data);
        else
            json_raw(j, data);
    }
    json_object_end(j);
}
