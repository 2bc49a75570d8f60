/*
 * subject: what an event writes to, whichever way its subject spells it (contract 4, 5, 18).
 *
 * One thing has one name: `callbacks/853E…` with 32 upper-case hex digits, whatever form the GUID
 * was given in; a consent by its usage and the normal form of its address (phone.h). What has no
 * other spelling is its own name: a producer's reference, a subject that is none of ours.
 *
 * A reference and the id that it stands for are two names of one thing. No subject tells that; the
 * result of a write does.
 */
#ifndef BRIDGE_CORE_SUBJECT_H
#define BRIDGE_CORE_SUBJECT_H

#include "bridge/core/event_types.h"
#include "bridge/core/phone.h"
#include "bridge/core/view.h"

#define SUBJECT_COLLECTION_MAX 32 /* bytes of what stands before the '/', or before an address */
#define SUBJECT_NAME_MAX       (SUBJECT_COLLECTION_MAX + PHONE_NORMAL_MAX)

/* A view into out, or the subject itself. The name of a name is itself. */
struct view subject_name(struct view subject, char out[SUBJECT_NAME_MAX]);
/* May the subject be a reference that stands for an id? */
bool subject_may_be_reference(struct view subject);
/* The name, by its id, of what a write of that type went to: by its path, or by the id that it
 * created (VIEW_NONE where there is none). A view into out; VIEW_NONE: they don't tell. */
struct view subject_name_of_write(const struct event_type *t, struct view path, struct view created,
                                  char out[SUBJECT_NAME_MAX]);

#endif
