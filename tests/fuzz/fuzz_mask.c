/* Whatever comes: what is shown is text of one line, within its bounds, with no run of digits long
 * enough to be a number. */
#include "bridge/core/mask.h"
#include "bridge/core/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 4 /* a run may show this many */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *shown, size_t max)
{
    unsigned digits = 0;

    assert(strlen(shown) < max && utf8_valid(view_of(shown)));
    for (; *shown != '\0'; shown++) {
        assert(((unsigned char)*shown & 0x80) != 0 || (*shown >= ' ' && *shown <= '~'));
        digits = *shown >= '0' && *shown <= '9' ? digits + 1 : 0;
        assert(digits <= DIGITS_MAX);
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
