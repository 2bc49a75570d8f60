/*
 * codec: readers of representations as the loops see them: whole bytes in, tokens out.
 */
#ifndef BRIDGE_PORTS_CODEC_H
#define BRIDGE_PORTS_CODEC_H

#include "bridge/core/token.h"

/* Reads one whole value; a fault (REJECT) says what is malformed and at which byte. */
typedef bool codec_read(struct view bytes, struct token_sink to, struct fault *f);

struct codec_port {
    codec_read *json;
    codec_read *msgpack;
    /* SHA-256 of the bytes, for idempotency keys. */
    void (*sha256)(struct view data, uint8_t out[32]);
};

#endif
