#include "bridge/core/num.h"

#include "bridge/core/ascii.h"

#include <inttypes.h>
#include <stdio.h>

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0},
};
static const struct unit sizes[] = {
    {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {NULL, 0},
};

bool num_int(struct view text, int64_t *out)
{
    bool negative = text.n > 0 && text.p[0] == '-';
    struct view digits = negative ? view_skip(text, 1) : text;
    int64_t n = 0;

    if (digits.n == 0 || (digits.p[0] == '0' && (digits.n > 1 || negative)))
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        int digit = digits.p[i] - '0';

        if (digit < 0 || digit > 9)
            return false;
        /* Counted downwards: the range below zero is larger by one. */
        if (n < (INT64_MIN + digit) / 10)
            return false;
        n = n * 10 - digit;
    }
    if (!negative && n == INT64_MIN)
        return false;
    *out = negative ? n : -n;
    return true;
}

bool num_in(struct view text, int64_t min, int64_t max, int64_t *out)
{
    int64_t n;

    if (!num_int(text, &n) || n < min || n > max)
        return false;
    *out = n;
    return true;
}

static bool with_unit(struct view text, const struct unit *units, int64_t *out)
{
    struct view number = {text.p, 0};
    int64_t n;

    while (number.n < text.n && ascii_is_digit(text.p[number.n]))
        number.n++;
    if (!num_int(number, &n))
        return false;
    if (n == 0 && number.n == text.n) {
        *out = 0;
        return true;
    }
    for (; units->name != NULL; units++) {
        if (!view_is(view_skip(text, number.n), units->name))
            continue;
        if (n > INT64_MAX / units->factor)
            return false;
        *out = n * units->factor;
        return true;
    }
    return false;
}

bool num_duration(struct view text, int64_t *out_ms)
{
    return with_unit(text, durations, out_ms);
}

bool num_size(struct view text, int64_t *out_bytes)
{
    return with_unit(text, sizes, out_bytes);
}

static const char *unit_text(int64_t n, const struct unit *units, char out[32])
{
    if (n == 0)
        return "0";
    while (n % units->factor != 0)
        units++;
    (void)snprintf(out, 32, "%" PRId64 "%s", n / units->factor, units->name);
    return out;
}

const char *num_duration_text(int64_t ms, char out[32])
{
    return unit_text(ms, durations, out);
}

const char *num_size_text(int64_t bytes, char out[32])
{
    return unit_text(bytes, sizes, out);
}
