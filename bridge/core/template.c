#include "bridge/core/template.h"

#include "bridge/core/json_scan.h"
#include "bridge/core/json_walk.h"
#include "bridge/core/template_key.h"

/* A string's text, or a number as it was written. */
static bool text_of(struct template *t, struct view raw, struct view *text)
{
    struct buf unescaped;
    bool ok = false;

    if (raw.p[0] != '"') {
        *text = raw;
        return view_has(VIEW("-0123456789"), raw.p[0]);
    }
    buf_init(&unescaped, raw.n);
    ok = json_walk_text(raw, &unescaped, text);
    if (ok && unescaped.n > 0)
        *text = arena_view(&t->arena, *text);
    buf_done(&unescaped);
    return ok && !view_has(*text, '\0');
}

static bool read_parameters(struct template *t, struct view object, struct fault *f)
{
    struct json_walk walk;
    struct view key = VIEW_NONE;
    struct view value = VIEW_NONE;

    if (!json_walk_init(&walk, object) || !walk.object)
        return fault_set(f, FAULT_REJECT, "parameters is no object");
    while (json_walk_next(&walk, &key, &value)) {
        struct template_parameter *p = &t->parameters[t->parameter_count];

        if (t->parameter_count == TEMPLATE_PARAMETERS_MAX)
            return fault_set(f, FAULT_REJECT, "parameters has more than %d members",
                             TEMPLATE_PARAMETERS_MAX);
        if (!text_of(t, key, &p->key) || !text_of(t, value, &p->value))
            return fault_set(f, FAULT_REJECT, "parameters: member %zu is no text",
                             t->parameter_count + 1);
        for (size_t i = 0; i < t->parameter_count; i++)
            if (view_eq(t->parameters[i].key, p->key))
                return fault_set(f, FAULT_REJECT, "parameters: members %zu and %zu have one key",
                                 i + 1, t->parameter_count + 1);
        t->parameter_count++;
    }
    return true;
}

static bool read_member(struct template *t, struct view name, struct view value, bool *parameters,
                        struct fault *f)
{
    const struct {
        const char *name;
        struct view *to;
    } texts[] = {
        {"template_id", &t->id}, {"language_code", &t->language}, {"template_body", &t->body}};

    if (view_is(name, "parameters")) {
        if (*parameters)
            return fault_set(f, FAULT_REJECT, "parameters is given twice");
        *parameters = true;
        return view_is(value, "null") || read_parameters(t, value, f);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!view_is(name, texts[i].name) || view_is(value, "null"))
            continue;
        if (texts[i].to->p != NULL)
            return fault_set(f, FAULT_REJECT, "%s is given twice", texts[i].name);
        if (!text_of(t, value, texts[i].to))
            return fault_set(f, FAULT_REJECT, "%s is no text", texts[i].name);
    }
    return true;
}

static bool read_all(struct template *t, struct fault *f)
{
    struct json_walk walk;
    struct view key = VIEW_NONE;
    struct view value = VIEW_NONE;
    struct view name = VIEW_NONE;
    bool parameters = false;

    if (t->json.n > TEMPLATE_BYTES_MAX)
        return fault_set(f, FAULT_REJECT, "the template has more than %d bytes",
                         TEMPLATE_BYTES_MAX);
    if (!json_scan_all(t->json, f))
        return fault_add(f, "the template");
    if (!json_walk_init(&walk, t->json) || !walk.object)
        return fault_set(f, FAULT_REJECT, "the template is no JSON object");
    while (json_walk_next(&walk, &key, &value)) {
        if (!text_of(t, key, &name))
            return fault_set(f, FAULT_REJECT, "the template has a name with U+0000");
        if (!read_member(t, name, value, &parameters, f))
            return false;
    }
    if (t->id.n == 0)
        return fault_set(f, FAULT_REJECT, "template_id is missing");
    return true;
}

bool template_read(struct template *t, struct view json, struct fault *f)
{
    *t = (struct template){.json = json};
    arena_init(&t->arena);
    if (read_all(t, f))
        return true;
    template_done(t);
    return false;
}

void template_done(struct template *t)
{
    arena_done(&t->arena);
}

/* ---- for the Conversation API ---- */

static bool has_key(const struct template *t, struct view key)
{
    for (size_t i = 0; i < t->parameter_count; i++)
        if (view_eq(t->parameters[i].key, key))
            return true;
    return false;
}

/* "button[0]quick_reply[1]text" asks for "button[0]quick_reply[1]payload" beside it. */
static void add_payload(const struct template *t, struct view key, struct json_out *to)
{
    struct template_key parts;
    struct buf payload;

    if (!template_key_parse(key, &parts) || !view_is(parts.sub_type, "quick_reply") ||
        !view_is(parts.field, "text"))
        return;
    buf_init(&payload, key.n + sizeof "payload");
    buf_put(&payload, (struct view){key.p, key.n - parts.field.n});
    buf_put_text(&payload, "payload");
    if (!has_key(t, buf_view(&payload))) {
        json_key_view(to, buf_view(&payload));
        json_text(to, "");
    }
    buf_done(&payload);
}

void template_to_conversation(const struct template *t, struct json_out *to)
{
    json_object(to);
    json_key(to, "template_id");
    json_string(to, t->id);
    if (t->language.n > 0) {
        json_key(to, "language_code");
        json_string(to, t->language);
    }
    json_key(to, "parameters");
    json_object(to);
    for (size_t i = 0; i < t->parameter_count; i++) {
        json_key_view(to, t->parameters[i].key);
        json_string(to, t->parameters[i].value);
        add_payload(t, t->parameters[i].key, to);
    }
    json_object_end(to);
    json_object_end(to);
}
