#include "bridge/core/phone_twin.h"

#include "bridge/core/ascii.h"

#include <string.h>

#define LONGER ((size_t)13) /* digits of the longer spelling: it has one more, at `at` */

static const struct {
    const char *country;
    size_t at;
    char digit;
    char least; /* what follows it, to '9' */
} plans[] = {{"52", 2, '1', '0'}, {"54", 2, '9', '0'}, {"55", 4, '9', '6'}};

bool phone_twin(struct view normal, char out[PHONE_TWIN_MAX])
{
    bool longer = normal.n == LONGER;

    if (normal.n != LONGER && normal.n != LONGER - 1)
        return false;
    for (size_t i = 0; i < normal.n; i++)
        if (!ascii_is_digit(normal.p[i]))
            return false;
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        size_t at = plans[i].at;
        size_t rest = longer ? at + 1 : at;
        size_t n = at;

        if (!view_starts(normal, view_of(plans[i].country)) ||
            (longer && normal.p[at] != plans[i].digit) || normal.p[rest] < plans[i].least)
            continue;
        memcpy(out, normal.p, at);
        if (!longer)
            out[n++] = plans[i].digit;
        memcpy(out + n, normal.p + rest, normal.n - rest);
        out[n + normal.n - rest] = '\0';
        return true;
    }
    return false;
}
