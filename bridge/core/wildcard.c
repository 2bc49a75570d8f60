#include "bridge/core/wildcard.h"

#include "bridge/core/ascii.h"
#include "bridge/core/utf8.h"

#define WORD_BITS 64
#define WORDS     (WILDCARD_CHARACTERS_MAX / WORD_BITS)
#define ASCII     128 /* codes */

/* One call. */
struct run {
    bool nocase;
    size_t steps;
};

/* What stands between two stars. Bit i of a character's mask is set where it may be the i-th of
 * them: a `?` is set in all masks. Symbol 0 is every character that is not among them. */
struct segment {
    size_t count; /* characters */
    size_t words; /* in use, of each mask */
    size_t symbols;
    size_t others; /* symbols beyond ASCII */
    uint16_t of_ascii[ASCII];
    struct other {
        uint32_t code;
        uint16_t symbol;
    } of_others[WILDCARD_CHARACTERS_MAX]; /* by code */
    uint64_t masks[1 + WILDCARD_CHARACTERS_MAX][WORDS];
};

bool wildcard_is_pattern(struct view text)
{
    return view_has(text, '*') || view_has(text, '?');
}

bool wildcard_is_short(struct view text)
{
    return text.n <= WILDCARD_CHARACTERS_MAX ||
           (text.n <= WILDCARD_PATTERN_MAX &&
            (!wildcard_is_pattern(text) || utf8_count(text) <= WILDCARD_CHARACTERS_MAX));
}

/* Takes the first character of text, not empty. A letter's small one has as many bytes, and no
 * other character becomes ASCII, so equal codes are equal characters. */
static uint32_t take(struct run *r, struct view *text)
{
    unsigned char c = (unsigned char)text->p[0];
    uint32_t code = c;
    size_t n = 1;

    r->steps++;
    if (c < ASCII) {
        code = (unsigned char)(r->nocase ? ascii_lower((char)c) : (char)c);
    } else if ((n = utf8_first(*text)) > 0) {
        code = r->nocase ? utf8_lower(utf8_code(*text)) : utf8_code(*text);
    } else {
        n = 1;
        code = UTF8_NO_CODE + c;
    }
    text->p += n;
    text->n -= n;
    return code;
}

/* Takes from the text what the part, which has no star, stands for. */
static bool begins(struct run *r, struct view part, struct view *text)
{
    while (part.n > 0) {
        uint32_t want = take(r, &part);

        if (text->n == 0 || (take(r, text) != want && want != '?'))
            return false;
    }
    return true;
}

/* Is the text's end what the part stands for? */
static bool ends(struct run *r, struct view part, struct view text)
{
    size_t want = utf8_count(part);
    size_t have;

    if (want == 0)
        return true;
    have = utf8_count(text);
    r->steps += have + have;
    if (have < want)
        return false;
    text = view_skip(text, utf8_cut(text, have - want).n);
    return begins(r, part, &text);
}

/* ---- between two stars ---- */

/* Where the code stands, or would, among those beyond ASCII. */
static size_t place_of(struct run *r, const struct segment *s, uint32_t code)
{
    size_t from = 0;
    size_t to = s->others;

    while (from < to) {
        size_t middle = (from + to) / 2;

        r->steps++;
        if (s->of_others[middle].code < code)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static const uint64_t *mask_of(struct run *r, const struct segment *s, uint32_t code)
{
    size_t i;

    if (code < ASCII)
        return s->masks[s->of_ascii[code]];
    if (s->others == 0)
        return s->masks[0];
    i = place_of(r, s, code);
    return s->masks[i < s->others && s->of_others[i].code == code ? s->of_others[i].symbol : 0];
}

/* The code's symbol, a new one if it has none yet. */
static uint16_t add_symbol(struct run *r, struct segment *s, uint32_t code)
{
    uint16_t fresh = (uint16_t)s->symbols;

    if (code < ASCII) {
        if (s->of_ascii[code] != 0)
            return s->of_ascii[code];
        s->of_ascii[code] = fresh;
    } else {
        size_t i = place_of(r, s, code);

        if (i < s->others && s->of_others[i].code == code)
            return s->of_others[i].symbol;
        memmove(&s->of_others[i + 1], &s->of_others[i], (s->others - i) * sizeof s->of_others[0]);
        s->of_others[i] = (struct other){code, fresh};
        s->others++;
    }
    s->symbols++;
    memcpy(s->masks[fresh], s->masks[0], s->words * sizeof s->masks[0][0]);
    return fresh;
}

static void set_bit(uint64_t *mask, size_t i)
{
    mask[i / WORD_BITS] |= UINT64_C(1) << i % WORD_BITS;
}

static void read_segment(struct run *r, struct segment *s, struct view part)
{
    struct view rest = part;

    s->count = utf8_count(part);
    s->words = (s->count + WORD_BITS - 1) / WORD_BITS;
    s->symbols = 1;
    s->others = 0;
    memset(s->of_ascii, 0, sizeof s->of_ascii);
    memset(s->masks[0], 0, sizeof s->masks[0]);
    if (view_has(part, '?'))
        for (size_t i = 0; rest.n > 0; i++)
            if (take(r, &rest) == '?')
                set_bit(s->masks[0], i);
    for (size_t i = 0; part.n > 0; i++) {
        uint32_t code = take(r, &part);

        if (code != '?')
            set_bit(s->masks[add_symbol(r, s, code)], i);
    }
}

/* Takes from the text up to the first end of what the part, not empty, stands for (shift-and: bit i
 * says that what was read last is the part's first i + 1 characters). */
static bool find(struct run *r, struct view part, struct view *text)
{
    struct segment s;
    uint64_t state[WORDS] = {0};
    uint64_t last;

    if (text->n == 0)
        return false;
    read_segment(r, &s, part);
    last = UINT64_C(1) << (s.count - 1) % WORD_BITS;
    while (text->n > 0) {
        const uint64_t *mask = mask_of(r, &s, take(r, text));
        uint64_t carry = 1;

        r->steps += s.words;
        for (size_t i = 0; i < s.words; i++) {
            uint64_t next = state[i] >> (WORD_BITS - 1);

            state[i] = (state[i] << 1 | carry) & mask[i];
            carry = next;
        }
        if ((state[s.words - 1] & last) != 0)
            return true;
    }
    return false;
}

/* ---- the whole ---- */

/* What stands between two stars is taken where it is found first: so most is left for the rest. */
static bool match(struct run *r, struct view pattern, struct view text)
{
    struct view between = pattern;
    struct view part = view_cut(&between, '*');
    size_t tail = 0;

    if (!wildcard_is_short(pattern) || !begins(r, part, &text))
        return false;
    if (part.n == pattern.n)
        return text.n == 0;
    while (tail < between.n && between.p[between.n - 1 - tail] != '*')
        tail++;
    pattern = between;
    between.n -= tail;
    while (between.n > 0) {
        part = view_cut(&between, '*');
        if (part.n > 0 && !find(r, part, &text))
            return false;
    }
    return ends(r, view_skip(pattern, pattern.n - tail), text);
}

bool wildcard_match(struct view pattern, struct view text)
{
    struct run r = {.nocase = false};

    return match(&r, pattern, text);
}

bool wildcard_match_nocase(struct view pattern, struct view text)
{
    struct run r = {.nocase = true};

    return match(&r, pattern, text);
}

size_t wildcard_steps(struct view pattern, struct view text)
{
    struct run r = {.nocase = true};

    (void)match(&r, pattern, text);
    return r.steps;
}
