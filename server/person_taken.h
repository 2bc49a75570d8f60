/*
 * person_taken: what a dry run of person_sweep would have taken, each thing once: a group with all
 * its legs, a recording, a script result. Counted as server/history_remove.h counts what it takes.
 */
#ifndef SERVER_PERSON_TAKEN_H
#define SERVER_PERSON_TAKEN_H

#include "server/history_remove.h"

#include <stdbool.h>
#include <stddef.h>

enum person_thing { PERSON_GROUP, PERSON_RECORDING, PERSON_SCRIPT };

#define PERSON_KEY_BYTES 17 /* which kind of thing, and its id */

/* All zero at first. */
struct person_taken {
    uint8_t (*keys)[PERSON_KEY_BYTES]; /* ordered */
    size_t count;
    size_t room;
};

void person_taken_done(struct person_taken *t); /* zero again */
bool person_taken_has(const struct person_taken *t, enum person_thing kind, const struct guid *id);
/* Counts it; not if it was there before: then false. */
bool person_taken_add(struct person_taken *t, struct sqlite *db, enum person_thing kind,
                      const struct guid *id, struct history_removed *n);

#endif
