#include "bridge/core/handover.h"

#include <assert.h>
#include <stddef.h>

#define TO(state) (HANDOVER_##state + 1) /* 0 stands for "no row" */
#define ON(event) [HANDOVER_ON_##event]

static const unsigned char table[HANDOVER_STATE_COUNT][HANDOVER_EVENT_COUNT] = {
    [HANDOVER_WAITING] = {ON(MARK) = TO(MARKING), ON(REFUSE) = TO(FAILED), ON(STOP) = TO(STOPPED)},
    [HANDOVER_MARKING] = {ON(MARKED) = TO(MARKED), ON(UNMARKED) = TO(WAITING),
                          ON(REFUSE) = TO(FAILED), ON(STOP) = TO(STOPPED)},
    [HANDOVER_MARKED] = {ON(BEGIN) = TO(SENDING), ON(STALE) = TO(WAITING), ON(REFUSE) = TO(FAILED),
                         ON(STOP) = TO(STOPPED)},
    [HANDOVER_SENDING] = {ON(ACCEPT) = TO(HANDLED), ON(REFUSE) = TO(FAILED),
                          ON(RETRY) = TO(RETRYING), ON(OPEN) = TO(OPEN), ON(BACK) = TO(WAITING)},
    [HANDOVER_HANDLED] = {0},
    [HANDOVER_FAILED] = {0},
    [HANDOVER_RETRYING] = {0},
    [HANDOVER_OPEN] = {0},
    [HANDOVER_STOPPED] = {0},
};

int handover_has(enum handover_state from, enum handover_event event)
{
    return table[from][event] != 0;
}

enum handover_state handover_next(enum handover_state from, enum handover_event event)
{
    assert(handover_has(from, event));
    return (enum handover_state)(table[from][event] - 1);
}

const char *handover_state_name(enum handover_state s)
{
    static const char *const names[] = {
#define HANDOVER_STATE_NAME(name, text) text,
        HANDOVER_STATES(HANDOVER_STATE_NAME)
#undef HANDOVER_STATE_NAME
    };

    return s < HANDOVER_STATE_COUNT ? names[s] : "unknown";
}

const char *handover_event_name(enum handover_event e)
{
    static const char *const names[] = {
#define HANDOVER_EVENT_NAME(name, text) text,
        HANDOVER_EVENTS(HANDOVER_EVENT_NAME)
#undef HANDOVER_EVENT_NAME
    };

    return e < HANDOVER_EVENT_COUNT ? names[e] : "unknown";
}
