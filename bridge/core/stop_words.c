#include "bridge/core/stop_words.h"

#include "bridge/core/ascii.h"
#include "bridge/core/coded.h"
#include "bridge/core/utf8.h"

#include <string.h>

#define WORDS_BYTES_MAX ((size_t)STOP_WORDS_MAX * STOP_WORD_BYTES)

void stop_words_init(struct stop_words *s)
{
    *s = (struct stop_words){.count = 0};
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

/* ASCII but letters and digits, and what telephones make of quotes and dots. */
static bool is_punctuation(struct view c)
{
    static const char *const others[] = {"¡", "¿", "«", "»", "…", "“", "”", "„", "‘", "’"};
    bool plain = c.n == 1 && !ascii_is_alnum(c.p[0]);

    for (size_t i = 0; !plain && i < sizeof others / sizeof others[0]; i++)
        if (view_is(c, others[i]))
            return true;
    return plain;
}

static bool put_lower(struct view c, char out[STOP_WORD_BYTES], size_t *n)
{
    char bytes[4];
    size_t count = utf8_write(utf8_lower(utf8_code(c)), bytes);

    if (*n + count >= STOP_WORD_BYTES)
        return false;
    memcpy(out + *n, bytes, count);
    *n += count;
    return true;
}

/* One form of a text: what may be around it is off, blanks are one, letters are small. false: it is
 * empty, too long, or not UTF-8. */
static bool fold(struct view text, char out[STOP_WORD_BYTES], struct view *folded)
{
    size_t n = 0;
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
            blank = n > 0;
            continue;
        }
        if (is_punctuation(c) && n == 0)
            continue;
        if (blank && !put_lower(VIEW(" "), out, &n))
            return false;
        blank = false;
        if (!put_lower(c, out, &n))
            return false;
        if (!is_punctuation(c))
            kept = n;
    }
    *folded = (struct view){out, kept};
    return kept > 0;
}

bool stop_words_add(struct stop_words *s, struct view list, struct fault *f)
{
    do {
        struct view word = view_cut(&list, ',');
        char room[STOP_WORD_BYTES];

        if (!fold(word, room, &word))
            return fault_set(f, FAULT_REJECT,
                             "has a word with nothing in it, or with more than %d bytes",
                             STOP_WORD_BYTES - 1);
        if (s->count == STOP_WORDS_MAX)
            return fault_set(f, FAULT_REJECT, "has more than %d words", STOP_WORDS_MAX);
        buf_put(&s->words, word);
        buf_put_char(&s->words, '\0');
        s->count++;
    } while (list.n > 0);
    return true;
}

bool stop_words_match(const struct stop_words *s, struct view text)
{
    struct view words = buf_view(&s->words);
    char room[STOP_WORD_BYTES];

    if (!fold(text, room, &text))
        return false;
    while (words.n > 0)
        if (view_eq(view_cut(&words, '\0'), text))
            return true;
    return false;
}
