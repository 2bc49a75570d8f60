/*
 * front: requests in, exchanges out. Checks what is common to all of them (path, method, media
 * types, parameters, Idempotency-Key, that no stranger's page writes), finds the route, signs the
 * user on (server/sign_on.h) and asks whether he may (403), counts and logs the answer.
 *
 * Idempotency-Key (D2): the id of what a POST creates, and the hash that a PUT or DELETE is
 * remembered by, are HMACs of user and key under the server's secret, as what is kept of the
 * request is one of user and request. Until that is known, a write with a key is 503. A key whose
 * first request is still under way is 409 with Retry-After.
 */
#ifndef SERVER_FRONT_H
#define SERVER_FRONT_H

#include "bridge/io/http_server.h"
#include "server/server.h"

#define FRONT_BASE             "/RI/cmi"
#define FRONT_IGNORED_BODY_MAX 65536 /* bytes of a body that nobody reads: with GET and DELETE */
#define FRONT_SECRET_BYTES     32

struct front;
struct sign_on;

/* The server and the sign_on are the caller's and outlive the front. */
struct front *front_new(struct server *server, struct sign_on *sign_on);
void front_free(struct front *f); /* no exchange may be under way */
/* Rows under `base` (static storage), ended by one with method NULL. */
void front_add(struct front *f, const char *base, const struct route *rows);
/* A page of that origin may call from a browser. */
void front_allow_origin(struct front *f, const char *origin);
void front_allow_header(struct front *f, const char *name); /* such a page may send it */
void front_https(struct front *f);                          /* it is served over TLS only */
void front_secret(struct front *f, const uint8_t secret[FRONT_SECRET_BYTES]);
struct http_server_owner front_owner(struct front *f);
size_t front_under_way(const struct front *f);
/* Marks what is under way now (read whole, not answered), in place of what was marked before; and:
 * is any of that still under way? */
void front_mark(struct front *f);
bool front_marked(const struct front *f);

#endif
