#include "producers/event_record.h"

#include "bridge/core/accept.h"
#include "bridge/core/event_body.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/mask.h"
#include "bridge/io/json_in.h"
#include "bridge/io/msgpack_in.h"

#include <string.h>

/* The event unescaped as a whole, once more as headers, and the names again with their prefix. */
#define TEXT_MAX  (3 * EVENT_RECORD_JSON_MAX + RECORD_HEADERS_MAX * 4)
#define SHOWN_MAX 80 /* bytes of what is quoted, with the NUL */

void event_record_init(struct event_record *e)
{
    buf_init(&e->text, TEXT_MAX);
    buf_init(&e->check, 2 * EVENT_RECORD_JSON_MAX);
}

void event_record_done(struct event_record *e)
{
    buf_done(&e->text);
    buf_done(&e->check);
}

bool event_record_check(struct event_record *e, struct view json, struct view type_prefix,
                        struct fault *f)
{
    const struct event_type *type;
    struct cloudevent event;
    struct view rest;
    struct view body;
    char shown[SHOWN_MAX];

    if (json.n > EVENT_RECORD_JSON_MAX)
        return fault_set(f, FAULT_REJECT, "the event is longer than %d bytes",
                         EVENT_RECORD_JSON_MAX);
    if (!cloudevent_of_json(json, &event, &e->text, f))
        return false;
    type = event_type_find(event.type, type_prefix);
    if (type == NULL)
        return fault_set(f, FAULT_REJECT, "type '%s' is none that the consumer knows",
                         mask_sentence(event.type, shown, sizeof shown));
    if (!event_type_subject(type, event.subject, &rest, f))
        return fault_add(f, "%s", type->name);
    return event_body_make(type, &event, json_in_read, msgpack_in_read, &e->check, &body, f);
}

static bool add_header(struct event_record *e, struct view name, struct view value, struct fault *f)
{
    if (e->r.header_count == RECORD_HEADERS_MAX)
        return fault_set(f, FAULT_REJECT, "the event has more than %d attributes",
                         RECORD_HEADERS_MAX);
    e->headers[e->r.header_count++] = (struct record_header){name, value};
    return true;
}

static bool is_data(struct view name)
{
    return view_is(name, "data") || view_is(name, "data_base64");
}

static bool check_name(struct view name, struct fault *f)
{
    char shown[SHOWN_MAX];

    for (size_t i = 0; i < name.n; i++)
        if (!((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9')))
            return fault_set(f, FAULT_REJECT,
                             "the attribute '%s' must have lower-case letters and digits only",
                             mask_sentence(name, shown, sizeof shown));
    return name.n > 0 || fault_set(f, FAULT_REJECT, "an attribute's name is empty");
}

/* The type of the data as the record's own: its bytes are those of the line, so UTF-8 whatever
 * charset it names, and they are not an event in whole. */
static bool add_content_type(struct event_record *e, struct view type,
                             const struct cloudevent *event, struct fault *f)
{
    struct view charset;
    struct view media = accept_media_type(type, &charset);

    if (view_starts_nocase(media, VIEW("application/cloudevents")))
        return fault_set(f, FAULT_REJECT,
                         "datacontenttype is that of a whole event, as which the record would be "
                         "read; --structured sends it as it stands");
    if (event->content != CLOUDEVENT_OTHER && !accept_is_utf8(charset))
        type = media;
    return add_header(e, VIEW("content-type"), type, f);
}

/* One member of the event's object as a header, if it is an attribute. */
static bool take_member(struct event_record *e, struct view raw_name, struct view raw,
                        const struct cloudevent *event, bool *has_content_type, struct fault *f)
{
    struct view name;
    struct view value = raw;
    char shown[SHOWN_MAX];
    size_t at;

    if (!json_walk_text(raw_name, &e->text, &name))
        return fault_set(f, FAULT_REJECT, "an attribute's name can't be read");
    if (is_data(name))
        return true;
    if (!check_name(name, f))
        return false;
    if (view_is(raw, "null"))
        return true;
    if (raw.p[0] == '{' || raw.p[0] == '[')
        return fault_set(f, FAULT_REJECT, "the attribute %s is no plain value",
                         mask_sentence(name, shown, sizeof shown));
    if (raw.p[0] == '"' && !json_walk_text(raw, &e->text, &value))
        return fault_set(f, FAULT_REJECT, "the attribute %s can't be read",
                         mask_sentence(name, shown, sizeof shown));
    if (view_is(name, "datacontenttype")) {
        *has_content_type = true;
        return add_content_type(e, value, event, f);
    }
    at = e->text.n;
    buf_put(&e->text, VIEW("ce_"));
    buf_put(&e->text, name);
    return add_header(e, (struct view){e->text.p + at, e->text.n - at}, value, f);
}

static bool make_binary(struct event_record *e, struct view json, const struct cloudevent *event,
                        struct fault *f)
{
    struct json_walk walk;
    struct view name;
    struct view value;
    bool has_content_type = false;

    if (!json_walk_init(&walk, view_trim(json)))
        return fault_set(f, FAULT_REJECT, "the event is no object");
    while (json_walk_next(&walk, &name, &value))
        if (!take_member(e, name, value, event, &has_content_type, f))
            return false;
    if (event->has_data && !(event->content == CLOUDEVENT_JSON && view_is(event->data, "null"))) {
        e->r.has_value = true;
        e->r.value = event->data;
    }
    return has_content_type || !e->r.has_value ||
           add_header(e, VIEW("content-type"), VIEW("application/json"), f);
}

bool event_record_make(struct event_record *e, struct view json, bool structured, struct fault *f)
{
    struct cloudevent event;
    struct view key;

    f->cls = FAULT_NONE;
    /* Room for all at once: what it holds must not move while views point into it. */
    buf_clear(&e->text);
    if (buf_room(&e->text, 3 * json.n + RECORD_HEADERS_MAX * 4) == NULL)
        return fault_set(f, FAULT_REJECT, "the event is longer than %d bytes",
                         EVENT_RECORD_JSON_MAX);
    if (!cloudevent_of_json(json, &event, &e->text, f))
        return false;
    key = event.partitionkey.n > 0 ? event.partitionkey : event.subject;
    e->r = (struct sink_record){.has_key = key.n > 0, .key = key, .headers = e->headers};
    if (!structured)
        return make_binary(e, json, &event, f);
    e->r.has_value = true;
    e->r.value = json;
    return add_header(e, VIEW("content-type"), VIEW("application/cloudevents+json"), f);
}

size_t event_record_bytes(const struct event_record *e)
{
    size_t n = e->r.key.n + e->r.value.n;

    for (size_t i = 0; i < e->r.header_count; i++)
        n += e->headers[i].name.n + e->headers[i].value.n;
    return n;
}
