/*
 * wildcard: patterns of the interface: `*` is any number of characters, `?` exactly one.
 *
 * A character is a code point, in what is not UTF-8 a byte. There is no escape: the interface has
 * none. Matching takes at most |pattern| × |text| steps and no memory.
 */
#ifndef BRIDGE_CORE_WILDCARD_H
#define BRIDGE_CORE_WILDCARD_H

#include "bridge/core/view.h"

#define WILDCARD_CHARACTERS_MAX 256  /* of a pattern from outside: refuse more */
#define WILDCARD_PATTERN_MAX    1024 /* bytes: so many characters fit; a longer one never matches */

bool wildcard_is_pattern(struct view text); /* has a `*` or a `?` */
bool wildcard_match(struct view pattern, struct view text);
/* Whatever the case of letters (utf8_lower). */
bool wildcard_match_nocase(struct view pattern, struct view text);

#endif
