#include "server/represent.h"

#include "bridge/core/guid.h"
#include "server/queues.h"
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
    r->queues = NULL;
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
static int column_of(const struct sqlite_query *q, const char *full, int from)
{
    int count = sqlite_columns(q);

    for (int i = 0; i < count; i++) {
        int column = from + i < count ? from + i : from + i - count;

        if (strcmp(sqlite_column_name(q, column), full) == 0)
            return column;
    }
    return -1;
}

/* owner_name is a queue's name where owner_type says so. */
static void find_translation(struct represent_step *step, struct view full,
                             const struct sqlite_query *q)
{
    const char *kind = translations_kind(full);

    step->kind = kind != NULL ? column_of(q, kind, 0) : -1;
    step->translated = translations_concern(full) && (kind == NULL || step->kind >= 0);
}

static bool is_translated(const struct represent_step *step, const struct sqlite_query *q)
{
    return step->translated &&
           (step->kind < 0 || view_is(sqlite_cell(q, step->kind).bytes, "queue"));
}

static void find_steps(struct represent_steps *found, const struct cmi_shape *shape,
                       const char *prefix, const struct sqlite_query *q, int *from)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct cmi_field *field = &shape->fields[i];
        struct represent_step *step = &found->steps[found->count];
        char full[NAME_MAX_BYTES];

        if ((field->use & (unsigned)found->use) == 0)
            continue;
        assert(found->count < REPRESENT_STEPS_MAX);
        *step = (struct represent_step){.field = field, .column = -1, .queue = -1};
        snprintf(full, sizeof full, "%s%s", prefix, field->name);
        if (field->type == CMI_OBJECT) {
            char deeper[NAME_MAX_BYTES];

            found->count++;
            snprintf(deeper, sizeof deeper, "%s%s.", prefix, field->name);
            find_steps(found, field->shape, deeper, q, from);
            step->behind = found->count;
        } else if (field->type == CMI_LIST) {
            found->count++;
        } else if ((step->column = column_of(q, full, *from)) >= 0) {
            found->count++;
            *from = step->column + 1;
            find_translation(step, view_of(full), q);
            if (strcmp(full, "from_queue.name") == 0)
                step->queue = column_of(q, "from_queue.id", 0);
        }
    }
}

/* Found once for a statement: it is asked again and again. */
void represent_plan(struct represent_plan *plan, const struct cmi_shape *shape, enum cmi_use use,
                    struct sqlite_query *q)
{
    const struct represent_steps *noted = sqlite_noted(q);
    int from = 0;

    if (noted == NULL || noted->shape != shape || noted->use != use) {
        struct represent_steps found = {.shape = shape, .use = use};

        find_steps(&found, shape, "", q, &from);
        sqlite_note(q, &found, sizeof found);
        noted = sqlite_noted(q);
    }
    plan->found = noted;
}

/* Is any part of an object to be written? A list always is. */
static bool is_any(const struct represent_step *from, const struct represent_step *to,
                   const struct sqlite_query *q)
{
    for (const struct represent_step *step = from; step < to; step++)
        if (step->field->type == CMI_LIST ||
            (step->column >= 0 && sqlite_kind(q, step->column) != SQLITE_KIND_NULL))
            return true;
    return false;
}

static bool is_configured(const struct represent *r, const struct represent_step *step,
                          const struct sqlite_query *q, struct view *name)
{
    const struct chat_queue *queue = NULL;
    struct guid id;

    if (r->queues != NULL && step->queue >= 0 && sqlite_guid(q, step->queue, &id))
        queue = queues_chat_by_id(r->queues, &id);
    if (queue != NULL)
        *name = view_of(queue->name);
    return queue != NULL;
}

/* NULL is absence. */
static void write_column(struct represent *r, const struct represent_step *step,
                         const struct sqlite_query *q)
{
    const struct cmi_field *field = step->field;
    struct sqlite_cell cell = sqlite_cell(q, step->column);
    struct guid guid;

    if (cell.kind == SQLITE_KIND_NULL && !is_configured(r, step, q, &cell.bytes))
        return;
    if (is_translated(step, q))
        cell.bytes = translations_find(r->translations, r->language, cell.bytes);
    switch (field->type) {
    case CMI_STRING:
        show_text(&r->show, field->name, cell.bytes);
        return;
    case CMI_TIME:
        show_time(&r->show, field->name, cell.number);
        return;
    case CMI_INTEGER:
        show_int(&r->show, field->name, cell.number);
        return;
    case CMI_NUMBER:
        show_number(&r->show, field->name, cell.bytes);
        return;
    case CMI_BOOL:
        show_bool(&r->show, field->name, cell.number != 0);
        return;
    case CMI_GUID:
        if (cell.kind == SQLITE_KIND_BLOB && cell.bytes.n == sizeof guid.bytes) {
            memcpy(guid.bytes, cell.bytes.p, sizeof guid.bytes);
            show_guid(&r->show, field->name, &guid);
        } else {
            show_text(&r->show, field->name, cell.bytes); /* as given: contactGroupId */
        }
        return;
    case CMI_OBJECT:
    case CMI_LIST:
        return;
    }
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

static void write_steps(struct represent *r, const struct represent_plan *plan,
                        const struct represent_step *from, const struct represent_step *to,
                        const struct sqlite_query *q)
{
    const struct represent_step *step = from;

    while (step < to) {
        const struct represent_step *part = step + 1;
        const struct cmi_field *field = step->field;

        if (field->type == CMI_OBJECT) {
            step = plan->found->steps + step->behind;
            if (is_any(part, step, q)) {
                show_object(&r->show, field->name);
                write_steps(r, plan, part, step, q);
                show_object_end(&r->show);
            }
            continue;
        }
        if (field->type == CMI_LIST)
            write_list(r, plan, field);
        else
            write_column(r, step, q);
        step++;
    }
}

void represent_row(struct represent *r, const struct represent_plan *plan,
                   const struct sqlite_query *q)
{
    const struct represent_steps *found = plan->found;

    show_item(&r->show, found->shape->name);
    write_steps(r, plan, found->steps, found->steps + found->count, q);
    show_item_end(&r->show);
}
