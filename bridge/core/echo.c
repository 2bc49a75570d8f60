#include "bridge/core/echo.h"

#include "bridge/core/ascii.h"
#include "bridge/core/coded.h"
#include "bridge/core/event_body.h"
#include "bridge/core/mask.h"
#include "bridge/core/repeat.h"
#include "bridge/core/utf8.h"

#include <stdio.h>
#include <string.h>

#define WORD_MIN  3  /* bytes of a word that tells whose it is */
#define WORD_MAX  40 /* bytes of one word in quotes that is shown */
#define FORMS_MAX 4  /* one in the other: a page that shows an encoded URL that … */

_Static_assert(ECHO_LINE_MAX <= REPEAT_TEXT_MAX, "a line can be looked through");

/* ---- the private values ---- */

static bool is_hidden_number(struct view value)
{
    char shown[MASK_NUMBER_MAX];

    while (value.n > 0 && view_has(VIEW(" +("), value.p[0]))
        value = view_skip(value, 1);
    return value.n > 0 && mask_number(value, shown) == value.n;
}

/* A line at a time, as one is all that is shown. */
void echo_add(struct buf *privates, struct view value)
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
        buf_put(privates, line);
        buf_put_char(privates, '\0');
    }
}

static bool on_value(void *ctx, const struct cmi_field *field, const struct cmi_value *v,
                     struct fault *f)
{
    (void)f;
    if ((field->use & CMI_PRIVATE) != 0 && !v->null)
        echo_add(ctx, v->text);
    return true;
}

void echo_gather(const struct event_type *t, struct view body, struct view rest, codec_read *json,
                 struct buf *to)
{
    struct cmi_visitor visitor = {.ctx = to, .value = on_value};
    struct fault f = {0};

    if (strcmp(t->collection, cmi_customer_consent.plural) == 0) {
        (void)view_cut(&rest, '_'); /* <usage>_<address> */
        echo_add(to, rest);
    }
    if (t->data == EVENT_DATA_TEXT)
        echo_add(to, body);
    else if (t->data == EVENT_DATA_BODY && !event_body_check(t, json, body, NULL, visitor, &f))
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

/* What of the line is somebody's: private values and secrets. */
enum { PRIVATE = 1, SECRET = 2 };

/* The sentence as it may be shown. What was masked stands as it is: its digits are no part of a
 * number of the words around it. */
struct shown {
    struct buf words; /* as the sentence has them; not yet looked through for numbers */
    struct buf all;
};

struct sentence {
    struct view line;
    struct view privates;
    struct repeat repeats;
};

static bool is_part_of_word(char c)
{
    return ascii_is_alnum(c) || (c & 0x80) != 0;
}

static bool is_value(struct view values, struct view text)
{
    while (values.n > 0)
        if (utf8_eq_nocase(view_cut(&values, '\0'), text))
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

static void put_words(struct shown *to, struct view words)
{
    buf_put(&to->words, words);
}

static void words_end(struct shown *to)
{
    char masked[2 * ECHO_LINE_MAX]; /* five digits become six bytes */

    buf_put_text(&to->all, mask_sentence(buf_view(&to->words), masked, sizeof masked));
    buf_clear(&to->words);
}

static void put_masked(struct shown *to, const char *masked)
{
    words_end(to);
    buf_put_text(&to->all, masked);
}

static void put_length(struct shown *to, struct view text)
{
    char masked[MASK_TEXT_MAX];

    put_masked(to, mask_text(text, masked));
}

/* Only of what is a value itself, in the clear, may a part be shown: as of an address. */
static void put_repeat(const struct sentence *s, struct view text, unsigned char marks,
                       struct shown *to)
{
    char masked[MASK_TEXT_MAX];

    if (marks == PRIVATE && is_value(s->privates, text))
        put_masked(to, mask_address(text, masked));
    else
        put_length(to, text);
}

/* What stands in quotes may be a whole sentence, as in JSON: several words, most of them nobody's.
 * Those of one or two letters are everybody's. */
static bool is_sentence(const struct sentence *s, size_t at, size_t inside)
{
    size_t end = at + inside;
    size_t words = 0;
    size_t held = 0;

    while (at < end) {
        unsigned char marks;
        size_t found = repeat_at(&s->repeats, at, &marks); /* it is masked in any case */
        size_t n = found;

        while (found == 0 && at + n < end && is_part_of_word(s->line.p[at + n]))
            n++;
        if (found == 0 && n >= WORD_MIN) {
            words++;
            held += repeat_holds(&s->repeats, at, n);
        }
        at += n > 0 ? n : 1;
    }
    return words > 1 && 2 * held < words;
}

static size_t show_piece(const struct sentence *s, size_t at, struct shown *to);

static size_t show_sentence(const struct sentence *s, size_t at, size_t inside, struct shown *to)
{
    const struct view line = s->line;
    size_t end = at + 1 + inside;
    size_t i = at + 1;

    put_words(to, (struct view){line.p + at, 1});
    while (i < end)
        i += show_piece(s, i, to);
    if (i == end && end < line.n)
        put_words(to, (struct view){line.p + i++, 1});
    return i - at;
}

/* Shown if it is one word and nobody's. Returns the bytes it took, with its quotes, and with all of
 * a hidden value that begins in it. */
static size_t show_quoted(const struct sentence *s, size_t at, size_t inside, struct shown *to)
{
    const struct view line = s->line;
    struct view word = {line.p + at + 1, inside};
    bool shown = is_word(word) && !repeat_holds(&s->repeats, at + 1, inside);
    size_t end = at + 1 + inside;

    if (is_sentence(s, at + 1, inside))
        return show_sentence(s, at, inside, to);
    for (size_t i = at + 1; i <= end && i < line.n; i++) {
        unsigned char marks;
        size_t n = repeat_at(&s->repeats, i, &marks);

        if (n == 0)
            n = coded_text(view_skip(line, i));
        shown = shown && n == 0;
        if (i + n > end)
            end = i + n;
    }
    word.n = end - at - 1;
    put_words(to, (struct view){line.p + at, 1});
    if (shown)
        put_words(to, word);
    else
        put_length(to, word);
    if (end < line.n && line.p[end] == line.p[at])
        put_words(to, (struct view){line.p + end++, 1});
    return end - at;
}

/* A character, or several in quoted-printable. Of those that are not ASCII none is shown where a
 * value has such: in an encoding or another script it may be a part of it. */
static size_t show_character(const struct sentence *s, struct view rest, struct shown *to)
{
    size_t n = utf8_first(rest);
    bool sign;
    size_t quoted = coded_quoted(rest, &sign);

    n = n > 0 ? n : 1;
    if (s->repeats.foreign && quoted > 0 && !sign)
        n = quoted;
    if (s->repeats.foreign && (n > 1 || (rest.p[0] & 0x80) != 0))
        put_words(to, VIEW("?"));
    else
        put_words(to, (struct view){rest.p, n});
    return n;
}

/* Takes one piece off the line; returns its bytes. */
static size_t show_piece(const struct sentence *s, size_t at, struct shown *to)
{
    struct view rest = view_skip(s->line, at);
    char number[MASK_NUMBER_MAX];
    unsigned char marks;
    size_t inside = 0;
    size_t n = repeat_at(&s->repeats, at, &marks);

    if (n > 0) {
        put_repeat(s, (struct view){rest.p, n}, marks, to);
        return n;
    }
    if (quoted_at(s->line, at, &inside))
        return show_quoted(s, at, inside, to);
    n = coded_text(rest);
    if (n > 0) {
        put_length(to, (struct view){rest.p, n});
        return n;
    }
    n = mask_spares(rest, at > 0 ? s->line.p[at - 1] : ' ');
    if (n > 0 && !repeat_holds(&s->repeats, at, n)) {
        put_words(to, (struct view){rest.p, n});
        return n;
    }
    n = mask_number(rest, number);
    if (n > 0) {
        put_masked(to, number);
        return n;
    }
    return show_character(s, rest, to);
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

/* Cut at a whole character. */
static void copy_whole(struct view text, char *out, size_t size)
{
    size_t n = 0;
    size_t next;

    while ((next = utf8_first(view_skip(text, n))) > 0 && n + next < size)
        n += next;
    view_copy((struct view){text.p, n}, out, size);
}

const char *echo_mask(struct view said, const char *phrase, const struct buf *privates,
                      struct view secrets, char *out, size_t size)
{
    struct sentence s = {.privates = buf_view(privates)};
    struct view rest = said;
    struct view line = VIEW_NONE;
    char plain[2][ECHO_LINE_MAX];
    bool changed = true;
    struct shown shown;

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
    s.line = view_trim(line);
    repeat_init(&s.repeats, s.line);
    repeat_find(&s.repeats, s.privates, PRIVATE);
    repeat_find(&s.repeats, secrets, SECRET);
    buf_init(&shown.words, ECHO_LINE_MAX);
    buf_init(&shown.all, ECHO_LINE_MAX * MASK_TEXT_MAX);
    for (size_t at = 0; at < s.line.n;)
        at += show_piece(&s, at, &shown);
    words_end(&shown);
    copy_whole(buf_view(&shown.all), out, size);
    buf_done(&shown.words);
    buf_done(&shown.all);
    return out;
}
