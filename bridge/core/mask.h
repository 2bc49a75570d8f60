/*
 * mask: what a log, a metric or an error may show of a number, an address or a text (D11).
 *
 * A phone number keeps its last three digits ("…456"), and only if it has at least seven; an
 * address with a host keeps the first letter and the host ("s…@greeneggs.ham"), digits in the host
 * treated as in a sentence; anything else becomes its length ("(17 characters)").
 */
#ifndef BRIDGE_CORE_MASK_H
#define BRIDGE_CORE_MASK_H

#include "bridge/core/view.h"

#define MASK_TEXT_MAX 96 /* with the NUL */

/* out is NUL-terminated and holds printable ASCII and '…' only. Returns out. */
const char *mask_address(struct view address, char out[MASK_TEXT_MAX]);
const char *mask_text(struct view text, char out[MASK_TEXT_MAX]); /* always the length */
/* Copies text to `out` (size bytes with the NUL, at least 1), every run of 5 or more digits in it
 * (blanks, '-', '(', ')', '.', '/' and whatever is not ASCII between them included) shown as "…"
 * and its last three digits, but for a moment ("2011-12-31T13:15:30.123Z"); control characters and
 * what is not UTF-8 as '?'. Cut at a whole character. For sentences that other systems wrote, such
 * as an HTTP error body. Returns out. */
const char *mask_sentence(struct view text, char *out, size_t size);

#endif
