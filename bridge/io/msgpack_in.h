/*
 * msgpack_in: MessagePack bytes in, tokens out (msgpack-c behind msgpack_scan).
 *
 * msgpack-c's usual unpackers build a tree in a zone: for a body of a million destinations that is
 * three million objects before the first can be looked at. What it ships for bindings does not:
 * <msgpack/unpack_template.h> is the parser as a template over callbacks, a state machine with a
 * fixed stack of 32 (TOKEN_DEPTH_MAX), no recursion, no allocation. The callbacks here make tokens.
 *
 * Numbers carry their text, as JSON would write it, so the same content gives the same tokens as in
 * JSON: an integer is a TOKEN_INTEGER if it fits int64, else a TOKEN_NUMBER; a float the shortest
 * TOKEN_NUMBER that reads back as the same ("2.0", "0.1"). A timestamp is a TOKEN_STRING in ISO
 * form, to the millisecond.
 */
#ifndef BRIDGE_IO_MSGPACK_IN_H
#define BRIDGE_IO_MSGPACK_IN_H

#include "bridge/core/token.h"

/* Reads one whole value: a codec_read. Nothing is taken by the sink if the bytes are malformed. */
bool msgpack_in_read(struct view bytes, struct token_sink to, struct fault *f) MUST_CHECK;

#endif
