/*
 * keys_once: is no key given twice in one object? For keys that no table knows, and so no bit of
 * their own can be kept for (contract 7: a duplicate key is refused, whoever reads it).
 *
 * Remembers 64 bits of each key of the objects that are open, so two keys may be taken for one once
 * in 2^64; an object's keys are forgotten when it ends. Constant memory: KEYS_ONCE_MAX keys.
 */
#ifndef BRIDGE_CORE_KEYS_ONCE_H
#define BRIDGE_CORE_KEYS_ONCE_H

#include "bridge/core/fault.h"
#include "bridge/core/token.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define KEYS_ONCE_MAX 1024 /* keys of all objects that are open at a time */

struct keys_once {
    unsigned depth; /* objects open; at most TOKEN_DEPTH_MAX */
    uint16_t count;
    uint16_t begins[TOKEN_DEPTH_MAX]; /* where an object's keys begin in hashes */
    uint64_t hashes[KEYS_ONCE_MAX];   /* only the first `count` were ever written */
};

void keys_once_init(struct keys_once *k);
/* An object begins, and ends. Every end belongs to a begin; no more than TOKEN_DEPTH_MAX are open.
 */
void keys_once_begin(struct keys_once *k);
void keys_once_end(struct keys_once *k);
/* A key, UTF-8 without escapes, of the object begun last. The fault (REJECT) does not quote it: it
 * may be anything. */
bool keys_once_add(struct keys_once *k, struct view key, struct fault *f) MUST_CHECK;
/* The same for all objects within one JSON value, however deep. The value has passed json_scan. */
bool keys_once_of_json(struct view value, struct fault *f) MUST_CHECK;

#endif
