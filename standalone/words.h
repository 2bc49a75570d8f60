/*
 * words: a list of texts, such as a command's arguments.
 */
#ifndef STANDALONE_WORDS_H
#define STANDALONE_WORDS_H

#include "bridge/core/fault.h"

#include <stddef.h>

#define WORDS_MAX     128
#define WORD_TEXT_MAX 4400 /* bytes of one, with the NUL; longer ones are cut */

struct words {
    char *at[WORDS_MAX + 1]; /* owned; NULL-terminated; {0} is an empty list */
    size_t count;
};

/* More than WORDS_MAX is a defect (assert). */
void words_add(struct words *w, const char *format, ...) PRINTF_LIKE(2, 3);
void words_done(struct words *w);

#endif
