/*
 * json_number: JSON numbers as they were written, read exactly, without floating point.
 */
#ifndef BRIDGE_CORE_JSON_NUMBER_H
#define BRIDGE_CORE_JSON_NUMBER_H

#include "bridge/core/view.h"

#include <stdint.h>

/* "2", "2.0", "20e-1" and "-0" are integers (contract 7); "2.5" is none, "1e19" does not fit.
 * as_written is a valid JSON number. */
__attribute__((warn_unused_result)) bool json_number_integer(struct view as_written, int64_t *out);

#endif
