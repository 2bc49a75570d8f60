/*
 * msgpack_out: tokens in, MessagePack out, in its shortest forms. Containers are written with
 * 32-bit counts, filled in at their end.
 */
#ifndef TESTS_FAKES_MSGPACK_OUT_H
#define TESTS_FAKES_MSGPACK_OUT_H

#include "bridge/core/buf.h"
#include "bridge/core/token.h"

struct msgpack_out {
    struct buf *to;
    size_t count_at[TOKEN_DEPTH_MAX];
    uint32_t counts[TOKEN_DEPTH_MAX];
    unsigned depth;
};

void msgpack_out_init(struct msgpack_out *m, struct buf *to);
struct token_sink msgpack_out_sink(struct msgpack_out *m);

#endif
