/*
 * spelling: which of the words that there are was meant by one that is none of them.
 */
#ifndef BRIDGE_CORE_SPELLING_H
#define BRIDGE_CORE_SPELLING_H

#include "bridge/core/view.h"

#define SPELLING_WORD_MAX 128 /* bytes; a longer word is like no other */

/* How many letters must be changed, added, taken or swapped to make b of a. */
size_t spelling_distance(struct view a, struct view b);
/* The distance at which a word of so many letters is near enough to be offered: a third of them,
 * and no more than three. */
size_t spelling_near(size_t letters);
/* The nearest of NULL-terminated words, or NULL if none is near. */
const char *spelling_nearest(struct view word, const char *const *words);

#endif
