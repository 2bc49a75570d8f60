/*
 * guid: the identifiers of the interface: 32 hex digits, or 36 characters with hyphens.
 *
 * In: either form, any case (contract 5). Out: 32 upper-case hex digits; with hyphens where the
 * contract says so.
 */
#ifndef BRIDGE_CORE_GUID_H
#define BRIDGE_CORE_GUID_H

#include "bridge/core/view.h"

#include <stdint.h>

#define GUID_HEX_LEN    32
#define GUID_HYPHEN_LEN 36
#define GUID_TEXT_MAX   40 /* room for either form and a NUL */

struct guid {
    uint8_t bytes[16];
};

__attribute__((warn_unused_result)) bool guid_parse(struct view text, struct guid *out);
void guid_hex(const struct guid *g, char out[GUID_TEXT_MAX]);    /* 32, upper case, NUL */
void guid_hyphen(const struct guid *g, char out[GUID_TEXT_MAX]); /* 36, upper case, NUL */
bool guid_eq(const struct guid *a, const struct guid *b);
/* Makes version 5 (RFC 9562) of the first 16 bytes of a SHA-1 digest that the caller has made. */
struct guid guid_v5_of_digest(const uint8_t digest_bytes[20]);
/* Makes version 4 of 16 random bytes. */
struct guid guid_v4_of_random(const uint8_t random[16]);

#endif
