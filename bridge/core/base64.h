/*
 * base64: RFC 4648, section 4, with padding and nothing else in it.
 */
#ifndef BRIDGE_CORE_BASE64_H
#define BRIDGE_CORE_BASE64_H

#include "bridge/core/buf.h"

/* What the sign stands for, 0 to 63; -1: it is none. */
int base64_sextet(char c);
/* Appends the decoded bytes (at most 3/4 of text.n). false: no base64, or `to` is full. */
bool base64_decode(struct view text, struct buf *to) __attribute__((warn_unused_result));
/* Appends the encoded bytes, or nothing and `to` is full. */
void base64_encode(struct view bytes, struct buf *to);

#endif
