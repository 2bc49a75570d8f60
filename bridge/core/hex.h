/*
 * hex: bytes as hexadecimal digits, two each. In: either case. Out: lower case.
 */
#ifndef BRIDGE_CORE_HEX_H
#define BRIDGE_CORE_HEX_H

#include "bridge/core/buf.h"

static inline int hex_digit(char c) /* what it stands for; -1: it is none */
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* false: text is not n bytes in 2n digits; what is in `bytes` then is of no use. */
bool hex_read(struct view text, void *bytes, size_t n) __attribute__((warn_unused_result));
/* out: 2n digits and a NUL. */
void hex_write(const void *bytes, size_t n, char *out);
void hex_put(struct view bytes, struct buf *to); /* appends */

#endif
