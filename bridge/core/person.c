#include "bridge/core/person.h"

#include "bridge/core/ascii.h"
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

/* The number, in whatever spelling, from `at` on; where it ends, or 0. */
static size_t spelled_from(const struct person *p, struct view text, size_t at)
{
    size_t matched = 0;
    unsigned skipped = 0;

    while (matched < p->n && at < text.n) {
        size_t separator = matched > 0 ? phone_separator(view_skip(text, at)) : 0;

        if (text.p[at] == p->room[matched]) {
            matched++;
            at++;
            skipped = 0;
        } else if (separator > 0 && skipped++ < SEPARATORS_MAX) {
            at += separator;
        } else {
            return 0;
        }
    }
    return matched == p->n ? at : 0;
}

static size_t number_at(const struct person *p, struct view text, size_t at)
{
    size_t end = spelled_from(p, text, at);

    return end > 0 && end < text.n && ascii_is_digit(text.p[end]) ? 0 : end;
}

/* Where a number that begins at `at` begins with what stands before it: `+`, `00`; past the text
 * where it is part of another one. */
static size_t number_begin(struct view text, size_t at)
{
    size_t from = at;

    if (from >= 2 && text.p[from - 1] == '0' && text.p[from - 2] == '0')
        from -= 2;
    if (from > 0 && text.p[from - 1] == '+')
        from--;
    if (from > 0 && ascii_is_digit(text.p[from - 1]))
        return text.n;
    return from;
}

/* ASCII, and the letters that utf8_lower knows: quotes and dashes beyond ASCII stand around one. */
static bool is_of_name(uint32_t c)
{
    if (c < 0x80)
        return ascii_is_alnum((char)c) || strchr("_-%+", (int)c) != NULL;
    return c >= 0xc0 && c <= 0x52f && c != 0xd7 && c != 0xf7;
}

/* A part of a name, or a dot and one, that begins the text. */
static bool name_begins(struct view text)
{
    if (text.n > 1 && text.p[0] == '.')
        text = view_skip(text, 1);
    return text.n > 0 && text.p[0] != '\0' && is_of_name(utf8_code(text));
}

static uint32_t last_code(struct view text)
{
    size_t n = text.n > 0 ? 1 : 0;

    while (n > 0 && n < 4 && n < text.n && (text.p[text.n - n] & 0xc0) == 0x80)
        n++;
    return utf8_code(view_skip(text, text.n - n));
}

/* One, or one and a dot, that ends it. */
static bool name_ends(struct view text)
{
    uint32_t last;

    if (text.n > 1 && text.p[text.n - 1] == '.')
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
    for (size_t at = *from; at + p->n <= text.n; at++) {
        if (p->number && text.p[at] == p->room[0]) {
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

bool person_in_bytes(const struct person *p, struct view bytes)
{
    for (size_t at = 0; p->distinct && at + p->n <= bytes.n; at++) {
        const char *first = memchr(bytes.p + at, p->room[0], p->number ? bytes.n - at : 0);

        if (p->number) {
            if (first == NULL)
                return false;
            at = (size_t)(first - bytes.p);
            if (spelled_from(p, bytes, at) > 0)
                return true;
        } else if (utf8_eq_nocase((struct view){bytes.p + at, p->n}, person_normal(p))) {
            return true;
        }
    }
    return false;
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
    person_known *known;
    const void *ctx;
};

/* The longest number of somebody known that begins with the digit at `at`; where it ends, or 0. */
static size_t known_number(const struct search *s, size_t at)
{
    struct view text = s->text;
    char digits[PHONE_NORMAL_MAX];
    bool in_one = true; /* so far */
    unsigned skipped = 0;
    size_t n = 0;
    size_t end = 0;

    for (size_t i = at; i < text.n && n < (in_one ? sizeof digits : PERSON_SPELLED_MAX);) {
        size_t separator = phone_separator(view_skip(text, i));

        if (ascii_is_digit(text.p[i])) {
            digits[n++] = text.p[i++];
            if (n == 2 && memcmp(digits, "00", 2) == 0)
                return 0; /* what stands before a number */
            skipped = 0;
            if (n >= PERSON_DIGITS_MIN && (i == text.n || !ascii_is_digit(text.p[i])) &&
                s->known(s->ctx, (struct view){digits, n}))
                end = i;
        } else if (separator > 0 && skipped++ < SEPARATORS_MAX) {
            in_one = false;
            i += separator;
        } else {
            break;
        }
    }
    return end;
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

/* The longest address of somebody known around the '@' at `at`. */
static bool known_name(const struct search *s, size_t at, size_t *from, size_t *to)
{
    size_t begin[PERSON_SIDES_MAX];
    size_t end[PERSON_SIDES_MAX];
    size_t begin_count = begins(s->text, *from, at, begin);
    size_t end_count = ends(s->text, at, end);
    char room[PHONE_NORMAL_MAX];
    struct view widest = VIEW_NONE;
    struct view normal;
    struct fault f;

    if (begin_count == 0 || end_count == 0)
        return false;
    widest = (struct view){s->text.p + begin[begin_count - 1],
                           end[end_count - 1] - begin[begin_count - 1]};
    if (!phone_normal(widest, room, &normal, &f) || normal.n != widest.n)
        return false; /* neither can be: it has an '@', no blanks, and small letters are as long */
    for (size_t b = begin_count; b-- > 0;)
        for (size_t e = end_count; e-- > 0;)
            if (s->known(s->ctx, (struct view){normal.p + (begin[b] - begin[begin_count - 1]),
                                               end[e] - begin[b]})) {
                *from = begin[b];
                *to = end[e];
                return true;
            }
    return false;
}

/* The next mention at or behind *from: begins there, ends at *to. */
static bool next_known(const struct search *s, size_t *from, size_t *to)
{
    for (size_t at = *from; at < s->text.n; at++) {
        if (ascii_is_digit(s->text.p[at])) {
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

bool person_known_mentioned(struct view text, person_known *known, const void *ctx)
{
    const struct search s = {text, known, ctx};
    size_t from = 0;
    size_t to = 0;

    return next_known(&s, &from, &to);
}

void person_without_known(struct view text, person_known *known, const void *ctx, struct buf *to)
{
    const struct search s = {text, known, ctx};
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
