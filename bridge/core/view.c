#include "bridge/core/view.h"

#include "bridge/core/ascii.h"

#include <string.h>

bool view_eq_nocase(struct view a, struct view b)
{
    return a.n == b.n && view_starts_nocase(a, b);
}

bool view_starts_nocase(struct view v, struct view prefix)
{
    if (v.n < prefix.n)
        return false;
    for (size_t i = 0; i < prefix.n; i++)
        if (ascii_lower(v.p[i]) != ascii_lower(prefix.p[i]))
            return false;
    return true;
}

int view_cmp(struct view a, struct view b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

struct view view_trim(struct view v)
{
    while (v.n > 0 && (v.p[0] == ' ' || v.p[0] == '\t'))
        v = view_skip(v, 1);
    while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
        v.n--;
    return v;
}

struct view view_cut(struct view *rest, char at)
{
    struct view all = *rest;
    const char *found = all.n > 0 ? memchr(all.p, at, all.n) : NULL;

    if (found == NULL) {
        *rest = VIEW_NONE;
        return all;
    }
    *rest = view_skip(all, (size_t)(found - all.p) + 1);
    return (struct view){all.p, (size_t)(found - all.p)};
}

bool view_has(struct view v, char c)
{
    return v.n > 0 && memchr(v.p, c, v.n) != NULL;
}

void view_copy(struct view v, char *out, size_t size)
{
    size_t n = v.n < size ? v.n : size - 1;

    if (n > 0)
        memcpy(out, v.p, n);
    out[n] = '\0';
}
