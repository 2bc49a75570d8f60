#include "tests/fakes/cmi_sample.h"

static bool is_answer(enum cmi_use use)
{
    return use == CMI_LISTED || use == CMI_SINGLE;
}

unsigned cmi_sample_must(enum cmi_use use)
{
    return is_answer(use)    ? CMI_ALWAYS
           : use == CMI_POST ? CMI_POST_MUST
           : use == CMI_PUT  ? CMI_PUT_MUST
                             : CMI_INGEST_MUST;
}

bool cmi_sample_fits(const struct cmi_field *field, enum cmi_twist twist)
{
    bool free_text = field->type == CMI_STRING && field->words == NULL;
    bool bounded =
        (free_text && (field->max > 0 || field->bytes > 0)) || field->type == CMI_INTEGER;

    switch (twist) {
    case TWIST_EMPTY:
        return field->type == CMI_STRING || field->type == CMI_GUID || field->type == CMI_LIST;
    case TWIST_AT_MIN:
        return bounded && field->bytes == 0;
    case TWIST_AT_MAX:
    case TWIST_ABOVE_MAX:
        return bounded;
    case TWIST_BELOW_MIN:
        return bounded && (field->min > 0 || field->type == CMI_INTEGER);
    case TWIST_NONSENSE:
        return field->words != NULL || (field->type == CMI_GUID && (field->use & CMI_NAMES) == 0) ||
               field->type == CMI_TIME || field->type == CMI_INTEGER;
    case TWIST_U0000:
        return field->type == CMI_STRING || field->type == CMI_GUID || field->type == CMI_TIME;
    case TWIST_WRAPPER:
        return field->type == CMI_LIST;
    case TWIST_NONE:
    case TWIST_LEFT_OUT:
    case TWIST_NULL:
    case TWIST_TWICE:
    case TWIST_TYPE:
    case TWIST_COUNT:
        break;
    }
    return true;
}

/* A string of so many characters, of two bytes each. */
static void long_string(struct json_out *j, int64_t characters)
{
    struct buf b;

    buf_init(&b, 1 << 16);
    for (int64_t i = 0; i < characters; i++)
        (void)buf_put(&b, VIEW("\xc3\xa4"));
    json_string(j, buf_view(&b));
    buf_done(&b);
}

/* Of a string, characters of two bytes. */
static int64_t most(const struct cmi_field *field)
{
    return field->bytes > 0 ? (int64_t)field->bytes / 2 : field->max;
}

static void bound(struct json_out *j, const struct cmi_field *field, int64_t n)
{
    if (field->type == CMI_INTEGER)
        json_int(j, n);
    else
        long_string(j, n);
}

static void list(const struct cmi_sample *s, const struct cmi_field *field, struct json_out *j,
                 size_t count)
{
    bool twisted = field == s->target && s->twist == TWIST_WRAPPER;
    bool wrapped = twisted || (s->wrapped && (field->use & CMI_WRAPPED) != 0);

    if (wrapped) {
        json_object(j);
        json_key(j, field->item);
    }
    json_array(j);
    for (size_t i = 0; i < count; i++)
        cmi_sample_write(s, field->shape, j);
    json_array_end(j);
    if (wrapped)
        json_object_end(j);
}

static void good(const struct cmi_sample *s, const struct cmi_field *field, struct json_out *j)
{
    switch (field->type) {
    case CMI_STRING:
        json_text(j, field->words != NULL ? field->words[0] : "some text");
        break;
    case CMI_GUID:
        json_text(j, is_answer(s->use) ? "F5168FBDD6914C8DB1C6D0BD64563A39"
                                       : "f5168fbd-d691-4c8d-b1c6-d0bd64563a39");
        break;
    case CMI_INTEGER:
        json_int(j, field->min);
        break;
    case CMI_NUMBER:
        json_number(j, VIEW("1.5"));
        break;
    case CMI_BOOL:
        json_bool(j, true);
        break;
    case CMI_TIME:
        json_text(j, "2020-03-12T12:36:01.320Z");
        break;
    case CMI_OBJECT:
        cmi_sample_write(s, field->shape, j);
        break;
    case CMI_LIST:
        list(s, field, j, 2);
        break;
    }
}

static void empty(const struct cmi_sample *s, const struct cmi_field *field, struct json_out *j)
{
    if (field->type == CMI_LIST)
        list(s, field, j, 0);
    else
        json_text(j, "");
}

static void twisted(const struct cmi_sample *s, const struct cmi_field *field, struct json_out *j)
{
    switch (s->twist) {
    case TWIST_NULL:
        json_null(j);
        break;
    case TWIST_TYPE:
        if (field->type == CMI_BOOL || field->type == CMI_INTEGER || field->type == CMI_NUMBER)
            json_text(j, "1");
        else
            json_int(j, 1);
        break;
    case TWIST_EMPTY:
        empty(s, field, j);
        break;
    case TWIST_AT_MIN:
        bound(j, field, field->min);
        break;
    case TWIST_BELOW_MIN:
        bound(j, field, field->min - 1);
        break;
    case TWIST_AT_MAX:
        bound(j, field, most(field));
        break;
    case TWIST_ABOVE_MAX:
        bound(j, field, most(field) + 1);
        break;
    case TWIST_NONSENSE:
        if (field->type == CMI_INTEGER)
            json_number(j, VIEW("1.5"));
        else
            json_text(j, field->type == CMI_TIME ? "2020-06-31T13:15:30.123Z" : "nonsense");
        break;
    case TWIST_U0000:
        json_string(j, VIEW("a\0b"));
        break;
    case TWIST_NONE:
    case TWIST_LEFT_OUT:
    case TWIST_TWICE:
    case TWIST_WRAPPER:
    case TWIST_COUNT:
        good(s, field, j);
    }
}

void cmi_sample_write(const struct cmi_sample *s, const struct cmi_shape *shape, struct json_out *j)
{
    unsigned must = s->full ? 0 : cmi_sample_must(s->use);
    unsigned use = (unsigned)s->use;

    json_object(j);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];
        bool target = field == s->target;

        if ((field->use & use) == 0 || (!target && (field->use & must) != must))
            continue;
        if (target && s->twist == TWIST_LEFT_OUT)
            continue;
        json_key(j, field->name);
        if (target)
            twisted(s, field, j);
        else
            good(s, field, j);
        if (target && s->twist == TWIST_TWICE) {
            json_key(j, field->also != NULL ? field->also : field->name);
            good(s, field, j);
        }
    }
    json_object_end(j);
}
