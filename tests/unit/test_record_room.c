/* record_room: what could be too large is said, with what to set, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/record_room.h"

#define LARGE 1048588

static void note(void *ctx, const char *sentence)
{
    buf_printf(ctx, "%s\n", sentence);
}

static void check(const struct record_room *r, const char *expected)
{
    struct buf said;

    buf_init(&said, 8192);
    record_room_judge(r, note, &said);
    assert_string_equal(buf_text(&said), expected);
    buf_done(&said);
}

static void where_all_has_room_nothing_is_said(void **state)
{
    const struct record_room_topic read[] = {{"small", 1000},
                                             {"events", LARGE - RECORD_ROOM_LETTER}};
    struct record_room r = {.read = read,
                            .read_count = 2,
                            .letters = {"dead", LARGE},
                            .results = {"results", LARGE},
                            .outcomes = {"outcomes", LARGE},
                            .produced = LARGE};

    (void)state;
    check(&r, "");
    r.results = r.outcomes = (struct record_room_topic){NULL, 0}; /* none are written */
    check(&r, "");
    r.letters.bytes = r.results.bytes = -1; /* not there yet, or not told */
    r.results.name = "results";
    check(&r, "");
}

static void a_dead_letter_longer_than_its_topic_or_our_producer_takes_is_told_of(void **state)
{
    const struct record_room_topic read[] = {{"small", 1000}, {"events", 5000000}, {"other", -1}};
    struct record_room r = {
        .read = read, .read_count = 3, .letters = {"dead", 5001023}, .produced = 5001024};

    (void)state;
    check(&r,
          "records of events may have 5000000 bytes, and a dead letter has up to 1024 more; what "
          "does not fit is kept without its value and can't be replayed: let "
          "max.message.bytes of dead (5001023) and message.max.bytes in kafka.properties "
          "(5001024) be 5001024 or more\n"
          "dead takes batches of 5001023 bytes, and ours may have 5001024: after the first that "
          "is refused each record is sent by itself, which is slow; let its max.message.bytes be "
          "5001024 or more, or message.max.bytes in kafka.properties 5001023\n");
    r.letters.bytes = 5001024;
    check(&r, "");
    r.produced = LARGE;
    check(&r,
          "records of events may have 5000000 bytes, and a dead letter has up to 1024 more; what "
          "does not fit is kept without its value and can't be replayed: let "
          "max.message.bytes of dead (5001024) and message.max.bytes in kafka.properties "
          "(1048588) be 5001024 or more\n");
}

static void results_and_outcomes_longer_than_their_topics_take_are_told_of(void **state)
{
    struct record_room r = {.results = {"results", RECORD_ROOM_REPORT},
                            .outcomes = {"outcomes", RECORD_ROOM_REPORT},
                            .produced = RECORD_ROOM_REPORT};

    (void)state;
    check(&r, "");
    r.produced = r.results.bytes = RECORD_ROOM_REPORT - 1;
    check(&r, "results takes records of 65535 bytes, and a result may have 65536: a longer one is "
              "cut, or ends consume; let its max.message.bytes be 65536 or more\n");
    r.results.bytes = RECORD_ROOM_REPORT;
    r.produced = r.outcomes.bytes = 1000;
    check(&r, "outcomes takes records of 1000 bytes, and an outcome may have 65536: a longer one "
              "holds up those behind it; let its max.message.bytes be 65536 or more\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_all_has_room_nothing_is_said),
        cmocka_unit_test(a_dead_letter_longer_than_its_topic_or_our_producer_takes_is_told_of),
        cmocka_unit_test(results_and_outcomes_longer_than_their_topics_take_are_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
