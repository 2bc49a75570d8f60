#include "bridge/core/utf8.h"

#include <string.h>

/* RFC 3629, 4: the second byte's range is what keeps overlong forms, surrogates and the code points
 * beyond U+10FFFF out; all after it are 80…BF. */
static const struct {
    unsigned char lead_min;
    unsigned char lead_max;
    unsigned char len;
    unsigned char second_min;
    unsigned char second_max;
} forms[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t utf8_first(struct view text)
{
    const unsigned char *p = (const unsigned char *)text.p;

    if (text.n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (p[0] < forms[i].lead_min || p[0] > forms[i].lead_max)
            continue;
        if (text.n < forms[i].len || p[1] < forms[i].second_min || p[1] > forms[i].second_max)
            return 0;
        for (size_t k = 2; k < forms[i].len; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].len;
    }
    return 0;
}

/* Most text is ASCII: eight bytes a step. */
static size_t ascii_run(struct view text)
{
    size_t n = 0;
    uint64_t eight;

    for (; n + sizeof eight <= text.n; n += sizeof eight) {
        memcpy(&eight, text.p + n, sizeof eight);
        if ((eight & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    return n;
}

bool utf8_valid(struct view text)
{
    while (text.n > 0) {
        size_t n = ascii_run(text);

        if (n == 0)
            n = utf8_first(text);
        if (n == 0)
            return false;
        text = view_skip(text, n);
    }
    return true;
}

static size_t step(struct view text)
{
    size_t n = utf8_first(text);

    return n > 0 ? n : 1;
}

size_t utf8_count(struct view text)
{
    size_t count = 0;

    while (text.n > 0) {
        text = view_skip(text, step(text));
        count++;
    }
    return count;
}

struct view utf8_cut(struct view text, size_t n)
{
    struct view rest = text;

    while (rest.n > 0 && n > 0) {
        rest = view_skip(rest, step(rest));
        n--;
    }
    return (struct view){text.p, text.n - rest.n};
}

size_t utf8_write(uint32_t code, char out[4])
{
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};

    if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
        return 0;
    for (size_t i = n; i-- > 1; code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(leads[n] | code);
    return n;
}
