/*
 * breaker: whether a destination may be sent to (D4). After so many failures in a row, or one reply
 * that stops it, it opens and nothing is sent for a while (full jitter, growing); then one probe
 * goes out, whose end decides. Retry-After of 429 and 503 holds everything back as long as it says.
 *
 * Each request has a number, under which its end is told: many may be out when it opens, and what
 * becomes of these says nothing of the probe.
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
    uint64_t sent;    /* the last request's number; the first one's is 1 */
    uint64_t stale;   /* up to this one they were sent before it opened */
    uint64_t failed;  /* the last that counts as a failure */
    uint64_t probe;   /* the one that is out; 0: none */
};

void breaker_init(struct breaker *b, struct breaker_policy policy);
/* May one more be sent now? Moves OPEN to PROBING when its time has come. */
bool breaker_allows(struct breaker *b, int64_t now_ms);
/* When to ask again; INT64_MAX: not before a reply comes. */
int64_t breaker_wake_ms(const struct breaker *b, int64_t now_ms);
/* A request is out. Returns its number; 0, which counts for nothing, if it is sent though it may
 * not be: such as the rest of what has begun. */
uint64_t breaker_sent(struct breaker *b);
/* It is out no more, whatever came of it; call before its end is told. Another may be the probe. */
void breaker_back(struct breaker *b, uint64_t number);
/* Whenever it was sent: who answers is there. */
void breaker_ok(struct breaker *b);
/* random: 64 random bits. All return whether the breaker opened by it. The failure of a request
 * counts once, however often it is told (a batch's, for each of its events), and not at all if it
 * was sent before the breaker opened; what stops it counts then, too, once the breaker has closed
 * again. */
bool breaker_failed(struct breaker *b, uint64_t number, int64_t now_ms, uint64_t random);
/* It works, and takes too little: as a failure, but the wait does not grow. */
bool breaker_refused(struct breaker *b, uint64_t number, int64_t now_ms, uint64_t random);
bool breaker_stop(struct breaker *b, uint64_t number, int64_t now_ms, uint64_t random);
/* Others know that it is stopped: it is open until then, whatever it was, unless a probe is out. */
void breaker_shut(struct breaker *b, int64_t until_ms);
/* Retry-After: nothing before now + wait. */
void breaker_hold(struct breaker *b, int64_t now_ms, int64_t wait_ms);
const char *breaker_state_name(enum breaker_state s);

#endif
