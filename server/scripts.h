/*
 * scripts: the Redis scripts of the server (server/redis/, embedded by cmake/Scripts.cmake), with
 * the flags they run under. Their texts are constant, so old and new releases coexist.
 */
#ifndef SERVER_SCRIPTS_H
#define SERVER_SCRIPTS_H

#include "bridge/io/redis.h"

enum script_name {
    SCRIPT_EFFECT,       /* refused by a full Redis */
    SCRIPT_EFFECT_FREES, /* the same, not refused */
    SCRIPT_CALLBACK,
    SCRIPT_MESSAGE,
    SCRIPT_STORED,
    SCRIPT_CONSENT,
    SCRIPT_PURGE,
    SCRIPT_BIND, /* not refused by a full Redis */
    SCRIPT_SWAP,
    SCRIPT_FORGET,
    SCRIPT_COUNT,
};

void scripts_init(void); /* once, before the first use; again does nothing */
const struct redis_script *script_of(enum script_name name);

#endif
