/*
 * schedule_channels: the configuration's channels and dialler with their HTTP destinations, for the
 * one who sends.
 */
#ifndef CONSUMERS_SCHEDULE_CHANNELS_H
#define CONSUMERS_SCHEDULE_CHANNELS_H

#include "bridge/io/http_client.h"
#include "config/channels.h"
#include "consumers/tokens.h"

#define SCHEDULE_ROUTES_MAX 64 /* channels, and the dialler */

/* Texts are the conf's, which must hold as long. */
struct schedule_route {
    struct channel_conf channel; /* setup.kind NULL: the dialler */
    const struct dialler *dialler;
    struct http_destination http;
    struct token_source token; /* auth: oauth2 */
};

struct schedule_source {
    const char *address; /* what messages name as their source */
    const char *sub_type;
    size_t route;
    size_t queue; /* entry of chats.queues */
};

struct schedule_channels {
    struct schedule_route routes[SCHEDULE_ROUTES_MAX]; /* channels in the order of the file; then
                                                          the dialler, if there is one */
    size_t route_count;
    size_t channel_count;            /* without the dialler */
    struct schedule_source *sources; /* owned: chat queues that have an address and a `via` */
    size_t source_count;
};

/* false with a fault where one is no good. */
bool schedule_channels_make(const struct conf *c, struct schedule_channels *out,
                            struct fault *f) MUST_CHECK;
void schedule_channels_done(struct schedule_channels *s);

#endif
