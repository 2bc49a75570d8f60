/*
 * dlq_marks: which dead letters were replayed before: a set of places.
 */
#ifndef PRODUCERS_DLQ_MARKS_H
#define PRODUCERS_DLQ_MARKS_H

#include "bridge/core/dead_letter.h"

#include <stddef.h>

#define DLQ_MARKS_MAX 4000000 /* 16 bytes each */

struct dlq_marks {
    struct dead_letter_place *at;
    size_t count;
    size_t cap;
    bool sorted;
};

void dlq_marks_done(struct dlq_marks *m); /* a zeroed one is empty */
/* false: DLQ_MARKS_MAX are in it. */
bool dlq_marks_add(struct dlq_marks *m, struct dead_letter_place place) MUST_CHECK;
bool dlq_marks_has(struct dlq_marks *m, struct dead_letter_place place);

#endif
