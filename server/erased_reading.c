#include "server/erased_reading.h"

#include "server/erased.h"

#include <assert.h>

#define TEXT_MAX (2 * CMI_SCALAR_MAX) /* a mention may be shorter than what takes its place */
#define PATH_MAX 160                  /* bytes of a field's path in a sentence */

static bool on_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct erased_reading *r = ctx;

    assert(r->depth < CMI_DECODE_DEPTH);
    r->path[r->depth].field = field;
    r->path[r->depth++].index = index;
    return r->inner.begin == NULL || r->inner.begin(r->inner.ctx, field, index, f);
}

static bool on_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct erased_reading *r = ctx;

    r->depth--;
    return r->inner.end == NULL || r->inner.end(r->inner.ctx, field, f);
}

static bool on_list(void *ctx, const struct cmi_field *field, size_t count, struct fault *f)
{
    struct erased_reading *r = ctx;

    return r->inner.list == NULL || r->inner.list(r->inner.ctx, field, count, f);
}

static bool is_allowed(struct erased_reading *r, const struct cmi_field *field, struct view address,
                       struct fault *f)
{
    struct buf path;
    bool ok;

    if (r->person == ERASED_PASSES || !erased_has(r->erased, address))
        return true;
    r->named = true;
    if (r->person == ERASED_NOTED)
        return true;
    buf_init(&path, PATH_MAX);
    for (unsigned i = 0; i < r->depth; i++) {
        buf_put_text(&path, r->path[i].field->name);
        if (r->path[i].field->type == CMI_LIST)
            buf_printf(&path, "[%zu]", r->path[i].index);
        buf_put_char(&path, '.');
    }
    buf_put_text(&path, field->name);
    ok = fault_set(f, FAULT_REJECT, "%s is of a person who was erased", buf_text(&path));
    buf_done(&path);
    return ok;
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    struct erased_reading *r = ctx;
    struct cmi_value without = *v;

    if (!v->null && (field->use & CMI_PERSON) != 0 && !is_allowed(r, field, v->text, f))
        return false;
    if (!v->null && (field->use & CMI_MENTION) != 0 && erased_without(r->erased, v->text, &r->text))
        without.text = buf_view(&r->text);
    return r->inner.value == NULL || r->inner.value(r->inner.ctx, field, &without, f);
}

struct cmi_visitor erased_reading_begin(struct erased_reading *r, const struct erased *erased,
                                        enum erased_person person, struct cmi_visitor inner)
{
    *r = (struct erased_reading){.erased = erased, .person = person, .inner = inner};
    buf_init(&r->text, TEXT_MAX);
    if (erased_count(erased) == 0)
        return inner;
    return (struct cmi_visitor){r, on_begin, on_value, on_end, on_list};
}

void erased_reading_end(struct erased_reading *r)
{
    buf_done(&r->text);
}
