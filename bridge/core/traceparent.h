/*
 * traceparent: which trace a piece of work belongs to (W3C Trace Context).
 *
 * In: version 00, or a later one read as its first four fields, as the recommendation asks. Out:
 * always version 00. What is malformed is no trace: it is ignored, never an error.
 */
#ifndef BRIDGE_CORE_TRACEPARENT_H
#define BRIDGE_CORE_TRACEPARENT_H

#include "bridge/core/view.h"

#include <stdint.h>

#define TRACEPARENT_TEXT_MAX  56 /* with the NUL */
#define TRACEPARENT_STATE_MAX 512

struct traceparent {
    uint8_t trace_id[16];
    uint8_t span_id[8]; /* of the sender; the text calls it parent-id */
    uint8_t flags;      /* as received, whatever their version means by them */
};

/* Lower-case hex only; an id of zeros is none. */
__attribute__((warn_unused_result)) bool traceparent_parse(struct view text,
                                                           struct traceparent *out);
void traceparent_format(const struct traceparent *t, char out[TRACEPARENT_TEXT_MAX]);
/* The same trace, one span further: random are 8 random bytes. Flags not known here are cleared. */
struct traceparent traceparent_child(const struct traceparent *parent, const uint8_t random[8]);
/* May a `tracestate` be passed on as it is: 1 to TRACEPARENT_STATE_MAX printable ASCII bytes. */
bool traceparent_state_valid(struct view state);

#endif
