/*
 * msgpack_scan: is this one well-formed MessagePack value that a parser may be trusted with?
 *
 * A check of the bytes before msgpack-c sees them, in constant memory and linear time: an item
 * takes a byte at least, so what all open containers together still declare is held against the
 * bytes that are left ("dd ff 00 00 00", an array of four thousand million, ends at its fifth
 * byte). Nesting up to TOKEN_DEPTH_MAX, one value only. Only what JSON can say passes: strings must
 * be UTF-8, keys must be strings, no bin, no NaN, no infinity, no extension but the timestamp (-1)
 * within the years 0001 to 9999.
 */
#ifndef BRIDGE_CORE_MSGPACK_SCAN_H
#define BRIDGE_CORE_MSGPACK_SCAN_H

#include "bridge/core/fault.h"
#include "bridge/core/token.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define MSGPACK_TIMESTAMP_TYPE (-1)

/* The fault (REJECT) says what is wrong and at which byte. */
bool msgpack_scan_all(struct view bytes, struct fault *f) MUST_CHECK;
/* The payload of a timestamp extension (4, 8 or 12 bytes) as milliseconds since 1970; what is finer
 * is cut. false: no timestamp, or beyond the years 0001 to 9999. */
bool msgpack_timestamp(struct view payload, int64_t *out_ms) MUST_CHECK;

#endif
