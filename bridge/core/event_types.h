/*
 * event_types: what the contract says of every event (contract.md 4): one row each. A new event
 * type is a new row.
 */
#ifndef BRIDGE_CORE_EVENT_TYPES_H
#define BRIDGE_CORE_EVENT_TYPES_H

#include "bridge/core/buf.h"
#include "bridge/core/cmi_fields.h"
#include "bridge/core/fault.h"
#include "bridge/core/view.h"

enum event_data {
    EVENT_DATA_BODY, /* an object of `shape`, the body of the write */
    EVENT_DATA_TEXT, /* remarks: text/plain, or a JSON string */
    EVENT_DATA_NONE, /* absent, null or {} */
};

struct event_type {
    const char *name; /* "callback.requested" */
    bool is_write;    /* else an ingest event */
    const char
        *collection;    /* the subject's first part, and the references' resource: "callbacks" */
    const char *method; /* "POST", …; of an ingest event: "POST" */
    const char *path;   /* "/callbacks/{id}": {id} is the id that the subject's reference stands
                           for; {subject}: the subject's second part; both percent-encoded; NULL
                           for ingest events */
    bool needs_ref;     /* the path has {id} */
    bool returns_id;    /* 2xx brings an id */
    bool keeps_id;      /* and the subject's reference stands for it from then on */
    enum event_data data;
    const struct cmi_shape *shape; /* EVENT_DATA_BODY */
    enum cmi_use use;              /* CMI_POST, CMI_PUT or CMI_INGEST */
    /* Ingest: the properties that the event's data must give, not null ("from_queue.id": one in an
     * object). NULL-ended. */
    const char *const *required;
    /* Ingest: the further properties that it reads; the shape's others are read over. NULL-ended;
     * NULL: all that have CMI_INGEST. */
    const char *const *optional;
};

#define EVENT_REQUIRED_MAX 8 /* entries of `required` */

extern const struct event_type event_types[]; /* ended by a row with name NULL */

/* The row of that type, after `prefix` ("" for none) is taken off, if it is there; NULL: unknown.
 */
const struct event_type *event_type_find(struct view type, struct view prefix);
/* Splits a subject "collection/rest" that must fit the row: *rest is what follows the slash (the
 * reference, the id, <usage>_<address>); a view into subject. */
bool event_type_subject(const struct event_type *t, struct view subject, struct view *rest,
                        struct fault *f) MUST_CHECK;
/* Appends the path of the write. id: what the reference stands for; rest: of event_type_subject.
 * false: `to` is full. */
bool event_type_path(const struct event_type *t, struct view id, struct view rest, struct buf *to,
                     struct fault *f) MUST_CHECK;

#endif
