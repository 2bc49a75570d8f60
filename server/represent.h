/*
 * represent: rows of the history as the interface shows them, driven by the table of its fields.
 *
 * A query names its columns as the fields they are: "id", "from_queue.name". For every row the
 * fields of the shape are written in the table's order, those of the wanted use only; NULL is
 * absence. What is a list comes from another query: the plan's `list` writes its items. The
 * column's own kind is turned into the field's: a blob of 16 bytes into 32 hex, milliseconds into a
 * time.
 */
#ifndef SERVER_REPRESENT_H
#define SERVER_REPRESENT_H

#include "bridge/core/cmi_fields.h"
#include "server/show.h"

#define REPRESENT_FIELDS_MAX 64 /* of a shape and the objects in it */

struct sqlite_query;
struct translations;

struct represent {
    struct show show;
    /* Values that are shown in the user's language (server/translations.h); NULL: as they are. */
    const struct translations *translations;
    struct view language;
};

/* Where a statement has the fields of a shape for a use. */
struct represent_columns {
    const struct cmi_shape *shape;
    enum cmi_use use; /* CMI_LISTED or CMI_SINGLE */
    /* Of each field in walking order; -1: none, or the field is not shown in this use. */
    short columns[REPRESENT_FIELDS_MAX];
    bool translated[REPRESENT_FIELDS_MAX];
};

struct represent_plan {
    /* Writes the items of a list by represent_row; NULL where the shape has none for this use. */
    void (*list)(void *ctx, struct represent *r, const struct cmi_field *field);
    void *ctx;
    struct represent_columns found;
};

void represent_init(struct represent *r, enum show_form form, struct buf *to);
/* The collection around the items, where it is the whole answer. */
void represent_collection(struct represent *r, const struct cmi_shape *shape);
void represent_collection_end(struct represent *r);

/* Finds the columns of q, which has not given a row yet, or has. Set list and ctx before or after.
 */
void represent_plan(struct represent_plan *plan, const struct cmi_shape *shape, enum cmi_use use,
                    struct sqlite_query *q);
/* Writes the current row of q as one object: the whole answer, or an item of what is being
 * written. */
void represent_row(struct represent *r, const struct represent_plan *plan,
                   const struct sqlite_query *q);

#endif
