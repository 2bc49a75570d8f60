/*
 * redis_health: what is known of a connected server beyond its being there: whether it still has
 * the durable profile, which somebody may change while it runs, and whether it takes writes.
 */
#ifndef BRIDGE_IO_REDIS_HEALTH_H
#define BRIDGE_IO_REDIS_HEALTH_H

#include "bridge/io/redis.h"

struct redis_health {
    struct fault refusal; /* the newest answer that a write can't be taken, */
    int64_t refused_ms;   /* and when it came */
    int64_t checked_ms;   /* when the durable profile was last asked for */
};

/* The greeting has just found it well. */
void redis_health_begin(struct redis_health *h, int64_t now_ms);
/* Is it time to ask for the durable profile? Counts as asked then. */
bool redis_health_check_due(struct redis_health *h, int64_t now_ms);
/* Notes that `value`, a reply of the server at `address`, refuses a write. */
void redis_health_mind(struct redis_health *h, const char *address, const struct redis_value *value,
                       int64_t now_ms);
/* As redis_refusal. */
const char *redis_health_refusal(const struct redis_health *h, int64_t now_ms);

/* The reply begins with this code of an error. */
bool redis_health_is_code(const struct redis_value *value, struct view code);
/* The reply says that this server takes no work at all: it is loading, or a replica. */
bool redis_health_wont_do(const struct redis_value *value);

#endif
