#include "bridge/core/base64.h"

int base64_sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four signs, `kept` of them no padding, to kept - 1 bytes. Bits that no byte takes must be 0. */
static bool group(const char *four, size_t kept, struct buf *to)
{
    unsigned bits = 0;
    char bytes[3];

    for (size_t i = 0; i < 4; i++) {
        int six = i < kept ? base64_sextet(four[i]) : 0;

        if (six < 0)
            return false;
        bits = bits << 6 | (unsigned)six;
    }
    if ((kept == 2 && (bits & 0xffff) != 0) || (kept == 3 && (bits & 0xff) != 0))
        return false;
    bytes[0] = (char)(bits >> 16);
    bytes[1] = (char)(bits >> 8 & 0xff);
    bytes[2] = (char)(bits & 0xff);
    return buf_put(to, (struct view){bytes, kept - 1});
}

bool base64_decode(struct view text, struct buf *to)
{
    if (text.n % 4 != 0)
        return false;
    while (text.n > 0) {
        size_t kept = 4;

        if (text.n == 4 && text.p[3] == '=')
            kept = text.p[2] == '=' ? 2 : 3;
        if (!group(text.p, kept, to))
            return false;
        text = view_skip(text, 4);
    }
    return true;
}

void base64_encode(struct view bytes, struct buf *to)
{
    static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = (bytes.n + 2) / 3 * 4;
    char *out = buf_room(to, n);

    if (out == NULL)
        return;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t taken = bytes.n - i < 3 ? bytes.n - i : 3;
        unsigned bits = 0;

        for (size_t k = 0; k < 3; k++) {
            bits <<= 8;
            if (k < taken)
                bits |= (unsigned char)bytes.p[i + k];
        }
        for (size_t k = 0; k < 4; k++)
            *out++ = k <= taken ? signs[bits >> (18 - 6 * k) & 63] : '=';
    }
    buf_grew(to, n);
}
