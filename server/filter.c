#include "server/filter.h"

#include "bridge/core/ascii.h"
#include "bridge/core/datetime.h"
#include "bridge/core/phone.h"
#include "bridge/core/utf8.h"
#include "bridge/core/wildcard.h"

#include <string.h>

#define TIME_TEXT_MAX 64 /* bytes of a time that could be read */
#define OFFSET_BYTES  6  /* of "+02:00", at its end */

bool filter_plus(struct view value, char *room, struct view *plus)
{
    if (value.n < 2 || value.n > WILDCARD_PATTERN_MAX || value.p[0] != ' ' || value.p[1] < '0' ||
        value.p[1] > '9')
        return false;
    memcpy(room, value.p, value.n);
    room[0] = '+';
    *plus = view_trim((struct view){room, value.n});
    return true;
}

bool filter_matches(struct view value, struct view text)
{
    char room[WILDCARD_PATTERN_MAX];
    struct view plus = VIEW_NONE;
    struct view trimmed = view_trim(text);

    return wildcard_match_nocase(view_trim(value), trimmed) ||
           (filter_plus(value, room, &plus) && wildcard_match_nocase(plus, trimmed));
}

/* What falls away in front, in "+*" or "(*", is all that such a pattern says: without it "*" would
 * be left, which matches everybody. So a digit must stand behind it; without a front, anywhere. */
static bool says_digits(struct view pattern)
{
    char room[PHONE_NORMAL_MAX];
    struct view front = view_trim(pattern);
    struct view said = front;
    struct fault nameless;
    size_t n = 0;

    while (n < front.n && front.p[n] != '*' && front.p[n] != '?')
        n++;
    front.n = n;
    if (n > 0 && !phone_normal(front, room, &said, &nameless))
        return false;
    for (size_t i = 0; i < said.n; i++)
        if (ascii_is_digit(said.p[i]))
            return true;
    return false;
}

/* Names differ by nothing that falls away. */
bool filter_matches_address(struct view value, struct view address)
{
    char rooms[2][PHONE_NORMAL_MAX];
    struct view normal = VIEW_NONE;
    struct view wanted = VIEW_NONE;
    struct fault f = {0};

    address = phone_trim(address);
    if (filter_matches(value, address) || filter_matches(phone_trim(value), address))
        return true;
    if (phone_is_name(value) || phone_is_name(address) ||
        (wildcard_is_pattern(value) && !says_digits(value)))
        return false;
    return phone_normal(value, rooms[0], &wanted, &f) &&
           phone_normal(address, rooms[1], &normal, &f) && wildcard_match_nocase(wanted, normal);
}

bool filter_is_short(const char *name, struct view value, struct fault *f)
{
    if (wildcard_is_short(value))
        return true;
    if (value.n > WILDCARD_PATTERN_MAX)
        return fault_set(f, FAULT_REJECT, "%s has %zu bytes; the maximum is %d", name, value.n,
                         WILDCARD_PATTERN_MAX);
    return fault_set(f, FAULT_REJECT, "%s has %zu characters; a pattern's maximum is %d", name,
                     utf8_count(value), WILDCARD_CHARACTERS_MAX);
}

bool filter_pattern(struct exchange *x, const char *name, struct view *value, bool *given)
{
    struct fault f;

    *value = exchange_param(x, name, given);
    if (filter_is_short(name, *value, &f))
        return true;
    exchange_fault(x, &f);
    return false;
}

bool filter_plain_read(const struct exchange *x, const char *name, struct view *value, bool *given,
                       struct fault *f)
{
    *value = exchange_param(x, name, given);
    if (!wildcard_is_pattern(*value))
        return true;
    return fault_set(f, FAULT_REJECT, "%s can't be searched by a pattern: it must not have * or ?",
                     name);
}

bool filter_plain(struct exchange *x, const char *const *names)
{
    for (; *names != NULL; names++) {
        struct view value;
        bool given = false;
        struct fault f;

        if (!filter_plain_read(x, *names, &value, &given, &f)) {
            exchange_fault(x, &f);
            return false;
        }
    }
    return true;
}

bool filter_time_read(const struct exchange *x, const char *name, int64_t *ms, bool *given,
                      struct fault *f)
{
    char room[TIME_TEXT_MAX];
    struct view value = view_trim(exchange_param(x, name, given));
    struct fault ignored;

    if (!*given || datetime_parse(value, ms, f))
        return true;
    if (value.n > OFFSET_BYTES && value.n <= sizeof room &&
        value.p[value.n - OFFSET_BYTES] == ' ') {
        memcpy(room, value.p, value.n);
        room[value.n - OFFSET_BYTES] = '+';
        if (datetime_parse((struct view){room, value.n}, ms, &ignored))
            return true;
    }
    return fault_add(f, "%s", name);
}

bool filter_time(struct exchange *x, const char *name, int64_t *ms, bool *given)
{
    struct fault f = {0};

    if (filter_time_read(x, name, ms, given, &f))
        return true;
    exchange_fault(x, &f);
    return false;
}
