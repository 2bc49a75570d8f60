#include "bridge/core/spelling.h"

#include <string.h>

size_t spelling_distance(struct view a, struct view b)
{
    size_t rows[3][SPELLING_WORD_MAX + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];

    if (a.n > SPELLING_WORD_MAX || b.n > SPELLING_WORD_MAX)
        return SPELLING_WORD_MAX;
    for (size_t j = 0; j <= b.n; j++)
        above[j] = j;
    memcpy(before, above, sizeof rows[0]);
    for (size_t i = 1; i <= a.n; i++) {
        size_t *spare = before;

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t least = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);

            if (above[j] + 1 < least)
                least = above[j] + 1;
            if (row[j - 1] + 1 < least)
                least = row[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before[j - 2] + 1 < least)
                least = before[j - 2] + 1;
            row[j] = least;
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b.n];
}

size_t spelling_near(size_t letters)
{
    return letters / 3 < 3 ? letters / 3 : 3;
}

const char *spelling_nearest(struct view word, const char *const *words)
{
    const char *best = NULL;
    size_t least = spelling_near(word.n) + 1;

    for (; *words != NULL; words++) {
        size_t d = spelling_distance(word, view_of(*words));

        if (d < least) {
            least = d;
            best = *words;
        }
    }
    return best;
}
