#include "bridge/core/one_line.h"

#include "bridge/core/utf8.h"

#include <string.h>

static bool spoils(uint32_t code)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x200e, 0x200f},
        {0x2028, 0x202e}, {0x2066, 0x2069}, /* line and paragraph, embeddings, isolates */
    };

    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

size_t one_line(char *text, size_t n)
{
    struct view rest = {text, n};
    char *to = text;

    while (rest.n > 0) {
        size_t bytes = utf8_first(rest);

        if (bytes == 0 && rest.n < 4 && ((unsigned char)rest.p[0] & 0xc0) == 0xc0)
            break; /* cut */
        if (bytes == 0 || spoils(utf8_code(rest))) {
            *to++ = '?';
            rest = view_skip(rest, bytes == 0 ? 1 : bytes);
            continue;
        }
        memmove(to, rest.p, bytes);
        to += bytes;
        rest = view_skip(rest, bytes);
    }
    return (size_t)(to - text);
}
