/*
 * unicode: the order of texts in a language, and texts without case (ICU).
 */
#ifndef BRIDGE_IO_UNICODE_H
#define BRIDGE_IO_UNICODE_H

#include "bridge/core/buf.h"

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

#endif
