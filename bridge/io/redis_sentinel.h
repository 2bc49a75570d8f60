/*
 * redis_sentinel: asks Sentinels which server is the primary now. One question at a time, one
 * Sentinel a question, the next one at the next.
 */
#ifndef BRIDGE_IO_REDIS_SENTINEL_H
#define BRIDGE_IO_REDIS_SENTINEL_H

#include "bridge/io/redis_link.h"

#define REDIS_SENTINELS_MAX 16
#define REDIS_SENTINEL_MS   1000 /* one may take to answer; the asker's to keep */

struct redis_sentinel;

/* addresses: "host:port", several with commas between. primary: the name they watch it under. */
struct redis_sentinel *redis_sentinel_new(struct uv_loop_s *loop, const char *addresses,
                                          const char *primary, struct fault *f);
/* at: "host:port" of the primary, or NULL, and then why says what was wrong. Both hold during the
 * call. Never called from inside redis_sentinel_ask. */
typedef void redis_sentinel_answer(void *owner, const char *at, const char *why);
void redis_sentinel_ask(struct redis_sentinel *s, redis_sentinel_answer *done, void *owner);
void redis_sentinel_cancel(struct redis_sentinel *s); /* the question; its answer does not come */
/* `closed` is called on the loop when the memory is gone. */
void redis_sentinel_close(struct redis_sentinel *s, void (*closed)(void *owner), void *owner);

#endif
