/*
 * conf_redis: the settings under `redis` as the programs hand them to bridge/io/redis.h.
 */
#ifndef CONFIG_CONF_REDIS_H
#define CONFIG_CONF_REDIS_H

#include "bridge/ports/redis_conf.h"
#include "config/conf.h"

/* Texts are the conf's. */
struct redis_conf conf_redis(const struct conf *c);

#endif
