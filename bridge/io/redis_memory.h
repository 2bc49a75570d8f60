/*
 * redis_memory: ports/memory.h on Redis.
 *
 *   cmi:ref:<resource>:<name>   the id; kept refs_keep_ms after its last use
 *   cmi:led:<key>               "b": begun; "e<outcome>": ended; kept REDIS_MEMORY_LEDGER_MS
 *
 * A call whose reply was lost is sent again when Redis is back. All may be: find and keep and end
 * change nothing the second time; a begin that had happened is answered MEMORY_BEGUN, which errs
 * towards "possible duplicate".
 */
#ifndef BRIDGE_IO_REDIS_MEMORY_H
#define BRIDGE_IO_REDIS_MEMORY_H

#include "bridge/io/redis.h"
#include "bridge/ports/memory.h"

#define REDIS_MEMORY_LEDGER_MS (INT64_C(8) * 24 * 3600 * 1000) /* D2: at least 7 days */

struct redis_memory;

/* Watches r from now on (redis_watch); r must outlive it. */
struct redis_memory *redis_memory_new(struct redis *r, int64_t refs_keep_ms,
                                      memory_on_answer *on_answer, void *owner);
struct memory_port redis_memory_port(struct redis_memory *m);
/* After redis_close; calls that wait are forgotten without an answer. */
void redis_memory_free(struct redis_memory *m);

#endif
