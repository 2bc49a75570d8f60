#include "bridge/core/fulltext.h"

#include "bridge/core/ascii.h"
#include "bridge/core/num.h"

#include <string.h>

struct reading {
    struct view rest;
    struct buf *to;
    unsigned phrases;
    unsigned depth;
    struct fault *f;
};

static bool refuse(struct reading *r, const char *what)
{
    return fault_set(r->f, FAULT_REJECT,
                     "%s; full text is words, or phrases in quotes with AND, AND NOT, OR, NEAR and "
                     "parentheses",
                     what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static void skip_blanks(struct reading *r)
{
    while (r->rest.n > 0 && is_blank(r->rest.p[0]))
        r->rest = view_skip(r->rest, 1);
}

static bool one_more(struct reading *r)
{
    if (++r->phrases <= FULLTEXT_PHRASES_MAX)
        return true;
    return fault_set(r->f, FAULT_REJECT, "there are more than %d words or phrases",
                     FULLTEXT_PHRASES_MAX);
}

/* ---- words ---- */

static bool words(struct reading *r)
{
    bool first = true;

    buf_put_char(r->to, '(');
    for (skip_blanks(r); r->rest.n > 0; skip_blanks(r)) {
        if (!one_more(r))
            return false;
        buf_put_text(r->to, first ? "\"" : " AND \"");
        first = false;
        while (r->rest.n > 0 && !is_blank(r->rest.p[0])) {
            buf_put_char(r->to, r->rest.p[0]);
            r->rest = view_skip(r->rest, 1);
        }
        buf_put_text(r->to, "\" *");
    }
    buf_put_char(r->to, ')');
    return !first || refuse(r, "there is no word");
}

/* ---- expressions ---- */

/* The keyword, as a word of its own, in any case. */
static bool takes(struct reading *r, const char *keyword)
{
    size_t n = strlen(keyword);
    struct view head = {r->rest.p, n};

    skip_blanks(r);
    head.p = r->rest.p;
    if (r->rest.n < n || !view_eq_nocase(head, view_of(keyword)))
        return false;
    if (r->rest.n > n && !is_blank(r->rest.p[n]) && r->rest.p[n] != '"' && r->rest.p[n] != '(')
        return false;
    r->rest = view_skip(r->rest, n);
    return true;
}

static bool takes_char(struct reading *r, char c)
{
    skip_blanks(r);
    if (r->rest.n == 0 || r->rest.p[0] != c)
        return false;
    r->rest = view_skip(r->rest, 1);
    return true;
}

static bool is_next(struct reading *r, char c)
{
    skip_blanks(r);
    return r->rest.n > 0 && r->rest.p[0] == c;
}

/* "…" with `""` for a quote in it; the `*` stands before or behind the last one. */
static bool phrase(struct reading *r)
{
    struct view text;
    bool prefix = false;
    size_t n = 0;

    if (!takes_char(r, '"'))
        return refuse(r, "there is no phrase where one must be");
    if (!one_more(r))
        return false;
    while (n < r->rest.n && (r->rest.p[n] != '"' || (n + 1 < r->rest.n && r->rest.p[n + 1] == '"')))
        n += r->rest.p[n] == '"' ? 2 : 1;
    if (n >= r->rest.n)
        return refuse(r, "a quote is not closed");
    text = (struct view){r->rest.p, n};
    r->rest = view_skip(r->rest, n + 1);
    if (text.n > 0 && text.p[text.n - 1] == '*') {
        prefix = true;
        text.n--;
    }
    if (r->rest.n > 0 && r->rest.p[0] == '*') {
        prefix = true;
        r->rest = view_skip(r->rest, 1);
    }
    buf_put_char(r->to, '"');
    buf_put(r->to, text);
    buf_put_text(r->to, prefix ? "\" *" : "\"");
    return true;
}

static bool near_end(struct reading *r, int64_t apart)
{
    buf_put_text(r->to, ", ");
    buf_put_int(r->to, apart);
    buf_put_char(r->to, ')');
    return true;
}

/* A number that says how near, behind the last comma. */
static bool near_number(struct reading *r, int64_t *apart)
{
    struct view digits = {r->rest.p, 0};

    while (digits.n < r->rest.n && ascii_is_digit(r->rest.p[digits.n]))
        digits.n++;
    r->rest = view_skip(r->rest, digits.n);
    return num_in(digits, 0, FULLTEXT_NEAR_MAX, apart) ||
           refuse(r, "NEAR is followed by no number from 0 to 1000");
}

/* NEAR("a", "b"), NEAR("a" "b", 5), NEAR(("a", "b"), 5) */
static bool near_list(struct reading *r)
{
    int64_t apart = FULLTEXT_NEAR_TOKENS;
    unsigned count = 0;
    bool inner = false;

    if (!takes_char(r, '('))
        return refuse(r, "NEAR stands neither between phrases nor before a list of them");
    inner = takes_char(r, '(');
    buf_put_text(r->to, "NEAR(");
    for (;;) {
        if (count++ > 0)
            buf_put_char(r->to, ' ');
        if (!phrase(r))
            return false;
        if (is_next(r, '"'))
            continue;
        if (!takes_char(r, ','))
            break;
        if (!is_next(r, '"')) {
            if (inner || !near_number(r, &apart))
                return inner ? refuse(r, "a list of phrases ends with a comma") : false;
            break;
        }
    }
    if (inner && !takes_char(r, ')'))
        return refuse(r, "a parenthesis is not closed");
    if (inner && takes_char(r, ',')) {
        skip_blanks(r);
        if (!near_number(r, &apart))
            return false;
    }
    if (count < 2)
        return refuse(r, "NEAR has one phrase only");
    if (!takes_char(r, ')'))
        return refuse(r, "a parenthesis is not closed");
    return near_end(r, apart);
}

/* "a" NEAR "b" NEAR "c", or one phrase. */
static bool near_chain(struct reading *r)
{
    size_t start = r->to->n;
    unsigned count = 1;

    buf_put_text(r->to, "NEAR(");
    if (!phrase(r))
        return false;
    while (takes(r, "NEAR")) {
        count++;
        buf_put_char(r->to, ' ');
        if (!phrase(r))
            return false;
    }
    if (count > 1)
        return near_end(r, FULLTEXT_NEAR_TOKENS);
    if (!r->to->full) { /* it was one after all */
        size_t skip = strlen("NEAR(");

        memmove(r->to->p + start, r->to->p + start + skip, r->to->n - start - skip);
        r->to->n -= skip;
    }
    return true;
}

static bool either(struct reading *r);

static bool term(struct reading *r)
{
    if (takes(r, "NEAR"))
        return near_list(r);
    if (!takes_char(r, '('))
        return near_chain(r);
    if (++r->depth > FULLTEXT_DEPTH_MAX)
        return fault_set(r->f, FAULT_REJECT, "parentheses are deeper than %d", FULLTEXT_DEPTH_MAX);
    if (!either(r))
        return false;
    r->depth--;
    return takes_char(r, ')') || refuse(r, "a parenthesis is not closed");
}

/* Terms that the first one is not to be there with are given once it is known that there are some:
 * FTS5's NOT takes two sides. */
static bool with_its_nots(struct reading *r, bool *again)
{
    *again = false;
    if (!term(r))
        return false;
    while (takes(r, "AND")) {
        if (!takes(r, "NOT")) {
            *again = true;
            return true;
        }
        buf_put_text(r->to, " NOT ");
        if (!term(r))
            return false;
    }
    return true;
}

static bool all(struct reading *r)
{
    bool again = false;

    for (;;) {
        buf_put_char(r->to, '(');
        if (!with_its_nots(r, &again))
            return false;
        buf_put_char(r->to, ')');
        if (!again)
            return true;
        buf_put_text(r->to, " AND ");
    }
}

static bool either(struct reading *r)
{
    buf_put_char(r->to, '(');
    for (;;) {
        if (!all(r))
            return false;
        if (!takes(r, "OR"))
            break;
        buf_put_text(r->to, " OR ");
    }
    buf_put_char(r->to, ')');
    return true;
}

bool fulltext_expression(struct view value, struct buf *to, struct fault *f)
{
    struct reading r = {.rest = value, .to = to, .f = f};

    if (value.n > FULLTEXT_BYTES_MAX)
        return fault_set(f, FAULT_REJECT, "it has %zu bytes; the maximum is %d", value.n,
                         FULLTEXT_BYTES_MAX);
    if (view_has(value, '\0'))
        return refuse(&r, "there is a character U+0000");
    if (!view_has(value, '"')) {
        if (!words(&r))
            return false;
    } else if (!either(&r)) {
        return false;
    } else {
        skip_blanks(&r);
        if (r.rest.n > 0)
            return refuse(&r, "something follows the end of the expression");
    }
    return !to->full || fault_set(f, FAULT_REJECT, "it is too long");
}
