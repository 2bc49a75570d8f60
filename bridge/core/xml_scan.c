#include "bridge/core/xml_scan.h"

#include "bridge/core/utf8.h"

#include <string.h>

struct scanning {
    struct view all;
    struct view rest;
    unsigned depth;
    struct fault *f;
};

static bool refuse(const struct scanning *s, const char *what)
{
    return fault_set(s->f, FAULT_REJECT, "%s at byte %zu", what, s->all.n - s->rest.n + 1);
}

/* Skips to behind `end`; what lies before is at most `most` bytes, if that is not 0. A beginning
 * that never ends is left to the parser. */
static bool skip_to(struct scanning *s, const char *end, size_t most, const char *what)
{
    size_t n = strlen(end);

    for (size_t i = 0; i + n <= s->rest.n; i++) {
        if (most != 0 && i > most)
            return refuse(s, what);
        if (memcmp(s->rest.p + i, end, n) == 0) {
            s->rest = view_skip(s->rest, i + n);
            return true;
        }
    }
    s->rest = view_skip(s->rest, s->rest.n);
    return true;
}

/* From behind the '<' to behind the '>': counts what looks like an attribute. */
static bool tag(struct scanning *s)
{
    bool closing = s->rest.n > 0 && s->rest.p[0] == '/';
    unsigned attributes = 0;
    char quote = '\0';
    size_t i = 0;

    for (; i < s->rest.n; i++) {
        char c = s->rest.p[i];

        if (i > XML_SCAN_TAG_MAX)
            return refuse(s, "there is a tag of more than 4096 bytes");
        if (quote != '\0') {
            quote = c == quote ? '\0' : quote;
            continue;
        }
        if (c == '"' || c == '\'')
            quote = c;
        if (c == '=' && ++attributes > XML_SCAN_ATTRIBUTES_MAX)
            return refuse(s, "there is an element of more than 16 attributes");
        if (c == '>')
            break;
    }
    if (closing)
        s->depth -= s->depth > 0;
    else if (!(i > 0 && i < s->rest.n && s->rest.p[i - 1] == '/') &&
             ++s->depth > XML_SCAN_DEPTH_MAX)
        return refuse(s, "elements are nested deeper than 32");
    s->rest = view_skip(s->rest, i + 1);
    return true;
}

static bool markup(struct scanning *s)
{
    if (view_starts(s->rest, VIEW("!--"))) {
        s->rest = view_skip(s->rest, 3);
        return skip_to(s, "-->", XML_SCAN_TAG_MAX, "there is a comment of more than 4096 bytes");
    }
    if (view_starts(s->rest, VIEW("![CDATA["))) {
        s->rest = view_skip(s->rest, 8);
        return skip_to(s, "]]>", 0, "");
    }
    if (view_starts(s->rest, VIEW("!")))
        return refuse(s, "there is a DOCTYPE or another declaration, which is not allowed,");
    if (view_starts(s->rest, VIEW("?")))
        return skip_to(s, "?>", XML_SCAN_TAG_MAX,
                       "there is a processing instruction of more than 4096 bytes");
    return tag(s);
}

bool xml_scan(struct view bytes, struct fault *f)
{
    struct scanning s = {.all = bytes, .rest = bytes, .f = f};

    if (!utf8_valid(bytes))
        return fault_set(f, FAULT_REJECT, "the body is not UTF-8");
    while (s.rest.n > 0) {
        const char *next = memchr(s.rest.p, '<', s.rest.n);

        if (next == NULL)
            return true;
        s.rest = view_skip(s.rest, (size_t)(next - s.rest.p) + 1);
        if (!markup(&s))
            return false;
    }
    return true;
}
