/*
 * trigram: what an index of all three-character pieces can say of a pattern before the pattern
 * itself is tried: a text that it matches has every piece of its literal runs. Only as many are
 * asked for as cover a run: each costs the index about as much as all the rows that have it.
 */
#ifndef BRIDGE_CORE_TRIGRAM_H
#define BRIDGE_CORE_TRIGRAM_H

#include "bridge/core/buf.h"

#define TRIGRAM_PIECES_MAX 24 /* of one pattern; more would find no less */

/* Appends an expression of SQLite's FTS5: ("+35" AND "358"). false, with nothing appended: no run
 * of the pattern has three characters, so the index says nothing. */
bool trigram_expression(struct view pattern, struct buf *to);

#endif
