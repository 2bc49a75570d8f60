#include "bridge/core/cmi_rules.h"

#include "bridge/core/json_scan.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/keys_once.h"
#include "bridge/core/phone.h"
#include "bridge/core/utf8.h"

#define TEMPLATE_KEY_MAX 64 /* bytes of a key that can be template_id, however it is escaped */

/* Stands between decoder and visitor, and notes what the rules across fields need. */
struct rules {
    struct cmi_visitor inner;
    unsigned depth;
    size_t index; /* of the list's item that is being read */
    bool is_message;
    bool is_callback;
    bool is_consent;
    bool is_new;      /* what is stored already may be put again as it is */
    bool is_event;    /* nobody has seen what is stored */
    bool is_template; /* contentType says so, before or after `message`: so that is always judged */
    bool template_ok;
    struct fault template_fault; /* where it is not */
};

bool cmi_result_sets_time(struct view last_result)
{
    return view_is(last_result, "CUSTOM_TIME") || view_is(last_result, "RESCHEDULE");
}

bool cmi_check_next_call_time(struct view last_result, int64_t next_call_ms, bool has_stored,
                              int64_t stored_ms, struct fault *f)
{
    if (cmi_result_sets_time(last_result) || (has_stored && stored_ms == next_call_ms))
        return true;
    return fault_set(f, FAULT_REJECT,
                     "nextCallTime is allowed only when lastResult is CUSTOM_TIME or RESCHEDULE");
}

bool cmi_check_remarks(struct view text, struct fault *f)
{
    if (!utf8_valid(text))
        return fault_set(f, FAULT_REJECT, "the remarks are not UTF-8");
    return !view_has(text, '\0') ||
           fault_set(f, FAULT_REJECT, "the remarks hold the character U+0000, which no text may");
}

static bool has_template_id(struct json_walk *walk)
{
    struct buf unescaped;
    struct view key;
    struct view value;
    bool found = false;

    buf_init(&unescaped, TEMPLATE_KEY_MAX);
    while (!found && json_walk_next(walk, &key, &value)) {
        struct view name;

        buf_clear(&unescaped);
        found = json_walk_text(key, &unescaped, &name) && view_is(name, "template_id") &&
                value.n > 2 && value.p[0] == '"';
    }
    buf_done(&unescaped);
    return found;
}

bool cmi_check_template(struct view message, struct fault *f)
{
    struct json_walk walk;

    if (!json_scan_all(message, f) || !keys_once_of_json(message, f))
        return fault_add(f, "message, a template");
    if (!json_walk_init(&walk, message) || !walk.object || !has_template_id(&walk))
        return fault_set(f, FAULT_REJECT,
                         "message is no template; it must be a JSON object with a template_id");
    return true;
}

static bool on_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct rules *r = ctx;

    r->depth++;
    r->index = index;
    return r->inner.begin == NULL || r->inner.begin(r->inner.ctx, field, index, f);
}

static bool on_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct rules *r = ctx;

    r->depth--;
    return r->inner.end == NULL || r->inner.end(r->inner.ctx, field, f);
}

static bool on_list(void *ctx, const struct cmi_field *field, size_t count, struct fault *f)
{
    struct rules *r = ctx;

    return r->inner.list == NULL || r->inner.list(r->inner.ctx, field, count, f);
}

static void note(struct rules *r, const struct cmi_field *field, const struct cmi_value *v)
{
    struct view name = view_of(field->name);

    if (view_is(name, "contentType"))
        r->is_template = view_is(v->text, "template");
    if (view_is(name, "message"))
        r->template_ok = cmi_check_template(v->text, &r->template_fault);
}

bool cmi_check_customer_number(struct view text, struct fault *f)
{
    char room[PHONE_NORMAL_MAX];
    struct view normal = VIEW_NONE;

    return phone_normal(text, room, &normal, f) ||
           fault_set(f, FAULT_REJECT, "customerNumber is no number or address; it is required");
}

/* A message's destination's, or a consent's. */
static bool check_address(const struct rules *r, struct view text, struct fault *f)
{
    char room[PHONE_NORMAL_MAX];
    struct view normal = VIEW_NONE;

    if (phone_normal(text, room, &normal, f))
        return true;
    return r->is_message ? fault_add(f, "destinations[%zu].address", r->index)
                         : fault_add(f, "address");
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    struct rules *r = ctx;

    if (r->is_message && r->depth == 0)
        note(r, field, v);
    if (r->is_callback && (r->is_new || r->is_event) &&
        view_is(view_of(field->name), "customerNumber") && !cmi_check_customer_number(v->text, f))
        return false;
    if ((r->is_message || r->is_consent) && r->is_event &&
        view_is(view_of(field->name), "address") && !check_address(r, v->text, f))
        return false;
    return r->inner.value == NULL || r->inner.value(r->inner.ctx, field, v, f);
}

static bool hold(const struct rules *r, const struct cmi_decode *d, struct fault *f)
{
    if (!cmi_decode_end(d, f))
        return false;
    if (r->is_template && !r->template_ok) {
        *f = r->template_fault;
        return false;
    }
    return true;
}

static struct rules rules_of(const struct cmi_shape *shape, enum cmi_use use,
                             struct cmi_visitor visitor)
{
    return (struct rules){.inner = visitor,
                          .is_message = shape == &cmi_message,
                          .is_callback = shape == &cmi_callback,
                          .is_consent = shape == &cmi_customer_consent,
                          .is_new = use == CMI_POST};
}

static bool check(codec_read *read, struct view bytes, struct rules *r,
                  const struct cmi_shape *shape, enum cmi_use use, struct fault *f)
{
    struct cmi_decode d;

    cmi_decode_init(&d, shape, use, (struct cmi_visitor){r, on_begin, on_value, on_end, on_list});
    return read(bytes, cmi_decode_sink(&d), f) && hold(r, &d, f);
}

bool cmi_body_check(codec_read *read, struct view bytes, const struct cmi_shape *shape,
                    enum cmi_use use, struct cmi_visitor visitor, struct fault *f)
{
    struct rules r = rules_of(shape, use, visitor);

    return check(read, bytes, &r, shape, use, f);
}

bool cmi_body_check_event(codec_read *read, struct view bytes, const struct cmi_shape *shape,
                          enum cmi_use use, struct cmi_visitor visitor, struct fault *f)
{
    struct rules r = rules_of(shape, use, visitor);

    r.is_event = true;
    return check(read, bytes, &r, shape, use, f);
}

bool cmi_body_check_by(cmi_read *read, struct view bytes, const struct cmi_shape *shape,
                       enum cmi_use use, struct cmi_visitor visitor, struct fault *f)
{
    struct rules r = rules_of(shape, use, visitor);
    struct cmi_decode d;

    cmi_decode_init(&d, shape, use, (struct cmi_visitor){&r, on_begin, on_value, on_end, on_list});
    return read(bytes, shape, cmi_decode_sink(&d), f) && hold(&r, &d, f);
}
