#include "bridge/core/route.h"

/* How exactly a pattern fits: 0 not at all; a longer family beats a shorter one, a type all. */
static size_t fit(struct view pattern, struct view type)
{
    bool family = pattern.n > 0 && pattern.p[pattern.n - 1] == '*';

    if (!family)
        return view_eq(pattern, type) ? type.n + 2 : 0;
    pattern.n--;
    return view_starts(type, pattern) ? pattern.n + 1 : 0;
}

const struct route_rule *route_find(const struct route_rule *rules, size_t count, struct view type)
{
    const struct route_rule *best = NULL;
    size_t best_fit = 0;

    for (size_t i = 0; i < count; i++) {
        size_t this_fit = fit(view_of(rules[i].pattern), type);

        if (this_fit > best_fit) {
            best = &rules[i];
            best_fit = this_fit;
        }
    }
    return best;
}
