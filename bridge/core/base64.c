#include "bridge/core/base64.h"

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

bool base64_decode(struct view text, struct buf *to)
{
    size_t pad = 0;

    if (text.n % 4 != 0 || buf_room(to, text.n / 4 * 3) == NULL)
        return false;
    while (pad < 2 && pad < text.n && text.p[text.n - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < text.n; i += 4) {
        size_t digits = i + 4 == text.n ? 4 - pad : 4;
        unsigned bits = 0;

        for (size_t k = 0; k < 4; k++) {
            int d = k < digits ? digit(text.p[i + k]) : 0;

            if (d < 0)
                return false;
            bits = bits << 6 | (unsigned)d;
        }
        for (size_t k = 0; k + 1 < digits; k++)
            buf_put_char(to, (char)(bits >> (16 - 8 * k) & 0xff));
        /* The bits that no byte takes must be zero, or two texts would mean the same. */
        if ((digits == 2 && (bits & 0xffff) != 0) || (digits == 3 && (bits & 0xff) != 0))
            return false;
    }
    return true;
}
