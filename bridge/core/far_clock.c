#include "bridge/core/far_clock.h"

void far_clock_heard(struct far_clock *c, int64_t asked_ms, int64_t heard_ms, int64_t far_ms)
{
    int64_t least = far_ms - heard_ms - 1; /* ours may have shown almost a millisecond more */
    int64_t below = far_ms + 1 - asked_ms; /* and theirs, too */

    if (!c->known || least > c->ahead_ms || c->ahead_ms >= below) {
        *c = (struct far_clock){true, least, below, least, heard_ms + FAR_CLOCK_WINDOW_MS};
        return;
    }
    c->most_ms = below;
    if (heard_ms >= c->window_end_ms) {
        c->ahead_ms = c->fresh_ms > least ? c->fresh_ms : least;
        c->fresh_ms = least;
        c->window_end_ms = heard_ms + FAR_CLOCK_WINDOW_MS;
    } else if (least > c->fresh_ms) {
        c->fresh_ms = least;
    }
}
