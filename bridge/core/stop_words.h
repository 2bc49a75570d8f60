/*
 * stop_words: does a customer's text ask not to be written to? It does if all of it is one of the
 * words (or phrases) of the list, whatever its case, the blanks in it, and the blanks and
 * punctuation around it: "STOP", " Stop! ". A text that merely has the word in it does not.
 */
#ifndef BRIDGE_CORE_STOP_WORDS_H
#define BRIDGE_CORE_STOP_WORDS_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#define STOP_WORDS_MAX     256 /* of all languages together */
#define STOP_WORD_BYTES    128 /* of one, folded */
#define STOP_WORDS_DEFAULT "stop, quit, end, revoke, cancel, unsubscribe, opt out"

/* What is known of letters of all languages (io/unicode.h). */
struct stop_words_letters {
    /* Punctuation, or of no width: it may stand beside a word. Asked beyond ASCII. */
    bool (*is_beside)(uint32_t code);
    /* Appends the text as it compares in any case and form. Nothing: it can't. */
    void (*fold)(struct view text, struct buf *to);
};

struct stop_words {
    const struct stop_words_letters *letters;
    struct buf words; /* folded, each ended by a NUL */
    size_t count;
};

/* letters: borrowed; NULL: ASCII's, which is enough to see whether a list is one. */
void stop_words_init(struct stop_words *s, const struct stop_words_letters *letters);
void stop_words_done(struct stop_words *s);
/* Adds those of a list with commas between. false (REJECT): one is empty or too long, or there are
 * too many. The sentence has no field name. */
bool stop_words_add(struct stop_words *s, struct view list, struct fault *f) MUST_CHECK;
bool stop_words_match(const struct stop_words *s, struct view text);

#endif
