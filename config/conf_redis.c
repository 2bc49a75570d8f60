#include "config/conf_redis.h"

struct redis_conf conf_redis(const struct conf *c)
{
    static const char *const address_of[] = {[REDIS_SERVER] = "redis.address",
                                             [REDIS_SENTINEL] = "redis.sentinels",
                                             [REDIS_CLUSTER] = "redis.cluster"};
    enum redis_via via = conf_has(c, "redis.cluster")     ? REDIS_CLUSTER
                         : conf_has(c, "redis.sentinels") ? REDIS_SENTINEL
                                                          : REDIS_SERVER;

    return (struct redis_conf){
        .address = conf_text(c, address_of[via]),
        .via = via,
        .primary = conf_text(c, "redis.primary"),
        .replicas = (int)conf_int(c, "redis.replicas"),
        .user = conf_text(c, "redis.user"),
        .password = conf_text(c, "redis.password"),
        .database = (int)conf_int(c, "redis.database"),
        .timeout_ms = conf_ms(c, "redis.timeout"),
        .durable = conf_bool(c, "redis.durable"),
    };
}
