/*
 * source: records of Kafka topics, as the consumer's loop sees them.
 *
 * The shell calls the functions of `struct source_owner`; the loop calls those of
 * `struct source_port`. Both happen on one thread. A partition is named by `slot`, a small number
 * that the shell gives it for the length of one assignment; `epoch` grows with every assignment.
 */
#ifndef BRIDGE_PORTS_SOURCE_H
#define BRIDGE_PORTS_SOURCE_H

#include "bridge/core/fault.h"
#include "bridge/core/record.h"

#include <stdint.h>

#define SOURCE_PARTITIONS_MAX 1024 /* assigned to one process */

struct source_partition {
    unsigned slot; /* 0 … SOURCE_PARTITIONS_MAX-1 */
    uint32_t epoch;
    const char *topic; /* holds until the partition is let go */
    int32_t partition;
    int64_t next_offset; /* where reading starts: the committed offset, or the log's start */
};

struct source_owner {
    void *ctx;
    void (*assigned)(void *ctx, const struct source_partition *parts, size_t count);
    /* Stop taking these, end what is in flight, then call source_port.released. `lost`: they belong
     * to somebody else already; nothing may be committed. */
    void (*revoked)(void *ctx, const struct source_partition *parts, size_t count, bool lost);
    /* The record is the loop's until it calls `give_back`. */
    void (*record)(void *ctx, const struct record *r);
    void (*commit_done)(void *ctx, bool ok, const char *error);
    /* The source can't go on: offset out of range (D1), fatal error. The sentence says what to do.
     */
    void (*failed)(void *ctx, const struct fault *f);
};

struct source_port {
    void *ctx;
    void (*give_back)(void *ctx, void *owner); /* struct record.owner */
    void (*pause)(void *ctx, unsigned slot);
    void (*resume)(void *ctx, unsigned slot);
    /* Commits next_offset for slot, if epoch is still the slot's; `now`: waits for the broker's
     * answer to it and to all before (only at revocation and at the end; without it a commit may
     * stay behind when the partition is let go). Returns false with a fault if refused. */
    bool (*commit)(void *ctx, unsigned slot, uint32_t epoch, int64_t next_offset, bool now,
                   struct fault *f);
    void (*released)(void *ctx); /* the revocation may go through */
};

#endif
