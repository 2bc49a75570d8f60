#include "bridge/core/csv.h"

#include "bridge/core/ascii.h"
#include "bridge/core/utf8.h"

/* '!' to '~' in their wide forms, which some spreadsheets take as well. */
#define WIDE_FIRST 0xff01
#define WIDE_LAST  0xff5e

/* "+358 (0)40-123": with one letter in it, it might be a call. */
static bool is_number(struct view v)
{
    bool digit = false;

    for (size_t i = 0; i < v.n; i++) {
        digit = digit || ascii_is_digit(v.p[i]);
        if (!ascii_is_digit(v.p[i]) && !view_has(VIEW(" -()./"), v.p[i]))
            return false;
    }
    return digit;
}

static bool is_formula(struct view v)
{
    uint32_t code = UTF8_NO_CODE;
    size_t n;

    while ((n = utf8_first(v)) > 0) {
        code = utf8_code(v);
        if (code != ' ' && code != 0xa0)
            break;
        v = view_skip(v, n);
    }
    if (n == 0)
        return false;
    if (code >= WIDE_FIRST && code <= WIDE_LAST)
        code -= WIDE_FIRST - '!';
    if (code == '+' || code == '-')
        return !is_number(view_skip(v, n));
    return code == '=' || code == '@';
}

void csv_field(struct buf *to, struct view v)
{
    buf_put_char(to, '"');
    if (is_formula(v))
        buf_put_char(to, '\'');
    while (v.n > 0) {
        size_t n = utf8_first(v);

        struct view one = {v.p, n};

        if (n == 0 || utf8_has_control(one))
            buf_put_char(to, '?'); /* which makes a text of any formula behind it */
        else if (v.p[0] == '"')
            buf_put_text(to, "\"\"");
        else
            buf_put(to, one);
        v = view_skip(v, n > 0 ? n : 1);
    }
    buf_put_char(to, '"');
}
