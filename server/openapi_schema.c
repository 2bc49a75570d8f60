#include "server/openapi.h"

#include <string.h>

#define GUID_PATTERN "^([0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$"
#define GUID_OUT     "^[0-9A-F]{32}$"

static void pair(struct json_out *j, const char *key, const char *text)
{
    json_key(j, key);
    json_text(j, text);
}

static void pair_int(struct json_out *j, const char *key, int64_t n)
{
    json_key(j, key);
    json_int(j, n);
}

static bool is_read(enum cmi_use use)
{
    return use == CMI_LISTED || use == CMI_SINGLE;
}

static unsigned must(enum cmi_use use)
{
    return use == CMI_POST ? CMI_POST_MUST : use == CMI_PUT ? CMI_PUT_MUST : CMI_ALWAYS;
}

static void put_words(struct json_out *j, const char *const *words)
{
    json_key(j, "enum");
    json_array(j);
    for (; *words != NULL; words++)
        json_text(j, *words);
    json_array_end(j);
}

/* Some words are those of a request only (L1394): what is shown is an open set. */
static void put_string(struct json_out *j, const struct cmi_field *field, enum cmi_use use)
{
    bool needs_one =
        !is_read(use) && (field->use & must(use)) != 0 && (field->use & CMI_EMPTY_OK) == 0;

    pair(j, "type", "string");
    if (field->words != NULL && (!is_read(use) || (field->use & CMI_PUT) == 0))
        put_words(j, cmi_field_words(field, use));
    if (field->max > 0)
        pair_int(j, "maxLength", field->max);
    if (field->min > 0 || needs_one)
        pair_int(j, "minLength", field->min > 0 ? field->min : 1);
}

/* In XML the items stand within an element of the list's, unless that is one already. */
static void put_items(struct json_out *j, const struct cmi_field *field, enum cmi_use use,
                      bool in_wrapper)
{
    json_object(j);
    pair(j, "type", "array");
    if (field->min > 0 && !is_read(use))
        pair_int(j, "minItems", field->min);
    json_key(j, "items");
    openapi_schema(j, field->shape, use);
    if (!in_wrapper) {
        json_key(j, "xml");
        json_object(j);
        json_key(j, "wrapped");
        json_bool(j, true);
        json_object_end(j);
    }
    json_object_end(j);
}

static void put_wrapper(struct json_out *j, const struct cmi_field *field, enum cmi_use use)
{
    json_object(j);
    pair(j, "type", "object");
    json_key(j, "required");
    json_array(j);
    json_text(j, field->item);
    json_array_end(j);
    json_key(j, "properties");
    json_object(j);
    json_key(j, field->item);
    put_items(j, field, use, true);
    json_object_end(j);
    json_object_end(j);
}

static void put_list(struct json_out *j, const struct cmi_field *field, enum cmi_use use)
{
    bool wrapped = (field->use & CMI_WRAPPED) != 0;

    if (wrapped && !is_read(use)) { /* contract 9: both are taken */
        json_object(j);
        json_key(j, "oneOf");
        json_array(j);
        put_items(j, field, use, false);
        put_wrapper(j, field, use);
        json_array_end(j);
        json_object_end(j);
    } else if (wrapped) {
        put_wrapper(j, field, use);
    } else {
        put_items(j, field, use, false);
    }
}

static void put_scalar(struct json_out *j, const struct cmi_field *field, enum cmi_use use)
{
    json_object(j);
    switch (field->type) {
    case CMI_STRING:
        put_string(j, field, use);
        break;
    case CMI_GUID:
        pair(j, "type", "string");
        pair(j, "pattern", is_read(use) && field->max == 0 ? GUID_OUT : GUID_PATTERN);
        break;
    case CMI_TIME:
        pair(j, "type", "string");
        pair(j, "format", "date-time");
        break;
    case CMI_INTEGER:
        pair(j, "type", "integer");
        pair_int(j, "minimum", field->min);
        if (field->max != INT64_MAX)
            pair_int(j, "maximum", field->max);
        break;
    case CMI_NUMBER:
        pair(j, "type", "number");
        break;
    case CMI_BOOL:
        pair(j, "type", "boolean");
        break;
    case CMI_OBJECT:
    case CMI_LIST:
        break;
    }
    json_object_end(j);
}

static void put_required(struct json_out *j, const struct cmi_shape *shape, enum cmi_use use)
{
    bool any = false;

    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];

        if ((field->use & (unsigned)use) == 0 || (field->use & must(use)) == 0)
            continue;
        if (!any) {
            json_key(j, "required");
            json_array(j);
        }
        any = true;
        json_text(j, field->name);
    }
    if (any)
        json_array_end(j);
}

void openapi_schema(struct json_out *j, const struct cmi_shape *shape, enum cmi_use use)
{
    json_object(j);
    pair(j, "type", "object");
    put_required(j, shape, use);
    json_key(j, "properties");
    json_object(j);
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];

        if ((field->use & (unsigned)use) == 0)
            continue;
        json_key(j, field->name);
        if (field->type == CMI_OBJECT)
            openapi_schema(j, field->shape, use);
        else if (field->type == CMI_LIST)
            put_list(j, field, use);
        else
            put_scalar(j, field, use);
    }
    json_object_end(j);
    json_key(j, "xml");
    json_object(j);
    pair(j, "name", shape->name);
    json_object_end(j);
    json_object_end(j);
}
