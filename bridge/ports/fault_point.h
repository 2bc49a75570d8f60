/*
 * fault_point: named moments at which a test can have the process killed (docs/DELIVERY.md lists
 * what must hold after each). Compiled in only with CMIBRIDGE_FAULT_POINTS; then the environment's
 * CMIBRIDGE_FAULT_POINT=name:n raises SIGKILL at the n-th time the moment comes (name:n:stop:
 * SIGSTOP).
 */
#ifndef BRIDGE_PORTS_FAULT_POINT_H
#define BRIDGE_PORTS_FAULT_POINT_H

#include <stdbool.h>

#define FAULT_POINTS(X)                                                                            \
    X(POLLED, "polled")                       /* a record was taken from Kafka */                  \
    X(REQUEST_HALF_SENT, "request_half_sent") /* half of the body has left */                      \
    X(REQUEST_SENT, "request_sent")           /* all of it has left, no reply has come */          \
    X(REPLY_READ, "reply_read")               /* the reply is read, nothing was done about it */   \
    X(RESULT_PRODUCED, "result_produced")     /* the result was given to the producer */           \
    X(OFFSET_STORED, "offset_stored")         /* the commit was asked for */                       \
    X(CLAIMED, "claimed")                     /* slices were leased, nothing was done with them */ \
    X(PROGRESSED, "progressed")               /* a watermark is durable, nothing below it sent */  \
    X(SETTLED, "settled")                     /* a reply was judged, nothing of it is written */   \
    X(FINISHED, "finished")                   /* a slice's pass has ended durably */               \
    X(OUTCOME_PRODUCED, "outcome_produced")   /* Kafka has an outcome, the outbox still too */     \
    X(ERASING, "erasing")                     /* a part of erasing somebody has ended */           \
    X(HISTORY_WRITTEN, "history_written")     /* a group's writes are made, not committed */       \
    X(HISTORY_COMMITTED, "history_committed") /* they are durable, nobody was told */

enum fault_point {
#define FAULT_POINT_ENUM(name, text) FAULT_POINT_##name,
    FAULT_POINTS(FAULT_POINT_ENUM)
#undef FAULT_POINT_ENUM
        FAULT_POINT_COUNT
};

#ifdef CMIBRIDGE_FAULT_POINTS
void fault_point_pass(enum fault_point p);
bool fault_point_armed(enum fault_point p);
#define FAULT_POINT(name) fault_point_pass(FAULT_POINT_##name)
#else
#define FAULT_POINT(name)    ((void)0)
#define fault_point_armed(p) false
#endif

#endif
