#include "bridge/core/person.h"

#include "bridge/core/ascii.h"
#include "bridge/core/hex.h"
#include "bridge/core/utf8.h"

#include <string.h>

#define SEPARATORS_MAX 8   /* in a row, within one number */
#define SIDE_MAX       320 /* bytes of an address before or behind its '@' */

bool person_init(struct person *p, struct view address, struct fault *f)
{
    struct view normal = VIEW_NONE;

    if (!phone_normal(address, p->room, &normal, f))
        return false;
    p->n = normal.n;
    p->number = true;
    for (size_t i = 0; i < normal.n; i++)
        p->number = p->number && ascii_is_digit(normal.p[i]);
    p->distinct = p->number ? normal.n >= PERSON_DIGITS_MIN : view_has(normal, '@');
    return true;
}

struct view person_normal(const struct person *p)
{
    return (struct view){p->room, p->n};
}

/* ---- numbers in texts ----
 *
 * A text is read by units: a character, or, as texts hold JSON, too (templates), an escape of one.
 */

#define ESCAPE_BYTES 6 /* of \u0031 */

static uint32_t escape_code(struct view text)
{
    uint32_t code = 0;

    for (size_t i = 2; i < ESCAPE_BYTES; i++) {
        int value = hex_digit(text.p[i]);

        if (value < 0)
            return 0;
        code = code << 4 | (uint32_t)value;
    }
    return code;
}

/* What the escape at the text's begin stands for; 0: there is none. */
static uint32_t escaped(struct view text)
{
    bool may_be = text.p != NULL && text.n >= ESCAPE_BYTES && text.p[0] == '\\' && text.p[1] == 'u';

    return may_be ? escape_code(text) : 0; /* in line, as it is asked of each byte */
}

/* Bytes of the unit that text, not empty, begins with. */
static size_t unit(struct view text)
{
    return escaped(text) != 0 ? ESCAPE_BYTES : 1;
}

/* The same, of an empty one 0, and *c is what it is, where that is ASCII, else 0. */
static size_t unit_is(struct view text, char *c)
{
    uint32_t code = escaped(text);

    *c = '\0';
    if (text.n == 0)
        return 0;
    *c = code == 0 ? text.p[0] : (char)(code < 0x80 ? code : 0);
    return code == 0 ? 1 : ESCAPE_BYTES;
}

/* Bytes of the digit that text begins with; 0: none. */
static size_t digit(struct view text, char *c)
{
    size_t n;

    *c = text.n > 0 ? text.p[0] : '\0';
    if (*c != '\\')
        return ascii_is_digit(*c) ? 1 : 0; /* most */
    n = unit_is(text, c);
    return ascii_is_digit(*c) ? n : 0;
}

/* Bytes of the unit c that ends at `at`; 0: another does. */
static size_t unit_before(struct view text, size_t at, bool (*is)(char c))
{
    char c;

    if (at >= ESCAPE_BYTES && text.p[at - ESCAPE_BYTES] == '\\' &&
        unit_is((struct view){text.p + at - ESCAPE_BYTES, ESCAPE_BYTES}, &c) == ESCAPE_BYTES)
        return is(c) ? ESCAPE_BYTES : 0;
    return at > 0 && is(text.p[at - 1]) ? 1 : 0;
}

static bool is_zero(char c)
{
    return c == '0';
}

static bool is_plus(char c)
{
    return c == '+';
}

/* Bytes of what may stand between two digits of a number; 0: none of that. */
static size_t separator(struct view text)
{
    uint32_t code = escaped(text);
    char decoded[4];
    size_t n = phone_separator(text);

    if (n > 0)
        return n;
    if (view_has(VIEW("\n\r/_"), text.p[0]))
        return 1;
    if (text.n > 1 && text.p[0] == '\\' && view_has(VIEW("nrt/"), text.p[1]))
        return 2; /* of JSON, too */
    if (code == 0)
        return 0;
    n = utf8_write(code, decoded);
    return decoded[0] != '\\' && separator((struct view){decoded, n}) > 0 ? ESCAPE_BYTES : 0;
}

/* A zero that is dialled at home only: +358 (0)40. */
static const struct view trunk = {"(0)", 3};

/* The number, in whatever spelling, from `at` on; where it ends, or 0. trunks: those are none of
 * its digits. */
static size_t spelled_from(const struct person *p, struct view text, size_t at, bool trunks)
{
    size_t matched = 0;
    unsigned skipped = 0;

    while (matched < p->n && at < text.n) {
        struct view rest = view_skip(text, at);
        size_t between = matched > 0 ? separator(rest) : 0;
        char c;
        size_t taken = digit(rest, &c);

        if (taken > 0 && c == p->room[matched]) {
            matched++;
            at += taken;
            skipped = 0;
        } else if (matched > 0 && trunks && view_starts(rest, trunk) &&
                   skipped++ < SEPARATORS_MAX) {
            at += trunk.n;
        } else if (between > 0 && skipped++ < SEPARATORS_MAX) {
            at += between;
        } else {
            return 0;
        }
    }
    return matched == p->n ? at : 0;
}

/* Does a digit touch what ends there? */
static bool is_touched(struct view text, size_t end)
{
    char c;

    return end < text.n && digit(view_skip(text, end), &c) > 0;
}

static size_t number_at(const struct person *p, struct view text, size_t at)
{
    size_t longest = 0;

    for (int trunks = 0; trunks < 2; trunks++) {
        size_t end = spelled_from(p, text, at, trunks != 0);

        if (end > longest && !is_touched(text, end))
            longest = end;
    }
    return longest;
}

/* Where a number that begins at `at` begins with what stands before it: `+`, `00`; past the text
 * where it is part of another one. */
static size_t number_begin(struct view text, size_t at)
{
    size_t from = at;
    size_t zero = unit_before(text, from, is_zero);
    size_t zeros = zero == 0 ? 0 : unit_before(text, from - zero, is_zero);

    if (zeros > 0)
        from -= zero + zeros;
    from -= unit_before(text, from, is_plus);
    return unit_before(text, from, ascii_is_digit) > 0 ? text.n : from;
}

/* ASCII, and the letters that utf8_lower knows: quotes and dashes beyond ASCII stand around one. */
static bool is_of_name(uint32_t c)
{
    if (c < 0x80)
        return ascii_is_alnum((char)c) || c == '_' || c == '-' || c == '%' || c == '+';
    return c >= 0xc0 && c <= 0x52f && c != 0xd7 && c != 0xf7;
}

/* A part of a name, or a dot and one, that begins the text. */
static bool name_begins(struct view text)
{
    if (text.p != NULL && text.n > 1 && text.p[0] == '.')
        text = view_skip(text, 1);
    return text.p != NULL && text.n > 0 && text.p[0] != '\0' && is_of_name(utf8_code(text));
}

static uint32_t last_code(struct view text)
{
    size_t n = text.p != NULL && text.n > 0 ? 1 : 0;

    while (n > 0 && n < 4 && n < text.n && (text.p[text.n - n] & 0xc0) == 0x80)
        n++;
    return utf8_code(view_skip(text, text.n - n));
}

/* One, or one and a dot, that ends it. */
static bool name_ends(struct view text)
{
    uint32_t last;

    if (text.p != NULL && text.n > 1 && text.p[text.n - 1] == '.')
        text.n--;
    last = last_code(text);
    return last != 0 && is_of_name(last);
}

/* Can an address with '@' begin there; can one end before that? */
static bool may_begin(struct view text, size_t at)
{
    return !name_ends((struct view){text.p, at});
}

static bool may_end(struct view text, size_t end)
{
    return !name_begins(view_skip(text, end));
}

static size_t name_at(const struct person *p, struct view text, size_t at)
{
    size_t end = at + p->n;

    if (end > text.n || !utf8_eq_nocase((struct view){text.p + at, p->n}, person_normal(p)))
        return 0;
    return may_begin(text, at) && may_end(text, end) ? end : 0;
}

/* The next mention at or behind *from: begins there, ends at *to. */
static bool next(const struct person *p, struct view text, size_t *from, size_t *to)
{
    for (size_t at = *from; at + p->n <= text.n; at += unit(view_skip(text, at))) {
        char c;

        if (p->number && digit(view_skip(text, at), &c) > 0 && c == p->room[0]) {
            size_t begin = number_begin(text, at);

            if (begin < text.n && begin >= *from && (*to = number_at(p, text, at)) > 0) {
                *from = begin;
                return true;
            }
        } else if (!p->number && (*to = name_at(p, text, at)) > 0) {
            *from = at;
            return true;
        }
    }
    return false;
}

bool person_mentioned(const struct person *p, struct view text)
{
    size_t from = 0;
    size_t to = 0;

    return p->distinct && next(p, text, &from, &to);
}

/* One that begins with that byte. */
static bool number_in_bytes(const struct person *p, struct view bytes, char begin)
{
    while (bytes.n > 0 && bytes.n >= p->n) {
        const char *first = memchr(bytes.p, begin, bytes.n);

        if (first == NULL)
            return false;
        bytes = view_skip(bytes, (size_t)(first - bytes.p));
        if (spelled_from(p, bytes, 0, false) > 0 || spelled_from(p, bytes, 0, true) > 0)
            return true;
        bytes = view_skip(bytes, 1);
    }
    return false;
}

/* The character that bytes, not empty, begin with, as it is or as JSON escapes it; *n: its bytes, 0
 * where there is none. */
static uint32_t character(struct view bytes, size_t *n)
{
    uint32_t code = escaped(bytes);
    uint32_t low = code >> 10 == 0xd800 >> 10 ? escaped(view_skip(bytes, ESCAPE_BYTES)) : 0;

    *n = ESCAPE_BYTES;
    if (low >> 10 == 0xdc00 >> 10) {
        *n *= 2;
        return 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
    }
    if (code != 0)
        return code;
    *n = 2;
    if (bytes.n > 1 && bytes.p[0] == '\\' && view_has(VIEW("\"\\/"), bytes.p[1]))
        return (unsigned char)bytes.p[1];
    *n = utf8_first(bytes);
    return utf8_code(bytes);
}

/* Do the bytes begin with the name, escaped or not? */
static bool is_name_escaped(const struct person *p, struct view bytes)
{
    struct view name = person_normal(p);

    while (name.n > 0 && bytes.n > 0) {
        size_t n;
        uint32_t code = utf8_lower(character(bytes, &n));

        if (n == 0 || code != utf8_code(name))
            return false;
        bytes = view_skip(bytes, n);
        name = view_skip(name, utf8_first(name));
    }
    return name.n == 0;
}

static bool name_in_bytes(const struct person *p, struct view bytes)
{
    for (; bytes.n > 0 && bytes.n >= p->n; bytes = view_skip(bytes, 1)) {
        char c = ascii_lower(bytes.p[0]);

        if (c != p->room[0] && c != '\\' && (c & p->room[0] & 0x80) == 0)
            continue; /* most bytes */
        if (utf8_eq_nocase((struct view){bytes.p, p->n}, person_normal(p)) ||
            is_name_escaped(p, bytes))
            return true;
    }
    return false;
}

bool person_in_bytes(const struct person *p, struct view bytes)
{
    if (!p->distinct)
        return false;
    if (p->number)
        return number_in_bytes(p, bytes, p->room[0]) || number_in_bytes(p, bytes, '\\');
    return name_in_bytes(p, bytes);
}

bool person_is(const struct person *p, struct view address)
{
    char room[PHONE_NORMAL_MAX];
    struct view normal;
    struct fault f;

    if (address.n < p->n)
        return false;
    return (phone_normal(address, room, &normal, &f) && view_eq(normal, person_normal(p))) ||
           person_mentioned(p, address);
}

void person_without(const struct person *p, struct view text, struct buf *to)
{
    size_t done = 0;
    size_t from = 0;
    size_t end = 0;

    while (p->distinct && next(p, text, &from, &end)) {
        buf_put(to, (struct view){text.p + done, from - done});
        buf_put_text(to, "…");
        done = from = end;
    }
    buf_put(to, view_skip(text, done));
}

/* ---- known only when asked for ---- */

struct search {
    struct view text;
    const struct person_known *known;
};

struct view person_part(struct view normal)
{
    const char *at = normal.n == 0 ? NULL : memchr(normal.p, '@', normal.n);

    if (at != NULL)
        return view_skip(normal, (size_t)(at - normal.p));
    normal.n = normal.n < PERSON_DIGITS_MIN ? normal.n : PERSON_DIGITS_MIN;
    return normal;
}

static bool is_known(const struct search *s, struct view normal)
{
    return s->known->address(s->known->ctx, normal);
}

static bool is_part(const struct search *s, struct view part)
{
    return s->known->part(s->known->ctx, part);
}

/* The longest number of somebody known that begins with the digit at `at`; where it ends, or 0.
 * trunks: as in spelled_from; *met becomes true where there is one. */
static size_t known_from(const struct search *s, size_t at, bool trunks, bool *met)
{
    struct view text = s->text;
    char digits[PHONE_NORMAL_MAX];
    bool in_one = true; /* so far */
    unsigned skipped = 0;
    size_t n = 0;
    size_t end = 0;

    for (size_t i = at; i < text.n && n < (in_one ? sizeof digits : PERSON_SPELLED_MAX);) {
        struct view rest = view_skip(text, i);
        size_t taken = digit(rest, &digits[n]);
        size_t between = taken > 0 ? 0 : separator(rest);
        bool is_trunk = between > 0 && view_starts(rest, trunk);

        *met = *met || is_trunk;
        if (taken > 0) {
            i += taken;
            n++;
            if (n == 2 && memcmp(digits, "00", 2) == 0)
                return 0; /* what stands before a number */
            skipped = 0;
            if (n == PERSON_DIGITS_MIN && !is_part(s, (struct view){digits, n}))
                return 0;
            if (n >= PERSON_DIGITS_MIN && !is_touched(text, i) &&
                is_known(s, (struct view){digits, n}))
                end = i;
        } else if (between > 0 && skipped++ < SEPARATORS_MAX) {
            in_one = false;
            i += is_trunk && trunks ? trunk.n : between;
        } else {
            break;
        }
    }
    return end;
}

static size_t known_number(const struct search *s, size_t at)
{
    bool met = false;
    size_t end = known_from(s, at, false, &met);
    size_t other = met ? known_from(s, at, true, &met) : 0;

    return other > end ? other : end;
}

/* Blanks end an address, and so does the next '@'. */
static bool is_of_address(char c)
{
    return (unsigned char)c > ' ' && c != '@';
}

static bool is_within_letter(char c)
{
    return (c & 0xc0) == 0x80;
}

/* Where an address around the '@' at `at` may begin, not before `from`: the nearest first. */
static size_t begins(struct view text, size_t from, size_t at, size_t out[PERSON_SIDES_MAX])
{
    size_t count = 0;

    for (size_t i = at; count < PERSON_SIDES_MAX; i--) {
        if (!is_within_letter(text.p[i]) && may_begin(text, i))
            out[count++] = i;
        if (i == from || at - i == SIDE_MAX || !is_of_address(text.p[i - 1]))
            break;
    }
    return count;
}

static size_t ends(struct view text, size_t at, size_t out[PERSON_SIDES_MAX])
{
    size_t count = 0;

    for (size_t i = at + 1; count < PERSON_SIDES_MAX; i++) {
        if ((i == text.n || !is_within_letter(text.p[i])) && may_end(text, i))
            out[count++] = i;
        if (i == text.n || i - at == SIDE_MAX || !is_of_address(text.p[i]))
            break;
    }
    return count;
}

/* Where an address around the '@' at `at` may end, as far as its part tells. */
static size_t known_ends(const struct search *s, size_t at, size_t out[PERSON_SIDES_MAX])
{
    size_t count = ends(s->text, at, out);
    size_t kept = 0;
    char part[SIDE_MAX + 1]; /* of the longest */

    if (count > 0)
        utf8_small((struct view){s->text.p + at, out[count - 1] - at}, part);
    for (size_t e = 0; e < count; e++)
        if (is_part(s, (struct view){part, out[e] - at}))
            out[kept++] = out[e];
    return kept;
}

/* The longest address of somebody known around the '@' at `at`. Its normal form is that in small
 * letters: it has an '@', no blanks. */
static bool known_name(const struct search *s, size_t at, size_t *from, size_t *to)
{
    size_t begin[PERSON_SIDES_MAX];
    size_t end[PERSON_SIDES_MAX];
    size_t end_count = known_ends(s, at, end);
    size_t begin_count = end_count == 0 ? 0 : begins(s->text, *from, at, begin);
    char small[2 * SIDE_MAX + 1];
    size_t first;

    if (begin_count == 0)
        return false;
    first = begin[begin_count - 1];
    utf8_small((struct view){s->text.p + first, end[end_count - 1] - first}, small);
    for (size_t b = begin_count; b-- > 0;)
        for (size_t e = end_count; e-- > 0;)
            if (is_known(s, (struct view){small + (begin[b] - first), end[e] - begin[b]})) {
                *from = begin[b];
                *to = end[e];
                return true;
            }
    return false;
}

/* The next mention at or behind *from: begins there, ends at *to. */
static bool next_known(const struct search *s, size_t *from, size_t *to)
{
    for (size_t at = *from; at < s->text.n; at += unit(view_skip(s->text, at))) {
        char c;

        if (digit(view_skip(s->text, at), &c) > 0) {
            size_t begin = number_begin(s->text, at);

            if (begin < s->text.n && begin >= *from && (*to = known_number(s, at)) > 0) {
                *from = begin;
                return true;
            }
        } else if (s->text.p[at] == '@' && known_name(s, at, from, to)) {
            return true;
        }
    }
    return false;
}

bool person_known_mentioned(struct view text, const struct person_known *known)
{
    const struct search s = {text, known};
    size_t from = 0;
    size_t to = 0;

    return next_known(&s, &from, &to);
}

void person_without_known(struct view text, const struct person_known *known, struct buf *to)
{
    const struct search s = {text, known};
    size_t done = 0;
    size_t from = 0;
    size_t end = 0;

    while (next_known(&s, &from, &end)) {
        buf_put(to, (struct view){text.p + done, from - done});
        buf_put_text(to, "…");
        done = from = end;
    }
    buf_put(to, view_skip(text, done));
}
