/*
 * breaker: whether a destination may be sent to (D4). After so many failures in a row, or one reply
 * that stops it, it opens and nothing is sent for a while (full jitter, growing); then one probe
 * goes out, whose end decides. Retry-After of 429 and 503 holds everything back as long as it says.
 */
#ifndef BRIDGE_CORE_BREAKER_H
#define BRIDGE_CORE_BREAKER_H

#include "bridge/core/backoff.h"

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_STATES(X)                                                                          \
    X(CLOSED, "closed")                                                                            \
    X(OPEN, "open")                                                                                \
    X(PROBING, "probing")

enum breaker_state {
#define BREAKER_ENUM(name, text) BREAKER_##name,
    BREAKER_STATES(BREAKER_ENUM)
#undef BREAKER_ENUM
};

struct breaker_policy {
    int failures;        /* in a row that open it */
    struct backoff open; /* of the waits; doubles with every failed probe */
};

struct breaker {
    struct breaker_policy policy;
    enum breaker_state state;
    int failures;     /* in a row */
    unsigned opened;  /* times in a row without a success between */
    int64_t until_ms; /* nothing is sent before */
    bool probe_out;
};

void breaker_init(struct breaker *b, struct breaker_policy policy);
/* May one more be sent now? Moves OPEN to PROBING when its time has come. */
bool breaker_allows(struct breaker *b, int64_t now_ms);
/* When to ask again; INT64_MAX: not before a reply comes. */
int64_t breaker_wake_ms(const struct breaker *b, int64_t now_ms);
void breaker_sent(struct breaker *b);
void breaker_back(
    struct breaker *b); /* what was sent is out no more; call before its end is told */
void breaker_ok(struct breaker *b);
/* random: 64 random bits. Both return whether the breaker opened by it. */
bool breaker_failed(struct breaker *b, int64_t now_ms, uint64_t random);
bool breaker_stop(struct breaker *b, int64_t now_ms, uint64_t random);
/* Others know that it is stopped: it is open until then, whatever it was, unless a probe is out. */
void breaker_shut(struct breaker *b, int64_t until_ms);
/* Retry-After: nothing before now + wait. */
void breaker_hold(struct breaker *b, int64_t now_ms, int64_t wait_ms);
const char *breaker_state_name(enum breaker_state s);

#endif
