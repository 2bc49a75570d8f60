/*
 * far_clock: what another machine's clock shows at least, learned from its answers, on a clock of
 * one's own that never steps.
 *
 * An answer says what the far clock showed between question and answer: so how far it is ahead at
 * least and at most. Of a second's answers the quickest tells most, and is gone by; one that can't
 * agree with it tells that a clock was set, and is believed. What this clock shows is never ahead
 * of the far one, but for what that is set back, or runs slower in two seconds.
 */
#ifndef BRIDGE_CORE_FAR_CLOCK_H
#define BRIDGE_CORE_FAR_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define FAR_CLOCK_WINDOW_MS 1000

struct far_clock { /* zeros: nothing is known */
    bool known;
    int64_t ahead_ms;      /* of ours, at least */
    int64_t most_ms;       /* at most, by the last answer */
    int64_t fresh_ms;      /* the same, of the answers of this window */
    int64_t window_end_ms; /* by our clock */
};

/* asked_ms, heard_ms: by our clock, rounded down, as the far one's. */
void far_clock_heard(struct far_clock *c, int64_t asked_ms, int64_t heard_ms, int64_t far_ms);

#endif
