/* Whatever comes: what is shown is text of one line, within its bounds, with no run of digits long
 * enough to be a number but in a GUID. */
#include "bridge/core/ascii.h"
#include "bridge/core/guid.h"
#include "bridge/core/mask.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 4 /* a run may show this many */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t guid_at(struct view shown, char before)
{
    static const size_t lengths[] = {GUID_HYPHEN_LEN, GUID_HEX_LEN};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0] && !ascii_is_alnum(before); i++) {
        struct view text = {shown.p, lengths[i]};
        struct guid guid;

        if (shown.n >= text.n && (shown.n == text.n || !ascii_is_alnum(shown.p[text.n])) &&
            guid_parse(text, &guid))
            return text.n;
    }
    return 0;
}

static void check(const char *text, size_t max)
{
    struct view shown = view_of(text);
    unsigned digits = 0;
    char before = ' ';

    assert(shown.n < max && utf8_valid(shown));
    while (shown.n > 0) {
        size_t n = guid_at(shown, before);
        char c = shown.p[0];

        if (n == 0) {
            assert((c & 0x80) != 0 || (c >= ' ' && c <= '~'));
            digits = ascii_is_digit(c) ? digits + 1 : 0;
            assert(digits <= DIGITS_MAX);
            n = 1;
        }
        before = shown.p[n - 1];
        shown = view_skip(shown, n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = {(const char *)data, size};
    char out[MASK_TEXT_MAX];
    char sentence[64];
    char shorter[7];

    check(mask_address(text, out), sizeof out);
    check(mask_sentence(text, sentence, sizeof sentence), sizeof sentence);
    check(mask_sentence(text, shorter, sizeof shorter), sizeof shorter);
    return 0;
}
