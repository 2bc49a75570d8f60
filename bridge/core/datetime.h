/*
 * datetime: instants of the interface and of CloudEvents, as milliseconds since 1970 in UTC.
 *
 * In: YYYY-MM-DDThh:mm:ss[.f…](Z|±hh:mm), every form of RFC 3339 and no other (contract 6): `T` and
 * `Z` in any case, a blank for the `T`; the offset must be there, with its colon. Fractions beyond
 * milliseconds are cut, or, where asked for, beyond nanoseconds; second 60 is the end of 59. The
 * date must exist: 2020-06-31 is refused. Years 0001 to 9999. Out: 2011-12-31T13:15:30.123Z.
 */
#ifndef BRIDGE_CORE_DATETIME_H
#define BRIDGE_CORE_DATETIME_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stdint.h>

#define DATETIME_TEXT_MAX     32 /* with the NUL */
#define DATETIME_FINER_MAX_NS 999999
#define DATETIME_MIN_MS       INT64_C(-62135596800000) /* 0001-01-01T00:00:00.000Z */
#define DATETIME_MAX_MS       INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

/* The fault's sentence has no field name: "'2020-06-31T…' is no time; write it like …". What does
 * not look like a date is not quoted: it might be a number or a text of a person (D11). */
bool datetime_parse(struct view text, int64_t *out_ms, struct fault *f) MUST_CHECK;
/* The same, and how many nanoseconds after the millisecond it is: at most DATETIME_FINER_MAX_NS. */
bool datetime_parse_finer(struct view text, int64_t *out_ms, uint32_t *out_ns,
                          struct fault *f) MUST_CHECK;
void datetime_format(int64_t ms, char out[DATETIME_TEXT_MAX]); /* clamped to years 0001–9999 */
/* The same with nine digits of a second, where there is more than milliseconds. */
void datetime_format_finer(int64_t ms, uint32_t ns, char out[DATETIME_TEXT_MAX]);

/* Retry-After (RFC 9110, 10.2.3): seconds, or any of the three HTTP dates. Gives the wait in
 * milliseconds from wall_ms, at least 0, at most max_ms. false: not readable. */
bool datetime_retry_after(struct view value, int64_t wall_ms, int64_t max_ms,
                          int64_t *out_wait_ms) MUST_CHECK;

#endif
