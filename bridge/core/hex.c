#include "bridge/core/hex.h"

static const char digits[] = "0123456789abcdef";

bool hex_read(struct view text, void *bytes, size_t n)
{
    unsigned char *to = bytes;

    if (text.n != 2 * n)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(text.p[2 * i]);
        int low = hex_digit(text.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        to[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

void hex_write(const void *bytes, size_t n, char *out)
{
    const unsigned char *from = bytes;

    for (size_t i = 0; i < n; i++) {
        *out++ = digits[from[i] >> 4];
        *out++ = digits[from[i] & 15];
    }
    *out = '\0';
}

void hex_put(struct view bytes, struct buf *to)
{
    for (size_t i = 0; i < bytes.n; i++) {
        buf_put_char(to, digits[(unsigned char)bytes.p[i] >> 4]);
        buf_put_char(to, digits[(unsigned char)bytes.p[i] & 15]);
    }
}
