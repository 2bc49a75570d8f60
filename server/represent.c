#include "server/represent.h"

#include "bridge/core/datetime.h"
#include "bridge/core/guid.h"
#include "server/sqlite.h"
#include "server/translations.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 96 /* of "from_queue.name" and its like */

void represent_init(struct represent *r, struct buf *to)
{
    json_out_init(&r->json, to);
    r->translations = NULL;
}

void represent_collection(struct represent *r, const struct cmi_shape *shape)
{
    (void)shape; /* its plural names the root in XML */
    json_array(&r->json);
}

void represent_collection_end(struct represent *r)
{
    json_array_end(&r->json);
}

static signed char column_of(const struct sqlite_query *q, const char *full)
{
    for (int i = 0; i < sqlite_columns(q); i++)
        if (strcmp(sqlite_column_name(q, i), full) == 0)
            return (signed char)i;
    return -1;
}

/* Walks as write_fields does, so that both count alike. */
static unsigned plan_fields(struct represent_plan *plan, const struct cmi_shape *shape,
                            const char *prefix, unsigned at, const struct sqlite_query *q)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];
        char full[NAME_MAX_BYTES];

        if (field->type == CMI_OBJECT) {
            char deeper[NAME_MAX_BYTES];

            snprintf(deeper, sizeof deeper, "%s%s.", prefix, field->name);
            at = plan_fields(plan, field->shape, deeper, at, q);
            continue;
        }
        assert(at < REPRESENT_FIELDS_MAX);
        snprintf(full, sizeof full, "%s%s", prefix, field->name);
        plan->translated[at] = translations_concern(view_of(full));
        plan->columns[at++] = column_of(q, full);
    }
    return at;
}

void represent_plan(struct represent_plan *plan, const struct cmi_shape *shape, enum cmi_use use,
                    const struct sqlite_query *q)
{
    plan->shape = shape;
    plan->use = use;
    plan_fields(plan, shape, "", 0, q);
}

static bool is_there(const struct represent_plan *plan, unsigned at, const struct sqlite_query *q)
{
    return plan->columns[at] >= 0 && sqlite_kind(q, plan->columns[at]) != SQLITE_KIND_NULL;
}

/* Leaves of an object, and whether any of them is to be written: a list always is. */
static unsigned look(const struct represent_plan *plan, const struct cmi_shape *shape, unsigned at,
                     const struct sqlite_query *q, bool *any)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];

        if (field->type == CMI_OBJECT) {
            at = look(plan, field->shape, at, q, any);
            continue;
        }
        if ((field->use & (unsigned)plan->use) != 0 &&
            (field->type == CMI_LIST || is_there(plan, at, q)))
            *any = true;
        at++;
    }
    return at;
}

static void write_value(struct json_out *j, const struct cmi_field *field,
                        const struct sqlite_query *q, int column)
{
    char text[DATETIME_TEXT_MAX > GUID_TEXT_MAX ? DATETIME_TEXT_MAX : GUID_TEXT_MAX];
    struct guid guid;

    switch (field->type) {
    case CMI_TIME:
        datetime_format(sqlite_int(q, column), text);
        json_text(j, text);
        return;
    case CMI_INTEGER:
        json_int(j, sqlite_int(q, column));
        return;
    case CMI_NUMBER:
        json_number(j, sqlite_text(q, column));
        return;
    case CMI_BOOL:
        json_bool(j, sqlite_int(q, column) != 0);
        return;
    case CMI_GUID:
        if (sqlite_kind(q, column) == SQLITE_KIND_BLOB && sqlite_guid(q, column, &guid)) {
            guid_hex(&guid, text);
            json_text(j, text);
            return;
        }
        json_string(j, sqlite_text(q, column)); /* shown as given: contactGroupId */
        return;
    case CMI_STRING:
        json_string(j, sqlite_text(q, column));
        return;
    case CMI_OBJECT:
    case CMI_LIST:
        return;
    }
}

static void write_list(struct represent *r, const struct represent_plan *plan,
                       const struct cmi_field *field)
{
    bool wrapped = (field->use & CMI_WRAPPED) != 0;

    json_key(&r->json, field->name);
    if (wrapped) {
        json_object(&r->json);
        json_key(&r->json, field->item);
    }
    json_array(&r->json);
    plan->list(plan->ctx, r, field);
    json_array_end(&r->json);
    if (wrapped)
        json_object_end(&r->json);
}

static unsigned write_fields(struct represent *r, const struct represent_plan *plan,
                             const struct cmi_shape *shape, unsigned at,
                             const struct sqlite_query *q)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];
        bool wanted = (field->use & (unsigned)plan->use) != 0;

        if (field->type == CMI_OBJECT) {
            bool any = false;
            unsigned after = look(plan, field->shape, at, q, &any);

            if (wanted && any) {
                json_key(&r->json, field->name);
                json_object(&r->json);
                write_fields(r, plan, field->shape, at, q);
                json_object_end(&r->json);
            }
            at = after;
            continue;
        }
        if (wanted && field->type == CMI_LIST) {
            write_list(r, plan, field);
        } else if (wanted && is_there(plan, at, q)) {
            json_key(&r->json, field->name);
            if (plan->translated[at])
                json_string(&r->json, translations_find(r->translations, r->language,
                                                        sqlite_text(q, plan->columns[at])));
            else
                write_value(&r->json, field, q, plan->columns[at]);
        }
        at++;
    }
    return at;
}

void represent_row(struct represent *r, const struct represent_plan *plan,
                   const struct sqlite_query *q)
{
    json_object(&r->json);
    write_fields(r, plan, plan->shape, 0, q);
    json_object_end(&r->json);
}
