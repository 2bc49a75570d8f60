/*
 * fulltext_chars: the characters that full text is made of: what FTS5's tokenizer unicode61 takes
 * for a letter or digit (general categories L, N and Co). All others only stand between words.
 */
#ifndef BRIDGE_CORE_FULLTEXT_CHARS_H
#define BRIDGE_CORE_FULLTEXT_CHARS_H

#include "bridge/core/view.h"

#include <stdint.h>

bool fulltext_char(uint32_t code);
/* Has the text any? What follows a byte that is not UTF-8 does not count. */
bool fulltext_has_char(struct view text);

#endif
