/*
 * redis_memory: ports/memory.h on Redis.
 *
 *   cmi:ref:<resource>:<name>   the id; kept refs_keep_ms after its last use
 *   cmi:led:<key>               "b<mark>": begun; "e<outcome>": ended; kept REDIS_MEMORY_LEDGER_MS
 *
 * A call whose reply was lost is sent again when Redis is back, in the order the calls were given.
 * It may be, whether it had happened or not:
 *   find   reads; that it lengthens the reference's life twice is nothing.
 *   keep   sets the same name to the same id. An older keep of the name can't come after a newer
 *          one, because the order is kept.
 *   begin  sets only what is not there, and says what was. Each call has a mark of its own; one
 * that finds its own mark knows that it was the first, and answers as it would have then. end sets
 * the same key to the same outcome. A begin of the same key is only given after it was answered.
 */
#ifndef BRIDGE_IO_REDIS_MEMORY_H
#define BRIDGE_IO_REDIS_MEMORY_H

#include "bridge/io/redis.h"
#include "bridge/ports/memory.h"

#define REDIS_MEMORY_LEDGER_MS (INT64_C(8) * 24 * 3600 * 1000) /* D2: at least 7 days */

#define REDIS_MEMORY_ARG_MAX   4096 /* bytes of one call's arguments; the caller's are shorter */
#define REDIS_MEMORY_UNDER_WAY 4096 /* calls at Redis at once; the others wait here */

struct redis_memory;

/* Watches r from now on (redis_watch); r must outlive it. */
struct redis_memory *redis_memory_new(struct redis *r, int64_t refs_keep_ms,
                                      memory_on_answer *on_answer, void *owner);
struct memory_port redis_memory_port(struct redis_memory *m);
/* After redis_close; calls that wait are forgotten without an answer. */
void redis_memory_free(struct redis_memory *m);

#endif
