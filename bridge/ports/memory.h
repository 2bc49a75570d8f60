/*
 * memory: what the consumer must still know after a restart: which id a producer's own name stands
 * for (references, design.md 5), and, for destinations that ignore the idempotency key, which write
 * was begun and ended (the ledger, D2). Durable before it answers.
 *
 * Each call ends with exactly one answer to the function that the shell was made with, never from
 * inside the call. While the store is down calls are kept waiting and `up` is false: the loop
 * pauses.
 */
#ifndef BRIDGE_PORTS_MEMORY_H
#define BRIDGE_PORTS_MEMORY_H

#include "bridge/core/view.h"

#include <stdbool.h>
#include <stdint.h>

enum memory_state {
    MEMORY_NONE,   /* nothing known */
    MEMORY_FOUND,  /* a reference: `value` is the id */
    MEMORY_BEGUN,  /* ledger: begun, end not recorded: a repeat may be a duplicate */
    MEMORY_ENDED,  /* ledger: done before; `value` is the outcome that `end` was given */
    MEMORY_STORED, /* a write: it is durable; of `keep`, `value` is the id before, if there was one
                    */
    MEMORY_FAILED, /* the store refused; `error` says why. Try again later */
};

struct memory_answer {
    uint64_t token;
    enum memory_state state;
    struct view value; /* holds during the call */
    const char *error;
};

typedef void memory_on_answer(void *owner, const struct memory_answer *a);

struct memory_port {
    void *ctx;
    bool (*up)(void *ctx);
    /* Arguments are copied. `resource` is the collection's name: "callbacks". The last to keep a
     * name has it. */
    void (*find)(void *ctx, uint64_t token, struct view resource, struct view ref);
    void (*keep)(void *ctx, uint64_t token, struct view resource, struct view ref, struct view id);
    void (*begin)(void *ctx, uint64_t token, struct view key);
    void (*end)(void *ctx, uint64_t token, struct view key, struct view outcome);
    /* What this process began has certainly not happened: it was refused. No answer comes: if it is
     * not forgotten, a repeat is only taken for a possible duplicate. */
    void (*forget)(void *ctx, struct view key);
};

#endif
