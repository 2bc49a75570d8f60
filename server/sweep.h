/*
 * sweep: one pass over the history that takes away what is older than it is kept (server/ages.h),
 * step by step; a step looks at some hundred rows and takes at most some hundred, and ends when its
 * time is over. What one row brings with it, and a piece of an index, is not cut.
 *
 * A group of contacts goes as a whole, when the newest of its legs is too old, and of those legs of
 * other groups that come after one of them: so no leg loses what it has from the one before. What
 * can't be shown, because not all of it is known, goes by its newest event, and stays as long as
 * any channel would that it may be of (for ever at most for SWEEP_WAIT_MS); the lines of a chat of
 * which no contact is known go by their newest.
 */
#ifndef SERVER_SWEEP_H
#define SERVER_SWEEP_H

#include "server/ages.h"
#include "server/history_remove.h"

#include <stdbool.h>

#define SWEEP_LOOK_MAX   500 /* rows looked at in a step */
#define SWEEP_GROUPS_MAX 50  /* groups taken in a step */
#define SWEEP_KIN_MAX    100 /* groups that one is looked at with */
#define SWEEP_ROWS_MAX   500 /* rows taken in a step, give or take a piece of a transcript */
#define SWEEP_STEP_MS    10  /* that a step works, give or take one row; its COMMIT comes after */
#define SWEEP_WAIT_MS    INT64_C(86400000) /* for what is still unknown, where its age may be none */

struct sweep {
    struct ages ages;
    int64_t now_ms;
    const struct step_clock *clock; /* NULL: steps are bounded by rows only */
    bool merges; /* write the indexes of texts anew at the end, if anything was taken */
    struct history_removed removed;
    /* private */
    struct allowance left; /* of the step */
    unsigned phase;
    int64_t row;
    struct guid chat;
    bool in_chats;
    unsigned merge_at;
};

/* *s: ages, now_ms, clock and merges set, the rest 0. On the writer's thread, in a transaction.
 * false: the pass is over. */
bool sweep_step(struct sweep *s, struct sqlite *db);
int64_t sweep_taken(const struct sweep *s); /* things so far */

#endif
