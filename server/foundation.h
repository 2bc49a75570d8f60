/*
 * foundation: what a server needs of Redis before it takes writes: the number of shards that the
 * data was laid out by, and the secret that idempotency keys become ids under. The first server
 * ever writes both, the secret where the shards are its own; all others read them. Looked at anew
 * after each time Redis was away, and each FOUNDATION_AGAIN_MS while Redis takes no writes.
 */
#ifndef SERVER_FOUNDATION_H
#define SERVER_FOUNDATION_H

#include "server/front.h"

#include <uv.h>

#define FOUNDATION_AGAIN_MS 2000

struct foundation {
    struct server *server;
    struct front *front;
    bool sound;
    bool unfit; /* unsound was called: nothing else is said of it, and nothing is taken */
    /* The data there is not for this server: the sentence says what to do. */
    void (*unsound)(void *ctx, const struct fault *f);
    void *ctx;
    uv_timer_t again; /* of foundation_start; its data is the foundation */
};

/* Fill in server, front, unsound and ctx first. Watches the server's redis (redis_watch). */
void foundation_start(struct foundation *f);
/* *f must hold until the loop has run once more. */
void foundation_stop(struct foundation *f);

#endif
