/*
 * hours: when a sender may send: spans of the local day, such as
 *
 *     08:00-21:00
 *     Mo-Fr 08:00-20:00, Sa 10:00-13:00, Sa 14:00-16:00
 *
 * Days are two English letters, one or a range; without days a span holds every day. A span ends
 * before its end, which is at most 24:00, and does not pass midnight.
 */
#ifndef BRIDGE_CORE_HOURS_H
#define BRIDGE_CORE_HOURS_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"
#include "bridge/core/zone.h"

#define HOURS_SPANS_MAX 16

struct hours {
    struct hours_span {
        unsigned days; /* bit 0: Monday, … bit 6: Sunday */
        int from_min;  /* of the day */
        int to_min;
    } spans[HOURS_SPANS_MAX];
    size_t count; /* 0: always */
};

/* REJECT with a sentence without the field's name. Nothing but blanks: always. */
bool hours_parse(struct view text, struct hours *out, struct fault *f) MUST_CHECK;
/* The first instant from now_ms on at which sending is allowed: now_ms itself while it is. z is not
 * looked at where it always is. */
int64_t hours_open_ms(const struct hours *h, const struct zone *z, int64_t now_ms);
/* When the span that holds now_ms ends; INT64_MAX where sending is always allowed. now_ms is inside
 * one. */
int64_t hours_close_ms(const struct hours *h, const struct zone *z, int64_t now_ms);

#endif
