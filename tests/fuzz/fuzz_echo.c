/* A line that a destination says, and behind it the remarks that an event had: of them no piece of
 * REPEAT_PIECE bytes is shown, and what is shown is text of one line.
 *
 * And remarks of letters, blanks and characters that are not ASCII, each of which the destination
 * repeats in a way of its own: nothing of their letters is shown. */
#include "bridge/core/ascii.h"
#include "bridge/core/echo.h"
#include "bridge/core/repeat.h"
#include "bridge/core/utf8.h"
#include "bridge/io/json_in.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool holds(struct view text, struct view piece)
{
    for (size_t i = 0; i + piece.n <= text.n; i++)
        if (memcmp(text.p + i, piece.p, piece.n) == 0)
            return true;
    return false;
}

static bool is_number(struct view text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!view_has(VIEW("0123456789 +-()."), text.p[i]))
            return false;
    return true;
}

static void mask(struct view remarks, struct view said, char out[SHOWN_MAX])
{
    struct buf privates;

    buf_init(&privates, ECHO_PRIVATE_MAX);
    echo_gather(event_type_find(VIEW("contact.remarks.added"), VIEW("")), remarks, VIEW("c"),
                json_in_read, &privates);
    echo_mask(said, "", &privates, VIEW_NONE, out, SHOWN_MAX);
    buf_done(&privates);
}

static void no_piece_is_shown(const uint8_t *data, size_t size)
{
    struct view remarks = {(const char *)data, size};
    struct view said = view_cut(&remarks, '\n');
    struct view line;
    char out[SHOWN_MAX];

    if (view_has(remarks, '\0') || !utf8_valid(remarks))
        return; /* no text may hold it */
    mask(remarks, said, out);
    assert(utf8_valid(view_of(out)));
    for (const char *c = out; *c != '\0'; c++)
        assert((unsigned char)*c >= ' ' && *c != 0x7f);
    /* What masks are made of is nobody's; nor is an address's host. */
    if (view_has(remarks, '@'))
        return;
    line = view_trim(view_cut(&remarks, '\n'));
    if (is_number(line)) /* hidden by its digits; the signs between are nobody's */
        return;
    for (size_t i = 0; i + REPEAT_PIECE <= line.n; i++) {
        struct view piece = {line.p + i, REPEAT_PIECE};

        if (!view_has(piece, ' ') && !view_has(piece, '(') && !view_has(piece, ')') &&
            !view_has(piece, '?'))
            assert(!holds(view_of(out), piece));
    }
}

/* What a character becomes on its way. */
enum way { ITSELF, BARE, DECOMPOSED, LOST, UNKNOWN, BYTES, PERCENT, QUOTED };

#define LETTERS  26
#define SAID_MAX 400

static const struct {
    const char *text;
    const char *bare;
    const char *decomposed;
} others[] = {
    {"ä", "ae", "a\xcc\x88"},        {"É", "e", "E\xcc\x81"}, {"ß", "ss", "ß"},
    {"ế", "e", "e\xcc\x82\xcc\x81"}, {"李", "", "李"},
};

#define OTHERS (sizeof others / sizeof others[0])

static void put_hex(struct buf *to, char sign, const char *bytes)
{
    for (; *bytes != '\0'; bytes++) {
        char hex[4];

        (void)snprintf(hex, sizeof hex, "%c%02X", sign, (unsigned)(unsigned char)*bytes);
        buf_put_text(to, hex);
    }
}

/* As if the bytes were characters of Latin-1. */
static void put_bytes(struct buf *to, const char *bytes)
{
    for (; *bytes != '\0'; bytes++) {
        char out[4];

        buf_put(to, (struct view){out, utf8_write((unsigned char)*bytes, out)});
    }
}

static void put_other(struct buf *to, size_t other, enum way way)
{
    switch (way) {
    case ITSELF:
        buf_put_text(to, others[other].text);
        break;
    case BARE:
        buf_put_text(to, others[other].bare);
        break;
    case DECOMPOSED:
        buf_put_text(to, others[other].decomposed);
        break;
    case LOST:
        buf_put_text(to, other % 2 == 0 ? "?" : "");
        break;
    case UNKNOWN:
        buf_put_text(to, other % 2 == 0 ? "\xef\xbf\xbd" : "\xe4");
        break;
    case BYTES:
        put_bytes(to, others[other].text);
        break;
    case PERCENT:
        put_hex(to, '%', others[other].text);
        break;
    case QUOTED:
        put_hex(to, '=', others[other].text);
        break;
    }
}

/* Of what is shown, but for the words of masks. */
static size_t letters_in(struct view shown)
{
    size_t n = 0;

    while (shown.n > 0) {
        if (view_starts(shown, VIEW(" characters)")) || view_starts(shown, VIEW(" character)")))
            (void)view_cut(&shown, ')');
        else {
            n += ascii_is_letter(shown.p[0]);
            shown = view_skip(shown, 1);
        }
    }
    return n;
}

static void no_letter_is_shown(const uint8_t *data, size_t size)
{
    char out[SHOWN_MAX];
    struct buf remarks;
    struct buf said;
    size_t letters = 0;
    size_t around[2] = {0, 0}; /* others in front of the first letter, and after the last */

    buf_init(&remarks, ECHO_PRIVATE_MAX);
    buf_init(&said, ECHO_PRIVATE_MAX);
    for (size_t i = 0; i < size && said.n < SAID_MAX; i++) {
        size_t what = data[i] % 32;
        enum way way = data[i] / 32;

        if (what < LETTERS) {
            buf_put_char(&remarks, (char)('a' + what));
            buf_put_char(&said, (char)((way == ITSELF ? 'A' : 'a') + what));
            letters++;
            around[1] = 0;
        } else if (what == LETTERS) {
            buf_put_char(&remarks, ' ');
            buf_put_text(&said, way == ITSELF ? "  " : way == QUOTED ? "=20" : " ");
        } else {
            buf_put_text(&remarks, others[what - LETTERS - 1].text);
            put_other(&said, what - LETTERS - 1, way);
            around[letters > 0]++;
        }
    }
    mask(buf_view(&remarks), buf_view(&said), out);
    if (letters >= 2)
        assert(letters_in(view_of(out)) <= 2 * (around[0] + around[1]));
    buf_done(&remarks);
    buf_done(&said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    no_piece_is_shown(data, size);
    no_letter_is_shown(data, size);
    return 0;
}
