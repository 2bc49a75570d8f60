/*
 * redis_greeting: what a new connection asks the server before it is used, and which answers will
 * do. All steps are sent together and answered in order.
 */
#ifndef BRIDGE_IO_REDIS_GREETING_H
#define BRIDGE_IO_REDIS_GREETING_H

#include "bridge/io/redis.h"

enum redis_greeting {
    REDIS_GREETING_AUTH,
    REDIS_GREETING_SELECT,
    REDIS_GREETING_APPENDONLY,
    REDIS_GREETING_APPENDFSYNC,
    REDIS_GREETING_POLICY,
    REDIS_GREETING_ROLE,
    REDIS_GREETING_RIGHTS,        /* of the schedule */
    REDIS_GREETING_MEMORY_RIGHTS, /* of references and the ledger */
    REDIS_GREETING_PING,          /* refused while the server loads its data */
    REDIS_GREETING_STEPS,
    REDIS_GREETING_LAST = REDIS_GREETING_PING,
};

struct redis_greeting_command {
    struct view args[3];
    size_t count;
    char number[16]; /* where an argument is one */
};

/* false: the configuration does not call for this step. Arguments hold as long as conf and *out. */
bool redis_greeting_command(enum redis_greeting step, const struct redis_conf *conf,
                            struct redis_greeting_command *out);
/* false: the server will not do; the fault (STOP, or RETRY where it may mend itself) says why. */
bool redis_greeting_accept(enum redis_greeting step, const struct redis_value *value,
                           struct fault *f) MUST_CHECK;

#endif
