/*
 * num: strict text to number: the whole text or nothing.
 */
#ifndef BRIDGE_CORE_NUM_H
#define BRIDGE_CORE_NUM_H

#include "bridge/core/view.h"

#include <stdint.h>

#define NUM_MUST_CHECK __attribute__((warn_unused_result))

/* Decimal digits with an optional '-'. No blank, no '+', no leading zero but "0" itself. */
NUM_MUST_CHECK bool num_int(struct view text, int64_t *out);
/* As num_int, within min..max. */
NUM_MUST_CHECK bool num_in(struct view text, int64_t min, int64_t max, int64_t *out);
/* "250ms", "30s", "5min", "1h", "90d"; the unit is required, but for "0". Milliseconds out. */
NUM_MUST_CHECK bool num_duration(struct view text, int64_t *out_ms);
/* "512B", "64KiB", "16MiB", "2GiB"; the unit is required, but for "0". Bytes out. */
NUM_MUST_CHECK bool num_size(struct view text, int64_t *out_bytes);
/* The shortest exact text of a duration or size, in the units above. `out` holds 32 bytes. */
const char *num_duration_text(int64_t ms, char out[32]);
const char *num_size_text(int64_t bytes, char out[32]);

#endif
