#include "bridge/core/mask.h"

#include "bridge/core/ascii.h"
#include "bridge/core/coded.h"
#include "bridge/core/guid.h"
#include "bridge/core/percent.h"
#include "bridge/core/utf8.h"

#include <stdio.h>
#include <string.h>

#define DIGITS_KEPT     3
#define PHONE_DIGITS    7  /* a shorter number would be half shown by its last three */
#define HIDDEN_DIGITS   5  /* in a sentence, so many are masked that only blanks and dashes part */
#define PARTED_MAX      32 /* signs between two digits of one number */
#define FORMS_MAX       4  /* one in the other, as "%2520" */
#define GUID_FIRST      8  /* hexadecimal digits of its first part */
#define GUID_LAST       12
#define HOST_DIGITS_MAX 4  /* with more, it may be part of a number */
#define LOCAL_MAX       64 /* signs before the '@' of an address */

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

/* ---- signs ---- */

/* As coded_escape; "%20" also where it was encoded several times ("%2520"). */
static size_t escape_at(struct view text, char out[4], size_t *bytes)
{
    size_t taken = 0;

    if (!view_starts(text, VIEW("%")))
        return coded_escape(text, out, bytes);
    *bytes = 1;
    for (size_t i = 0; i < FORMS_MAX; i++) {
        int byte = percent_byte(view_skip(text, 2 * i));

        if (byte < 0)
            break;
        out[0] = (char)byte;
        taken = 2 * i + 3;
        if (byte != '%')
            break;
    }
    return taken;
}

/* The ASCII sign at the start of text, or one for it (coded_plain); a byte beyond ASCII for what
 * has none, '\0' for the end. undo: an escape is what it stands for. Returns the bytes it takes. */
static size_t sign_at(struct view text, bool undo, char *sign)
{
    struct view character = text;
    char out[4];
    size_t bytes = 0;
    size_t taken = undo ? escape_at(text, out, &bytes) : 0;
    int plain = -1;

    *sign = '\0';
    if (taken > 0)
        character = (struct view){out, bytes};
    else if (text.n == 0)
        return 0;
    if ((character.p[0] & 0x80) != 0)
        plain = coded_plain(character, &bytes);
    *sign = plain < 0 ? character.p[0] : (char)plain;
    return taken > 0 ? taken : bytes > 0 ? bytes : 1;
}

/* ---- what is shown though it has digits ---- */

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

/* With digits only in its first or last part, as where a number is filled up with zeros; of all
 * others one in forty. */
static bool may_be_made_of_a_number(struct view guid)
{
    size_t first = 0;
    size_t last = 0;

    while (first < GUID_FIRST && ascii_is_digit(guid.p[first]))
        first++;
    while (last < GUID_LAST && ascii_is_digit(guid.p[guid.n - last - 1]))
        last++;
    return first == GUID_FIRST || last == GUID_LAST;
}

/* The length of a GUID at the start of text, or 0. */
static size_t guid_at(struct view text)
{
    static const size_t lengths[] = {GUID_HYPHEN_LEN, GUID_HEX_LEN};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct view guid = {text.p, lengths[i]};
        struct guid bytes;

        if (text.n >= guid.n && (text.n == guid.n || !ascii_is_alnum(text.p[guid.n])) &&
            guid_parse(guid, &bytes))
            return may_be_made_of_a_number(guid) ? 0 : guid.n;
    }
    return 0;
}

size_t mask_spares(struct view text, char before)
{
    size_t n = moment(text);

    return n > 0 || ascii_is_alnum(before) ? n : guid_at(text);
}

/* ---- numbers ---- */

/* Digits of the text, up to the last of them. */
struct run {
    size_t n; /* bytes */
    size_t digits;
    char last[DIGITS_KEPT];
};

static void run_add(struct run *r, size_t end, char digit)
{
    memmove(r->last, r->last + 1, DIGITS_KEPT - 1);
    r->last[DIGITS_KEPT - 1] = digit;
    r->digits++;
    r->n = end;
}

/* Whatever is not ASCII is one: there are many kinds of blanks and dashes, and hiding too much does
 * no harm. */
static bool is_blank_or_dash(char c)
{
    return (c & 0x80) != 0 || c == '\0' || view_has(VIEW(" \t-()./"), c);
}

/* The number at the start of text; n == 0: none. */
static struct run number_at(struct view text, bool undo)
{
    struct run all = {.n = 0};   /* whatever parts them, but letters */
    struct run close = {.n = 0}; /* parted by blanks and dashes */
    bool is_close = true;
    char before = '\0';
    size_t parted = 0;
    size_t n;

    for (size_t at = 0; at < text.n && parted <= PARTED_MAX; at += n) {
        struct view rest = view_skip(text, at);
        char c;

        n = sign_at(rest, undo, &c);
        if (ascii_is_letter(c))
            break;
        if (ascii_is_digit(c)) {
            if (at > 0 && !ascii_is_digit(before) && mask_spares(rest, before) > 0)
                break;
            run_add(&all, at + n, c);
            if (is_close)
                close = all;
            parted = 0;
        } else {
            is_close = is_close && is_blank_or_dash(c);
            parted++;
        }
        before = c;
    }
    if (all.digits < PHONE_DIGITS)
        all = close;
    if (all.digits < HIDDEN_DIGITS)
        all = (struct run){.n = 0};
    return all;
}

/* Whether "%40" is an '@' or two digits behind a '%' can't be told, so both are tried. */
size_t mask_number(struct view text, char shown[MASK_NUMBER_MAX])
{
    struct run undone;
    struct run written;
    char first;

    (void)sign_at(text, false, &first);
    if (!ascii_is_digit(first))
        return 0;
    undone = number_at(text, true);
    written = number_at(text, false);
    (void)snprintf(shown, MASK_NUMBER_MAX, "…%.*s", DIGITS_KEPT,
                   undone.n > 0 ? undone.last : written.last);
    return undone.n > written.n ? undone.n : written.n;
}

/* ---- addresses in a sentence ---- */

static bool is_of_word(char c)
{
    return ascii_is_alnum(c) || (c & 0x80) != 0 || view_has(VIEW("._+-"), c);
}

/* 163.com is a host; an '@' before a digit may part a number, too. */
static bool is_host_of_digits(struct view text)
{
    size_t n = 0;

    while (n < text.n && n <= HOST_DIGITS_MAX && ascii_is_digit(text.p[n]))
        n++;
    if (n == 0 || n > HOST_DIGITS_MAX)
        return false;
    while (n < text.n && n < LOCAL_MAX && (ascii_is_alnum(text.p[n]) || text.p[n] == '-'))
        n++;
    return n + 1 < text.n && text.p[n] == '.' && ascii_is_letter(text.p[n + 1]);
}

/* Bytes at the start of text, where a word begins, that stand before the '@' of an address; 0: none
 * do. */
static size_t local_part(struct view text, bool *letters)
{
    size_t at = 0;

    *letters = false;
    for (int i = 0; i <= LOCAL_MAX && at < text.n; i++) {
        char c;
        size_t n = sign_at(view_skip(text, at), true, &c);

        if (c == '@') {
            (void)sign_at(view_skip(text, at + n), true, &c);
            if (ascii_is_letter(c))
                return at;
            return *letters && is_host_of_digits(view_skip(text, at + n)) ? at : 0;
        }
        if (!is_of_word(c))
            return 0;
        *letters = *letters || ascii_is_letter(c);
        at += n;
    }
    return 0;
}

/* ---- sentences ---- */

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

/* Takes one piece off the sentence, which has `before` before it; returns its bytes. */
static size_t put_piece(struct out *to, struct view text, char before)
{
    char number[MASK_NUMBER_MAX];
    size_t n = mask_spares(text, before);
    bool letters = false;
    size_t local;

    if (n > 0) {
        put(to, text.p, n);
        return n;
    }
    local = is_of_word(before) ? 0 : local_part(text, &letters);
    n = letters && local > 0 ? 0 : mask_number(text, number);
    if (n > 0) {
        put(to, number, strlen(number));
        return n;
    }
    if (local > 0) {
        (void)put_plain(to, text);
        put(to, "…", sizeof "…" - 1);
        return local;
    }
    return put_plain(to, text);
}

const char *mask_sentence(struct view text, char *out, size_t size)
{
    struct out to = {out, size - 1};
    char before = ' ';

    while (text.n > 0 && to.room > 0) {
        size_t n = put_piece(&to, text, before);

        before = text.p[n - 1];
        text = view_skip(text, n);
    }
    *to.p = '\0';
    return out;
}

const char *mask_name(struct view name, char out[MASK_TEXT_MAX])
{
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && (name.p[i] == '\0' || !strchr("._-/:", name.p[i])))
            return mask_text(name, out);
    return name.n > 0 ? mask_sentence(name, out, MASK_TEXT_MAX) : mask_text(name, out);
}
