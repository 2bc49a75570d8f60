/*
 * person_sweep: takes one person out of the history, step by step; each step looks at a bounded
 * part of one table. Done twice it finds nothing the second time; stopped anywhere it is begun
 * anew.
 *
 * A contact from or to the person goes with its whole group: transcript, emails, remarks, and the
 * recordings (with listen logs) and script results of its legs. So does a chat that the person took
 * part in, and an email that has the person among its addresses. Where somebody else's things only
 * mention the person (subjects, contents, remarks, lines, answers …), "…" takes the place of that.
 */
#ifndef SERVER_PERSON_SWEEP_H
#define SERVER_PERSON_SWEEP_H

#include "bridge/core/person.h"
#include "server/history_remove.h"
#include "server/person_taken.h"
#include "server/place.h"

#include <stdbool.h>

#define PERSON_LOOK_MAX 2000 /* rows looked at in a step */
#define PERSON_ROWS_MAX 500  /* rows taken in a step, give or take a piece of a transcript */
#define PERSON_STEP_MS  10   /* that a step works, give or take a row; its COMMIT comes after */

struct erased;

struct person_sweep {
    const struct person *person;
    struct erased *erased;          /* what is taken is noted there; not where dry is set */
    const struct step_clock *clock; /* NULL: steps are bounded by rows only */
    bool dry;                       /* only counts, the same */
    bool merges;                    /* write the indexes of texts anew at the end */
    struct history_removed removed;
    int64_t mentions; /* texts that hold a mention, in what is not taken */
    /* private */
    struct person_taken taken; /* in a dry run */
    struct allowance left;     /* of the step */
    unsigned phase;
    unsigned table;
    struct place_mark at; /* the row looked at last; its place INT64_MIN: none */
    bool again;           /* and it is to be looked at again */
    unsigned prefix;
    int looked; /* rows, in this step */
    bool acted; /* something was taken, in this step */
    unsigned merge_at;
};

/* *s: the first five set, the rest 0. In a transaction, on the writer's thread. false: it is done.
 */
bool person_sweep_step(struct person_sweep *s, struct sqlite *db);
void person_sweep_done(struct person_sweep *s); /* may be called twice */

#endif
