#include "producers/dlq_marks.h"

#include "bridge/core/mem.h"

#include <stdlib.h>

void dlq_marks_done(struct dlq_marks *m)
{
    mem_free(m->at);
    *m = (struct dlq_marks){.at = NULL};
}

bool dlq_marks_add(struct dlq_marks *m, struct dead_letter_place place)
{
    if (m->count == DLQ_MARKS_MAX)
        return false;
    if (m->count == m->cap) {
        m->cap = m->cap == 0 ? 64 : m->cap * 2;
        m->at = mem_resize(m->at, m->cap, sizeof *m->at);
    }
    m->at[m->count++] = place;
    m->sorted = false;
    return true;
}

static int compare(const void *one, const void *other)
{
    const struct dead_letter_place *a = one;
    const struct dead_letter_place *b = other;

    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

bool dlq_marks_has(struct dlq_marks *m, struct dead_letter_place place)
{
    if (m->count == 0)
        return false;
    if (!m->sorted)
        qsort(m->at, m->count, sizeof *m->at, compare);
    m->sorted = true;
    return bsearch(&place, m->at, m->count, sizeof *m->at, compare) != NULL;
}
