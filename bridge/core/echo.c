#include "bridge/core/echo.h"

#include "bridge/core/coded.h"
#include "bridge/core/event_body.h"
#include "bridge/core/mask.h"
#include "bridge/core/utf8.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX      40 /* bytes of one word in quotes that is shown */
#define SHORT_VALUE   8  /* bytes; a shorter value counts only as a word */
#define HIDDEN_DIGITS 5  /* mask_sentence hides a number of so many by itself */
#define NUMBER_DIGITS 7  /* one of so many is hidden here whatever parts them */
#define FEW_LETTERS   3  /* of a value whose other letters became something else */
#define FORMS_MAX     4  /* one in the other: a page that shows an encoded URL that … */

/* ---- the private values ---- */

static bool is_hidden_number(struct view value)
{
    size_t digits = 0;

    for (size_t i = 0; i < value.n; i++) {
        bool digit = value.p[i] >= '0' && value.p[i] <= '9';

        digits += digit;
        if (!digit && !view_has(VIEW(" +-()."), value.p[i]))
            return false;
    }
    return digits >= HIDDEN_DIGITS;
}

/* A line at a time, as one is all that is shown. */
static void gather(struct buf *to, struct view value)
{
    while (value.n > 0) {
        size_t n = 0;
        struct view line;

        while (n < value.n && value.p[n] != '\n' && value.p[n] != '\r')
            n++;
        line = view_trim((struct view){value.p, n});
        value = view_skip(value, n + 1);
        if (line.n == 0 || is_hidden_number(line))
            continue;
        buf_put(to, line);
        buf_put_char(to, '\0');
    }
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    (void)f;
    if ((field->use & CMI_PRIVATE) != 0 && !v->null)
        gather(ctx, v->text);
    return true;
}

void echo_gather(const struct event_type *t, struct view body, struct view rest, codec_read *json,
                 struct buf *to)
{
    struct cmi_visitor visitor = {.ctx = to, .value = on_value};
    struct fault f = {0};

    if (strcmp(t->collection, cmi_customer_consent.plural) == 0) {
        (void)view_cut(&rest, '_'); /* <usage>_<address> */
        gather(to, rest);
    }
    if (t->data == EVENT_DATA_TEXT)
        gather(to, body);
    else if (t->data == EVENT_DATA_BODY && !event_body_check(t, json, body, visitor, &f))
        to->full = true; /* it was checked before; whatever it is now, show nothing */
}

void echo_add_secret(struct buf *secrets, const char *secret)
{
    if (secret == NULL || *secret == '\0')
        return;
    buf_put_text(secrets, secret);
    buf_put_char(secrets, '\0');
}

/* ---- the sentence ---- */

/* What is looked for: values with a NUL behind each. */
struct hidden {
    struct view privates;
    struct view secrets;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_part_of_word(char c)
{
    return is_letter(c) || is_digit(c) || (c & 0x80) != 0;
}

/* Of a value and of what was said: bytes that are alike, from their starts on, and how many letters
 * and digits are among them. */
struct match {
    size_t value;
    size_t said;
    size_t letters;
};

/* What counts as words when two texts are compared: with the letters of all scripts, or, for what
 * went through a character set that has not all of them, with those of ASCII only. */
enum words { ALL_WORDS, ASCII_WORDS };

static bool in_word(char c, enum words words)
{
    return words == ALL_WORDS ? is_part_of_word(c) : is_letter(c) || is_digit(c);
}

static size_t between_words(struct view text, size_t at, enum words words)
{
    while (at < text.n && text.p[at] != '\0' && !in_word(text.p[at], words))
        at++;
    return at;
}

/* The character at text[at] in lower case; *n: its bytes. */
static uint32_t letter_at(struct view text, size_t at, size_t *n)
{
    struct view rest = {text.p + at, text.n - at};

    *n = utf8_first(rest);
    if (*n > 0)
        return utf8_lower(utf8_code(rest));
    *n = 1;
    return UTF8_NO_CODE + (unsigned char)rest.p[0]; /* of no character */
}

/* Up to the NUL that ends the value. What stands between words may have become something else: '+'
 * in a form, a line's end or several blanks in a page, an escape. */
static struct match alike(struct view value, struct view said, enum words words)
{
    struct match m = {0};
    size_t beyond = 0; /* bytes between words that the value has otherwise; not at the end */

    while (m.value < value.n && m.said < said.n && value.p[m.value] != '\0') {
        size_t value_end = between_words(value, m.value, words);
        size_t said_end = between_words(said, m.said, words);
        size_t value_n;
        size_t said_n;

        if (value_end > m.value && said_end > m.said) {
            while (m.value < value_end && m.said < said_end && value.p[m.value] == said.p[m.said]) {
                m.value++;
                m.said++;
            }
            beyond = said_end - m.said;
            m.value = value_end;
            m.said = said_end;
        } else if (letter_at(value, m.value, &value_n) == letter_at(said, m.said, &said_n)) {
            beyond = 0;
            m.value += value_n;
            m.said += said_n;
            m.letters++;
        } else {
            break;
        }
    }
    m.said -= beyond;
    return m;
}

/* Does a word end in front of line[at]? */
static bool is_edge(struct view line, size_t at)
{
    return at == 0 || at >= line.n || !is_part_of_word(line.p[at - 1]) ||
           !is_part_of_word(line.p[at]);
}

/* Is it the first word of one of the values? */
static bool is_beginning(struct view values, size_t i, enum words words)
{
    while (i > 0 && values.p[i - 1] != '\0' && !in_word(values.p[i - 1], words))
        i--;
    return i == 0 || values.p[i - 1] == '\0';
}

/* Is it a value, or enough of one, that begins at values[i]? */
static bool is_enough(struct view line, size_t at, struct view values, size_t i, struct match m,
                      enum words words)
{
    bool edges = is_edge(line, at) && is_edge(line, at + m.said);
    bool all = m.said > 0 && values.p[i + m.value] == '\0' && is_beginning(values, i, words);

    if (words == ASCII_WORDS) /* of which part is missing */
        return m.letters >= ECHO_PIECE || (all && edges && m.letters >= FEW_LETTERS);
    return (all && (m.said >= SHORT_VALUE || edges)) || m.value >= ECHO_PIECE;
}

/* Byte for byte, but for the case of letters. */
static size_t same_bytes(struct view value, struct view said)
{
    size_t n = 0;

    while (n < value.n && n < said.n && value.p[n] != '\0' && lower(value.p[n]) == lower(said.p[n]))
        n++;
    return n;
}

/* Bytes that the line has at `at` of the piece at values[i]; *whole: it is all of a value,
 * unchanged. */
static size_t piece_at(struct view line, size_t at, struct view values, size_t i, bool *whole)
{
    struct view here = view_skip(line, at);
    size_t longest = same_bytes(view_skip(values, i), here);

    *whole = values.p[i + longest] == '\0' && (i == 0 || values.p[i - 1] == '\0') &&
             (longest >= SHORT_VALUE || (is_edge(line, at) && is_edge(line, at + longest)));
    if (!*whole && longest < ECHO_PIECE)
        longest = 0;
    for (int words = ALL_WORDS; words <= ASCII_WORDS; words++) {
        struct match m;

        if (!in_word(values.p[i], (enum words)words))
            continue;
        m = alike(view_skip(values, i), here, (enum words)words);
        if (m.said <= longest || !is_enough(line, at, values, i, m, (enum words)words))
            continue;
        longest = m.said;
        *whole = false; /* what is not the value itself is no address of ours to show a part of */
    }
    return longest;
}

/* Bytes of line, from `at` on, that are one of the values or a long enough piece of one; 0: none.
 */
static size_t value_at(struct view line, size_t at, struct view values, bool *whole)
{
    size_t longest = 0;

    *whole = false;
    for (size_t i = 0; i < values.n; i++) {
        bool all;
        size_t n;

        if (lower(values.p[i]) != lower(line.p[at]) && (values.p[i] & line.p[at] & 0x80) == 0)
            continue; /* most of them */
        n = piece_at(line, at, values, i, &all);
        if (n <= longest)
            continue;
        longest = n;
        *whole = all;
    }
    while (longest > 0 && at + longest < line.n && (line.p[at + longest] & 0xc0) == 0x80)
        longest--; /* not within a character */
    return longest;
}

/* whole: it is all of a private value, which mask_address may show something of. */
static size_t hidden_at(struct view line, size_t at, const struct hidden *h, bool *whole)
{
    bool any;
    size_t n = value_at(line, at, h->privates, whole);
    size_t secret = value_at(line, at, h->secrets, &any);

    if (secret == 0)
        return n;
    *whole = false;
    return secret > n ? secret : n;
}

static bool holds(struct view values, struct view word)
{
    for (size_t i = 0; i < values.n && word.n > 0; i++)
        if (alike(view_skip(values, i), word, ALL_WORDS).said == word.n)
            return true;
    return false;
}

static bool is_word(struct view v)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.p[i] <= ' ' || v.p[i] > '~')
            return false;
    return v.n <= WORD_MAX;
}

/* Bytes within the quotes that begin at line[at]; false: none do. What never ends goes to the end
 * of the line. An apostrophe within a word is no quote. */
static bool quoted_at(struct view line, size_t at, size_t *n)
{
    char quote = line.p[at];

    if (!view_has(VIEW("'\"`"), quote) || (at > 0 && is_part_of_word(line.p[at - 1])))
        return false;
    *n = line.n - at - 1;
    for (size_t i = at + 1; i < line.n; i++)
        if (line.p[i] == quote && (i + 1 == line.n || !is_part_of_word(line.p[i + 1]))) {
            *n = i - at - 1;
            break;
        }
    return true;
}

static void put_masked(struct buf *to, struct view value, bool whole)
{
    char masked[MASK_TEXT_MAX];

    buf_put_text(to, whole ? mask_address(value, masked) : mask_text(value, masked));
}

/* A number, however it is written: whole digits of a sentence with anything but letters between. */
static size_t number_at(struct view line, size_t at)
{
    size_t digits = 0;
    size_t end = at;

    for (size_t i = at; i < line.n && ((line.p[i] & 0x80) != 0 || !is_letter(line.p[i])); i++)
        if (is_digit(line.p[i])) {
            digits++;
            end = i + 1;
        }
    return is_digit(line.p[at]) && digits >= NUMBER_DIGITS ? end - at : 0;
}

/* As mask_sentence shows one. */
static void put_number(struct buf *to, struct view number)
{
    char last[4] = "";
    size_t n = 3;

    for (size_t i = number.n; i > 0 && n > 0; i--)
        if (is_digit(number.p[i - 1]))
            last[--n] = number.p[i - 1];
    buf_put_text(to, "…");
    buf_put_text(to, last + n);
}

/* What stands in quotes: shown if it is one word and nobody's. Returns the bytes it took, with its
 * quotes, and with all of a hidden value that begins in it. */
static size_t show_quoted(struct view line, size_t at, size_t inside, const struct hidden *h,
                          struct buf *to)
{
    struct view word = {line.p + at + 1, inside};
    bool shown = is_word(word) && !holds(h->privates, word) && !holds(h->secrets, word);
    size_t end = at + 1 + inside;

    for (size_t i = at + 1; i <= end && i < line.n; i++) {
        bool whole = false;
        size_t n = hidden_at(line, i, h, &whole);

        if (n == 0)
            n = coded_text(view_skip(line, i));
        shown = shown && n == 0;
        if (i + n > end)
            end = i + n;
    }
    word.n = end - at - 1;
    buf_put(to, (struct view){line.p + at, 1});
    if (shown)
        buf_put(to, word);
    else
        put_masked(to, word, false);
    if (end < line.n && line.p[end] == line.p[at])
        buf_put(to, (struct view){line.p + end++, 1});
    return end - at;
}

/* Takes one piece off the line; returns its bytes. */
static size_t show_piece(struct view line, size_t at, const struct hidden *h, struct buf *to)
{
    bool whole = false;
    size_t inside = 0;
    size_t n = hidden_at(line, at, h, &whole);

    if (n > 0) {
        put_masked(to, (struct view){line.p + at, n}, whole);
        return n;
    }
    if (quoted_at(line, at, &inside))
        return show_quoted(line, at, inside, h, to);
    n = coded_text(view_skip(line, at));
    if (n > 0) {
        put_masked(to, (struct view){line.p + at, n}, false);
        return n;
    }
    n = number_at(line, at);
    if (n > 0) {
        put_number(to, (struct view){line.p + at, n});
        return n;
    }
    n = utf8_first(view_skip(line, at));
    n = n > 0 ? n : 1;
    buf_put(to, (struct view){line.p + at, n});
    return n;
}

/* One piece of the line without its form: an escape, a tag, a character of another script. Never
 * longer than what is taken. */
static size_t plain_piece(struct view line, char out[4], size_t *n)
{
    size_t taken = coded_escape(line, out, n);
    int sign;

    if (taken > 0)
        return taken;
    taken = coded_tag(line);
    sign = taken > 0 ? ' ' : coded_plain(line, &taken);
    out[0] = sign < 0 ? line.p[0] : (char)sign;
    *n = sign != '\0';
    return sign < 0 || taken == 0 ? 1 : taken;
}

/* Without the forms of pages, JSON and URLs, one in the other. *changed: there was one. */
static struct view decoded(struct view line, char out[ECHO_LINE_MAX], bool *changed)
{
    size_t n = 0;

    *changed = false;
    while (line.n > 0) {
        char piece[4];
        size_t bytes;
        size_t taken = plain_piece(line, piece, &bytes);

        *changed = *changed || taken != bytes || piece[0] != line.p[0];
        memcpy(out + n, piece, bytes);
        n += bytes;
        line = view_skip(line, taken);
    }
    return (struct view){out, n};
}

const char *echo_mask(struct view said, const char *phrase, const struct buf *privates,
                      struct view secrets, char *out, size_t size)
{
    const struct hidden h = {buf_view(privates), secrets};
    struct view rest = said;
    struct view line = VIEW_NONE;
    char plain[2][ECHO_LINE_MAX];
    bool changed = true;
    struct buf shown;

    while (line.n == 0 && rest.n > 0) {
        line = view_cut(&rest, '\n');
        line = view_trim(view_cut(&line, '\r'));
    }
    if (privates->full) {
        char masked[MASK_TEXT_MAX];

        (void)snprintf(out, size, "%s%s%s", phrase, phrase[0] != '\0' ? "; " : "",
                       mask_text(line, masked));
        return out;
    }
    if (line.n > ECHO_LINE_MAX)
        line.n = ECHO_LINE_MAX;
    for (int i = 0; i < FORMS_MAX && changed; i++)
        line = decoded(line, plain[i % 2], &changed);
    line = view_trim(line);
    buf_init(&shown, ECHO_LINE_MAX * MASK_TEXT_MAX);
    for (size_t at = 0; at < line.n;)
        at += show_piece(line, at, &h, &shown);
    mask_sentence(buf_view(&shown), out, size);
    buf_done(&shown);
    return out;
}
