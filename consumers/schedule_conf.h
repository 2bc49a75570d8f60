/*
 * schedule_conf: what `cmibridge schedule` needs, made from the configuration.
 */
#ifndef CONSUMERS_SCHEDULE_CONF_H
#define CONSUMERS_SCHEDULE_CONF_H

#include "bridge/io/kafka_conf.h"
#include "bridge/io/redis.h"
#include "bridge/run/schedule.h"
#include "consumers/schedule_channels.h"

struct named_zone {
    const char *name; /* NULL: none, nor behind it */
    struct zone zone;
};

/* Texts are the conf's, which must hold as long. */
struct schedule_plan {
    struct schedule_conf schedule;
    struct schedule_channels channels;
    struct schedule_channel routes[SCHEDULE_ROUTES_MAX];
    struct http_destination http[SCHEDULE_ROUTES_MAX];
    struct token_source tokens[SCHEDULE_ROUTES_MAX];
    struct schedule_sender *senders; /* owned */
    struct named_zone *zones;        /* owned */
    struct kafka_conf kafka;
    struct kafka_property *properties; /* owned */
    struct redis_conf redis;
    unsigned outbox_max;
};

/* Reads time zones: before there are other threads. now_ms: the wall clock. false with a fault
 * where the parts do not fit together in a way that conf_load can't see. */
bool schedule_plan_make(const struct conf *conf, int64_t now_ms, struct schedule_plan *plan,
                        struct fault *f) MUST_CHECK;
void schedule_plan_done(struct schedule_plan *plan);
/* Only the settings that a running loop can take over (schedule_retune). */
void schedule_plan_tuning(const struct conf *conf, struct schedule_conf *out);

#endif
