/*
 * unicode: the order of texts in a language, texts without case, and without form (ICU).
 */
#ifndef BRIDGE_IO_UNICODE_H
#define BRIDGE_IO_UNICODE_H

#include "bridge/core/stop_words.h"

#define UNICODE_LOCALE_MAX 64 /* bytes of a language tag */

struct collator;

/* Is it a well-formed language tag (IETF BCP 47): "fi", "en-US"? */
bool unicode_is_tag(struct view tag);
/* The order of that language; of a well-formed one that ICU does not know, that of all languages.
 * NULL: not well-formed. */
struct collator *collator_new(struct view tag);
void collator_free(struct collator *c); /* NULL is a no-op */
/* <0, 0, >0. Of what is not UTF-8 the order is some, always the same. */
int collator_compare(const struct collator *c, struct view a, struct view b);

/* Appends the text as it compares without case, in any language. Full case folding: "ß" is "ss". */
void unicode_fold(struct view text, struct buf *to);

/* For what people write by hand: beside case also forms fall away (NFKC_Casefold: full width,
 * marks written apart, what is invisible), and what is of a keyboard rather than of the word: the
 * dot of an "i", which Turkish has of two kinds, and the accent that Greek capitals lack. */
extern const struct stop_words_letters unicode_letters;

#endif
