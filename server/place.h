/*
 * place: the number under which a thing stands in its table: its time · 2^20 + what its id adds. So
 * the table's own order is the interface's default one, newest last, and among things of one
 * millisecond the id breaks the tie (contract 11): the greater id the smaller number.
 *
 * Places below zero are for what may not be shown yet.
 */
#ifndef SERVER_PLACE_H
#define SERVER_PLACE_H

#include "bridge/core/fault.h"
#include "bridge/core/guid.h"

#include <stdint.h>

#define PLACE_BITS   20
#define PLACE_MS_MAX (INT64_MAX >> PLACE_BITS) /* in the year 2248 */

struct sqlite;

/* Can a thing of this time be kept? The sentence begins with the field's name. */
bool place_allows(const char *field, int64_t ms, struct fault *f) MUST_CHECK;
/* A place in the table that nobody has. Ids whose first 20 bits are the same stand in the order
 * they came. */
int64_t place_take(struct sqlite *db, const char *table, int64_t ms, const struct guid *id);
int64_t place_take_hidden(struct sqlite *db, const char *table);
int64_t place_ms(int64_t place); /* of a place that is shown */
/* Things later than that time stand above the one, earlier ones below the other; any time. */
int64_t place_after(int64_t ms);
int64_t place_before(int64_t ms);

#endif
