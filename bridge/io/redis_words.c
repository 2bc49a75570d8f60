#include "bridge/io/redis_words.h"

#include <string.h>

#define COUNT_MAX 24 /* bytes of a mark, a size_t and CR LF */

/* "$5\r\n": what stands before each of many small words, so it is written by hand. */
static size_t write_count(char to[COUNT_MAX], char mark, size_t n)
{
    char digits[COUNT_MAX];
    size_t first = sizeof digits;
    size_t at = 0;

    do {
        digits[--first] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    to[at++] = mark;
    while (first < sizeof digits)
        to[at++] = digits[first++];
    to[at++] = '\r';
    to[at++] = '\n';
    return at;
}

void redis_words_begin(struct buf *out, size_t count)
{
    char *to = buf_room(out, COUNT_MAX);

    if (to != NULL)
        buf_grew(out, write_count(to, '*', count));
}

void redis_words_put(struct buf *out, struct view word)
{
    char *to = buf_room(out, COUNT_MAX + word.n + 2);
    size_t n = 0;

    if (to == NULL)
        return;
    n = write_count(to, '$', word.n);
    if (word.n > 0)
        memcpy(to + n, word.p, word.n);
    memcpy(to + n + word.n, "\r\n", 2);
    buf_grew(out, n + word.n + 2);
}
