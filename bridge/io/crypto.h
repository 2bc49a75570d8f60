/*
 * crypto: digests, keyed digests, random bytes and comparison in constant time (libsodium, and
 * OpenSSL's SHA-1 for version 5 identifiers).
 */
#ifndef BRIDGE_IO_CRYPTO_H
#define BRIDGE_IO_CRYPTO_H

#include "bridge/core/guid.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define CRYPTO_SHA256_LEN 32
#define CRYPTO_KEY_LEN    32
#define CRYPTO_SHA256_HEX 65 /* with the NUL */

void crypto_init(void); /* once, first thing in every program; ends the process if it can't */
void crypto_sha256(struct view data, uint8_t out[CRYPTO_SHA256_LEN]);
void crypto_sha256_hex(struct view data, char out[CRYPTO_SHA256_HEX]); /* lower case */
void crypto_sha1(struct view data, uint8_t out[20]);
void crypto_hmac_sha256(struct view key, struct view data, uint8_t out[CRYPTO_SHA256_LEN]);
/* Keyed BLAKE2b, 16 bytes of it. key: CRYPTO_KEY_LEN bytes. */
void crypto_keyed(const uint8_t key[CRYPTO_KEY_LEN], struct view data, uint8_t out[16]);
void crypto_random(void *out, size_t n);
bool crypto_same(struct view a, struct view b);           /* constant time for equal lengths */
struct guid crypto_guid_random(void);                     /* version 4 */
struct guid crypto_guid_of(struct view a, struct view b); /* version 5: of a, a newline, b */

#endif
