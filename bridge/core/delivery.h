/*
 * delivery: the life of one event between its record and its end, as one table (docs/DELIVERY.md).
 *
 * The table says which state follows which on what; bridge/run/consume.c does what entering a state
 * asks for, in one function. An event that a state has no row for is a defect (assert).
 */
#ifndef BRIDGE_CORE_DELIVERY_H
#define BRIDGE_CORE_DELIVERY_H

#define DELIVERY_STATES(X)                                                                         \
    X(QUEUED, "queued")         /* behind others of its key */                                     \
    X(RESOLVING, "resolving")   /* the reference was asked for */                                  \
    X(UNRESOLVED, "unresolved") /* the reference is not known yet: asked again until refs.wait */  \
    X(READY, "ready")           /* waits for its destination */                                    \
    X(BEGINNING, "beginning")   /* the ledger notes that the request begins */                     \
    X(SENDING, "sending")       /* the request is out */                                           \
    X(WAITING, "waiting")       /* for its next attempt */                                         \
    X(KEEPING, "keeping")       /* the new reference, or the ledger's end, is being stored */      \
    X(BURYING, "burying")       /* the dead letter waits for its delivery report */                \
    X(REPORTING, "reporting")   /* the result waits for its delivery report */                     \
    X(ENDED, "ended")           /* its offset counts as done */                                    \
    X(DROPPED, "dropped")       /* its partition is gone: somebody else's now */

enum delivery_state {
#define DELIVERY_STATE_ENUM(name, text) DELIVERY_##name,
    DELIVERY_STATES(DELIVERY_STATE_ENUM)
#undef DELIVERY_STATE_ENUM
        DELIVERY_STATE_COUNT
};

#define DELIVERY_EVENTS(X)                                                                         \
    X(LOOK_UP, "look-up")   /* its turn came; its subject names a reference */                     \
    X(PROCEED, "proceed")   /* its turn came, or its reference is known */                         \
    X(UNKNOWN, "unknown")   /* the reference is not known */                                       \
    X(ASK, "ask")           /* time to look the reference up again */                              \
    X(NOTE, "note")         /* its destination is free; the ledger must note it first */           \
    X(SEND, "send")         /* its destination is free, or the ledger has noted it */              \
    X(REPEATED, "repeated") /* the ledger says that it was done before */                          \
    X(DONE, "done")         /* a reply says that it is done; nothing to keep */                    \
    X(KEEP, "keep")         /* a reply says that it is done; its id or end must be kept */         \
    X(KEPT, "kept")         /* stored durably */                                                   \
    X(FAIL, "fail")         /* to be tried again, later */                                         \
    X(HOLD, "hold")         /* back to the destination's queue: the destination is at fault */     \
    X(DUE, "due")           /* its waiting is over */                                              \
    X(BURY, "bury")         /* it will never be written */                                         \
    X(PRODUCED, "produced") /* the delivery report came, and the next step is the result */        \
    X(FINISH, "finish")     /* the last delivery report came, or there is nothing to report */     \
    X(DROP, "drop")         /* its partition was taken away */

enum delivery_event {
#define DELIVERY_EVENT_ENUM(name, text) DELIVERY_ON_##name,
    DELIVERY_EVENTS(DELIVERY_EVENT_ENUM)
#undef DELIVERY_EVENT_ENUM
        DELIVERY_EVENT_COUNT
};

enum delivery_state delivery_next(enum delivery_state from, enum delivery_event event);
int delivery_has(enum delivery_state from, enum delivery_event event); /* is there a row? */
const char *delivery_state_name(enum delivery_state s);
const char *delivery_event_name(enum delivery_event e);

#endif
