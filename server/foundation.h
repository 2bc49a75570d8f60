/*
 * foundation: what a server needs of Redis before it takes writes: the number of shards that the
 * data was laid out by, and the secret that idempotency keys become ids under. The first server
 * ever writes both; all others read them. Looked at anew after each time Redis was away.
 */
#ifndef SERVER_FOUNDATION_H
#define SERVER_FOUNDATION_H

#include "server/front.h"

struct foundation {
    struct server *server;
    struct front *front;
    bool sound;
    bool unfit; /* unsound was called: nothing else is said of it, and nothing is taken */
    /* The data there is not for this server: the sentence says what to do. */
    void (*unsound)(void *ctx, const struct fault *f);
    void *ctx;
};

/* Fill in server, front, unsound and ctx first. Watches the server's redis (redis_watch). */
void foundation_start(struct foundation *f);

#endif
