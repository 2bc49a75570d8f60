/*
 * redis_words: a command as Redis reads it (RESP): how many words it has, and the words. What finds
 * no room in the buffer leaves it marked full.
 */
#ifndef BRIDGE_IO_REDIS_WORDS_H
#define BRIDGE_IO_REDIS_WORDS_H

#include "bridge/core/buf.h"

void redis_words_begin(struct buf *out, size_t count);
void redis_words_put(struct buf *out, struct view word);

#endif
