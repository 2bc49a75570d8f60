/*
 * handover: the life of one destination in a slice that this process holds, and of the slice's
 * lease, as two tables (docs/DELIVERY.md). bridge/run/schedule*.c does what entering a state asks
 * for. An event that a state has no row for is a defect (assert).
 *
 * A destination's state is one byte: a process holds millions of them.
 */
#ifndef BRIDGE_CORE_HANDOVER_H
#define BRIDGE_CORE_HANDOVER_H

#include <stdint.h>

#define HANDOVER_STATES(X)                                                                         \
    X(WAITING, "waiting")   /* for its window */                                                   \
    X(MARKING, "marking")   /* watermark and consent of its window are being recorded */           \
    X(MARKED, "marked")     /* its request may begin, for one second */                            \
    X(SENDING, "sending")   /* the request is out */                                               \
    X(HANDLED, "handled")   /* the gateway has taken it */                                         \
    X(FAILED, "failed")     /* it will never be taken */                                           \
    X(RETRYING, "retrying") /* a further attempt comes, if there is one left */                    \
    X(OPEN, "open")         /* a callback: its result comes later, or its fate is not known */     \
    X(STOPPED, "stopped")   /* not begun: the message is no more, or the lease is lost */

enum handover_state {
#define HANDOVER_STATE_ENUM(name, text) HANDOVER_##name,
    HANDOVER_STATES(HANDOVER_STATE_ENUM)
#undef HANDOVER_STATE_ENUM
        HANDOVER_STATE_COUNT
};

#define HANDOVER_EVENTS(X)                                                                         \
    X(MARK, "mark")         /* its window is recorded, first time or again */                      \
    X(MARKED, "marked")     /* the record is durable, and nothing stands against it */             \
    X(UNMARKED, "unmarked") /* the record was not made: Redis could not be written */              \
    X(BEGIN, "begin")       /* its sender and its channel have room */                             \
    X(STALE, "stale")       /* not begun within a second: what was checked may have changed */     \
    X(REFUSE,                                                                                      \
      "refuse") /* consent withdrawn, address unusable, out of date, or the gateway's no */        \
    X(ACCEPT, "accept") /* the gateway's yes, or a call's end */                                   \
    X(RETRY, "retry")   /* the gateway's not now, or no answer */                                  \
    X(OPEN, "open")     /* a call: taken, or nobody knows */                                       \
    X(BACK, "back")     /* certainly not begun after all: the channel has stopped, or is full */   \
    X(STOP, "stop")     /* cancelled, fenced, paused or shutting down */

enum handover_event {
#define HANDOVER_EVENT_ENUM(name, text) HANDOVER_ON_##name,
    HANDOVER_EVENTS(HANDOVER_EVENT_ENUM)
#undef HANDOVER_EVENT_ENUM
        HANDOVER_EVENT_COUNT
};

enum handover_state handover_next(enum handover_state from, enum handover_event event);
int handover_has(enum handover_state from, enum handover_event event); /* is there a row? */
const char *handover_state_name(enum handover_state s);
const char *handover_event_name(enum handover_event e);

#endif
