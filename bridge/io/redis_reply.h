/*
 * redis_reply: bytes from a Redis server in, replies out (hiredis's reader of the protocol).
 *
 * Bounded against a server that lies: bytes, values and depth of one reply have maxima; a reply
 * past them, or none of the protocol's, ends the connection.
 */
#ifndef BRIDGE_IO_REDIS_REPLY_H
#define BRIDGE_IO_REDIS_REPLY_H

#include "bridge/core/fault.h"
#include "bridge/io/redis.h"

#define REDIS_REPLY_BYTES_MAX  (64u << 20) /* read and not yet handed on */
#define REDIS_REPLY_VALUES_MAX (1u << 20)  /* in one reply, those in arrays included */

enum redis_reply_step { REDIS_REPLY_WHOLE, REDIS_REPLY_MORE, REDIS_REPLY_BROKEN };

struct redis_reply;

struct redis_reply *redis_reply_new(void);
void redis_reply_free(struct redis_reply *r);
/* Takes n bytes in. Call redis_reply_next until it says REDIS_REPLY_MORE before feeding again. */
void redis_reply_feed(struct redis_reply *r, const char *p, size_t n);
/* WHOLE: *out is the next reply; it holds until the next call. BROKEN: f says why; for good. */
enum redis_reply_step redis_reply_next(struct redis_reply *r, const struct redis_value **out,
                                       struct fault *f);

#endif
