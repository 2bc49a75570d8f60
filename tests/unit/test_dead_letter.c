/* dead_letter, dlq_marks: what a command reads before it acts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "producers/dlq_marks.h"

#include <string.h>

#define WHOLE 6

static void fill(struct record_header out[WHOLE])
{
    const struct record_header whole[WHOLE] = {
        {VIEW("ce_id"), VIEW("1")},
        {VIEW(DEAD_LETTER_CLASS), VIEW("reject")},
        {VIEW(DEAD_LETTER_TOPIC), VIEW("contact-events")},
        {VIEW(DEAD_LETTER_PARTITION), VIEW("3")},
        {VIEW(DEAD_LETTER_OFFSET), VIEW("9007199254740993")},
        {VIEW(DEAD_LETTER_TIME), VIEW("1970-01-01T00:00:01.500Z")},
    };

    memcpy(out, whole, sizeof whole);
}

static enum dead_letter_kind kind_of(const struct record_header *headers, size_t count,
                                     struct dead_letter *l, struct dead_letter_place *place)
{
    return dead_letter_of(
        &(struct record){.timestamp_ms = 7, .headers = headers, .header_count = count}, l, place);
}

static void a_dead_letter_says_where_it_came_from(void **state)
{
    struct record_header whole[WHOLE];
    struct dead_letter l;
    struct dead_letter_place place;

    (void)state;
    fill(whole);
    assert_int_equal(kind_of(whole, WHOLE, &l, &place), DEAD_LETTER_LETTER);
    assert_true(view_is(l.cls, "reject") && view_is(l.topic, "contact-events"));
    assert_int_equal(l.partition, 3);
    assert_true(l.offset == INT64_C(9007199254740993));
    assert_int_equal(l.time_ms, 1500);
    assert_int_equal(kind_of(whole, WHOLE - 1, &l, &place), DEAD_LETTER_LETTER);
    assert_int_equal(l.time_ms, 7);
    for (size_t n = 0; n < WHOLE - 1; n++)
        assert_int_equal(kind_of(whole, n, &l, &place), DEAD_LETTER_STRANGE);
}

static void numbers_and_times_that_are_none_make_it_strange(void **state)
{
    const struct record_header wrong[] = {
        {VIEW(DEAD_LETTER_PARTITION), VIEW("2147483648")},
        {VIEW(DEAD_LETTER_OFFSET), VIEW("-1")},
        {VIEW(DEAD_LETTER_OFFSET), VIEW("1e3")},
        {VIEW(DEAD_LETTER_TIME), VIEW("noon")},
        {VIEW(DEAD_LETTER_CLASS), VIEW_NONE},
    };
    struct dead_letter l;
    struct dead_letter_place place;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct record_header headers[WHOLE];

        fill(headers);
        for (size_t h = 0; h < WHOLE; h++)
            if (view_eq(headers[h].name, wrong[i].name))
                headers[h] = wrong[i];
        assert_int_equal(kind_of(headers, WHOLE, &l, &place), DEAD_LETTER_STRANGE);
    }
}

static void a_mark_names_a_place(void **state)
{
    const struct record_header good[] = {{VIEW(DEAD_LETTER_MARK), VIEW("3:1207")}};
    static const char *const bad[] = {":", "3", "3:", ":7", "3:1:2", "-1:2", "1:-2", "a:b", "01:2"};
    struct dead_letter l;
    struct dead_letter_place place = {0, 0};
    char text[DEAD_LETTER_PLACE_MAX];

    (void)state;
    assert_int_equal(kind_of(good, 1, &l, &place), DEAD_LETTER_REPLAYED);
    assert_int_equal(place.partition, 3);
    assert_int_equal(place.offset, 1207);
    dead_letter_place_text((struct dead_letter_place){INT32_MAX, INT64_MAX}, text);
    assert_string_equal(text, "2147483647:9223372036854775807");
    assert_true(dead_letter_place_parse(view_of(text), &place));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(dead_letter_place_parse(view_of(bad[i]), &place));
    assert_true(dead_letter_keeps(VIEW("ce_id")));
    assert_false(dead_letter_keeps(VIEW(DEAD_LETTER_TEXT)));
    assert_false(dead_letter_keeps(VIEW(DEAD_LETTER_REPLAY)));
    assert_false(dead_letter_keeps(VIEW(DEAD_LETTER_ORIGIN)));
    assert_false(dead_letter_keeps(VIEW(DEAD_LETTER_PUBLISHED)));
}

#define GIVEN_UP INT64_C(1000000000)
#define CLOCKS   DEAD_LETTER_CLOCKS_MS

static void when_it_was_published_is_the_records_time(void **state)
{
    static const struct {
        int64_t timestamp;
        bool broker;
        const char *header;
        bool has_time;
        int64_t time;
        int64_t from;
        int64_t to;
        const char *kept; /* what the dead letter says of the record's own time */
        bool replay;
    } rows[] = {
        {GIVEN_UP - 1700, false, NULL, false, 0, GIVEN_UP - 1700, GIVEN_UP - 1700, NULL, false},
        {GIVEN_UP - 1700, false, NULL, true, 5, GIVEN_UP - 1700, GIVEN_UP - 1700, NULL, false},
        /* a clock that is ahead; one that is far ahead tells nothing */
        {GIVEN_UP + CLOCKS, false, NULL, false, 0, GIVEN_UP, GIVEN_UP, NULL, false},
        {GIVEN_UP + CLOCKS + 1, false, NULL, false, 0, INT64_MIN, GIVEN_UP, NULL, false},
        {INT64_MAX, false, NULL, true, 5, 5, GIVEN_UP, NULL, false},
        /* none, or that of the dead letter's own broker: the event's time, if it has one */
        {-1, false, NULL, false, 0, INT64_MIN, GIVEN_UP, NULL, false},
        {0, false, NULL, true, 5, 5, GIVEN_UP, NULL, false},
        {GIVEN_UP - 1, true, NULL, false, 0, INT64_MIN, GIVEN_UP, NULL, false},
        {GIVEN_UP - 1, true, NULL, true, -5, -5, GIVEN_UP, NULL, false},
        {GIVEN_UP - 1, true, NULL, true, GIVEN_UP + CLOCKS, GIVEN_UP, GIVEN_UP, NULL, false},
        {GIVEN_UP - 1, true, NULL, true, GIVEN_UP + CLOCKS + 1, INT64_MIN, GIVEN_UP, NULL, false},
        /* a replay's record may be newer; it says when it was first published */
        {GIVEN_UP - 1, false, "1970-01-01T00:00:07Z", true, 5, 7000, 7000, NULL, false},
        {GIVEN_UP - 1, true, "1970-01-01T00:00:07Z", false, 0, 7000, 7000, NULL, false},
        {GIVEN_UP - 1, false, "yesterday", false, 0, GIVEN_UP - 1, GIVEN_UP - 1, NULL, false},
        /* the dead letter's own time is that of its end, whoever put it there */
        {GIVEN_UP, false, NULL, true, 5, 8000, 8000, "1970-01-01T00:00:08Z", false},
        {GIVEN_UP, true, NULL, false, 0, 8000, 8000, "1970-01-01T00:00:08Z", false},
        {GIVEN_UP, false, NULL, false, 0, INT64_MIN, GIVEN_UP, DEAD_LETTER_TIMELESS, false},
        {GIVEN_UP, false, NULL, true, 5, 5, GIVEN_UP, DEAD_LETTER_TIMELESS, false},
        {GIVEN_UP, false, NULL, false, 0, INT64_MIN, GIVEN_UP, "9999-12-31T23:59:59.999Z", false},
        {GIVEN_UP, false, "1970-01-01T00:00:07Z", false, 0, 7000, 7000, "1970-01-01T00:00:08Z",
         true},
        /* the replay of what nobody knew it of is newer, and its own time tells nothing */
        {GIVEN_UP, false, NULL, true, 5, 5, GIVEN_UP, "1970-01-01T00:00:08Z", true},
        {GIVEN_UP - 1700, false, NULL, false, 0, INT64_MIN, GIVEN_UP, NULL, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct record_header headers[3];
        struct record r = {
            .timestamp_ms = rows[i].timestamp, .broker_time = rows[i].broker, .headers = headers};
        struct cloudevent e = {.has_time = rows[i].has_time, .time_ms = rows[i].time};
        struct dead_letter l = {.time_ms = GIVEN_UP};
        struct dead_letter_published p;

        if (rows[i].header != NULL)
            headers[r.header_count++] =
                (struct record_header){VIEW(DEAD_LETTER_PUBLISHED), view_of(rows[i].header)};
        if (rows[i].kept != NULL)
            headers[r.header_count++] =
                (struct record_header){VIEW(DEAD_LETTER_TIMESTAMP), view_of(rows[i].kept)};
        if (rows[i].replay)
            headers[r.header_count++] =
                (struct record_header){VIEW(DEAD_LETTER_REPLAY), VIEW("0:9")};
        p = dead_letter_published(&r, &l, &e);
        if (p.from_ms != rows[i].from || p.to_ms != rows[i].to)
            fail_msg("row %zu: %lld to %lld", i, (long long)p.from_ms, (long long)p.to_ms);
        if (!rows[i].has_time) {
            p = dead_letter_published(&r, &l, NULL);
            assert_true(p.from_ms == rows[i].from && p.to_ms == rows[i].to);
        }
    }
}

/* What has no time of its own has that of its first publication, however often it is replayed. */
static void a_replays_event_is_of_when_it_was_first_published(void **state)
{
    struct record_header published = {VIEW(DEAD_LETTER_PUBLISHED), VIEW("1970-01-01T00:00:07Z")};
    struct record r = {.timestamp_ms = 9000, .headers = &published};

    (void)state;
    assert_int_equal(dead_letter_event_ms(&r), 9000);
    r.header_count = 1;
    assert_int_equal(dead_letter_event_ms(&r), 7000);
    published.value = VIEW("then");
    assert_int_equal(dead_letter_event_ms(&r), 9000);
}

/* In doubt it may have been. */
static void what_was_written_after_it_was_published_is_since(void **state)
{
    static const struct {
        struct dead_letter_published published;
        int64_t done;
        enum dead_letter_since since;
    } rows[] = {
        {{GIVEN_UP, GIVEN_UP}, GIVEN_UP + 1, DEAD_LETTER_SINCE},
        {{GIVEN_UP, GIVEN_UP}, GIVEN_UP, DEAD_LETTER_PERHAPS},
        {{GIVEN_UP, GIVEN_UP}, GIVEN_UP - CLOCKS, DEAD_LETTER_PERHAPS},
        {{GIVEN_UP, GIVEN_UP}, GIVEN_UP - CLOCKS - 1, DEAD_LETTER_EARLIER},
        {{5 + CLOCKS, GIVEN_UP}, 4, DEAD_LETTER_EARLIER},
        {{5 + CLOCKS, GIVEN_UP}, 5, DEAD_LETTER_PERHAPS},
        {{5 + CLOCKS, GIVEN_UP}, GIVEN_UP, DEAD_LETTER_PERHAPS},
        {{5 + CLOCKS, GIVEN_UP}, GIVEN_UP + 1, DEAD_LETTER_SINCE},
        {{INT64_MIN, GIVEN_UP}, 0, DEAD_LETTER_PERHAPS},
        {{INT64_MIN, GIVEN_UP}, INT64_MAX, DEAD_LETTER_SINCE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (dead_letter_since(&rows[i].published, rows[i].done) != rows[i].since)
            fail_msg("row %zu", i);
}

/* Whoever writes to the topic may give a record any time. */
static void times_at_the_ends_are_compared_as_numbers(void **state)
{
    const struct record last = {.timestamp_ms = INT64_MAX};
    const struct record_header then = {VIEW(DEAD_LETTER_PUBLISHED), VIEW("1970-01-01T00:00:07Z")};
    const struct record told = {.headers = &then, .header_count = 1};
    struct dead_letter l = {.time_ms = -5};
    struct dead_letter_published p = dead_letter_published(&last, &l, NULL);

    (void)state;
    assert_true(p.from_ms == INT64_MIN && p.to_ms == -5);
    l.time_ms = INT64_MAX;
    p = dead_letter_published(&last, &l, NULL);
    assert_true(p.from_ms == INT64_MAX && p.to_ms == INT64_MAX);
    l.time_ms = INT64_MIN;
    p = dead_letter_published(&told, &l, NULL);
    assert_true(p.from_ms == INT64_MIN && p.to_ms == INT64_MIN);
    p = (struct dead_letter_published){INT64_MIN + 5, GIVEN_UP};
    assert_int_equal(dead_letter_since(&p, 0), DEAD_LETTER_PERHAPS);
}

static void a_replay_knows_where_it_was_first(void **state)
{
    static const char *const bad[] = {"", "7", "7:", "-1:5"};
    struct record_header headers[] = {{VIEW("mine"), VIEW("x")},
                                      {VIEW(DEAD_LETTER_REPLAY), VIEW("0:9")},
                                      {VIEW(DEAD_LETTER_ORIGIN), VIEW("3:12")}};
    struct record r = {.partition = 1, .offset = 90, .headers = headers, .header_count = 3};
    struct dead_letter_place origin = dead_letter_origin(&r);

    (void)state;
    assert_true(origin.partition == 3 && origin.offset == 12);
    assert_int_equal(dead_letter_own_headers(&r), 1);
    r.header_count = 2;
    origin = dead_letter_origin(&r);
    assert_true(origin.partition == 1 && origin.offset == 90);
    r.header_count = 3;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        headers[2].value = view_of(bad[i]);
        origin = dead_letter_origin(&r);
        assert_true(origin.partition == 1 && origin.offset == 90);
    }
}

static void marks_are_found_however_they_came(void **state)
{
    struct dlq_marks m = {.at = NULL};

    (void)state;
    assert_false(dlq_marks_has(&m, (struct dead_letter_place){0, 0}));
    for (int i = 0; i < 1000; i++)
        assert_true(dlq_marks_add(
            &m, (struct dead_letter_place){(i * 7) % 5, (INT64_C(31) * i) % 1000 * 2}));
    for (int i = 0; i < 1000; i++) {
        struct dead_letter_place place = {(i * 7) % 5, (INT64_C(31) * i) % 1000 * 2};

        assert_true(dlq_marks_has(&m, place));
        place.offset++;
        assert_false(dlq_marks_has(&m, place));
    }
    dlq_marks_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_letter_says_where_it_came_from),
        cmocka_unit_test(numbers_and_times_that_are_none_make_it_strange),
        cmocka_unit_test(a_mark_names_a_place),
        cmocka_unit_test(when_it_was_published_is_the_records_time),
        cmocka_unit_test(a_replays_event_is_of_when_it_was_first_published),
        cmocka_unit_test(what_was_written_after_it_was_published_is_since),
        cmocka_unit_test(times_at_the_ends_are_compared_as_numbers),
        cmocka_unit_test(a_replay_knows_where_it_was_first),
        cmocka_unit_test(marks_are_found_however_they_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
