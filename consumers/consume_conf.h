/*
 * consume_conf: what `cmibridge consume` needs, made from the configuration.
 */
#ifndef CONSUMERS_CONSUME_CONF_H
#define CONSUMERS_CONSUME_CONF_H

#include "bridge/io/http_client.h"
#include "bridge/io/kafka_conf.h"
#include "bridge/io/redis.h"
#include "bridge/run/consume.h"
#include "config/conf.h"

/* Texts are the conf's, which must hold as long. */
struct consume_plan {
    struct consume_conf consume;
    struct consume_destination destinations[CONSUME_DESTINATIONS_MAX];
    struct route_rule *routes;                                  /* owned */
    struct http_destination http[2 * CONSUME_DESTINATIONS_MAX]; /* CMIs, then ingest URLs */
    char *ingest_urls[CONSUME_DESTINATIONS_MAX];                /* owned */
    struct buf secrets[CONSUME_DESTINATIONS_MAX];               /* of destinations[i].secrets */
    size_t http_count;
    struct kafka_conf kafka;
    const char **topics;               /* owned */
    const char *never[3];              /* topics of ours that a pattern never reads */
    struct kafka_property *properties; /* owned */
    struct redis_conf redis;
    int64_t refs_keep_ms;
};

/* false with a fault where the parts do not fit together in a way that conf_load can't see. */
bool consume_plan_make(const struct conf *conf, struct consume_plan *plan,
                       struct fault *f) MUST_CHECK;
void consume_plan_done(struct consume_plan *plan);
/* Only the settings that a running loop can take over (consume_retune). */
void consume_plan_tuning(const struct conf *conf, struct consume_conf *out);
/* The most memory that the limits add up to, in bytes, libraries' own overhead left out. */
int64_t consume_plan_memory(const struct consume_plan *plan);

#endif
