/*
 * callback_state: what becomes of a callback when the result of a call, or an agent's wish, is put
 * on it (contract 16). One table, one function.
 *
 *   result                              open                           closed
 *   BUSY NO_ANSWER VOICEMAIL OTHER      one failure more; called now;  recorded
 *                                       next call after retry_delay,
 *                                       closed once max_calls are used
 *   SUCCESSFUL                          closed; called now             recorded
 *   HANDLED                             closed                         recorded
 *   CUSTOM_TIME RESCHEDULE              next call as wished            open again, next call as
 *                                                                      wished; refused (409) once
 *                                                                      failures = max_calls
 *
 * As wished: the time given; else the stored one, or now + retry_delay if that is past. A time
 * given with any other result must be the stored one, so that an object read can be sent back.
 *
 * What a call has brought, and no person has put, is of a dialler that may err: its wish is for
 * now + retry_delay at the earliest, and CALLBACK_WISHES * max_calls of them are met (else 409).
 * One for no time, or for one that is past, is nobody's: the call was idle. It is no failure, but
 * it has used one of max_calls as failures do, and closes the callback where it was the last.
 */
#ifndef BRIDGE_CORE_CALLBACK_STATE_H
#define BRIDGE_CORE_CALLBACK_STATE_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define CALLBACK_WISHES 20 /* for each call that may fail */

enum callback_result {
    CALLBACK_ADDED, /* none yet */
    CALLBACK_SUCCESSFUL,
    CALLBACK_BUSY,
    CALLBACK_NO_ANSWER,
    CALLBACK_VOICEMAIL,
    CALLBACK_CUSTOM_TIME,
    CALLBACK_OTHER,
    CALLBACK_HANDLED,
    CALLBACK_RESCHEDULE,
};

struct callback_state {
    bool open;
    enum callback_result last;
    int64_t failures;
    int64_t max_calls;
    int64_t next_call_ms; /* while closed: what it was last; shown only while open */
    int64_t last_call_ms; /* -1: never called */
    int64_t idle;         /* calls that brought neither a failure nor a time */
    int64_t wishes;       /* that calls have brought and were met, these among them */
    int64_t anew;         /* how often a person opened it again, or gave it another number */
};

struct callback_put {
    enum callback_result result; /* any but CALLBACK_ADDED */
    bool has_next_call;
    int64_t next_call_ms;
    int64_t call;      /* the number of the call that has brought it; 0: a person has put it */
    bool other_number; /* the customer's is another now */
};

/* 0: *s is what it is now. Else the status to refuse with (400, 409), *f says why, *s is as it was.
 */
int callback_put(struct callback_state *s, const struct callback_put *put, int64_t now_ms,
                 int64_t retry_delay_ms, struct fault *f) MUST_CHECK;

const char *callback_result_name(enum callback_result r); /* "NO_ANSWER"; static storage */
bool callback_result_parse(struct view name, enum callback_result *out) MUST_CHECK;

#endif
