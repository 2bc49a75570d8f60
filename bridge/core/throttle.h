/*
 * throttle: who tries passwords is slowed, per account and per source address, and nobody else.
 *
 * A try is counted when it begins, so that many at once don't slip through, and taken back when it
 * succeeds. Three things are counted: a source on one account, a source on any, an account from
 * anywhere. Each may fail some times for free; then every try must wait twice as long as the one
 * before, up to THROTTLE_WAIT_MAX_MS. An attack from everywhere does not lock the owner out: a
 * source that an account has been signed on to from is not held back by what other sources do.
 *
 * The table is bounded; where it is full, what was longest left alone is forgotten.
 */
#ifndef BRIDGE_CORE_THROTTLE_H
#define BRIDGE_CORE_THROTTLE_H

#include "bridge/core/view.h"

#include <stdint.h>

#define THROTTLE_ENTRIES      4096
#define THROTTLE_FREE_BOTH    5 /* failures before the first wait: of a source on one account */
#define THROTTLE_FREE_SOURCE  20
#define THROTTLE_FREE_ACCOUNT 50
#define THROTTLE_WAIT_MS      1000 /* the first wait */
#define THROTTLE_WAIT_MAX_MS  60000
#define THROTTLE_FORGET_MS    900000   /* without a try, failures are forgotten */
#define THROTTLE_KNOWN_MS     86400000 /* how long a source is known that an account came from */

struct throttle;

struct throttle *throttle_new(const uint8_t key[16]); /* key: random, see siphash.h */
void throttle_free(struct throttle *t);
/* May this source try this account now? 0: yes, and the try is counted; else milliseconds to wait.
 * account empty: the credential names none; only the source counts. */
int64_t throttle_try(struct throttle *t, struct view source, struct view account, int64_t now_ms);
/* The try was none: it succeeded. */
void throttle_succeeded(struct throttle *t, struct view source, struct view account,
                        int64_t now_ms);

#endif
