/*
 * stop_words: does a customer's text ask not to be written to? It does if all of it is one of the
 * words (or phrases) of the list, whatever its case, the blanks in it, and the blanks and
 * punctuation around it: "STOP", " Stop! ". A text that merely has the word in it does not.
 *
 * Case is that of Latin, Greek and Cyrillic letters, by themselves: not "ß" and "SS".
 */
#ifndef BRIDGE_CORE_STOP_WORDS_H
#define BRIDGE_CORE_STOP_WORDS_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#define STOP_WORDS_MAX     256 /* of all languages together */
#define STOP_WORD_BYTES    128 /* of one, in lower case */
#define STOP_WORDS_DEFAULT "stop, quit, end, revoke, cancel, unsubscribe, opt out"

struct stop_words {
    struct buf words; /* in lower case, each ended by a NUL */
    size_t count;
};

void stop_words_init(struct stop_words *s);
void stop_words_done(struct stop_words *s);
/* Adds those of a list with commas between. false (REJECT): one is empty or too long, or there are
 * too many. The sentence has no field name. */
bool stop_words_add(struct stop_words *s, struct view list, struct fault *f) MUST_CHECK;
bool stop_words_match(const struct stop_words *s, struct view text);

#endif
