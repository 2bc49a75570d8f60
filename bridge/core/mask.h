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

#define MASK_TEXT_MAX   96 /* with the NUL */
#define MASK_NUMBER_MAX 8

/* out is NUL-terminated and holds printable ASCII and '…' only. Returns out. */
const char *mask_address(struct view address, char out[MASK_TEXT_MAX]);
const char *mask_text(struct view text, char out[MASK_TEXT_MAX]); /* always the length */
/* A name that programs give, such as an event's type: as a sentence's word where it is of letters
 * and digits of ASCII and "._-/:" alone; else its length. */
const char *mask_name(struct view name, char out[MASK_TEXT_MAX]);
/* Bytes at the start of text, before which `before` stands, that are shown as they are, though they
 * have digits: a moment ("2011-12-31T13:15:30.123Z"), or a GUID, unless its first or last part has
 * digits only: somebody may have made it of a number. 0: none are. */
size_t mask_spares(struct view text, char before);
/* Bytes of the number that begins at the start of text, up to its last digit; 0: none does. *shown
 * is "…" and its last three digits. It is one of 7 digits or more with anything but letters between
 * them, or of 5 or more with blanks, '-', '(', ')', '.', '/' and what is not ASCII; escapes are
 * undone ("%20", "\u0020", "&#32;"), and digits of full width or another script are digits, too.
 * It ends before what is spared, and where no digit comes for more than 32 signs. */
size_t mask_number(struct view text, char shown[MASK_NUMBER_MAX]);
/* Copies text to `out` (size bytes with the NUL, at least 1): of every number in it the last three
 * digits, of what stands before the '@' of an address the first letter; control characters and what
 * is not UTF-8 as '?'. Cut at a whole character. For sentences that other systems wrote, such as an
 * HTTP error body, and for names that they gave. Returns out. */
const char *mask_sentence(struct view text, char *out, size_t size);

#endif
