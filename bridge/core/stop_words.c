#include "bridge/core/stop_words.h"

#include "bridge/core/ascii.h"
#include "bridge/core/coded.h"
#include "bridge/core/utf8.h"

#include <string.h>

#define WORDS_BYTES_MAX ((size_t)STOP_WORDS_MAX * STOP_WORD_BYTES)
#define AS_WRITTEN                                                                                 \
    ((size_t)4 * STOP_WORD_BYTES) /* marks that are written apart fold to fewer bytes */

/* Common punctuation beyond ASCII: so a list that is nothing else is seen without ICU, too. */
static bool is_punctuation(uint32_t code)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } ranges[] = {{0xa1, 0xa1},     {0xa7, 0xa7},     {0xab, 0xab},     {0xb6, 0xb7},
                  {0xbb, 0xbb},     {0xbf, 0xbf},     {0x60c, 0x60d},   {0x61b, 0x61b},
                  {0x61f, 0x61f},   {0x6d4, 0x6d4},   {0x964, 0x965},   {0x2010, 0x2027},
                  {0x202a, 0x202e}, {0x2030, 0x2043}, {0x2066, 0x2069}, {0x3001, 0x3003},
                  {0x3008, 0x3011}, {0x3014, 0x301f}, {0x30fb, 0x30fb}, {0xff61, 0xff65}};

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

static void fold_ascii(struct view text, struct buf *to)
{
    for (size_t i = 0; i < text.n; i++)
        buf_put_char(to, ascii_lower(text.p[i]));
}

void stop_words_init(struct stop_words *s, const struct stop_words_letters *letters)
{
    static const struct stop_words_letters ascii = {is_punctuation, fold_ascii};

    *s = (struct stop_words){.letters = letters != NULL ? letters : &ascii};
    buf_init(&s->words, WORDS_BYTES_MAX);
}

void stop_words_done(struct stop_words *s)
{
    buf_done(&s->words);
    s->count = 0;
}

static bool is_blank(struct view c)
{
    return (c.n == 1 && view_has(VIEW(" \t\r\n"), c.p[0])) || view_is(c, "\u00a0");
}

static bool is_beside(const struct stop_words *s, struct view c)
{
    return c.n == 1 ? !ascii_is_alnum(c.p[0]) : s->letters->is_beside(utf8_code(c));
}

/* What may be around it is off, blanks are one. false: it is too long, or not UTF-8. */
static bool trim(const struct stop_words *s, struct view text, struct buf *to)
{
    size_t kept = 0; /* up to the last letter or digit */
    bool blank = false;

    while (text.n > 0) {
        struct view c = {text.p, utf8_first(text)};
        int plain = coded_plain(text, &c.n);
        char sign = (char)plain;

        if (c.n == 0)
            return false;
        text = view_skip(text, c.n);
        if (plain == '\0')
            continue; /* of no width */
        if (plain > 0)
            c = (struct view){&sign, 1};
        if (is_blank(c)) {
            blank = to->n > 0;
            continue;
        }
        if (is_beside(s, c) && to->n == 0)
            continue;
        if (blank)
            buf_put_char(to, ' ');
        blank = false;
        buf_put(to, c);
        if (!is_beside(s, c))
            kept = to->n;
    }
    to->n = kept;
    return !to->full;
}

/* One form of a text. false: it is empty, too long, or not UTF-8. */
static bool fold(const struct stop_words *s, struct view text, struct buf *folded)
{
    struct buf trimmed;
    bool ok;

    buf_init(&trimmed, AS_WRITTEN);
    ok = trim(s, text, &trimmed);
    if (ok)
        s->letters->fold(buf_view(&trimmed), folded);
    buf_done(&trimmed);
    return ok && !folded->full && folded->n > 0;
}

bool stop_words_add(struct stop_words *s, struct view list, struct fault *f)
{
    struct buf folded;
    bool ok = true;

    buf_init(&folded, STOP_WORD_BYTES - 1);
    do {
        struct view word = view_cut(&list, ',');

        buf_clear(&folded);
        if (!fold(s, word, &folded)) {
            ok = fault_set(f, FAULT_REJECT,
                           "has a word with nothing in it, or with more than %d bytes",
                           STOP_WORD_BYTES - 1);
        } else if (s->count == STOP_WORDS_MAX) {
            ok = fault_set(f, FAULT_REJECT, "has more than %d words", STOP_WORDS_MAX);
        } else {
            buf_put(&s->words, buf_view(&folded));
            buf_put_char(&s->words, '\0');
            s->count++;
        }
    } while (ok && list.n > 0);
    buf_done(&folded);
    return ok;
}

bool stop_words_match(const struct stop_words *s, struct view text)
{
    struct view words = buf_view(&s->words);
    struct buf folded;
    bool found = false;

    buf_init(&folded, STOP_WORD_BYTES - 1);
    if (fold(s, text, &folded))
        while (words.n > 0 && !found)
            found = view_eq(view_cut(&words, '\0'), buf_view(&folded));
    buf_done(&folded);
    return found;
}
