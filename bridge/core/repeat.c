#include "bridge/core/repeat.h"

#include "bridge/core/coded.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <string.h>

/* What a symbol may stand for: SIGN and OTHER for whatever is no letter or digit. */
enum kind { SIGN, OTHER, DIGIT, LETTER };

/* ---- symbols ---- */

static enum kind kind_of(uint32_t code)
{
    if (code >= 0x80)
        return OTHER;
    if (code >= '0' && code <= '9')
        return DIGIT;
    return code >= 'a' && code <= 'z' ? LETTER : SIGN;
}

static bool is_solid(enum kind kind)
{
    return kind == DIGIT || kind == LETTER;
}

static uint32_t code_at(struct view text, size_t *n)
{
    int plain = coded_plain(text, n);

    if (plain >= 0)
        return utf8_lower((uint32_t)plain);
    if (*n > 0)
        return utf8_lower(utf8_code(text));
    *n = 1;
    return UTF8_NO_CODE + (unsigned char)text.p[0];
}

static bool is_mark(uint32_t code) /* that combines with the letter in front of it */
{
    return code >= 0x300 && code <= 0x36f;
}

/* Of a value. A letter with a mark is no letter of ASCII, and the mark nothing by itself. */
struct symbol {
    uint32_t code;
    enum kind kind;
};

static struct symbol first_symbol(struct view value, size_t *bytes)
{
    struct symbol s = {.code = code_at(value, bytes)};
    struct view rest = view_skip(value, *bytes);
    size_t n;

    s.kind = is_mark(s.code) ? SIGN : kind_of(s.code);
    if (is_solid(s.kind) && rest.n > 0 && is_mark(code_at(rest, &n)))
        s.kind = OTHER;
    return s;
}

void repeat_init(struct repeat *r, struct view text)
{
    size_t quoted = 0; /* where quoted-printable ends */
    bool sign = false;

    assert(text.n <= REPEAT_TEXT_MAX);
    r->text = text;
    r->n = 0;
    r->foreign = false;
    memset(r->marks, 0, sizeof r->marks);
    for (size_t at = 0, n; at < text.n; at += n) {
        struct repeat_symbol *s = &r->symbols[r->n];
        struct view rest = view_skip(text, at);

        *s = (struct repeat_symbol){.code = code_at(rest, &n), .at = (uint16_t)at};
        if (at >= quoted)
            quoted = at + coded_quoted(rest, &sign);
        s->kind = (uint8_t)(at >= quoted ? kind_of(s->code) : sign ? SIGN : OTHER);
        r->n += s->code != '\0'; /* in UTF-16 they are between letters */
    }
    r->symbols[r->n] = (struct repeat_symbol){.at = (uint16_t)text.n};
    for (size_t t = 0; t <= r->n; t++)
        r->since[t] = (uint16_t)t;
}

/* ---- values as they are ---- */

static bool in_word(const struct repeat *r, size_t t)
{
    return t < r->n && r->symbols[t].kind != SIGN;
}

/* Does the word begin at `at`, but for what so many characters may have become? */
static bool begins_at(const struct repeat *r, size_t at, size_t characters)
{
    size_t solid = 0;
    size_t begin = at;

    if (characters == 0)
        return at == 0 || !in_word(r, at - 1) || !in_word(r, at);
    while (begin > 0 && in_word(r, begin - 1) && solid <= REPEAT_LETTERS * characters)
        solid += is_solid(r->symbols[--begin].kind);
    return solid <= REPEAT_LETTERS * characters;
}

static bool ends_at(const struct repeat *r, size_t at, size_t characters)
{
    size_t solid = 0;

    if (characters == 0)
        return begins_at(r, at, 0);
    for (size_t end = at; in_word(r, end) && solid <= REPEAT_LETTERS * characters; end++)
        solid += is_solid(r->symbols[end].kind);
    return solid <= REPEAT_LETTERS * characters;
}

static void set_min(uint16_t *to, size_t since)
{
    if (since < *to)
        *to = (uint16_t)since;
}

/* found: of each place, where what was found and ends there begins. */
static void look_as_is(struct repeat *r, struct view value, uint16_t found[])
{
    uint16_t run[REPEAT_TEXT_MAX + 1] = {0}; /* symbols that are alike in front of a place */

    for (size_t n, i = 1; value.n > 0; i++) {
        uint32_t code = first_symbol(value, &n).code;

        value = view_skip(value, n);
        for (size_t t = r->n; t > 0; t--) {
            size_t since = t - 1 - run[t - 1];
            size_t bytes = (size_t)r->symbols[t].at - r->symbols[since].at;

            run[t] = 0;
            if (r->symbols[t - 1].code != code)
                continue;
            run[t] = (uint16_t)(t - since);
            set_min(&r->since[t], since);
            if (bytes >= REPEAT_PIECE ||
                (run[t] == i && value.n == 0 &&
                 (bytes >= REPEAT_SHORT || (begins_at(r, since, 0) && ends_at(r, t, 0)))))
                set_min(&found[t], since);
        }
    }
}

/* ---- by their letters ---- */

/* The best piece of a value that ends at a place of the text: what it counts, and behind that how
 * far its first symbol is from the end of all; 0: none. Of those that count as much the larger one
 * is the longer one. */
typedef uint32_t piece;

#define START_BITS   10
#define START_MASK   ((1U << START_BITS) - 1)
#define PIECE(n, at) ((piece)(n) << START_BITS | (START_MASK - (piece)(at)))
#define ONE_MORE     (1U << START_BITS)

_Static_assert(REPEAT_TEXT_MAX <= START_MASK,
               "a start has room; so has a count, of symbols of a text");

static size_t start_of(piece p)
{
    return START_MASK - (p & START_MASK);
}

static size_t count_of(piece p)
{
    return p >> START_BITS;
}

static piece max(piece a, piece b)
{
    return a > b ? a : b;
}

/* A value that is looked for, in pieces or whole. */
struct search {
    struct repeat *r;
    uint16_t *found;
    bool whole;
    bool words;    /* and nothing else in their first and last word */
    bool foreign;  /* it is not all ASCII: */
    size_t before; /* characters of it in front of its first letter */
    size_t after;  /* and after its last one */
    piece best[REPEAT_TEXT_MAX + 1];
};

/* A sign became whatever is no letter or digit, or nothing; count: for one that is there. */
static void take_sign(struct search *s, piece count)
{
    piece best = s->best[0];

    for (size_t t = 1; t <= s->r->n; t++) {
        piece here = s->best[t];

        if (is_solid(s->r->symbols[t - 1].kind)) {
            best = here;
            continue;
        }
        if (best != 0)
            s->best[t] = max(here, best + count * ONE_MORE);
        best = max(best, here);
    }
}

/* A character became anything with few letters. */
static void take_other(struct search *s)
{
    piece best[REPEAT_LETTERS + 1]; /* with so many letters since */

    for (size_t k = 0; k <= REPEAT_LETTERS; k++)
        best[k] = s->best[0];
    for (size_t t = 1; t <= s->r->n; t++) {
        size_t letter = s->r->symbols[t - 1].kind == LETTER;
        piece here = s->best[t];

        for (size_t k = REPEAT_LETTERS; k > 0; k--)
            best[k] = max(here, best[k - letter]);
        best[0] = letter ? here : max(here, best[0]);
        s->best[t] = best[REPEAT_LETTERS];
    }
}

static bool may_begin(const struct search *s, size_t at, bool first)
{
    return !s->whole || (first && (!s->words || begins_at(s->r, at, s->before)));
}

static bool is_enough(const struct search *s, piece p, size_t end, bool last)
{
    if (!s->whole)
        return count_of(p) >= REPEAT_PIECE;
    return last && (count_of(p) >= 2 || !s->foreign) && (!s->words || ends_at(s->r, end, s->after));
}

/* A letter or a digit is itself. first, last: of the value. */
static void take_solid(struct search *s, uint32_t code, bool first, bool last)
{
    struct repeat *r = s->r;

    for (size_t t = r->n; t > 0; t--) {
        piece p = s->best[t - 1];

        s->best[t] = 0;
        if (r->symbols[t - 1].code != code || (p == 0 && !may_begin(s, t - 1, first)))
            continue;
        p = p != 0 ? p + ONE_MORE : PIECE(1, t - 1);
        s->best[t] = p;
        if (is_enough(s, p, t, last))
            set_min(&s->found[t], start_of(p));
    }
    s->best[0] = 0;
}

static void look(struct search *s, struct view value)
{
    enum kind before = OTHER; /* the kind of what is no sign */
    bool first = true;

    memset(s->best, 0, sizeof s->best);
    for (size_t n; value.n > 0; first = false) {
        struct symbol symbol = first_symbol(value, &n);

        value = view_skip(value, n);
        if (symbol.kind == SIGN)
            take_sign(s, is_solid(before)); /* in foreign text a blank says nothing */
        else if (symbol.kind == OTHER)
            take_other(s);
        else
            take_solid(s, symbol.code, first, value.n == 0);
        before = symbol.kind == SIGN ? before : symbol.kind;
    }
}

/* Looks for the letters of a value. All of them are a piece, or are looked for as a whole: what is
 * around the first and the last one may be missing. */
static void look_by_letters(struct search *s, struct view value)
{
    struct view core = {value.p, 0};
    size_t solid = 0;
    size_t others = 0;

    for (size_t at = 0, n; at < value.n; at += n) {
        struct symbol symbol = first_symbol(view_skip(value, at), &n);

        others += symbol.kind == OTHER;
        s->foreign = s->foreign || symbol.kind == OTHER;
        if (!is_solid(symbol.kind))
            continue;
        if (solid++ == 0) {
            core.p = value.p + at;
            s->before = others;
        }
        core.n = (size_t)(value.p + at + n - core.p);
        others = 0;
    }
    s->after = others;
    s->whole = solid < REPEAT_PIECE;
    s->words = solid < REPEAT_SHORT;
    look(s, core);
}

/* ---- what was found ---- */

/* Of each place: where what was found begins. What is marked are whole words. */
static void mark_found(struct repeat *r, const uint16_t found[], unsigned char mark)
{
    bool marked[REPEAT_TEXT_MAX + 1] = {false};
    size_t since = r->n;

    for (size_t t = r->n; t > 0; t--) {
        since = found[t] < since ? found[t] : since;
        marked[t - 1] = since < t || (t < r->n && marked[t] && in_word(r, t) && in_word(r, t - 1));
    }
    for (size_t t = 0; t < r->n; t++) {
        marked[t] = marked[t] || (t > 0 && marked[t - 1] && in_word(r, t - 1) && in_word(r, t));
        for (size_t i = r->symbols[t].at; marked[t] && i < r->symbols[t + 1].at; i++)
            r->marks[i] |= mark;
    }
}

void repeat_find(struct repeat *r, struct view values, unsigned char mark)
{
    uint16_t found[REPEAT_TEXT_MAX + 1];

    for (size_t t = 0; t <= r->n; t++)
        found[t] = (uint16_t)t;
    while (values.n > 0) {
        struct view value = view_cut(&values, '\0');
        struct search s = {.r = r, .found = found};

        look_as_is(r, value, found);
        look_by_letters(&s, value);
        r->foreign = r->foreign || s.foreign;
    }
    mark_found(r, found, mark);
}

size_t repeat_at(const struct repeat *r, size_t at, unsigned char *marks)
{
    size_t n = 0;

    for (*marks = 0; at + n < r->text.n && r->marks[at + n] != 0; n++)
        *marks |= r->marks[at + n];
    return n;
}

bool repeat_holds(const struct repeat *r, size_t at, size_t n)
{
    for (size_t t = 1; t <= r->n && n > 0; t++)
        if (r->symbols[t].at == at + n)
            return r->symbols[r->since[t]].at <= at;
    return false;
}
