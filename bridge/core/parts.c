#include "bridge/core/parts.h"

#include "bridge/core/utf8.h"

#include <stdint.h>

static const struct {
    size_t alone; /* units of a text that is one part */
    size_t each;  /* of a part among several: what is left beside the header that joins them */
} sizes[] = {[PARTS_GSM7] = {160, 153}, [PARTS_UCS2] = {70, 67}};

/* Beyond ASCII: the default alphabet's, ordered. */
static const uint16_t beyond[] = {
    0xa1, 0xa3, 0xa4, 0xa5,  0xa7,  0xbf,  0xc4,  0xc5,  0xc6,  0xc7,  0xc9,  0xd1,  0xd6,
    0xd8, 0xdc, 0xdf, 0xe0,  0xe4,  0xe5,  0xe6,  0xe8,  0xe9,  0xec,  0xf1,  0xf2,  0xf6,
    0xf8, 0xf9, 0xfc, 0x393, 0x394, 0x398, 0x39b, 0x39e, 0x3a0, 0x3a3, 0x3a6, 0x3a8, 0x3a9,
};

#define EURO 0x20ac

/* The code point that text begins with, and its length; a malformed byte is U+FFFD. */
static uint32_t first(struct view text, size_t *n)
{
    static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = 0;

    *n = utf8_first(text);
    if (*n == 0) {
        *n = 1;
        return 0xfffd;
    }
    c = (unsigned char)text.p[0] & lead[*n];
    for (size_t i = 1; i < *n; i++)
        c = c << 6 | ((unsigned char)text.p[i] & 0x3f);
    return c;
}

/* 1 in the default alphabet, 2 in its extension table, 0 in neither. */
static size_t gsm7_units(uint32_t c)
{
    size_t low = 0;
    size_t high = sizeof beyond / sizeof beyond[0];

    if (c == '^' || c == '{' || c == '}' || c == '\\' || c == '[' || c == '~' || c == ']' ||
        c == '|' || c == '\f' || c == EURO)
        return 2;
    if (c < 0x80)
        return (c >= ' ' && c < 0x7f && c != '`') || c == '\n' || c == '\r' ? 1 : 0;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (beyond[middle] == c)
            return 1;
        if (beyond[middle] < c)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static size_t units_of(enum parts_coding coding, uint32_t c)
{
    return coding == PARTS_GSM7 ? gsm7_units(c) : c > 0xffff ? 2 : 1;
}

static enum parts_coding coding_of(struct view text)
{
    size_t n = 0;

    for (; text.n > 0; text = view_skip(text, n))
        if (gsm7_units(first(text, &n)) == 0)
            return PARTS_UCS2;
    return PARTS_GSM7;
}

struct parts parts_of(struct view text)
{
    struct parts p = {.coding = coding_of(text), .count = 1};
    size_t filled = 0; /* of the last part, if there were several */
    size_t n = 0;
    unsigned several = 1;

    for (; text.n > 0; text = view_skip(text, n)) {
        size_t units = units_of(p.coding, first(text, &n));

        p.units += units;
        if (filled + units > sizes[p.coding].each) {
            several++;
            filled = 0;
        }
        filled += units;
    }
    if (p.units > sizes[p.coding].alone)
        p.count = several;
    return p;
}

bool parts_next(const struct parts *p, struct view *rest, struct view *part)
{
    size_t room = p->count == 1 ? sizes[p->coding].alone : sizes[p->coding].each;

    if (rest->n == 0)
        return false;
    *part = (struct view){rest->p, 0};
    while (rest->n > 0) {
        size_t n = 0;
        size_t units = units_of(p->coding, first(*rest, &n));

        if (units > room)
            break;
        room -= units;
        part->n += n;
        *rest = view_skip(*rest, n);
    }
    return true;
}
