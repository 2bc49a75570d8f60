#include "bridge/core/hours.h"

#include "bridge/core/num.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MIN   1440
#define DAY_MS    (DAY_MIN * MINUTE_MS)
#define EVERY_DAY 0x7fU

static const char *const day_names[] = {"Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"};

static bool wrong(struct view span, struct fault *f)
{
    return fault_set(f, FAULT_REJECT,
                     "'%.*s' is no span of hours; write it like Mo-Fr 08:00-20:00 or 08:00-21:00",
                     (int)(span.n < 40 ? span.n : 40), span.p != NULL ? span.p : "");
}

static bool read_day(struct view name, unsigned *out)
{
    for (unsigned i = 0; i < 7; i++)
        if (view_is(name, day_names[i])) {
            *out = i;
            return true;
        }
    return false;
}

static bool read_days(struct view text, unsigned *out)
{
    struct view rest = text;
    unsigned first;
    unsigned last;

    if (!read_day(view_cut(&rest, '-'), &first))
        return false;
    last = first;
    if (view_has(text, '-') && !read_day(rest, &last))
        return false;
    *out = 0;
    for (unsigned i = first;; i = (i + 1) % 7) {
        *out |= 1U << i;
        if (i == last)
            return true;
    }
}

static bool read_two(struct view text, int64_t max, int64_t *out)
{
    if (text.n != 2)
        return false;
    if (text.p[0] == '0')
        text = view_skip(text, 1);
    return num_in(text, 0, max, out);
}

static bool read_time(struct view text, int *out_min)
{
    struct view rest = text;
    int64_t hour;
    int64_t minute;

    if (!read_two(view_cut(&rest, ':'), 24, &hour) || !read_two(rest, 59, &minute) ||
        hour * 60 + minute > DAY_MIN)
        return false;
    *out_min = (int)(hour * 60 + minute);
    return true;
}

static bool read_span(struct view text, struct hours_span *out)
{
    struct view times = text;
    struct view rest;

    out->days = EVERY_DAY;
    if (view_has(text, ' ')) {
        if (!read_days(view_cut(&times, ' '), &out->days))
            return false;
        times = view_trim(times);
    }
    rest = times;
    return read_time(view_trim(view_cut(&rest, '-')), &out->from_min) &&
           read_time(view_trim(rest), &out->to_min) && out->from_min < out->to_min;
}

bool hours_parse(struct view text, struct hours *out, struct fault *f)
{
    struct hours h = {.count = 0};

    text = view_trim(text);
    while (text.n > 0) {
        struct view span = view_trim(view_cut(&text, ','));

        if (h.count == HOURS_SPANS_MAX)
            return fault_set(f, FAULT_REJECT, "has more than %d spans of hours", HOURS_SPANS_MAX);
        if (!read_span(span, &h.spans[h.count]))
            return wrong(span, f);
        h.count++;
    }
    *out = h;
    return true;
}

/* Days since 1970 of a local time, rounded down; 1970-01-01 was a Thursday. */
static int64_t day_of(int64_t local_ms)
{
    return local_ms >= 0 ? local_ms / DAY_MS : -((-local_ms + DAY_MS - 1) / DAY_MS);
}

static bool holds_on(const struct hours_span *s, int64_t day)
{
    return (s->days >> (unsigned)(((day + 3) % 7 + 7) % 7) & 1U) != 0;
}

int64_t hours_open_ms(const struct hours *h, const struct zone *z, int64_t now_ms)
{
    int64_t first = INT64_MAX;
    int64_t today;

    if (h->count == 0)
        return now_ms;
    today = day_of(now_ms + zone_offset_ms(z, now_ms));
    /* A span of one weekday comes again after 7 days at the latest. */
    for (int64_t day = today; day <= today + 7; day++)
        for (size_t i = 0; i < h->count; i++) {
            int64_t from;
            int64_t to;

            if (!holds_on(&h->spans[i], day))
                continue;
            from = zone_utc_ms(z, day * DAY_MS + h->spans[i].from_min * MINUTE_MS);
            to = zone_utc_ms(z, day * DAY_MS + h->spans[i].to_min * MINUTE_MS);
            if (to <= now_ms)
                continue;
            if (from <= now_ms)
                return now_ms;
            if (from < first)
                first = from;
        }
    return first;
}

int64_t hours_close_ms(const struct hours *h, const struct zone *z, int64_t now_ms)
{
    int64_t last = now_ms;
    int64_t today;

    if (h->count == 0)
        return INT64_MAX;
    today = day_of(now_ms + zone_offset_ms(z, now_ms));
    for (size_t i = 0; i < h->count; i++) {
        int64_t from = zone_utc_ms(z, today * DAY_MS + h->spans[i].from_min * MINUTE_MS);
        int64_t to = zone_utc_ms(z, today * DAY_MS + h->spans[i].to_min * MINUTE_MS);

        if (holds_on(&h->spans[i], today) && from <= now_ms && now_ms < to && to > last)
            last = to;
    }
    return last;
}
