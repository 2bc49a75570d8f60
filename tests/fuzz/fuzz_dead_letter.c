/* A record of the dead-letter topic, which anybody may write to: a line with its timestamp, " b"
 * behind it where that is the broker's, lines "name:value", an empty line, then the value. It is a
 * dead letter of a place that there may be, the mark of one, or a stranger, and its times are in
 * order. */
#include "bridge/core/dead_letter.h"
#include "bridge/core/num.h"

#include <assert.h>

#define TEXT_MAX  (1 << 22)
#define PARTITION 3
#define OFFSET    1207

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view header(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (view_is(r->headers[i].name, name))
            return r->headers[i].value;
    return VIEW_NONE;
}

/* One place has one name, or two marks would be of one letter and neither found by the other. */
static void check_place(struct dead_letter_place place, struct view text)
{
    char again[DEAD_LETTER_PLACE_MAX];

    assert(place.partition >= 0 && place.offset >= 0);
    dead_letter_place_text(place, again);
    assert(view_is(text, again));
}

static void check_letter(const struct record *r, const struct dead_letter *l)
{
    struct buf text;
    struct cloudevent e;
    struct fault f = {.cls = FAULT_NONE};
    struct dead_letter_published p;
    int64_t ms = 0;
    bool is_event;

    assert(l->cls.n > 0 && l->topic.n > 0 && l->partition >= 0 && l->offset >= 0);
    buf_init(&text, TEXT_MAX);
    is_event = cloudevent_of_record(r, &e, &text, &f);
    p = dead_letter_published(r, l, is_event ? &e : NULL);
    assert(p.from_ms <= p.to_ms && p.to_ms <= l->time_ms);
    if (dead_letter_timestamp(r, l, &ms))
        assert(p.from_ms == p.to_ms && p.to_ms <= ms);
    assert(dead_letter_since(&p, p.to_ms) == DEAD_LETTER_PERHAPS);
    assert(dead_letter_since(&p, INT64_MIN) != DEAD_LETTER_SINCE);
    assert(dead_letter_since(&p, INT64_MAX) == DEAD_LETTER_SINCE || p.to_ms == INT64_MAX);
    buf_done(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_header headers[RECORD_HEADERS_READ + 1];
    struct record r = {.partition = PARTITION, .offset = OFFSET, .headers = headers};
    struct view rest = {(const char *)data, size};
    struct view first = view_cut(&rest, '\n');
    struct dead_letter letter;
    struct dead_letter_place place = {-1, -1};

    if (!num_int(view_cut(&first, ' '), &r.timestamp_ms))
        r.timestamp_ms = -1;
    r.broker_time = view_is(first, "b");
    while (rest.n > 0 && rest.p[0] != '\n' && r.header_count <= RECORD_HEADERS_READ) {
        struct view value = view_cut(&rest, '\n');
        struct view name = view_cut(&value, ':');

        headers[r.header_count++] = (struct record_header){name, value};
    }
    r.has_value = rest.n > 0;
    r.value = view_skip(rest, 1);
    switch (dead_letter_of(&r, &letter, &place)) {
    case DEAD_LETTER_LETTER:
        check_letter(&r, &letter);
        break;
    case DEAD_LETTER_REPLAYED:
        check_place(place, header(&r, DEAD_LETTER_MARK));
        break;
    case DEAD_LETTER_STRANGE:
        break;
    }
    if (dead_letter_replay(&r, &place))
        check_place(place, header(&r, DEAD_LETTER_REPLAY));
    place = dead_letter_origin(&r);
    assert(place.partition >= 0 && place.offset >= 0);
    assert(dead_letter_own_headers(&r) <= r.header_count);
    (void)dead_letter_event_ms(&r);
    return 0;
}
