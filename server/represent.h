/*
 * represent: rows of the history as the interface shows them, driven by the table of its fields.
 *
 * A query names its columns as the fields they are: "id", "from_queue.name". For every row the
 * fields of the shape are written in the table's order, those of the wanted use only; NULL is
 * absence. What is a list comes from another query: the plan's `list` writes its items. The
 * column's own kind is turned into the field's: a blob of 16 bytes into 32 hex, milliseconds into a
 * time. Times, integers and what is true or false are stored as integers, all else as texts.
 */
#ifndef SERVER_REPRESENT_H
#define SERVER_REPRESENT_H

#include "bridge/core/cmi_fields.h"
#include "server/show.h"

#define REPRESENT_STEPS_MAX 64 /* fields of a shape and of the objects in it */

struct queues;
struct sqlite_query;
struct translations;

struct represent {
    struct show show;
    /* Values that are shown in the user's language (server/translations.h); NULL: as they are. */
    const struct translations *translations;
    struct view language;
    /* The configured names of queues of which no event said one (in "from_queue"); NULL: none. */
    const struct queues *queues;
};

/* What is written of each row, in the table's order: those fields of a shape that a statement has
 * and a use shows. Found once for a statement, and goes with it. */
struct represent_steps {
    const struct cmi_shape *shape;
    enum cmi_use use; /* CMI_LISTED or CMI_SINGLE */
    unsigned count;
    struct represent_step {
        const struct cmi_field *field;
        int column;      /* of what is neither list nor object */
        unsigned behind; /* of an object: the first step that is not part of it */
        int queue;       /* of a queue's name: the column of its id; else -1 */
        bool translated;
        int kind; /* column that must say "queue" for it to be translated; -1: none need */
    } steps[REPRESENT_STEPS_MAX];
};

struct represent_plan {
    /* Writes the items of a list by represent_row; NULL where the shape has none for this use. */
    void (*list)(void *ctx, struct represent *r, const struct cmi_field *field);
    void *ctx;
    const struct represent_steps *found; /* NULL: the statement is in trouble, and gives no row */
};

void represent_init(struct represent *r, enum show_form form, struct buf *to);
/* The collection around the items, where it is the whole answer. */
void represent_collection(struct represent *r, const struct cmi_shape *shape);
void represent_collection_end(struct represent *r);

/* Finds the columns of q, which has not given a row yet, or has; the plan holds until it ends. Set
 * list and ctx before or after. */
void represent_plan(struct represent_plan *plan, const struct cmi_shape *shape, enum cmi_use use,
                    struct sqlite_query *q);
/* Writes the current row of q as one object: the whole answer, or an item of what is being
 * written. */
void represent_row(struct represent *r, const struct represent_plan *plan,
                   const struct sqlite_query *q);

#endif
