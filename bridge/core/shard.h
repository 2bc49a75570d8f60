/*
 * shard: where in Redis a thing lies. All keys of one thing have the hash tag of its shard, so a
 * script may touch them together, in a cluster too.
 *
 * The number of shards is fixed for good: `s:{00}:cfg` holds it, and a server that finds another
 * number there does not start.
 */
#ifndef BRIDGE_CORE_SHARD_H
#define BRIDGE_CORE_SHARD_H

#include "bridge/core/view.h"

#define SHARD_COUNT   64
#define SHARD_KEY_MAX 128 /* with the NUL */

/* CRC-16/XMODEM, as Redis Cluster has it, of the id's text, modulo SHARD_COUNT. */
unsigned shard_of(struct view id);
/* "s:{07}:m:5E1F…" of shard 7, "m" and id; without an id "s:{07}:due". The result is a view of
 * out. Name and id together stay below 100 bytes. */
struct view shard_key(unsigned shard, const char *name, struct view id, char out[SHARD_KEY_MAX]);

#endif
