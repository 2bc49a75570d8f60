#include "bridge/core/utf8.h"

#include <assert.h>
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

bool utf8_has_control(struct view text)
{
    while (text.n > 0) {
        size_t n = utf8_first(text);
        uint32_t code = utf8_code(text);

        if (code < 0x20 || (code >= 0x7f && code < 0xa0))
            return true;
        text = view_skip(text, n > 0 ? n : 1);
    }
    return false;
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

uint32_t utf8_code(struct view text)
{
    size_t n = utf8_first(text);
    uint32_t code;

    if (n == 0)
        return UTF8_NO_CODE;
    code = (unsigned char)text.p[0] & (n == 1 ? 0x7fU : 0xffU >> (n + 1));
    for (size_t i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)text.p[i] & 0x3fU);
    return code;
}

uint32_t utf8_lower(uint32_t c)
{
    static const struct {
        uint32_t from;
        uint32_t to;
        uint32_t by;
    } blocks[] = {
        {'A', 'Z', 32},     {0xc0, 0xd6, 32},   {0xd8, 0xde, 32},   {0x386, 0x386, 38},
        {0x388, 0x38a, 37}, {0x38c, 0x38c, 64}, {0x38e, 0x38f, 63}, {0x391, 0x3ab, 32},
        {0x400, 0x40f, 80}, {0x410, 0x42f, 32},
    };

    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (c >= blocks[i].from && c <= blocks[i].to)
            return c + blocks[i].by;
    if (c == 0x178)
        return 0xff;
    if ((c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14a && c <= 0x177) ||
        (c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f))
        return c | 1; /* capital and small letters alternate */
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e) || (c >= 0x4c1 && c <= 0x4ce))
        return c + (c & 1);
    return c;
}

static uint32_t small(struct view text)
{
    unsigned char c;

    assert(text.n > 0 && text.p != NULL);
    c = (unsigned char)text.p[0];
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32U : c;
    return utf8_first(text) > 0 ? utf8_lower(utf8_code(text)) : UTF8_NO_CODE + c;
}

void utf8_small(struct view text, char *out)
{
    while (text.n > 0) {
        size_t n = utf8_first(text);

        if (n > 0)
            (void)utf8_write(utf8_lower(utf8_code(text)), out);
        else
            out[0] = text.p[0];
        n = n > 0 ? n : 1;
        out += n;
        text = view_skip(text, n);
    }
}

bool utf8_eq_nocase(struct view a, struct view b)
{
    if (a.n != b.n)
        return false;
    while (a.n > 0) {
        size_t n = 0;

        if (small(a) != small(b))
            return false;
        n = utf8_first(a);
        a = view_skip(a, n > 0 ? n : 1);
        b = view_skip(b, n > 0 ? n : 1);
    }
    return true;
}
