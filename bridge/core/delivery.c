#include "bridge/core/delivery.h"

#include <assert.h>
#include <stddef.h>

#define TO(state) (DELIVERY_##state + 1) /* 0 stands for "no row" */
#define ON(event) [DELIVERY_ON_##event]

static const unsigned char table[DELIVERY_STATE_COUNT][DELIVERY_EVENT_COUNT] = {
    [DELIVERY_QUEUED] = {ON(LOOK_UP) = TO(RESOLVING), ON(PROCEED) = TO(READY),
                         ON(BURY) = TO(BURYING), ON(FINISH) = TO(ENDED), ON(DROP) = TO(DROPPED)},
    [DELIVERY_RESOLVING] = {ON(PROCEED) = TO(READY), ON(UNKNOWN) = TO(UNRESOLVED),
                            ON(BURY) = TO(BURYING), ON(DROP) = TO(DROPPED)},
    [DELIVERY_UNRESOLVED] = {ON(ASK) = TO(RESOLVING), ON(BURY) = TO(BURYING),
                             ON(DROP) = TO(DROPPED)},
    [DELIVERY_READY] = {ON(NOTE) = TO(BEGINNING), ON(SEND) = TO(SENDING), ON(BURY) = TO(BURYING),
                        ON(DROP) = TO(DROPPED)},
    [DELIVERY_BEGINNING] = {ON(SEND) = TO(SENDING), ON(REPEATED) = TO(REPORTING),
                            ON(FAIL) = TO(WAITING), ON(DROP) = TO(DROPPED)},
    [DELIVERY_SENDING] = {ON(DONE) = TO(REPORTING), ON(KEEP) = TO(KEEPING), ON(FINISH) = TO(ENDED),
                          ON(FAIL) = TO(WAITING), ON(HOLD) = TO(READY), ON(BURY) = TO(BURYING),
                          ON(DROP) = TO(DROPPED)},
    [DELIVERY_WAITING] = {ON(DUE) = TO(READY), ON(BURY) = TO(BURYING), ON(DROP) = TO(DROPPED)},
    [DELIVERY_KEEPING] = {ON(KEEP) = TO(KEEPING), ON(KEPT) = TO(REPORTING), ON(DROP) = TO(DROPPED)},
    [DELIVERY_BURYING] = {ON(BURY) = TO(BURYING), ON(PRODUCED) = TO(REPORTING),
                          ON(FINISH) = TO(ENDED), ON(DROP) = TO(DROPPED)},
    [DELIVERY_REPORTING] = {ON(PRODUCED) = TO(REPORTING), ON(FINISH) = TO(ENDED),
                            ON(DROP) = TO(DROPPED)},
    [DELIVERY_ENDED] = {0},
    [DELIVERY_DROPPED] = {0},
};

int delivery_has(enum delivery_state from, enum delivery_event event)
{
    return table[from][event] != 0;
}

enum delivery_state delivery_next(enum delivery_state from, enum delivery_event event)
{
    assert(delivery_has(from, event));
    return (enum delivery_state)(table[from][event] - 1);
}

const char *delivery_state_name(enum delivery_state s)
{
    static const char *const names[] = {
#define DELIVERY_STATE_NAME(name, text) text,
        DELIVERY_STATES(DELIVERY_STATE_NAME)
#undef DELIVERY_STATE_NAME
    };

    return s < DELIVERY_STATE_COUNT ? names[s] : "unknown";
}

const char *delivery_event_name(enum delivery_event e)
{
    static const char *const names[] = {
#define DELIVERY_EVENT_NAME(name, text) text,
        DELIVERY_EVENTS(DELIVERY_EVENT_NAME)
#undef DELIVERY_EVENT_NAME
    };

    return e < DELIVERY_EVENT_COUNT ? names[e] : "unknown";
}
