#include "bridge/core/fulltext.h"

#include "bridge/core/ascii.h"
#include "bridge/core/fulltext_chars.h"
#include "bridge/core/num.h"

#include <string.h>

struct reading {
    struct view rest;
    struct buf *to;
    unsigned phrases; /* written so far */
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

/* An operand behind those that were written from `start` on. One that writes nothing is passed
 * over, with what would join it: of a phrase without a letter or digit FTS5 would say that nothing
 * holds it, and so of everything that it is joined with by AND. */
static bool operand(struct reading *r, size_t start, const char *joint,
                    bool (*read)(struct reading *r))
{
    size_t before = r->to->n;
    size_t from = 0;

    if (before > start)
        buf_put_text(r->to, joint);
    from = r->to->n;
    if (!read(r))
        return false;
    if (r->to->n == from)
        r->to->n = before;
    return true;
}

/* ---- words ---- */

static bool word(struct reading *r)
{
    struct view text = {r->rest.p, 0};

    while (text.n < r->rest.n && !is_blank(r->rest.p[text.n]))
        text.n++;
    r->rest = view_skip(r->rest, text.n);
    if (!fulltext_has_char(text))
        return true;
    buf_put_char(r->to, '"');
    buf_put(r->to, text);
    buf_put_text(r->to, "\" *");
    return one_more(r);
}

static bool words(struct reading *r)
{
    size_t start = r->to->n;

    skip_blanks(r);
    if (r->rest.n == 0)
        return refuse(r, "there is no word");
    for (; r->rest.n > 0; skip_blanks(r))
        if (!operand(r, start, " AND ", word))
            return false;
    return true;
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
    if (!fulltext_has_char(text))
        return true;
    buf_put_char(r->to, '"');
    buf_put(r->to, text);
    buf_put_text(r->to, prefix ? "\" *" : "\"");
    return one_more(r);
}

#define NEAR_BEGIN "NEAR("

/* Of so many phrases that were written. One is itself, none is nothing. */
static bool near_end(struct reading *r, size_t start, unsigned count, int64_t apart)
{
    size_t skip = strlen(NEAR_BEGIN);

    if (r->to->full)
        return true; /* the end tells */
    if (count == 0) {
        r->to->n = start;
    } else if (count == 1) {
        memmove(r->to->p + start, r->to->p + start + skip, r->to->n - start - skip);
        r->to->n -= skip;
    } else {
        buf_put_text(r->to, ", ");
        buf_put_int(r->to, apart);
        buf_put_char(r->to, ')');
    }
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
    unsigned before = r->phrases;
    size_t start = r->to->n;
    unsigned count = 0;
    bool inner = false;

    if (!takes_char(r, '('))
        return refuse(r, "NEAR stands neither between phrases nor before a list of them");
    inner = takes_char(r, '(');
    buf_put_text(r->to, NEAR_BEGIN);
    for (;;) {
        count++;
        if (!operand(r, start + strlen(NEAR_BEGIN), " ", phrase))
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
    return near_end(r, start, r->phrases - before, apart);
}

/* "a" NEAR "b" NEAR "c", or one phrase. */
static bool near_chain(struct reading *r)
{
    unsigned before = r->phrases;
    size_t start = r->to->n;

    buf_put_text(r->to, NEAR_BEGIN);
    do
        if (!operand(r, start + strlen(NEAR_BEGIN), " ", phrase))
            return false;
    while (takes(r, "NEAR"));
    return near_end(r, start, r->phrases - before, FULLTEXT_NEAR_TOKENS);
}

static bool either(struct reading *r);

static bool term(struct reading *r)
{
    size_t start = r->to->n;

    if (takes(r, "NEAR"))
        return near_list(r);
    if (!takes_char(r, '('))
        return near_chain(r);
    if (++r->depth > FULLTEXT_DEPTH_MAX)
        return fault_set(r->f, FAULT_REJECT, "parentheses are deeper than %d", FULLTEXT_DEPTH_MAX);
    buf_put_char(r->to, '(');
    if (!either(r))
        return false;
    if (r->to->n == start + 1)
        r->to->n = start;
    else
        buf_put_char(r->to, ')');
    r->depth--;
    return takes_char(r, ')') || refuse(r, "a parenthesis is not closed");
}

/* Terms joined by AND: the first one that must be there, the others, and those that must not. */
struct terms {
    struct buf *first;
    size_t start; /* of it */
    struct buf others;
    struct buf no;
};

static bool terms(struct reading *r, struct terms *t)
{
    bool is_not = false;
    bool ok = false;

    do {
        size_t start = 0;

        r->to = is_not ? &t->no : &t->others;
        if (!is_not && t->first->n == t->start) {
            r->to = t->first;
            start = t->start;
        }
        ok = operand(r, start, is_not ? " NOT " : " AND ", term);
    } while (ok && takes(r, "AND") && ((void)(is_not = takes(r, "NOT")), true));
    r->to = t->first;
    return ok;
}

/* FTS5's NOT has two sides and binds closer than AND, so what must not be there stands behind the
 * first that must; where there is none of these, nothing is found. Behind the last, parentheses in
 * it would take more of FTS5's stack, which holds 100 symbols, than FULLTEXT_DEPTH_MAX has room
 * for. */
static bool all(struct reading *r)
{
    struct terms t = {.first = r->to, .start = r->to->n};
    bool ok = false;

    buf_init(&t.others, FULLTEXT_EXPRESSION_MAX);
    buf_init(&t.no, FULLTEXT_EXPRESSION_MAX);
    ok = terms(r, &t);
    if (t.no.n > 0) {
        buf_put_text(r->to, r->to->n == t.start ? "\"\" NOT " : " NOT ");
        buf_put(r->to, buf_view(&t.no));
    }
    if (t.others.n > 0) {
        buf_put_text(r->to, " AND ");
        buf_put(r->to, buf_view(&t.others));
    }
    buf_done(&t.others);
    buf_done(&t.no);
    return ok;
}

static bool either(struct reading *r)
{
    size_t start = r->to->n;

    do
        if (!operand(r, start, " OR ", all))
            return false;
    while (takes(r, "OR"));
    return true;
}

bool fulltext_expression(struct view value, struct buf *to, struct fault *f)
{
    struct reading r = {.rest = value, .to = to, .f = f};
    size_t start = 0;

    if (value.n > FULLTEXT_BYTES_MAX)
        return fault_set(f, FAULT_REJECT, "it has %zu bytes; the maximum is %d", value.n,
                         FULLTEXT_BYTES_MAX);
    if (view_has(value, '\0'))
        return refuse(&r, "there is a character U+0000");
    buf_put_char(to, '(');
    start = to->n;
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
    buf_put_text(to, to->n == start ? "\"\")" : ")");
    return !to->full || fault_set(f, FAULT_REJECT, "it is too long");
}
