/*
 * control_call: one question to the `cmibridge serve` that owns a history, over the socket beside
 * it (server/control.h), answered when what was asked is done.
 */
#ifndef PRODUCERS_CONTROL_CALL_H
#define PRODUCERS_CONTROL_CALL_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#define CONTROL_CALL_ANSWER_MAX (1 << 20)

/* *answer: initialised by the caller, gets the JSON. RETRY: nobody is there, or it failed, and f
 * has its words; REJECT: it makes no sense. */
bool control_call(const char *history, const char *verb, struct view argument, struct buf *answer,
                  struct fault *f) MUST_CHECK;

#endif
