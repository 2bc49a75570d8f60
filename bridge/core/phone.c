#include "bridge/core/phone.h"

#include "bridge/core/ascii.h"
#include "bridge/core/coded.h"
#include "bridge/core/utf8.h"

#include <string.h>

#define BLANKS " \t\r\n"

/* First and last of each range, in UTF-8: within one length the order of bytes is that of code
 * points. */
static const char *const beside_ascii[][2] = {
    {"\u00a0", "\u00a0"}, {"\u00ad", "\u00ad"}, {"\u2000", "\u2015"}, {"\u202a", "\u202f"},
    {"\u2060", "\u206f"}, {"\u2212", "\u2212"}, {"\u3000", "\u3000"}, {"\ufeff", "\ufeff"},
    {"\uff08", "\uff09"}, {"\uff0d", "\uff0e"},
};

static bool is_separator(char c)
{
    switch (c) {
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case '-':
    case '(':
    case ')':
    case '.':
        return true;
    default:
        return false;
    }
}

size_t phone_separator(struct view text)
{
    struct view c = {text.p, 1};

    if ((text.p[0] & 0x80) == 0)
        return is_separator(text.p[0]) ? 1 : 0; /* nearly always */
    c.n = utf8_first(text);
    for (size_t i = 0; i < sizeof beside_ascii / sizeof beside_ascii[0]; i++) {
        struct view from = view_of(beside_ascii[i][0]);
        struct view to = view_of(beside_ascii[i][1]);

        if (c.n == from.n && view_cmp(c, from) >= 0 && view_cmp(c, to) <= 0)
            return c.n;
    }
    return 0;
}

/* The digit or `+` that text (not empty) begins with, also one of full width or of another script;
 * any other byte as it is. *n: its bytes. */
static char sign_of(struct view text, size_t *n)
{
    int plain;

    *n = 1;
    if ((text.p[0] & 0x80) == 0)
        return text.p[0];
    plain = coded_plain(text, n);
    if (plain == '+' || (plain > 0 && ascii_is_digit((char)plain)))
        return (char)plain;
    *n = 1;
    return text.p[0];
}

bool phone_is_international(struct view address)
{
    int zeros = 0;

    while (address.n > 0 && zeros < 2) {
        size_t skipped = phone_separator(address);
        size_t n = 0;
        char c = sign_of(address, &n);

        if (skipped == 0 && c == '+')
            return true;
        if (skipped == 0 && c != '0')
            return false;
        zeros += skipped == 0;
        address = view_skip(address, skipped > 0 ? skipped : n);
    }
    return zeros == 2;
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
        size_t n = 0;
        char c = sign_of(address, &n);

        if (skipped == 0 && (ascii_is_letter(c) || c == '@' || (c & 0x80) != 0))
            return true;
        address = view_skip(address, skipped > 0 ? skipped : n);
    }
    return false;
}

static bool normal_number(struct view address, char out[PHONE_NORMAL_MAX], size_t *n)
{
    while (address.n > 0) {
        size_t skipped = phone_separator(address);
        size_t taken = 0;
        char c = sign_of(address, &taken);

        address = view_skip(address, skipped > 0 ? skipped : taken);
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

/* `+` and digits, the first no zero, as nearly all are: only the `+` falls away. */
static bool is_plain(struct view address)
{
    if (address.n < 2 || address.n > PHONE_NORMAL_MAX || address.p[0] != '+' || address.p[1] == '0')
        return false;
    for (size_t i = 1; i < address.n; i++) {
        if (!ascii_is_digit(address.p[i]))
            return false;
    }
    return true;
}

bool phone_normal(struct view address, char out[PHONE_NORMAL_MAX], struct view *normal,
                  struct fault *f)
{
    size_t n = 0;

    if (is_plain(address)) {
        memcpy(out, address.p + 1, address.n - 1);
        *normal = (struct view){out, address.n - 1};
        return true;
    }
    if (!(phone_is_name(address) ? normal_name(address, out, &n) : normal_number(address, out, &n)))
        return fault_set(f, FAULT_REJECT, "has more than %d bytes", PHONE_NORMAL_MAX);
    if (n == 0)
        return fault_set(f, FAULT_REJECT, "has nothing to match by");
    *normal = (struct view){out, n};
    return true;
}
