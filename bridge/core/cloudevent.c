#include "bridge/core/cloudevent.h"

#include "bridge/core/accept.h"
#include "bridge/core/base64.h"
#include "bridge/core/datetime.h"
#include "bridge/core/json_scan.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/keys_once.h"
#include "bridge/core/mask.h"
#include "bridge/core/traceparent.h"
#include "bridge/core/utf8.h"

#include <stddef.h>
#include <string.h>

enum attribute {
    AT_SPECVERSION,
    AT_ID,
    AT_SOURCE,
    AT_TYPE,
    AT_SUBJECT,
    AT_TIME,
    AT_DATACONTENTTYPE,
    AT_SEQUENCE,
    AT_PARTITIONKEY,
    AT_TRACEPARENT,
    AT_TRACESTATE,
    AT_COUNT,
};

#define AT_REQUIRED (1U << AT_SPECVERSION | 1U << AT_ID | 1U << AT_SOURCE | 1U << AT_TYPE)

static const char *const names[AT_COUNT] = {
    "specversion",     "id",       "source",       "type",        "subject",    "time",
    "datacontenttype", "sequence", "partitionkey", "traceparent", "tracestate",
};

/* The attributes while they are gathered. */
struct gathered {
    struct view values[AT_COUNT];
    unsigned seen; /* bit i: values[i] was given */
};

static int attribute_of(struct view name)
{
    for (int i = 0; i < AT_COUNT; i++)
        if (view_is(name, names[i]))
            return i;
    return -1;
}

/* C0, DEL and C1 (U+0080 to U+009F: c2 80 to c2 9f). */
static bool has_control(struct view v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];

        if (c < 0x20 || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < v.n && (unsigned char)v.p[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static bool gather(struct gathered *g, int at, struct view value, struct fault *f)
{
    bool twice = (g->seen >> at & 1) != 0;

    g->seen |= 1U << at;
    if (at == AT_TRACEPARENT || at == AT_TRACESTATE) {
        g->values[at] = twice ? VIEW_NONE : value; /* never a reason to refuse */
        return true;
    }
    if (twice)
        return fault_set(f, FAULT_REJECT, "attribute %s is given twice", names[at]);
    if (value.n > CLOUDEVENT_ATTRIBUTE_MAX)
        return fault_set(f, FAULT_REJECT, "attribute %s has %zu bytes; the maximum is %d",
                         names[at], value.n, CLOUDEVENT_ATTRIBUTE_MAX);
    if (!utf8_valid(value))
        return fault_set(f, FAULT_REJECT, "attribute %s is not UTF-8", names[at]);
    if (has_control(value))
        return fault_set(f, FAULT_REJECT, "attribute %s holds a control character", names[at]);
    g->values[at] = value;
    return true;
}

static bool ends_with_json(struct view media)
{
    return media.n > 5 && view_eq_nocase(view_skip(media, media.n - 5), VIEW("+json"));
}

static enum cloudevent_content content_of(struct view content_type)
{
    struct view media = view_cut(&content_type, ';');

    media = view_trim(media);
    if (media.n == 0 || view_eq_nocase(media, VIEW("application/json")) ||
        view_eq_nocase(media, VIEW("text/json")) || ends_with_json(media))
        return CLOUDEVENT_JSON;
    if (view_eq_nocase(media, VIEW("application/msgpack")) ||
        view_eq_nocase(media, VIEW("application/x-msgpack")) ||
        view_eq_nocase(media, VIEW("application/vnd.msgpack")))
        return CLOUDEVENT_MSGPACK;
    return view_eq_nocase(media, VIEW("text/plain")) ? CLOUDEVENT_TEXT : CLOUDEVENT_OTHER;
}

static bool is_utf8(struct view content_type)
{
    struct view charset;

    (void)accept_media_type(content_type, &charset);
    return accept_is_utf8(charset);
}

/* Data that is bytes of its own has the charset that its type names; only UTF-8 is read here. */
static void heed_charset(const struct gathered *g, struct cloudevent *out)
{
    if (!is_utf8(g->values[AT_DATACONTENTTYPE]))
        out->content = CLOUDEVENT_OTHER;
}

static bool check_required(const struct gathered *g, struct fault *f)
{
    for (int i = 0; i < AT_COUNT; i++)
        if ((AT_REQUIRED >> i & 1) != 0 && g->values[i].n == 0)
            return fault_set(f, FAULT_REJECT, "not a CloudEvent: attribute %s is %s", names[i],
                             (g->seen >> i & 1) != 0 ? "empty" : "missing");
    if (!view_is(g->values[AT_SPECVERSION], "1.0")) {
        char quoted[MASK_TEXT_MAX];

        return fault_set(f, FAULT_REJECT, "specversion is '%s'; it must be 1.0",
                         mask_sentence(g->values[AT_SPECVERSION], quoted, sizeof quoted));
    }
    return true;
}

static void set_trace(struct cloudevent *out, struct view parent, struct view trace_state)
{
    struct traceparent trace;

    if (!traceparent_parse(parent, &trace))
        return;
    out->traceparent = parent;
    if (traceparent_state_valid(trace_state))
        out->tracestate = trace_state;
}

/* The attributes, all but the data's. */
static bool attributes(const struct gathered *g, struct cloudevent *out, struct fault *f)
{
    if (!check_required(g, f))
        return false;
    *out = (struct cloudevent){
        .id = g->values[AT_ID],
        .source = g->values[AT_SOURCE],
        .type = g->values[AT_TYPE],
        .subject = g->values[AT_SUBJECT],
        .sequence = g->values[AT_SEQUENCE],
        .partitionkey = g->values[AT_PARTITIONKEY],
        .has_time = g->values[AT_TIME].n > 0,
        .content = content_of(g->values[AT_DATACONTENTTYPE]),
    };
    set_trace(out, g->values[AT_TRACEPARENT], g->values[AT_TRACESTATE]);
    return !out->has_time ||
           datetime_parse_finer(g->values[AT_TIME], &out->time_ms, &out->time_ns, f) ||
           fault_add(f, "attribute time");
}

/* Some editors put one in front of JSON; `serve` takes such a body, too. */
static struct view unmarked(struct view json)
{
    return view_starts(json, UTF8_ORDER_MARK) ? view_skip(json, UTF8_ORDER_MARK.n) : json;
}

static void set_bytes(struct cloudevent *out, struct view data)
{
    out->data = out->content == CLOUDEVENT_JSON ? unmarked(data) : data;
}

/* Structured. */

/* Most events have nothing to unescape and take no room. The first that does takes all that the
 * event can need at once, so that the views given out since stay where they are: unescaped text is
 * no longer than the event, and what of it is base64 is decoded into less. */
static bool reserve(struct buf *text, size_t event_bytes, struct fault *f)
{
    return text->n > 0 || buf_room(text, 2 * event_bytes) != NULL ||
           fault_set(f, FAULT_REJECT, "the event has %zu bytes; the maximum is %zu", event_bytes,
                     text->max / 2);
}

/* What a raw string says. */
static bool say(struct view raw, size_t event_bytes, struct buf *text, struct view *said,
                const char *name, struct fault *f)
{
    if (view_has(raw, '\\') && !reserve(text, event_bytes, f))
        return false;
    return json_walk_text(raw, text, said) ||
           fault_set(f, FAULT_REJECT, "%s must be a string", name);
}

struct members {
    struct gathered attributes;
    unsigned named; /* bit i: attribute i stood there, if only as null; then data, data_base64 */
    size_t event_bytes;
    struct view raw;    /* `data`; n == 0: absent */
    struct view base64; /* `data_base64`, unescaped */
    bool has_base64;
    struct keys_once unknown; /* last, since it is not cleared */
};

enum { NAMED_DATA = AT_COUNT, NAMED_BASE64, NAMED_UNKNOWN };

/* No key twice; but a trace is never a reason to refuse. */
static bool note_name(struct members *m, struct view name, int which, struct fault *f)
{
    bool twice = (m->named >> which & 1) != 0;

    if (which == NAMED_UNKNOWN)
        return keys_once_add(&m->unknown, name, f);
    m->named |= 1U << which;
    if (!twice || which == AT_TRACEPARENT || which == AT_TRACESTATE)
        return true;
    return fault_set(f, FAULT_REJECT, "%s%.*s is given twice", which < AT_COUNT ? "attribute " : "",
                     VIEW_ARG(name));
}

static bool gather_base64(struct members *m, struct view value, struct buf *text, struct fault *f)
{
    m->has_base64 = true;
    return say(value, m->event_bytes, text, &m->base64, "data_base64", f);
}

static bool gather_member(struct members *m, struct view key, struct view value, struct buf *text,
                          struct fault *f)
{
    struct view name;
    struct view said;
    int at;

    if (!say(key, m->event_bytes, text, &name, "a key", f))
        return false;
    at = attribute_of(name);
    if (at < 0)
        at = view_is(name, "data")          ? NAMED_DATA
             : view_is(name, "data_base64") ? NAMED_BASE64
                                            : NAMED_UNKNOWN;
    if (!note_name(m, name, at, f))
        return false;
    if (at == NAMED_DATA)
        m->raw = value;
    if (at == NAMED_DATA || at == NAMED_UNKNOWN || view_is(value, "null"))
        return true;
    if ((at == AT_TRACEPARENT || at == AT_TRACESTATE) && !view_starts(value, VIEW("\"")))
        return true; /* no trace */
    if (at == NAMED_BASE64)
        return gather_base64(m, value, text, f);
    return say(value, m->event_bytes, text, &said, names[at], f) &&
           gather(&m->attributes, at, said, f);
}

static bool decoded(const struct members *m, struct cloudevent *out, struct buf *text,
                    struct fault *f)
{
    size_t before = text->n;

    if (!reserve(text, m->event_bytes, f))
        return false;
    if (!base64_decode(m->base64, text))
        return fault_set(f, FAULT_REJECT, "data_base64 is not base64");
    set_bytes(out, (struct view){text->p + before, text->n - before});
    return true;
}

static bool structured_data(const struct members *m, struct cloudevent *out, struct buf *text,
                            struct fault *f)
{
    out->has_data = m->has_base64 || m->raw.n > 0;
    if (m->has_base64 && m->raw.n > 0)
        return fault_set(f, FAULT_REJECT, "data and data_base64 exclude each other");
    if (m->has_base64) {
        heed_charset(&m->attributes, out);
        return decoded(m, out, text, f);
    }
    out->data = m->raw;
    if (out->content == CLOUDEVENT_JSON || m->raw.n == 0)
        return true;
    if (view_is(m->raw, "null")) {
        out->has_data = false;
        out->data = VIEW_NONE;
        return true;
    }
    if (out->content == CLOUDEVENT_TEXT)
        return say(m->raw, m->event_bytes, text, &out->data, "data of type text/plain", f);
    return fault_set(f, FAULT_REJECT,
                     "data belongs in data_base64, as datacontenttype is neither JSON nor "
                     "text/plain");
}

bool cloudevent_of_json(struct view json, struct cloudevent *out, struct buf *text, struct fault *f)
{
    struct members m;
    struct json_walk walk;
    struct view key;
    struct view value;
    bool ok = true;

    memset(&m, 0, offsetof(struct members, unknown));
    keys_once_init(&m.unknown);
    keys_once_begin(&m.unknown);
    m.event_bytes = json.n;
    buf_clear(text);
    if (!json_scan_outline(json, CLOUDEVENT_OUTLINE, f))
        return false;
    if (!json_walk_init(&walk, json) || !walk.object)
        return fault_set(f, FAULT_REJECT, "an event must be a JSON object");
    while (ok && json_walk_next(&walk, &key, &value))
        ok = gather_member(&m, key, value, text, f);
    *out = (struct cloudevent){.id = m.attributes.values[AT_ID],
                               .source = m.attributes.values[AT_SOURCE]};
    return ok && attributes(&m.attributes, out, f) && structured_data(&m, out, text, f);
}

static bool no_batch(const struct cloudevent_batch *b, struct fault *f)
{
    if (b->count == 0)
        return fault_set(f, FAULT_REJECT, "a batch must be a JSON array of events");
    return fault_set(f, FAULT_REJECT,
                     "a batch must be a JSON array of events; behind event %zu it is none",
                     b->count);
}

/* ']', and nothing behind it. */
static bool is_end(struct view rest)
{
    size_t n = 1;

    while (n < rest.n && view_has(VIEW(" \t\r\n"), rest.p[n]))
        n++;
    return view_starts(rest, VIEW("]")) && n == rest.n;
}

bool cloudevent_next(struct cloudevent_batch *b, struct view *json, struct fault *f)
{
    struct json_walk walk = {.rest = b->rest};
    struct view none;

    if (b->count == 0 && (!json_walk_init(&walk, b->rest) || walk.object))
        return no_batch(b, f);
    if (b->count > 0 && !view_starts(b->rest, VIEW(",")) && !view_starts(b->rest, VIEW("]")))
        return no_batch(b, f);
    if (json_walk_next(&walk, &none, json) && json->n > 0) {
        b->rest = walk.rest;
        b->count++;
        return true;
    }
    /* Its end, and that alone? */
    if (b->count > 0 && view_starts(b->rest, VIEW(",")))
        return no_batch(b, f);
    return is_end(walk.rest) ? false : no_batch(b, f);
}

/* Records. */

static struct view header(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_eq_nocase(r->headers[i].name, view_of(name)))
            return r->headers[i].value;
    return VIEW_NONE;
}

static bool of_binary(const struct record *r, struct view content_type, struct cloudevent *out,
                      struct fault *f)
{
    struct gathered g = {.seen = 0};

    for (size_t i = 0; i < r->header_count; i++) {
        struct view name = r->headers[i].name;
        int at;

        if (!view_starts(name, VIEW("ce_")))
            continue;
        at = attribute_of(view_skip(name, 3));
        if (at < 0 || at == AT_DATACONTENTTYPE)
            continue; /* a binary event's content type is the header of its own */
        if (!gather(&g, at, r->headers[i].value, f))
            return false;
    }
    if (!gather(&g, AT_DATACONTENTTYPE, content_type, f) || !attributes(&g, out, f))
        return false;
    heed_charset(&g, out);
    out->has_data = r->has_value;
    set_bytes(out, r->has_value ? r->value : VIEW_NONE);
    return true;
}

static bool of_structured(const struct record *r, struct view format, struct cloudevent *out,
                          struct buf *text, struct fault *f)
{
    if (!is_utf8(format))
        return fault_set(f, FAULT_REJECT,
                         "content-type must be application/cloudevents+json in UTF-8");
    format = view_trim(view_cut(&format, ';'));
    if (format.n > 0 && !view_eq_nocase(format, VIEW("+json")))
        return fault_set(f, FAULT_REJECT,
                         "content-type must be application/cloudevents+json in structured mode");
    if (!r->has_value)
        return fault_set(f, FAULT_REJECT, "a structured event has no value");
    return cloudevent_of_json(unmarked(r->value), out, text, f);
}

bool cloudevent_of_record(const struct record *r, struct cloudevent *out, struct buf *text,
                          struct fault *f)
{
    static const struct view structured = {"application/cloudevents", 23};
    struct view content_type = VIEW_NONE;
    bool given = false;

    if (r->header_count > RECORD_HEADERS_READ)
        return fault_set(f, FAULT_REJECT, "the record has more than %d headers",
                         RECORD_HEADERS_READ);
    for (size_t i = 0; i < r->header_count; i++) {
        if (!view_eq_nocase(r->headers[i].name, VIEW("content-type")))
            continue;
        if (given)
            return fault_set(f, FAULT_REJECT, "header content-type is given twice");
        given = true;
        content_type = view_trim(r->headers[i].value);
    }
    if (!(view_starts_nocase(content_type, structured)
              ? of_structured(r, view_skip(content_type, structured.n), out, text, f)
              : of_binary(r, content_type, out, f)))
        return false;
    if (out->traceparent.n == 0)
        set_trace(out, header(r, "traceparent"), header(r, "tracestate"));
    return true;
}

/* Out. */

static void member(struct json_out *j, const char *name, struct view value)
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
    member(j, "specversion", VIEW("1.0"));
    member(j, "id", e->id);
    member(j, "source", e->source);
    member(j, "type", view_of(type));
    member(j, "subject", e->subject);
    if (e->has_time) {
        datetime_format_finer(e->time_ms, e->time_ns, time);
        member(j, "time", view_of(time));
    }
    member(j, "sequence", e->sequence);
    member(j, "partitionkey", e->partitionkey);
    member(j, "traceparent", e->traceparent);
    member(j, "tracestate", e->tracestate);
    if (kind == EVENT_DATA_TEXT) {
        member(j, "datacontenttype", VIEW("text/plain"));
        json_key(j, "data");
        json_string(j, data);
    } else if (kind == EVENT_DATA_BODY && data.n > 0) {
        member(j, "datacontenttype", VIEW("application/json"));
        json_key(j, "data");
        json_raw(j, data);
    }
    json_object_end(j);
}
