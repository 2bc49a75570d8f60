/*
 * history_time: of which times things can be kept in the contact history (server/place.h). Not of
 * 1970-01-01T00:00:00Z: it is what a producer without a time says.
 */
#ifndef BRIDGE_CORE_HISTORY_TIME_H
#define BRIDGE_CORE_HISTORY_TIME_H

#include "bridge/core/fault.h"

#include <stdint.h>

#define HISTORY_TIME_MAX ((INT64_C(1) << 43) - 2) /* of 2248-09-26 */

/* The sentence begins with the field's name. */
bool history_time_allows(const char *field, int64_t ms, struct fault *f) MUST_CHECK;

#endif
