/*
 * dialler_report: how a call has ended, as the dialler of type webhook reports it when its reply
 * was 202 (contract 6):
 *
 *   {"callbackId": …, "attempt": 2, "result": "BUSY", "nextCallTime": …, "reason": …}
 *
 * callbackId and attempt are those of the request, result is one of PUT /callbacks; nextCallTime
 * counts with CUSTOM_TIME and RESCHEDULE only; it and reason may be absent.
 */
#ifndef BRIDGE_CORE_DIALLER_REPORT_H
#define BRIDGE_CORE_DIALLER_REPORT_H

#include "bridge/core/callback_state.h"
#include "bridge/core/guid.h"

#define DIALLER_ATTEMPT_MAX 1000000

struct dialler_report {
    struct guid callback;
    int64_t attempt;
    struct callback_put put;
    char reason[FAULT_TEXT_MAX]; /* masked */
};

/* false (REJECT): none; the sentence names the member. */
bool dialler_report_read(struct view body, struct dialler_report *out, struct fault *f) MUST_CHECK;

#endif
