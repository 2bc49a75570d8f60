/*
 * utf8: what is text and what is not, and how long it is in characters (code points).
 *
 * Strict, as RFC 3629: overlong forms, surrogates and what lies beyond U+10FFFF are malformed.
 * U+0000 is a character like any other.
 */
#ifndef BRIDGE_CORE_UTF8_H
#define BRIDGE_CORE_UTF8_H

#include "bridge/core/view.h"

#include <stdint.h>

/* Bytes of the first code point, 1 to 4; 0 where the text is empty or its start malformed. */
size_t utf8_first(struct view text);
bool utf8_valid(struct view text);
/* U+0000 to U+001F, U+007F to U+009F: nothing of it is to be printed as it is. */
bool utf8_has_control(struct view text);
/* Code points; a malformed byte counts as one. */
size_t utf8_count(struct view text);
/* The first n code points, all where there are fewer; counts like utf8_count. */
struct view utf8_cut(struct view text, size_t n);
#define UTF8_NO_CODE    0x110000U            /* no code point */
#define UTF8_ORDER_MARK VIEW("\xef\xbb\xbf") /* some editors put it in front of a text */

/* The first code point; UTF8_NO_CODE where utf8_first is 0. */
uint32_t utf8_code(struct view text);
/* A capital letter's small one, of Latin, Greek and Cyrillic up to U+052F; others as they are. It
 * takes as many bytes, and ASCII stays ASCII. */
uint32_t utf8_lower(uint32_t code);
/* Writes it in small letters, text.n bytes, the same for all that utf8_eq_nocase calls the same. */
void utf8_small(struct view text, char *out);
/* The same text but for capital and small letters, as utf8_lower knows them. */
bool utf8_eq_nocase(struct view a, struct view b);
/* Writes a code point; returns its bytes, 0 for a surrogate and beyond U+10FFFF. */
size_t utf8_write(uint32_t code, char out[4]);

#endif
