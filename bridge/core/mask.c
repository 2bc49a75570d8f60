#include "bridge/core/mask.h"

#include "bridge/core/ascii.h"
#include "bridge/core/utf8.h"

#include <stdio.h>
#include <string.h>

#define DIGITS_KEPT   3
#define PHONE_DIGITS  7 /* a shorter number would be half shown by its last three */
#define HIDDEN_DIGITS 5 /* in a sentence, a run this long is masked */

/* What may be written, in whole pieces; the first that does not fit ends it. */
struct out {
    char *p;
    size_t room; /* without the NUL */
};

static void put(struct out *to, const char *p, size_t n)
{
    if (n > to->room) {
        to->room = 0;
        return;
    }
    memcpy(to->p, p, n);
    to->p += n;
    to->room -= n;
}

/* Counts the digits of text; the last three of them are left in out. */
static size_t last_digits(struct view text, char out[DIGITS_KEPT])
{
    size_t count = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_digit(text.p[i]))
            continue;
        memmove(out, out + 1, DIGITS_KEPT - 1);
        out[DIGITS_KEPT - 1] = text.p[i];
        count++;
    }
    return count;
}

static bool is_phone(struct view address)
{
    for (size_t i = 0; i < address.n; i++)
        if (!ascii_is_digit(address.p[i]) && !view_has(VIEW(" +-()."), address.p[i]))
            return false;
    return true;
}

/* Splits at the '@', if what stands after it can be nothing but the name of a host. */
static bool is_mail(struct view address, struct view *host)
{
    struct view local = view_cut(&address, '@');

    if (local.n == 0 || address.n == 0 || view_has(local, ' '))
        return false;
    for (size_t i = 0; i < address.n; i++)
        if (!ascii_is_alnum(address.p[i]) && !view_has(VIEW("-."), address.p[i]))
            return false;
    *host = address;
    return true;
}

const char *mask_address(struct view address, char out[MASK_TEXT_MAX])
{
    char kept[DIGITS_KEPT] = {'0', '0', '0'};
    char host_masked[MASK_TEXT_MAX - 8];
    struct view host;

    address = view_trim(address);
    if (is_phone(address) && last_digits(address, kept) >= PHONE_DIGITS) {
        (void)snprintf(out, MASK_TEXT_MAX, "…%.*s", DIGITS_KEPT, kept);
        return out;
    }
    if (is_mail(address, &host)) {
        char first = address.p[0] > ' ' && address.p[0] <= '~' ? address.p[0] : '?';

        (void)snprintf(out, MASK_TEXT_MAX, "%c…@%s", first,
                       mask_sentence(host, host_masked, sizeof host_masked));
        return out;
    }
    return mask_text(address, out);
}

const char *mask_text(struct view text, char out[MASK_TEXT_MAX])
{
    size_t n = utf8_count(text);

    (void)snprintf(out, MASK_TEXT_MAX, "(%zu character%s)", n, n == 1 ? "" : "s");
    return out;
}

/* From a digit to the last one that only separators part from it. Whatever is not ASCII counts as
 * a separator: there are many kinds of blanks and dashes, and hiding too much does no harm. */
static struct view digit_run(struct view text)
{
    size_t end = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (ascii_is_digit(text.p[i]))
            end = i + 1;
        else if ((text.p[i] & 0x80) == 0 && !view_has(VIEW(" \t-()./"), text.p[i]))
            break;
    }
    return (struct view){text.p, end};
}

/* The length of a moment as the interface writes it, at the start of text, or 0. Finer than to the
 * millisecond it is none: the digits might be a number's. */
static size_t moment(struct view text)
{
    static const char most[] = "2999-19-39T29:59:69.999";
    size_t n = 0;

    while (n < sizeof most - 1 && n < text.n &&
           (ascii_is_digit(most[n]) ? ascii_is_digit(text.p[n]) && text.p[n] <= most[n]
                                    : text.p[n] == most[n]))
        n++;
    if (n < sizeof most - 1) /* without a fraction, or none at all */
        n = n >= sizeof "2999-19-39T29:59:69" - 1 ? sizeof "2999-19-39T29:59:69" - 1 : 0;
    return n < text.n && ascii_is_digit(text.p[n]) ? 0 : n;
}

/* One character of the sentence as it may be shown: no control characters (C1 neither), nothing
 * malformed. Returns the bytes it took. */
static size_t put_plain(struct out *to, struct view text)
{
    size_t n = utf8_first(text);
    unsigned char c = (unsigned char)text.p[0];
    bool control = n == 0 || c < ' ' || c == 0x7f || (c == 0xc2 && (text.p[1] & 0x20) == 0);

    if (control)
        put(to, "?", 1);
    else
        put(to, text.p, n);
    return n > 0 ? n : 1;
}

const char *mask_sentence(struct view text, char *out, size_t size)
{
    char shown[] = "…000";
    const size_t dots = sizeof shown - 1 - DIGITS_KEPT;
    struct out to = {out, size - 1};

    while (text.n > 0 && to.room > 0) {
        struct view run = ascii_is_digit(text.p[0]) ? digit_run(text) : VIEW_NONE;
        size_t kept = moment(text);

        if (kept > 0) {
            put(&to, text.p, kept);
            text = view_skip(text, kept);
        } else if (last_digits(run, shown + dots) >= HIDDEN_DIGITS) {
            put(&to, shown, sizeof shown - 1);
            text = view_skip(text, run.n);
        } else {
            text = view_skip(text, put_plain(&to, text));
        }
    }
    *to.p = '\0';
    return out;
}
