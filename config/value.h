/*
 * value: one setting's text, made whole and held against its row.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"
#include "config/schema.h"

#define VALUE_TEXT_MAX 65536 /* bytes of a value, ${ENV} and `file:` put in */

/* Puts the environment's values in the place of ${NAME}; $${ stands for ${ itself. */
bool value_expand(struct view written, struct buf *out, struct fault *f) MUST_CHECK;

/* Reads a secret from a regular file, without its last line's end. `warning` is filled with a
 * sentence where everyone on the machine may read it, else left. */
bool value_from_file(const char *file, struct buf *out, struct fault *warning,
                     struct fault *f) MUST_CHECK;

/* Is it what the row allows? number: of the kinds that are one (milliseconds, bytes, 0 or 1). The
 * sentence has no path in front, and no secret in it. */
bool value_check(const struct setting *row, bool secret, struct view text, int64_t *number,
                 struct fault *f) MUST_CHECK;

/* "1 to 100", "100ms to 10min": what a number may be. Returns out. */
const char *value_range(const struct setting *row, char out[80]);

#endif
