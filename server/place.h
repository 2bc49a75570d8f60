/*
 * place: the number under which a thing stands in its table: its time · 2^20 + a label. Among
 * things of one millisecond the id breaks the tie (contract 11): the greater id has the smaller
 * label. So the table's own order is the interface's default one, newest last, whatever the order
 * in which things came.
 *
 * A label is about what the id is among its neighbours' ids, so that most of those to come find
 * room between them. Where there is none, things of the same millisecond are moved apart: a place
 * is a thing's own only for as long as nothing is written. Who goes on at a thing later keeps its
 * id, too.
 *
 * Places below zero are for what may not be shown yet, by when that was so first, latest lowest.
 */
#ifndef SERVER_PLACE_H
#define SERVER_PLACE_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"
#include "bridge/core/guid.h"
#include "bridge/core/history_time.h"

#include <stdint.h>

#define PLACE_BITS     20
#define PLACE_MS_MAX   HISTORY_TIME_MAX
#define PLACE_SAME_MAX (1 << 19) /* things of one millisecond in a table */

struct row_table;
struct sqlite;

/* A place in the table that nobody has, for a thing that is not in it at that time. Others of that
 * time may be moved, with their texts in the table's indexes: seldom, and on the average few.
 * Beyond PLACE_SAME_MAX it is refused (sqlite_refuse). */
int64_t place_take(struct sqlite *db, const struct row_table *table, int64_t ms,
                   const struct guid *id);
int64_t place_take_hidden(struct sqlite *db, const struct row_table *table);
/* By the wall's clock; one of before it said so: long ago. */
int64_t place_hidden_ms(int64_t place);
int64_t place_ms(int64_t place); /* of a place that is shown */
/* Things later than that time stand above the one, earlier ones below the other; any time. */
int64_t place_after(int64_t ms);
int64_t place_before(int64_t ms);

/* A thing at which a list stands: it goes on behind its time and id, whatever became of it. */
struct place_mark {
    int64_t place; /* that it had */
    bool has_id;   /* else it is the place that counts: marks of before there were ids in them */
    struct guid id;
};

/* As text: "<place>-<id>"; as it was before: "<place>". false: it is none. */
bool place_mark_read(struct view text, struct place_mark *out) MUST_CHECK;
void place_mark_put(const struct place_mark *m, struct buf *to);

/* What is listed before it and after it, where places go up: at or below the one, at or above the
 * other, not between. Both are its own place where it is stored. */
struct place_gap {
    int64_t below;
    int64_t above;
};
struct place_gap place_mark_find(struct sqlite *db, const char *table, const struct place_mark *m);

#endif
