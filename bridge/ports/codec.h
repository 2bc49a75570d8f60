/*
 * codec: readers of representations as the loops see them: whole bytes in, tokens out (codec_read:
 * token.h).
 */
#ifndef BRIDGE_PORTS_CODEC_H
#define BRIDGE_PORTS_CODEC_H

#include "bridge/core/token.h"

struct codec_port {
    codec_read *json;
    codec_read *msgpack;
    /* SHA-256 of the bytes, for idempotency keys. */
    void (*sha256)(struct view data, uint8_t out[32]);
};

#endif
