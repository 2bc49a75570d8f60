/*
 * json_in: JSON bytes in, tokens out (yajl behind json_scan).
 *
 * Every piece passes json_scan before yajl sees it, so what reaches the sink is well-formed, valid
 * UTF-8, at most TOKEN_DEPTH_MAX deep. An integer that fits int64 is a TOKEN_INTEGER, any other
 * number a TOKEN_NUMBER; both carry their text as written. Memory: what yajl holds of the one token
 * that crosses a piece's end, so the longest string at most; the caller bounds the bytes.
 */
#ifndef BRIDGE_IO_JSON_IN_H
#define BRIDGE_IO_JSON_IN_H

#include "bridge/core/token.h"

/* Reads one whole value: a codec_read. Nothing is taken by the sink if the bytes are malformed. */
bool json_in_read(struct view bytes, struct token_sink to, struct fault *f) MUST_CHECK;

/* The same in pieces as they come. What the sink took before a fault stands. */
struct json_in;

struct json_in *json_in_new(struct token_sink to);
void json_in_free(struct json_in *j);
/* After a fault: no more feed nor end, only free. */
bool json_in_feed(struct json_in *j, struct view piece, struct fault *f) MUST_CHECK;
bool json_in_end(struct json_in *j, struct fault *f) MUST_CHECK;

#endif
