#include "bridge/core/coded.h"

#include "bridge/core/ascii.h"
#include "bridge/core/base64.h"
#include "bridge/core/hex.h"
#include "bridge/core/percent.h"
#include "bridge/core/utf8.h"

#define NO_CHARACTER UTF8_NO_CODE

/* ---- escapes ---- */

/* Reads digits of the base at text[*at] on, at most `most`. */
static uint32_t number_at(struct view text, size_t *at, uint32_t base, size_t most)
{
    uint32_t code = 0;
    size_t digits = 0;

    for (; *at < text.n && digits < most; digits++, (*at)++) {
        int digit = hex_digit(text.p[*at]);

        if (digit < 0 || (uint32_t)digit >= base)
            break;
        code = code * base + (uint32_t)digit;
    }
    return digits > 0 ? code : NO_CHARACTER;
}

static uint32_t json_unit(struct view text, size_t *at)
{
    size_t begin = *at + 2;
    size_t end = begin;
    uint32_t unit = NO_CHARACTER;

    if (*at + 1 < text.n && text.p[*at] == '\\' && text.p[*at + 1] == 'u')
        unit = number_at(text, &end, 16, 4);
    if (unit == NO_CHARACTER || end != begin + 4)
        return NO_CHARACTER;
    *at = end;
    return unit;
}

static uint32_t json_escape(struct view text, size_t *at)
{
    uint32_t high = json_unit(text, at);
    uint32_t low;

    if (high < 0xd800 || high > 0xdbff)
        return high;
    low = json_unit(text, at);
    return low < 0xdc00 || low > 0xdfff ? NO_CHARACTER
                                        : 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* "\u{e4}", "\x{e4}" */
static uint32_t braced_escape(struct view text, size_t *at)
{
    size_t end = 3;
    uint32_t code;

    if (!view_starts(text, VIEW("\\u{")) && !view_starts(text, VIEW("\\x{")))
        return NO_CHARACTER;
    code = number_at(text, &end, 16, 6);
    if (end >= text.n || text.p[end] != '}')
        return NO_CHARACTER;
    *at = end + 1;
    return code;
}

static uint32_t html_escape(struct view text, size_t *at)
{
    size_t end = *at + 2;
    uint32_t code;

    if (!view_starts(text, VIEW("&#")))
        return NO_CHARACTER;
    if (end < text.n && (text.p[end] | 0x20) == 'x') {
        end++;
        code = number_at(text, &end, 16, 6);
    } else {
        code = number_at(text, &end, 10, 7);
    }
    if (end >= text.n || text.p[end] != ';')
        return NO_CHARACTER;
    *at = end + 1;
    return code;
}

/* "&auml;": some letter or sign. */
static uint32_t any_name(struct view text, size_t *at)
{
    size_t n = 1;

    if (text.n == 0 || text.p[0] != '&')
        return NO_CHARACTER;
    while (n < text.n && n < 10 && ascii_is_letter(text.p[n]))
        n++;
    if (n < 3 || n >= text.n || text.p[n] != ';')
        return NO_CHARACTER;
    *at = n + 1;
    return '?';
}

static uint32_t named_escape(struct view text, size_t *at)
{
    static const struct {
        struct view name;
        uint32_t code;
    } rows[] = {
        {{"&amp;", 5}, '&'},  {{"&lt;", 4}, '<'},    {{"&gt;", 4}, '>'},
        {{"&quot;", 6}, '"'}, {{"&apos;", 6}, '\''}, {{"&nbsp;", 6}, ' '},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (view_starts(text, rows[i].name)) {
            *at = rows[i].name.n;
            return rows[i].code;
        }
    return any_name(text, at);
}

size_t coded_escape(struct view text, char out[4], size_t *n)
{
    static const struct view of_bytes[] = {{"%", 1}, {"\\x", 2}};
    size_t taken = 0;
    uint32_t code;

    *n = 1;
    for (size_t i = 0; i < sizeof of_bytes / sizeof of_bytes[0]; i++) {
        int byte = percent_byte(view_skip(text, of_bytes[i].n - 1));

        out[0] = (char)byte;
        if (view_starts(text, of_bytes[i]) && byte > 0)
            return of_bytes[i].n + 2;
    }
    code = braced_escape(text, &taken);
    if (code == NO_CHARACTER)
        code = json_escape(text, &taken);
    if (code == NO_CHARACTER)
        code = html_escape(text, &taken);
    if (code == NO_CHARACTER)
        code = named_escape(text, &taken);
    *n = code == 0 ? 0 : utf8_write(code, out);
    return *n > 0 ? taken : 0;
}

/* The byte that "=XX" at text[at] stands for; -1: it is none. */
static int quoted_byte(struct view text, size_t at)
{
    return at < text.n && text.p[at] == '=' ? percent_byte(view_skip(text, at)) : -1;
}

size_t coded_quoted(struct view text, bool *sign)
{
    int byte = quoted_byte(text, 0);
    size_t n = 0;

    *sign = byte >= ' ' && byte < 0x7f && !ascii_is_alnum((char)byte);
    while (quoted_byte(text, n) >= 0x80)
        n += 3;
    return *sign ? 3 : n > 3 ? n : 0;
}

/* ---- tags and other scripts ---- */

/* An address in angle brackets is none: "<sam@greeneggs.ham>". */
size_t coded_tag(struct view text)
{
    size_t n = 1;

    if (text.n < 3 || text.p[0] != '<')
        return 0;
    n += text.p[n] == '/';
    if (!ascii_is_letter(text.p[n]))
        return 0;
    while (n < text.n && text.p[n] != '>' && text.p[n] != '<' && text.p[n] != '@')
        n++;
    return n < text.n && text.p[n] == '>' ? n + 1 : 0;
}

int coded_plain(struct view text, size_t *n)
{
    static const uint32_t zeros[] = {0x660, 0x6f0, 0x966, 0x9e6};
    static const uint32_t blanks[] = {0xa0, 0x1680, 0x202f, 0x205f, 0x3000, '\t'};
    static const uint32_t nothing[] = {0xad, 0x2060, 0xfeff};
    uint32_t code;

    *n = utf8_first(text);
    if (*n == 0)
        return -1;
    code = utf8_code(text);
    if (code >= 0xff01 && code <= 0xff5e) /* full width */
        return (int)(code - 0xff01 + '!');
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++)
        if (code >= zeros[i] && code <= zeros[i] + 9)
            return (int)('0' + (code - zeros[i]));
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
        if (code == blanks[i])
            return ' ';
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
        if (code == nothing[i])
            return '\0';
    if (code >= 0x2000 && code <= 0x200a)
        return ' ';
    return code >= 0x200b && code <= 0x200f ? '\0' : -1;
}

/* ---- runs ---- */

/* Of either alphabet. */
static int sextet(char c)
{
    return base64_sextet(c == '-' ? '+' : c == '_' ? '/' : c);
}

/* Takes bytes for as long as they are text; bytes: of whole characters. */
struct reader {
    unsigned char character[4];
    size_t n;
    size_t bytes;
};

static bool takes(struct reader *r, unsigned char byte)
{
    struct view so_far;

    if (r->n == 0 && byte < 0x80) {
        r->bytes++;
        return (byte >= ' ' && byte != 0x7f) || byte == '\t' || byte == '\n' || byte == '\r';
    }
    r->character[r->n++] = byte;
    so_far = (struct view){(const char *)r->character, r->n};
    if (utf8_first(so_far) > 0) {
        r->bytes += r->n;
        r->n = 0;
    } else if (r->n == sizeof r->character || (r->n == 1 && (byte < 0xc2 || byte > 0xf4)) ||
               (r->n > 1 && (byte & 0xc0) != 0x80)) {
        return false;
    }
    return true;
}

static size_t base64_text(struct view text)
{
    struct reader r = {.n = 0};
    unsigned bits = 0;
    size_t n = 0;

    for (; n < text.n && sextet(text.p[n]) >= 0; n++) {
        bits = bits << 6 | (unsigned)sextet(text.p[n]);
        if (n % 4 != 0 && !takes(&r, (unsigned char)(bits >> (6 - n % 4 * 2) & 0xff)))
            break;
    }
    for (size_t pad = 0; pad < 2 && n < text.n && text.p[n] == '='; pad++)
        n++;
    return r.bytes < CODED_TEXT_MIN ? 0 : n;
}

static size_t hex_text(struct view text)
{
    struct reader r = {.n = 0};
    size_t n = 0;

    while (n + 1 < text.n && hex_digit(text.p[n]) >= 0 && hex_digit(text.p[n + 1]) >= 0) {
        int byte = hex_digit(text.p[n]) * 16 + hex_digit(text.p[n + 1]);

        if (!takes(&r, (unsigned char)byte))
            break;
        n += 2;
    }
    return r.bytes < CODED_TEXT_MIN ? 0 : n;
}

size_t coded_text(struct view text)
{
    size_t n = hex_text(text);

    return n > 0 ? n : base64_text(text);
}
