/*
 * wildcard: patterns of the interface: `*` is any number of characters, `?` exactly one.
 *
 * A character is a code point, in what is not UTF-8 a byte. There is no escape: the interface has
 * none. Matching is linear in time: each character of the text is read three times at most, and
 * between two stars it costs one step for every 64 characters that stand there, `?` or not, of four
 * at most. It takes no memory but some 10 KiB of stack.
 */
#ifndef BRIDGE_CORE_WILDCARD_H
#define BRIDGE_CORE_WILDCARD_H

#include "bridge/core/view.h"

#define WILDCARD_CHARACTERS_MAX 256  /* of a pattern; one that has more never matches */
#define WILDCARD_PATTERN_MAX    1024 /* bytes: so many characters fit; what has more never matches */

bool wildcard_is_pattern(struct view text); /* has a `*` or a `?` */
/* Within both limits: refuse what is not where it comes in. Without a wildcard only bytes count. */
bool wildcard_is_short(struct view text);
bool wildcard_match(struct view pattern, struct view text);
/* Whatever the case of letters (utf8_lower). */
bool wildcard_match_nocase(struct view pattern, struct view text);
/* The steps of wildcard_match_nocase, each of some nanoseconds: for tests, which bound them. */
size_t wildcard_steps(struct view pattern, struct view text);

#endif
