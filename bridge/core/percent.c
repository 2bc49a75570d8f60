#include "bridge/core/percent.h"

#include "bridge/core/ascii.h"
#include "bridge/core/hex.h"
#include "bridge/core/utf8.h"

int percent_byte(struct view text)
{
    int high = text.n > 1 ? hex_digit(text.p[1]) : -1;
    int low = text.n > 2 ? hex_digit(text.p[2]) : -1;

    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool decode(struct view text, bool plus_is_blank, char *out, struct view *decoded,
                   struct fault *f)
{
    struct view made = {out, 0};

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '%') {
            int byte = percent_byte(view_skip(text, i));

            if (byte < 0)
                return fault_set(f, FAULT_REJECT,
                                 "the %% at byte %zu has no two hexadecimal digits after it",
                                 i + 1);
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == '\0')
            return fault_set(f, FAULT_REJECT, "U+0000 is not allowed");
        out[made.n++] = c;
    }
    if (!utf8_valid(made))
        return fault_set(f, FAULT_REJECT, "it is not UTF-8 when decoded");
    *decoded = made;
    return true;
}

bool percent_decode_segment(struct view text, char *out, struct view *decoded, struct fault *f)
{
    return decode(text, false, out, decoded, f);
}

bool percent_decode_query(struct view text, char *out, struct view *decoded, struct fault *f)
{
    return decode(text, true, out, decoded, f);
}

static bool unreserved(char c)
{
    return ascii_is_alnum(c) || view_has(VIEW("-._~"), c);
}

static void put_encoded(char c, struct buf *to)
{
    static const char hex[] = "0123456789ABCDEF";
    const char encoded[] = {'%', hex[(unsigned char)c >> 4], hex[(unsigned char)c & 15]};

    (void)buf_put(to, (struct view){encoded, sizeof encoded});
}

void percent_encode(struct view text, struct buf *to)
{
    bool dots = view_is(text, ".") || view_is(text, "..");

    for (size_t i = 0; i < text.n; i++)
        if (unreserved(text.p[i]) && !dots)
            (void)buf_put_char(to, text.p[i]);
        else
            put_encoded(text.p[i], to);
}

void percent_encode_query(struct view text, struct buf *to)
{
    for (size_t i = 0; i < text.n; i++)
        if (unreserved(text.p[i]) || view_has(VIEW("*,:@!$'()/?;"), text.p[i]))
            (void)buf_put_char(to, text.p[i]);
        else
            put_encoded(text.p[i], to);
}

bool percent_next_pair(struct view *query, struct view *name, struct view *value)
{
    struct view pair = VIEW_NONE;

    while (pair.n == 0 && query->n > 0)
        pair = view_cut(query, '&');
    if (pair.n == 0)
        return false;
    *name = view_cut(&pair, '=');
    *value = pair;
    return true;
}
