/*
 * dialler: how one call of one callback becomes a request to what dials, and what its reply means
 * (contract 6, 16). One row a dialler, as channel.h has them.
 *
 * A request of unknown fate (no whole reply, and it may have arrived) is never repeated: the
 * callback stays open until its result comes or its handling time is over. Whoever then is asked
 * again is told by its key what is the same call: of the webhook's "<id>-<attempt>" each is
 * another, as it makes single calls. What takes a callback over, and dials by itself, gets one key
 * for all attempts, "<id>-1", and each time that a person asks anew another, "<id>-new-<anew>": it
 * has what it has taken, and answers with that.
 */
#ifndef BRIDGE_CORE_DIALLER_H
#define BRIDGE_CORE_DIALLER_H

#include "bridge/core/callback_state.h"
#include "bridge/core/channel.h"

/* One call. Borrowed during build. Absent texts are VIEW_NONE. */
struct dialler_call {
    struct guid callback;
    unsigned attempt; /* from 1 on */
    unsigned anew;    /* how often a person has asked for another call (callback_state.h) */
    struct view customer_number;
    struct view callback_queue_number;
    struct view original_queue_number;
    struct view gw_prefix;
    struct view extra_data;
    struct view notes;
    int64_t wall_ms;
};

#define DIALLER_VERDICTS(X)                                                                        \
    X(RESULT, "result")       /* the call has been made: `result` says how it ended */             \
    X(LATER, "later")         /* taken; its result comes by PUT or receipt, or never */            \
    X(NOT_DIALLED, "waiting") /* certainly not dialled: again after wait_ms, as a new attempt */   \
    X(REFUSED, "refused")     /* will never be dialled: this attempt ends as OTHER */              \
    X(FORBIDDEN, "forbidden") /* 403: this one may not be dialled, or, after others, none may */   \
    X(STOPPED, "stopped")     /* not dialled, and nothing will be until someone mends it */

enum dialler_verdict {
#define DIALLER_VERDICT_ENUM(name, text) DIALLER_##name,
    DIALLER_VERDICTS(DIALLER_VERDICT_ENUM)
#undef DIALLER_VERDICT_ENUM
};

struct dialler_outcome {
    enum dialler_verdict verdict;
    enum callback_result result; /* RESULT only; never ADDED */
    int64_t next_call_ms;        /* with CUSTOM_TIME, RESCHEDULE; -1: not named */
    int64_t wait_ms;             /* NOT_DIALLED: 0 if no wait was named */
    char id[CHANNEL_ID_MAX];     /* of the dialler's own, "" if it gave none */
    char reason[FAULT_TEXT_MAX]; /* for people, masked */
};

const char *dialler_verdict_name(enum dialler_verdict v);

struct dialler {
    const char *name;
    bool (*check)(const struct channel_setup *s, struct fault *f);
    bool (*build)(const struct channel_setup *s, const struct dialler_call *call,
                  struct channel_request *out, struct fault *f);
    void (*judge)(const struct channel_reply *reply, struct dialler_outcome *out);
    bool takes_over; /* it has the callback from its answer on: one key for all attempts */
};

/* What a call's request told its gateway. */
void dialler_told(const struct channel_setup *s, const struct dialler_call *call,
                  struct channel_told *out);

extern const struct dialler *const diallers[];        /* the table; NULL-terminated */
const struct dialler *dialler_find(const char *name); /* NULL: none such */

extern const struct dialler dialler_webhook;
extern const struct dialler dialler_cmi;

#endif
