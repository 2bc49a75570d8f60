/*
 * keys: Idempotency-Key (D2): what a key becomes under the server's secret, and which of them have
 * a request under way. For front.c only.
 */
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include "server/front.h"
#include "server/pending.h"

#define KEYS_BUCKETS 256

struct keys {
    bool known; /* the secret */
    uint8_t secret[FRONT_SECRET_BYTES];
    struct pending *running[KEYS_BUCKETS]; /* writes under way that have a key */
};

/* Reads the request's key and fills in x.key, x.key_hash, both digests and x.new_id; without a key,
 * x.new_id only. Answers (400, 409, 503) and returns false if it won't do. */
bool keys_take(struct keys *k, struct pending *p);
/* The request is answered. A no-op for one that does not run under its key. */
void keys_let_go(struct keys *k, struct pending *p);

#endif
