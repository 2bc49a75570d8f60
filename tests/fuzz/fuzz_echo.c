/* A line that a destination says, and behind it the remarks that an event had: of them no piece of
 * ECHO_PIECE bytes is shown, and what is shown is text of one line. */
#include "bridge/core/echo.h"
#include "bridge/core/utf8.h"
#include "bridge/io/json_in.h"

#include <assert.h>
#include <string.h>

#define SHOWN_MAX 256

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view remarks = {(const char *)data, size};
    struct view said = view_cut(&remarks, '\n');
    struct view line;
    struct buf privates;
    char out[SHOWN_MAX];

    if (view_has(remarks, '\0') || !utf8_valid(remarks))
        return 0; /* no text may hold it */
    buf_init(&privates, ECHO_PRIVATE_MAX);
    echo_gather(event_type_find(VIEW("contact.remarks.added"), VIEW("")), remarks, VIEW("c"),
                json_in_read, &privates);
    echo_mask(said, "", &privates, VIEW_NONE, out, sizeof out);
    buf_done(&privates);
    assert(utf8_valid(view_of(out)));
    for (const char *c = out; *c != '\0'; c++)
        assert((unsigned char)*c >= ' ' && *c != 0x7f);
    /* What masks are made of is nobody's; nor is an address's host. */
    if (view_has(remarks, '@'))
        return 0;
    line = view_trim(view_cut(&remarks, '\n'));
    if (is_number(line)) /* hidden by its digits; the signs between are nobody's */
        return 0;
    for (size_t i = 0; i + ECHO_PIECE <= line.n; i++) {
        struct view piece = {line.p + i, ECHO_PIECE};

        if (!view_has(piece, ' ') && !view_has(piece, '(') && !view_has(piece, ')') &&
            !view_has(piece, '?'))
            assert(!holds(view_of(out), piece));
    }
    return 0;
}
