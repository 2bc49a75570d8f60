/*
 * redis_link: one connection to one Redis server: opened once, lost once. What comes after belongs
 * to redis.c: greeting, deadlines, back-off.
 */
#ifndef BRIDGE_IO_REDIS_LINK_H
#define BRIDGE_IO_REDIS_LINK_H

#include "bridge/core/buf.h"
#include "bridge/io/redis.h"

#define REDIS_HOST_MAX        256
#define REDIS_PATH_MAX        108         /* of a unix socket, with the NUL: sockaddr_un's */
#define REDIS_LINK_UNSENT_MAX (64u << 20) /* bytes of commands waiting to leave */

struct redis_address {
    char host[REDIS_HOST_MAX]; /* "" for a unix socket */
    char port[6];
    char path[REDIS_PATH_MAX];
};

/* "host:port", "[::1]:6379" or "unix:/path". */
bool redis_address_parse(const char *text, struct redis_address *out, struct fault *f) MUST_CHECK;

/* Called on the loop, never from inside a function below. */
struct redis_link_owner {
    void *ctx;
    void (*opened)(void *ctx);
    void (*reply)(void *ctx, const struct redis_value *value); /* value holds during the call */
    void (*lost)(void *ctx, const char *why);                  /* once; then close it */
};

struct redis_link;

/* Begins to connect. attempt picks one of the addresses that a name stands for, in turn. */
struct redis_link *redis_link_open(struct uv_loop_s *loop, const struct redis_address *to,
                                   unsigned attempt, struct redis_link_owner owner);
/* Where commands are appended, once opened; redis_link_flush sends them. */
struct buf *redis_link_out(struct redis_link *l);
void redis_link_flush(struct redis_link *l);
/* The owner is not called any more; `closed` is, when the memory is gone. */
void redis_link_close(struct redis_link *l, void (*closed)(void *owner), void *owner);

#endif
