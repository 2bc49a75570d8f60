#include "server/represent.h"

#include "bridge/core/guid.h"
#include "server/sqlite.h"
#include "server/translations.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 96 /* of "from_queue.name" and its like */

void represent_init(struct represent *r, enum show_form form, struct buf *to)
{
    show_init(&r->show, form, to);
    r->translations = NULL;
}

void represent_collection(struct represent *r, const struct cmi_shape *shape)
{
    show_collection(&r->show, shape->plural);
}

void represent_collection_end(struct represent *r)
{
    show_collection_end(&r->show);
}

/* Statements name their columns in the table's order, or nearly: looked for from `from` on. */
static signed char column_of(const struct sqlite_query *q, const char *full, int from)
{
    int count = sqlite_columns(q);

    for (int i = 0; i < count; i++) {
        int column = from + i < count ? from + i : from + i - count;

        if (strcmp(sqlite_column_name(q, column), full) == 0)
            return (signed char)column;
    }
    return -1;
}

/* Walks as write_fields does, so that both count alike. */
static unsigned plan_fields(struct represent_plan *plan, const struct cmi_shape *shape,
                            const char *prefix, unsigned at, const struct sqlite_query *q,
                            int *from)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];
        char full[NAME_MAX_BYTES];
        const char *name = NULL;

        if (field->type == CMI_OBJECT) {
            char deeper[NAME_MAX_BYTES];

            snprintf(deeper, sizeof deeper, "%s%s.", prefix, field->name);
            at = plan_fields(plan, field->shape, deeper, at, q, from);
            continue;
        }
        assert(at < REPRESENT_FIELDS_MAX);
        plan->found.columns[at] = -1;
        plan->found.translated[at] = false;
        if (field->type != CMI_LIST && (field->use & (unsigned)plan->found.use) != 0) {
            if (prefix[0] != '\0')
                snprintf(full, sizeof full, "%s%s", prefix, field->name);
            name = prefix[0] != '\0' ? full : field->name;
            plan->found.translated[at] = translations_concern(view_of(name));
            plan->found.columns[at] = column_of(q, name, *from);
            if (plan->found.columns[at] >= 0)
                *from = plan->found.columns[at] + 1;
        }
        at++;
    }
    return at;
}

/* Found once for a statement: it is asked again and again. */
void represent_plan(struct represent_plan *plan, const struct cmi_shape *shape, enum cmi_use use,
                    struct sqlite_query *q)
{
    const struct represent_columns *noted = sqlite_noted(q);
    int from = 0;

    if (noted != NULL && noted->shape == shape && noted->use == use) {
        plan->found = *noted;
        return;
    }
    plan->found.shape = shape;
    plan->found.use = use;
    plan_fields(plan, shape, "", 0, q, &from);
    sqlite_note(q, &plan->found, sizeof plan->found);
}

static bool is_there(const struct represent_plan *plan, unsigned at, const struct sqlite_query *q)
{
    return plan->found.columns[at] >= 0 &&
           sqlite_kind(q, plan->found.columns[at]) != SQLITE_KIND_NULL;
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
        if ((field->use & (unsigned)plan->found.use) != 0 &&
            (field->type == CMI_LIST || is_there(plan, at, q)))
            *any = true;
        at++;
    }
    return at;
}

/* Of what is no string. */
static void write_value(struct show *s, const struct cmi_field *field, const struct sqlite_query *q,
                        int column, enum sqlite_kind kind)
{
    struct guid guid;

    switch (field->type) {
    case CMI_TIME:
        show_time(s, field->name, sqlite_int(q, column));
        return;
    case CMI_INTEGER:
        show_int(s, field->name, sqlite_int(q, column));
        return;
    case CMI_NUMBER:
        show_number(s, field->name, sqlite_text(q, column));
        return;
    case CMI_BOOL:
        show_bool(s, field->name, sqlite_int(q, column) != 0);
        return;
    case CMI_GUID:
        if (kind == SQLITE_KIND_BLOB && sqlite_guid(q, column, &guid)) {
            show_guid(s, field->name, &guid);
            return;
        }
        show_text(s, field->name, sqlite_text(q, column)); /* as given: contactGroupId */
        return;
    case CMI_STRING:
    case CMI_OBJECT:
    case CMI_LIST:
        return;
    }
}

/* NULL is absence. */
static void write_column(struct represent *r, const struct represent_plan *plan,
                         const struct cmi_field *field, unsigned at, const struct sqlite_query *q)
{
    int column = plan->found.columns[at];
    enum sqlite_kind kind = SQLITE_KIND_TEXT;
    struct view text = VIEW_NONE;

    if (field->type == CMI_STRING)
        text = sqlite_text(q, column);
    if (text.n == 0) /* else it is a text that is there */
        kind = sqlite_kind(q, column);
    if (kind == SQLITE_KIND_NULL)
        return;
    if (plan->found.translated[at])
        text = translations_find(r->translations, r->language, text);
    if (field->type == CMI_STRING)
        show_text(&r->show, field->name, text);
    else
        write_value(&r->show, field, q, column, kind);
}

/* A list that need not be there is not there where it would be empty. */
static void write_list(struct represent *r, const struct represent_plan *plan,
                       const struct cmi_field *field)
{
    bool wrapped = (field->use & CMI_WRAPPED) != 0;
    struct show before = r->show;
    size_t start = r->show.to->n;
    size_t items = 0;

    show_list(&r->show, field->name, field->item, wrapped);
    items = r->show.to->n;
    plan->list(plan->ctx, r, field);
    if ((field->use & CMI_LEAN) != 0 && r->show.to->n == items && !r->show.to->full) {
        r->show.to->n = start;
        r->show = before;
        return;
    }
    show_list_end(&r->show, wrapped);
}

static unsigned write_fields(struct represent *r, const struct represent_plan *plan,
                             const struct cmi_shape *shape, unsigned at,
                             const struct sqlite_query *q)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];
        bool wanted = (field->use & (unsigned)plan->found.use) != 0;

        if (field->type == CMI_OBJECT) {
            bool any = false;
            unsigned after = look(plan, field->shape, at, q, &any);

            if (wanted && any) {
                show_object(&r->show, field->name);
                write_fields(r, plan, field->shape, at, q);
                show_object_end(&r->show);
            }
            at = after;
            continue;
        }
        if (wanted && field->type == CMI_LIST)
            write_list(r, plan, field);
        else if (plan->found.columns[at] >= 0)
            write_column(r, plan, field, at, q);
        at++;
    }
    return at;
}

void represent_row(struct represent *r, const struct represent_plan *plan,
                   const struct sqlite_query *q)
{
    show_item(&r->show, plan->found.shape->name);
    write_fields(r, plan, plan->found.shape, 0, q);
    show_item_end(&r->show);
}
