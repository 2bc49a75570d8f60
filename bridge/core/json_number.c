#include "bridge/core/json_number.h"

#include "bridge/core/ascii.h"

#define EXPONENT_MAX 1000000 /* beyond it, what it does to the number is the same */

/* What stands behind 'e'. */
static int64_t exponent(struct view text)
{
    bool negative = text.n > 0 && text.p[0] == '-';
    int64_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        if (ascii_is_digit(text.p[i]) && n < EXPONENT_MAX)
            n = n * 10 + (text.p[i] - '0');
    return negative ? -n : n;
}

/* Counted downwards: the range below zero is larger by one. */
static bool append_digit(int64_t *n, int digit)
{
    if (*n < (INT64_MIN + digit) / 10)
        return false;
    *n = *n * 10 - digit;
    return true;
}

bool json_number_integer(struct view as_written, int64_t *out)
{
    bool negative = as_written.n > 0 && as_written.p[0] == '-';
    struct view rest = negative ? view_skip(as_written, 1) : as_written;
    size_t mantissa = 0;
    size_t whole = 0; /* digits in front of the point */
    int64_t left;     /* digits in front of the point, once the exponent has moved it */
    int64_t n = 0;

    while (mantissa < rest.n && (ascii_is_digit(rest.p[mantissa]) || rest.p[mantissa] == '.'))
        mantissa++;
    while (whole < mantissa && rest.p[whole] != '.')
        whole++;
    left = (int64_t)whole + exponent(view_skip(rest, mantissa + 1));
    for (size_t i = 0; i < mantissa; i++) {
        int digit = rest.p[i] - '0';

        if (rest.p[i] == '.')
            continue;
        if (left > 0 ? !append_digit(&n, digit) : digit != 0)
            return false;
        left--;
    }
    for (; left > 0 && n != 0; left--)
        if (!append_digit(&n, 0))
            return false;
    if (!negative && n == INT64_MIN)
        return false;
    *out = negative ? n : -n;
    return true;
}
