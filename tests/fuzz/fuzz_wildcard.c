/* Against the definition, by trying everything, for what is short: pattern, newline, text. */
#include "bridge/core/utf8.h"
#include "bridge/core/wildcard.h"

#include <assert.h>
#include <stdint.h>

#define PATTERN_MAX 8 /* trying everything takes exponential time */
#define TEXT_MAX    12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view rest_of(struct view v)
{
    size_t n = utf8_first(v);

    return view_skip(v, n > 0 ? n : 1);
}

static struct view head_of(struct view v)
{
    return (struct view){v.p, v.n - rest_of(v).n};
}

static bool tries_everything(struct view pattern, struct view text)
{
    if (pattern.n == 0)
        return text.n == 0;
    if (pattern.p[0] == '*')
        return tries_everything(rest_of(pattern), text) ||
               (text.n > 0 && tries_everything(pattern, rest_of(text)));
    return text.n > 0 && (pattern.p[0] == '?' || view_eq(head_of(pattern), head_of(text))) &&
           tries_everything(rest_of(pattern), rest_of(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    struct view pattern = view_cut(&text, '\n');
    bool matches = wildcard_match(pattern, text);

    if (matches)
        assert(wildcard_match_nocase(pattern, text));
    if (pattern.n <= PATTERN_MAX && text.n <= TEXT_MAX)
        assert(matches == tries_everything(pattern, text));
    if (!wildcard_is_pattern(pattern) && pattern.n <= WILDCARD_PATTERN_MAX)
        assert(matches == view_eq(pattern, text));
    return 0;
}
