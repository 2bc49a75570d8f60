/* template, for the Cloud API: keys become components, in order. */
#include "bridge/core/template.h"
#include "bridge/core/template_key.h"

#include <stdlib.h>

struct placed {
    struct template_key at;
    struct view value;
};

static int order(const void *a, const void *b)
{
    const struct template_key *x = &((const struct placed *)a)->at;
    const struct template_key *y = &((const struct placed *)b)->at;
    int by = (x->component > y->component) - (x->component < y->component);

    if (by == 0)
        by = (x->index > y->index) - (x->index < y->index);
    if (by == 0)
        by = (x->number > y->number) - (x->number < y->number);
    return by != 0 ? by : view_cmp(x->field, y->field);
}

static bool same_component(const struct placed *a, const struct placed *b)
{
    return a->at.component == b->at.component && a->at.index == b->at.index;
}

static bool same_parameter(const struct placed *a, const struct placed *b)
{
    return same_component(a, b) && a->at.number == b->at.number;
}

/* image.link, image.id, document.filename, …: all of one parameter are of one kind. */
static bool put_media(const struct placed *p, size_t count, struct json_out *to)
{
    static const char *const kinds[] = {"image", "document", "video"};
    struct view rest = p->at.field;
    struct view kind = view_cut(&rest, '.');
    bool known = false;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        known = known || view_is(kind, kinds[i]);
    if (!known || p->at.component != TEMPLATE_HEADER)
        return false;
    json_key(to, "type");
    json_string(to, kind);
    json_key_view(to, kind);
    json_object(to);
    for (size_t i = 0; i < count; i++) {
        struct view name = p[i].at.field;

        if (!view_eq(view_cut(&name, '.'), kind) || name.n == 0) {
            json_object_end(to);
            return false;
        }
        json_key_view(to, name);
        json_string(to, p[i].value);
    }
    json_object_end(to);
    return true;
}

static void put_one(struct json_out *to, const char *type, struct view value)
{
    json_key(to, "type");
    json_text(to, type);
    json_key(to, type);
    json_string(to, value);
}

/* `count` members of one parameter, ordered by field. A quick reply gives back a payload: its own,
 * or, where there is none, its text. */
static bool put_parameter(const struct placed *p, size_t count, struct json_out *to)
{
    bool quick = view_is(p->at.sub_type, "quick_reply");
    bool payload = view_is(p->at.field, "payload"); /* it comes before "text" */
    const struct placed *last = &p[count - 1];
    bool text = view_is(last->at.field, "text");
    bool ok = true;

    json_object(to);
    if (quick && payload && count <= 2 && (count == 1 || text))
        put_one(to, "payload", p->value.n > 0 ? p->value : last->value);
    else if (quick && text && count == 1)
        put_one(to, "payload", last->value);
    else if (!quick && text && count == 1)
        put_one(to, "text", last->value);
    else
        ok = !quick && put_media(p, count, to);
    json_object_end(to);
    return ok;
}

static bool put_component(const struct placed *p, size_t count, struct json_out *to)
{
    static const char *const names[] = {"header", "body", "button"};
    int64_t number = 1;
    bool ok = true;

    json_object(to);
    json_key(to, "type");
    json_text(to, names[p->at.component]);
    if (p->at.component == TEMPLATE_BUTTON) {
        char index[TEMPLATE_KEY_INDEX_MAX];

        json_key(to, "sub_type");
        json_string(to, p->at.sub_type);
        json_key(to, "index");
        template_key_index(&p->at, index);
        json_text(to, index);
    }
    json_key(to, "parameters");
    json_array(to);
    for (size_t i = 0, n = 0; i < count && ok; i += n, number++) {
        for (n = 1; i + n < count && same_parameter(&p[i], &p[i + n]); n++)
            ok = ok && view_eq(p[i].at.sub_type, p[i + n].at.sub_type);
        ok = ok && p[i].at.number == number && view_eq(p[i].at.sub_type, p->at.sub_type) &&
             put_parameter(&p[i], n, to);
    }
    json_array_end(to);
    json_object_end(to);
    return ok;
}

bool template_to_cloud(const struct template *t, struct json_out *to, struct fault *f)
{
    struct placed placed[TEMPLATE_PARAMETERS_MAX];
    size_t count = t->parameter_count;

    if (t->language.n == 0)
        return fault_set(f, FAULT_REJECT, "the template's language_code is missing");
    for (size_t i = 0; i < count; i++) {
        placed[i].value = t->parameters[i].value;
        if (!template_key_parse(t->parameters[i].key, &placed[i].at))
            return fault_set(f, FAULT_REJECT,
                             "the template's parameter %zu has a key that WhatsApp has no place "
                             "for",
                             i + 1);
    }
    if (count > 0)
        qsort(placed, count, sizeof placed[0], order);
    json_object(to);
    json_key(to, "name");
    json_string(to, t->id);
    json_key(to, "language");
    json_object(to);
    json_key(to, "policy");
    json_text(to, "deterministic");
    json_key(to, "code");
    json_string(to, t->language);
    json_object_end(to);
    json_key(to, "components");
    json_array(to);
    for (size_t i = 0, n = 0; i < count; i += n) {
        for (n = 1; i + n < count && same_component(&placed[i], &placed[i + n]);)
            n++;
        if (!put_component(&placed[i], n, to))
            return fault_set(f, FAULT_REJECT,
                             "the template's parameters are not numbered 1, 2, … within their "
                             "component, or are of a kind that it can't have");
    }
    json_array_end(to);
    json_object_end(to);
    return true;
}
