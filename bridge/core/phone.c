#include "bridge/core/phone.h"

#include "bridge/core/ascii.h"
#include "bridge/core/utf8.h"

#include <string.h>

#define BLANKS " \t\r\n"

/* First and last of each range, in UTF-8: within one length the order of bytes is that of code
 * points. */
static const char *const beside_ascii[][2] = {
    {"\u00a0", "\u00a0"}, {"\u2000", "\u2015"}, {"\u202a", "\u202f"},
    {"\u2060", "\u2060"}, {"\ufeff", "\ufeff"},
};

size_t phone_separator(struct view text)
{
    struct view c = {text.p, 1};

    if (ascii_is_digit(text.p[0]))
        return 0; /* nearly always */
    c.n = utf8_first(text);
    if (c.n == 1)
        return view_has(VIEW(BLANKS "-()."), c.p[0]) ? 1 : 0;
    for (size_t i = 0; i < sizeof beside_ascii / sizeof beside_ascii[0]; i++) {
        struct view from = view_of(beside_ascii[i][0]);
        struct view to = view_of(beside_ascii[i][1]);

        if (c.n == from.n && view_cmp(c, from) >= 0 && view_cmp(c, to) <= 0)
            return c.n;
    }
    return 0;
}

struct view phone_trim(struct view address)
{
    while (address.n > 0 && view_has(VIEW(BLANKS), address.p[0]))
        address = view_skip(address, 1);
    while (address.n > 0 && view_has(VIEW(BLANKS), address.p[address.n - 1]))
        address.n--;
    return address;
}

bool phone_is_name(struct view address)
{
    while (address.n > 0) {
        size_t skipped = phone_separator(address);
        char c = address.p[0];

        if (skipped == 0 && (ascii_is_letter(c) || c == '@' || (c & 0x80) != 0))
            return true;
        address = view_skip(address, skipped > 0 ? skipped : 1);
    }
    return false;
}

static bool normal_number(struct view address, char out[PHONE_NORMAL_MAX], size_t *n)
{
    while (address.n > 0) {
        size_t skipped = phone_separator(address);
        char c = address.p[0];

        address = view_skip(address, skipped > 0 ? skipped : 1);
        if (skipped > 0 || (*n == 0 && c == '+'))
            continue;
        if (*n == PHONE_NORMAL_MAX)
            return false;
        out[(*n)++] = c;
        if (*n == 2 && memcmp(out, "00", 2) == 0)
            *n = 0; /* what follows is at the front again, a `+` as well */
    }
    return true;
}

static bool normal_name(struct view address, char out[PHONE_NORMAL_MAX], size_t *n)
{
    address = phone_trim(address);
    if (address.n > PHONE_NORMAL_MAX)
        return false;
    while (address.n > 0) {
        size_t taken = utf8_first(address);

        if (taken > 0)
            taken = utf8_write(utf8_lower(utf8_code(address)), out + *n);
        else
            out[*n] = address.p[taken++]; /* malformed: as it is */
        *n += taken;
        address = view_skip(address, taken);
    }
    return true;
}

bool phone_normal(struct view address, char out[PHONE_NORMAL_MAX], struct view *normal,
                  struct fault *f)
{
    size_t n = 0;

    if (!(phone_is_name(address) ? normal_name(address, out, &n) : normal_number(address, out, &n)))
        return fault_set(f, FAULT_REJECT, "has more than %d bytes", PHONE_NORMAL_MAX);
    if (n == 0)
        return fault_set(f, FAULT_REJECT, "has nothing to match by");
    *normal = (struct view){out, n};
    return true;
}
