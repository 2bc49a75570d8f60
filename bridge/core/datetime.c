#include "bridge/core/datetime.h"

#include "bridge/core/ascii.h"
#include "bridge/core/mask.h"

#include <inttypes.h>

#define DAY_MS            INT64_C(86400000)
#define EPOCH_DAY         719162 /* 1970-01-01, counted from 0001-01-01 */
#define TEXT_QUOTED_BYTES 40     /* a text that looks like a date is quoted up to here */

/* A moment by the calendar. Field order is reading order. */
struct moment {
    int year;
    int month; /* 1 … 12 */
    int day;
    int hour;
    int minute;
    int second; /* 60: a leap second */
    int ms;
    int ns; /* after that */
};

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

static bool leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* Days from 0001-01-01 to the first of that year. */
static int days_before(int year)
{
    int past = year - 1;

    return past * 365 + past / 4 - past / 100 + past / 400;
}

static int64_t clamp(int64_t n, int64_t min, int64_t max)
{
    if (n < min)
        return min;
    return n > max ? max : n;
}

static bool to_ms(const struct moment *m, int64_t *out_ms)
{
    int64_t days;
    int second = m->second;
    int ms = m->ms;

    if (m->year < 1 || m->month < 1 || m->month > 12 || m->day < 1 ||
        m->day > days_in(m->year, m->month) || m->hour > 23 || m->minute > 59 || m->second > 60)
        return false;
    if (second == 60) {
        second = 59;
        ms = 999;
    }
    days = days_before(m->year) + m->day - 1 - EPOCH_DAY;
    for (int month = 1; month < m->month; month++)
        days += days_in(m->year, month);
    *out_ms = days * DAY_MS + ((m->hour * 60 + m->minute) * 60 + second) * INT64_C(1000) + ms;
    return true;
}

/* ms within DATETIME_MIN_MS … DATETIME_MAX_MS. */
static struct moment of_ms(int64_t ms)
{
    int64_t since_first = ms + EPOCH_DAY * DAY_MS;
    int days = (int)(since_first / DAY_MS);
    int rest = (int)(since_first % DAY_MS);
    struct moment m = {.year = days / 366 + 1, .month = 1}; /* not yet, or just right */

    while (days_before(m.year + 1) <= days)
        m.year++;
    days -= days_before(m.year);
    while (days >= days_in(m.year, m.month))
        days -= days_in(m.year, m.month++);
    m.day = days + 1;
    m.hour = rest / 3600000;
    m.minute = rest / 60000 % 60;
    m.second = rest / 1000 % 60;
    m.ms = rest % 1000;
    return m;
}

/* The take_… functions remove what they read from the front of *text, and nothing on false. */

static bool take_number(struct view *text, size_t digits, int *out)
{
    int n = 0;

    if (text->n < digits)
        return false;
    for (size_t i = 0; i < digits; i++) {
        if (!ascii_is_digit(text->p[i]))
            return false;
        n = n * 10 + (text->p[i] - '0');
    }
    *text = view_skip(*text, digits);
    *out = n;
    return true;
}

static bool take_text(struct view *text, const char *expected)
{
    struct view prefix = view_of(expected);

    if (!view_starts_nocase(*text, prefix))
        return false;
    *text = view_skip(*text, prefix.n);
    return true;
}

/* hh:mm:ss */
static bool take_clock(struct view *text, struct moment *m)
{
    return take_number(text, 2, &m->hour) && take_text(text, ":") &&
           take_number(text, 2, &m->minute) && take_text(text, ":") &&
           take_number(text, 2, &m->second);
}

/* [.f…] */
static bool take_fraction(struct view *text, struct moment *m)
{
    int unit = 100000000;
    int ns = 0;
    int digit;

    if (!take_text(text, "."))
        return true;
    if (!take_number(text, 1, &digit))
        return false;
    do {
        ns += digit * unit;
        unit /= 10;
    } while (take_number(text, 1, &digit));
    m->ms = ns / 1000000;
    m->ns = ns % 1000000;
    return true;
}

/* Z|±hh:mm */
static bool take_zone(struct view *text, int *out_minutes)
{
    bool west = text->n > 0 && text->p[0] == '-';
    int hours;
    int minutes;

    *out_minutes = 0;
    if (take_text(text, "Z"))
        return true;
    if (!take_text(text, west ? "-" : "+") || !take_number(text, 2, &hours) ||
        !take_text(text, ":") || !take_number(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

static bool read_rfc3339(struct view text, int64_t *out_ms, uint32_t *out_ns)
{
    struct moment m = {0};
    int zone_minutes;
    int64_t ms;

    if (!take_number(&text, 4, &m.year) || !take_text(&text, "-") ||
        !take_number(&text, 2, &m.month) || !take_text(&text, "-") ||
        !take_number(&text, 2, &m.day) || !(take_text(&text, "T") || take_text(&text, " ")) ||
        !take_clock(&text, &m) || !take_fraction(&text, &m) || !take_zone(&text, &zone_minutes) ||
        text.n > 0 || !to_ms(&m, &ms))
        return false;
    ms -= zone_minutes * INT64_C(60000);
    if (ms < DATETIME_MIN_MS || ms > DATETIME_MAX_MS)
        return false;
    *out_ms = ms;
    *out_ns = m.second == 60 ? DATETIME_FINER_MAX_NS : (uint32_t)m.ns;
    return true;
}

/* What stands where a time should is quoted only if it can be nothing but an attempt at one. */
static bool looks_like_a_date(struct view text)
{
    int n;

    if (text.n > TEXT_QUOTED_BYTES)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!ascii_is_digit(text.p[i]) && !view_has(VIEW("-:.+TtZz "), text.p[i]))
            return false;
    return take_number(&text, 4, &n) && take_text(&text, "-") && take_number(&text, 2, &n) &&
           take_text(&text, "-") && take_number(&text, 2, &n) &&
           (text.n == 0 || view_has(VIEW("Tt "), text.p[0]));
}

bool datetime_parse(struct view text, int64_t *out_ms, struct fault *f)
{
    uint32_t ignored;

    return datetime_parse_finer(text, out_ms, &ignored, f);
}

bool datetime_parse_finer(struct view text, int64_t *out_ms, uint32_t *out_ns, struct fault *f)
{
    static const char advice[] =
        "is no time; write it like 2011-12-31T13:15:30.123Z or 2011-12-31T15:15:30+02:00";
    char masked[MASK_TEXT_MAX];

    if (read_rfc3339(text, out_ms, out_ns))
        return true;
    if (looks_like_a_date(text))
        return fault_set(f, FAULT_REJECT, "'%.*s' %s", VIEW_ARG(text), advice);
    return fault_set(f, FAULT_REJECT, "%s %s", mask_text(text, masked), advice);
}

static void put_digits(char *out, unsigned n, int width, char behind)
{
    out[width] = behind;
    while (width-- > 0) {
        out[width] = (char)('0' + n % 10);
        n /= 10;
    }
}

void datetime_format(int64_t ms, char out[DATETIME_TEXT_MAX])
{
    struct moment m = of_ms(clamp(ms, DATETIME_MIN_MS, DATETIME_MAX_MS));

    /* By hand, since one is made for every result: a third of what printf costs there. */
    put_digits(out, (unsigned)m.year, 4, '-');
    put_digits(out + 5, (unsigned)m.month, 2, '-');
    put_digits(out + 8, (unsigned)m.day, 2, 'T');
    put_digits(out + 11, (unsigned)m.hour, 2, ':');
    put_digits(out + 14, (unsigned)m.minute, 2, ':');
    put_digits(out + 17, (unsigned)m.second, 2, '.');
    put_digits(out + 20, (unsigned)m.ms, 3, 'Z');
    out[24] = '\0';
}

void datetime_format_finer(int64_t ms, uint32_t ns, char out[DATETIME_TEXT_MAX])
{
    datetime_format(ms, out);
    if (ns == 0)
        return;
    put_digits(out + 23, ns, 6, 'Z');
    out[30] = '\0';
}

static bool take_month(struct view *text, int *out)
{
    for (int i = 0; i < 12; i++)
        if (take_text(text, months[i])) {
            *out = i + 1;
            return true;
        }
    return false;
}

/* The weekday says nothing that the date doesn't; which it is, is not checked. */
static bool take_weekday(struct view *text, bool whole)
{
    for (size_t i = 0; i < 7; i++) {
        struct view name = view_of(weekdays[i]);

        if (!whole)
            name.n = 3;
        if (view_starts_nocase(*text, name)) {
            *text = view_skip(*text, name.n);
            return true;
        }
    }
    return false;
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool read_imf_fixdate(struct view text, struct moment *m)
{
    return take_weekday(&text, false) && take_text(&text, ", ") && take_number(&text, 2, &m->day) &&
           take_text(&text, " ") && take_month(&text, &m->month) && take_text(&text, " ") &&
           take_number(&text, 4, &m->year) && take_text(&text, " ") && take_clock(&text, m) &&
           take_text(&text, " GMT") && text.n == 0;
}

/* Sunday, 06-Nov-94 08:49:37 GMT: the last such year that is not over 50 years ahead. */
static bool read_rfc850(struct view text, int year_now, struct moment *m)
{
    if (!take_weekday(&text, true) || !take_text(&text, ", ") || !take_number(&text, 2, &m->day) ||
        !take_text(&text, "-") || !take_month(&text, &m->month) || !take_text(&text, "-") ||
        !take_number(&text, 2, &m->year) || !take_text(&text, " ") || !take_clock(&text, m) ||
        !take_text(&text, " GMT") || text.n > 0)
        return false;
    m->year += (year_now + 50) / 100 * 100;
    if (m->year > year_now + 50)
        m->year -= 100;
    return true;
}

/* Sun Nov  6 08:49:37 1994 */
static bool read_asctime(struct view text, struct moment *m)
{
    return take_weekday(&text, false) && take_text(&text, " ") && take_month(&text, &m->month) &&
           take_text(&text, " ") &&
           (take_number(&text, 2, &m->day) ||
            (take_text(&text, " ") && take_number(&text, 1, &m->day))) &&
           take_text(&text, " ") && take_clock(&text, m) && take_text(&text, " ") &&
           take_number(&text, 4, &m->year) && text.n == 0;
}

static bool read_http_date(struct view text, int year_now, int64_t *out_ms)
{
    struct moment m = {0};

    return (read_imf_fixdate(text, &m) || read_rfc850(text, year_now, &m) ||
            read_asctime(text, &m)) &&
           to_ms(&m, out_ms);
}

/* All digits, however many: what is past any int64 is still a number, and a long wait. */
static bool read_seconds(struct view text, int64_t *out_ms)
{
    int64_t seconds = 0;

    if (text.n == 0)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_digit(text.p[i]))
            return false;
        seconds = clamp(seconds * 10 + (text.p[i] - '0'), 0, DATETIME_MAX_MS / 1000);
    }
    *out_ms = seconds * 1000;
    return true;
}

bool datetime_retry_after(struct view value, int64_t wall_ms, int64_t max_ms, int64_t *out_wait_ms)
{
    int64_t now_ms = clamp(wall_ms, DATETIME_MIN_MS, DATETIME_MAX_MS);
    int64_t ms;

    value = view_trim(value);
    if (!read_seconds(value, &ms)) {
        if (!read_http_date(value, of_ms(now_ms).year, &ms))
            return false;
        ms -= now_ms;
    }
    *out_wait_ms = clamp(ms, 0, max_ms);
    return true;
}
