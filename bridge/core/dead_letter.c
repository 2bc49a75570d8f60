#include "bridge/core/dead_letter.h"

#include "bridge/core/datetime.h"
#include "bridge/core/num.h"

#include <inttypes.h>
#include <stdio.h>

static const struct record_header *find(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, name))
            return &r->headers[i];
    return NULL;
}

static struct view header(const struct record *r, const char *name)
{
    const struct record_header *h = find(r, name);

    return h != NULL ? h->value : VIEW_NONE;
}

bool dead_letter_place_parse(struct view text, struct dead_letter_place *out)
{
    int64_t partition;
    int64_t offset;
    struct view rest = text;

    if (!num_in(view_cut(&rest, ':'), 0, INT32_MAX, &partition) ||
        !num_in(rest, 0, INT64_MAX, &offset))
        return false;
    *out = (struct dead_letter_place){(int32_t)partition, offset};
    return true;
}

void dead_letter_place_text(struct dead_letter_place place, char out[DEAD_LETTER_PLACE_MAX])
{
    snprintf(out, DEAD_LETTER_PLACE_MAX, "%" PRId32 ":%" PRId64, place.partition, place.offset);
}

static bool read_letter(const struct record *r, struct dead_letter *l)
{
    struct view time = header(r, DEAD_LETTER_TIME);
    int64_t partition;
    struct fault f;

    *l = (struct dead_letter){.cls = header(r, DEAD_LETTER_CLASS),
                              .status = header(r, DEAD_LETTER_STATUS),
                              .text = header(r, DEAD_LETTER_TEXT),
                              .attempts = header(r, DEAD_LETTER_ATTEMPTS),
                              .disposition = header(r, DEAD_LETTER_DISPOSITION),
                              .topic = header(r, DEAD_LETTER_TOPIC),
                              .cut = header(r, DEAD_LETTER_CUT).n > 0,
                              .time_ms = r->timestamp_ms};
    if (l->cls.n == 0 || l->topic.n == 0 ||
        !num_in(header(r, DEAD_LETTER_PARTITION), 0, INT32_MAX, &partition) ||
        !num_in(header(r, DEAD_LETTER_OFFSET), 0, INT64_MAX, &l->offset))
        return false;
    l->partition = (int32_t)partition;
    return time.n == 0 || datetime_parse(time, &l->time_ms, &f);
}

enum dead_letter_kind dead_letter_of(const struct record *r, struct dead_letter *letter,
                                     struct dead_letter_place *marked)
{
    struct view mark = header(r, DEAD_LETTER_MARK);

    if (mark.n > 0)
        return dead_letter_place_parse(mark, marked) ? DEAD_LETTER_REPLAYED : DEAD_LETTER_STRANGE;
    return read_letter(r, letter) ? DEAD_LETTER_LETTER : DEAD_LETTER_STRANGE;
}

struct dead_letter_place dead_letter_origin(const struct record *r)
{
    struct dead_letter_place origin = {r->partition, r->offset};

    if (!dead_letter_place_parse(header(r, DEAD_LETTER_ORIGIN), &origin))
        origin = (struct dead_letter_place){r->partition, r->offset};
    return origin;
}

bool dead_letter_replay(const struct record *r, struct dead_letter_place *of)
{
    return dead_letter_place_parse(header(r, DEAD_LETTER_REPLAY), of);
}

/* The producer's time, or that of the broker it was published to. A dead letter of an older version
 * has it as its own, unless its own broker put another there; of a replay that does not say it,
 * nobody knows. */
static bool published_at(const struct record *r, int64_t *out_ms)
{
    const struct record_header *timestamp = find(r, DEAD_LETTER_TIMESTAMP);
    struct fault f;

    if (datetime_parse(header(r, DEAD_LETTER_PUBLISHED), out_ms, &f))
        return true;
    if (find(r, DEAD_LETTER_REPLAY) != NULL)
        return false;
    if (timestamp != NULL)
        return datetime_parse(timestamp->value, out_ms, &f);
    *out_ms = r->timestamp_ms;
    return r->timestamp_ms > 0 && !r->broker_time;
}

int64_t dead_letter_event_ms(const struct record *r)
{
    int64_t ms;
    struct fault f;

    return datetime_parse(header(r, DEAD_LETTER_PUBLISHED), &ms, &f) ? ms : r->timestamp_ms;
}

/* Clocks that differ may put a publication a little after its end; what is far after is none. */
static bool may_be(int64_t ms, int64_t given_up_ms)
{
    return given_up_ms > INT64_MAX - DEAD_LETTER_CLOCKS_MS ||
           ms <= given_up_ms + DEAD_LETTER_CLOCKS_MS;
}

bool dead_letter_timestamp(const struct record *r, const struct dead_letter *letter,
                           int64_t *out_ms)
{
    return published_at(r, out_ms) && may_be(*out_ms, letter->time_ms);
}

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

struct dead_letter_published dead_letter_published(const struct record *r,
                                                   const struct dead_letter *letter,
                                                   const struct cloudevent *event)
{
    struct dead_letter_published p = {INT64_MIN, letter->time_ms};
    int64_t ms;

    if (dead_letter_timestamp(r, letter, &ms))
        p.from_ms = p.to_ms = earlier(ms, letter->time_ms);
    else if (event != NULL && event->has_time && may_be(event->time_ms, letter->time_ms))
        p.from_ms = earlier(event->time_ms, letter->time_ms);
    return p;
}

enum dead_letter_since dead_letter_since(const struct dead_letter_published *published,
                                         int64_t done_ms)
{
    if (done_ms > published->to_ms)
        return DEAD_LETTER_SINCE;
    return published->from_ms < INT64_MIN + DEAD_LETTER_CLOCKS_MS ||
                   done_ms >= published->from_ms - DEAD_LETTER_CLOCKS_MS
               ? DEAD_LETTER_PERHAPS
               : DEAD_LETTER_EARLIER;
}

bool dead_letter_keeps(struct view header_name)
{
    return !view_starts(header_name, VIEW(DEAD_LETTER_PREFIX)) &&
           !view_is(header_name, DEAD_LETTER_REPLAY) && !view_is(header_name, DEAD_LETTER_ORIGIN) &&
           !view_is(header_name, DEAD_LETTER_PUBLISHED);
}

size_t dead_letter_own_headers(const struct record *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->header_count; i++)
        n += dead_letter_keeps(r->headers[i].name);
    return n;
}
