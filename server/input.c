#include "server/input.h"

#include "bridge/core/mem.h"
#include "server/body.h"

#include <assert.h>

static bool on_begin(void *ctx, const struct cmi_field *field, size_t index, struct fault *f)
{
    struct input *in = ctx;

    (void)field;
    (void)index;
    (void)f;
    in->depth++;
    return true;
}

static bool on_end(void *ctx, const struct cmi_field *field, struct fault *f)
{
    struct input *in = ctx;

    (void)field;
    (void)f;
    in->depth--;
    return true;
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    struct input *in = ctx;
    struct input_value *to = NULL;

    if (in->depth > 0)
        return in->inner == NULL || in->inner(in->ctx, field, v, f);
    assert(in->count < CMI_FIELDS_MAX); /* the decoder refuses a second time of the same */
    to = &in->values[in->count++];
    to->field = field;
    to->text = mem_text(v->text.p, v->text.n);
    to->n = v->text.n;
    to->integer = field->type == CMI_TIME   ? v->time_ms
                  : field->type == CMI_BOOL ? (int64_t)v->boolean
                                            : v->integer;
    return true;
}

bool input_read(const struct exchange *x, const struct cmi_shape *shape, enum cmi_use use,
                struct input *in, struct fault *f)
{
    struct cmi_visitor visitor = {.ctx = in, .begin = on_begin, .value = on_value, .end = on_end};

    return body_check(x, shape, use, visitor, f);
}

void input_done(struct input *in)
{
    for (size_t i = 0; i < in->count; i++)
        mem_free(in->values[i].text);
    in->count = 0;
}

const struct input_value *input_find(const struct input *in, const char *name)
{
    for (size_t i = 0; i < in->count; i++)
        if (view_is(view_of(in->values[i].field->name), name))
            return &in->values[i];
    return NULL;
}

struct view input_text(const struct input *in, const char *name)
{
    const struct input_value *v = input_find(in, name);

    return v != NULL ? (struct view){v->text, v->n} : VIEW_NONE;
}

int64_t input_int(const struct input *in, const char *name, int64_t otherwise)
{
    const struct input_value *v = input_find(in, name);

    return v != NULL ? v->integer : otherwise;
}
