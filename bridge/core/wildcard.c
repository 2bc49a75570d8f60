#include "bridge/core/wildcard.h"

#include "bridge/core/utf8.h"

bool wildcard_is_pattern(struct view text)
{
    return view_has(text, '*') || view_has(text, '?');
}

/* The first character of text, not empty. */
static struct view first(struct view text)
{
    size_t n = utf8_first(text);

    return (struct view){text.p, n > 0 ? n : 1};
}

/* Only the last star can be worth a second try: whatever an earlier one could take more of, the
 * last one can take as well. So one place to go back to is enough. */
static bool match(struct view pattern, struct view text, bool (*same)(struct view, struct view))
{
    struct view after_star = VIEW_NONE;
    struct view retry = VIEW_NONE; /* the text that the last star has not taken yet */
    bool starred = false;

    if (pattern.n > WILDCARD_PATTERN_MAX)
        return false;
    while (text.n > 0) {
        struct view want = pattern.n > 0 ? first(pattern) : VIEW_NONE;
        struct view have = first(text);

        if (view_is(want, "*")) {
            starred = true;
            pattern = after_star = view_skip(pattern, 1);
            retry = text;
        } else if (view_is(want, "?") || (want.n > 0 && same(want, have))) {
            pattern = view_skip(pattern, want.n);
            text = view_skip(text, have.n);
        } else if (starred) {
            text = retry = view_skip(retry, first(retry).n);
            pattern = after_star;
        } else {
            return false;
        }
    }
    while (pattern.n > 0 && pattern.p[0] == '*')
        pattern = view_skip(pattern, 1);
    return pattern.n == 0;
}

bool wildcard_match(struct view pattern, struct view text)
{
    return match(pattern, text, view_eq);
}

bool wildcard_match_nocase(struct view pattern, struct view text)
{
    return match(pattern, text, utf8_eq_nocase);
}
