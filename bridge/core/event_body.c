#include "bridge/core/event_body.h"

#include "bridge/core/cmi_rules.h"
#include "bridge/core/guid.h"
#include "bridge/core/history_time.h"
#include "bridge/core/json_out.h"
#include "bridge/core/mask.h"
#include "bridge/core/merge.h"
#include "bridge/core/phone.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <string.h>

/* Stands between decoder and visitor for an ingest event: passes on what its row reads, and notes
 * which of what it requires was given. */
struct ingest {
    const struct event_type *type;
    struct cmi_visitor inner;
    const struct cmi_field *parent; /* the property whose inside is being read */
    unsigned depth;
    bool muted;     /* that property is not one of the row's */
    unsigned given; /* bit i: required[i] */
    bool placed;    /* its data says when its thing was */
};

/* By when it was a thing has its place in the lists: by this property, or by the `time` of the
 * event that makes it. */
static const struct placing {
    const char *collection;
    const char *property;
    const char *made_by[3];
} placings[] = {
    {"contacts", "arrivalTime", {"contact.received", "contact.transferred"}},
    {"emails", "date_created", {"email.received", "email.sent"}},
    {"callRecordings", "creation_time", {"callrecording.created"}},
    {"scriptResults", "modificationtime", {"scriptresult.saved"}},
};

static const struct placing *placing_of(const struct event_type *t)
{
    for (size_t i = 0; i < sizeof placings / sizeof *placings; i++)
        if (strcmp(placings[i].collection, t->collection) == 0)
            return &placings[i];
    return NULL;
}

static bool makes(const struct event_type *t)
{
    const struct placing *p = placing_of(t);

    for (size_t i = 0; p != NULL && p->made_by[i] != NULL; i++)
        if (strcmp(p->made_by[i], t->name) == 0)
            return true;
    return false;
}

static bool check_place(struct ingest *in, const struct cmi_field *field, const struct cmi_value *v,
                        struct fault *f)
{
    const struct placing *p = placing_of(in->type);

    if (in->depth > 0 || v->null || p == NULL || strcmp(p->property, field->name) != 0)
        return true;
    in->placed = true;
    return history_time_allows(field->name, v->time_ms, f);
}

static bool is_entry(const char *entry, const struct cmi_field *parent,
                     const struct cmi_field *field)
{
    struct view name = view_of(entry);

    if (parent != NULL) {
        if (!view_is(view_cut(&name, '.'), parent->name))
            return false;
    }
    return view_is(name, field->name);
}

/* "from_queue.id" makes from_queue a property of the row, too. */
static bool begins_with(const char *entry, const struct cmi_field *field)
{
    struct view name = view_of(entry);

    return view_is(view_cut(&name, '.'), field->name);
}

static bool reads(const struct event_type *t, const struct cmi_field *field)
{
    if (t->optional == NULL)
        return true;
    for (const char *const *entry = t->required; *entry != NULL; entry++)
        if (begins_with(*entry, field))
            return true;
    for (const char *const *entry = t->optional; *entry != NULL; entry++)
        if (begins_with(*entry, field))
            return true;
    return false;
}

static void note_given(struct ingest *in, const struct cmi_field *field)
{
    const struct cmi_field *parent = in->depth > 0 ? in->parent : NULL;

    if (in->depth > 1)
        return;
    for (unsigned i = 0; in->type->required[i] != NULL; i++)
        if (is_entry(in->type->required[i], parent, field))
            in->given |= 1U << i;
}

static bool on_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct ingest *in = ctx;

    if (in->depth == 0) {
        in->parent = field;
        in->muted = !reads(in->type, field);
    }
    in->depth++;
    return in->muted || in->inner.begin == NULL || in->inner.begin(in->inner.ctx, field, index, f);
}

static bool on_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct ingest *in = ctx;
    bool muted = in->muted;

    if (--in->depth == 0)
        in->muted = false;
    return muted || in->inner.end == NULL || in->inner.end(in->inner.ctx, field, f);
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    struct ingest *in = ctx;

    if (!v->null)
        note_given(in, field);
    if (in->muted || (in->depth == 0 && !reads(in->type, field)))
        return true;
    if (!check_place(in, field, v, f))
        return false;
    return in->inner.value == NULL || in->inner.value(in->inner.ctx, field, v, f);
}

static bool on_list(void *ctx, const struct cmi_field *field, size_t count, struct fault *f)
{
    struct ingest *in = ctx;

    note_given(in, field);
    if (in->muted || (in->depth == 0 && !reads(in->type, field)))
        return true;
    return in->inner.list == NULL || in->inner.list(in->inner.ctx, field, count, f);
}

static bool check_ingest(const struct event_type *t, codec_read *read, struct view data,
                         const int64_t *time_ms, struct cmi_visitor visitor, struct fault *f)
{
    struct ingest in = {.type = t, .inner = visitor};
    struct cmi_visitor between = {&in, on_begin, on_value, on_end, on_list};

    if (!cmi_body_check(read, data, t->shape, t->use, between, f))
        return false;
    for (unsigned i = 0; t->required[i] != NULL; i++) {
        assert(i < EVENT_REQUIRED_MAX);
        if ((in.given >> i & 1) == 0)
            return fault_set(f, FAULT_REJECT, "%s is missing", t->required[i]);
    }
    return time_ms == NULL || in.placed || !makes(t) || history_time_allows("time", *time_ms, f);
}

bool event_body_check(const struct event_type *t, codec_read *read, struct view data,
                      const int64_t *time_ms, struct cmi_visitor visitor, struct fault *f)
{
    assert(t->data == EVENT_DATA_BODY);
    if (t->is_write)
        return cmi_body_check_event(read, data, t->shape, t->use, visitor, f);
    return check_ingest(t, read, data, time_ms, visitor, f);
}

/* ---- a consent: its subject names what its data says ---- */

static bool is_same_address(struct view a, struct view b)
{
    char of_a[PHONE_NORMAL_MAX];
    char of_b[PHONE_NORMAL_MAX];
    struct fault f = {0};
    struct view x;
    struct view y;

    return phone_normal(a, of_a, &x, &f) && phone_normal(b, of_b, &y, &f) && view_eq(x, y);
}

static bool agrees(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                   struct fault *f)
{
    struct view address = *(const struct view *)ctx;
    struct view usage = view_cut(&address, '_');
    char said[MASK_TEXT_MAX];
    char named[MASK_TEXT_MAX];

    if (strcmp(field->name, "usage") == 0 && !view_eq(v->text, usage))
        return fault_set(f, FAULT_REJECT,
                         "usage is '%.*s', but '%.*s' in the subject; they must be the same",
                         VIEW_ARG(v->text), VIEW_ARG(usage));
    if (strcmp(field->name, "address") == 0 && !is_same_address(v->text, address))
        return fault_set(f, FAULT_REJECT,
                         "address is %s, but %s in the subject; they must be the same",
                         mask_address(v->text, said), mask_address(address, named));
    return true;
}

/* ---- a transfer: to another contact ---- */

static bool is_same_name(struct view a, struct view b)
{
    struct guid x;
    struct guid y;

    if (!guid_parse(a, &x) || !guid_parse(b, &y))
        return view_eq(a, b);
    return guid_eq(&x, &y);
}

static bool is_another(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                       struct fault *f)
{
    if (strcmp(field->name, "previousId") == 0 && is_same_name(v->text, *(const struct view *)ctx))
        return fault_set(f, FAULT_REJECT, "previousId is the contact itself");
    return true;
}

static bool check_object(const struct event_type *t, const struct cloudevent *e, codec_read *read,
                         struct fault *f)
{
    struct view rest = e->subject;
    struct cmi_visitor visitor = {.ctx = NULL};

    if (t->shape == &cmi_customer_consent && rest.n > 0) {
        (void)view_cut(&rest, '/');
        visitor = (struct cmi_visitor){.ctx = &rest, .value = agrees};
    } else if (strcmp(t->name, "contact.transferred") == 0) {
        (void)view_cut(&rest, '/');
        visitor = (struct cmi_visitor){.ctx = &rest, .value = is_another};
    }
    return event_body_check(t, read, e->data, e->has_time ? &e->time_ms : NULL, visitor, f);
}

static bool make_object(const struct event_type *t, const struct cloudevent *e, codec_read *json,
                        codec_read *msgpack, struct buf *text, struct view *body, struct fault *f)
{
    bool packed = e->content == CLOUDEVENT_MSGPACK;
    struct json_out out;

    if (e->data.n == 0)
        return fault_set(f, FAULT_REJECT, "data is missing");
    if (e->content != CLOUDEVENT_JSON && !packed)
        return fault_set(f, FAULT_REJECT,
                         "the data's content type must be application/json or application/msgpack, "
                         "in UTF-8");
    if (!check_object(t, e, packed ? msgpack : json, f))
        return false;
    *body = e->data;
    if (!packed)
        return true;
    json_out_init(&out, text);
    if (!msgpack(e->data, json_out_sink(&out), f))
        return false;
    *body = buf_view(text);
    return true;
}

struct string_only {
    struct buf *text;
    bool found;
};

static bool take_string(void *ctx, const struct token *t, struct fault *f)
{
    struct string_only *s = ctx;

    if (t->kind != TOKEN_STRING)
        return fault_set(f, FAULT_REJECT, "the remarks are %s; they must be a string",
                         token_kind_name(t->kind));
    s->found = buf_put(s->text, t->text);
    return s->found ||
           fault_set(f, FAULT_REJECT, "the remarks have more than %zu bytes", s->text->max);
}

static bool make_text(const struct cloudevent *e, codec_read *json, codec_read *msgpack,
                      struct buf *text, struct view *body, struct fault *f)
{
    struct string_only only = {.text = text};
    struct token_sink sink = {take_string, &only};

    if (!e->has_data)
        return fault_set(f, FAULT_REJECT, "data is missing");
    switch (e->content) {
    case CLOUDEVENT_TEXT:
        *body = e->data;
        return cmi_check_remarks(e->data, f);
    case CLOUDEVENT_JSON:
    case CLOUDEVENT_MSGPACK:
        if (!(e->content == CLOUDEVENT_JSON ? json : msgpack)(e->data, sink, f))
            return false;
        *body = buf_view(text);
        return cmi_check_remarks(*body, f);
    case CLOUDEVENT_OTHER:
        break;
    }
    return fault_set(f, FAULT_REJECT,
                     "the data's content type must be text/plain, application/json or "
                     "application/msgpack, in UTF-8");
}

/* null, or an object without a key. */
static bool take_nothing(void *ctx, const struct token *t, struct fault *f)
{
    (void)ctx;
    if (t->kind == TOKEN_NULL || t->kind == TOKEN_OBJECT || t->kind == TOKEN_OBJECT_END)
        return true;
    return fault_set(f, FAULT_REJECT, "data must be absent, null or {}");
}

static bool make_nothing(const struct cloudevent *e, codec_read *json, codec_read *msgpack,
                         struct view *body, struct fault *f)
{
    struct token_sink sink = {take_nothing, NULL};

    *body = VIEW_NONE;
    if (!e->has_data || e->data.n == 0)
        return true;
    if (e->content != CLOUDEVENT_JSON && e->content != CLOUDEVENT_MSGPACK)
        return fault_set(f, FAULT_REJECT, "data must be absent, null or {}");
    return (e->content == CLOUDEVENT_JSON ? json : msgpack)(e->data, sink, f);
}

static bool make(const struct event_type *t, const struct cloudevent *e, codec_read *json,
                 codec_read *msgpack, struct buf *text, struct view *body, struct fault *f)
{
    switch (t->data) {
    case EVENT_DATA_BODY:
        return make_object(t, e, json, msgpack, text, body, f);
    case EVENT_DATA_TEXT:
        return make_text(e, json, msgpack, text, body, f);
    case EVENT_DATA_NONE:
        return make_nothing(e, json, msgpack, body, f);
    }
    return fault_set(f, FAULT_BUG, "a row without a kind of data");
}

bool event_body_make(const struct event_type *t, const struct cloudevent *e, codec_read *json,
                     codec_read *msgpack, struct buf *text, struct view *body, struct fault *f)
{
    buf_clear(text);
    return ((t->is_write || merge_allows(e->sequence, e->id, f)) &&
            make(t, e, json, msgpack, text, body, f)) ||
           fault_add(f, "%s", t->name);
}
