/* callback_state: each row of the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/callback_state.h"

#define NOW   INT64_C(1000000)
#define DELAY INT64_C(300)

struct row {
    struct callback_state before;
    struct callback_put put;
    int status;
    struct callback_state after;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct callback_state s = rows[i].before;
        struct fault f = {0};
        int status = callback_put(&s, &rows[i].put, NOW, DELAY, &f);
        const struct callback_state *want = rows[i].status == 0 ? &rows[i].after : &rows[i].before;

        if (status != rows[i].status || s.open != want->open || s.last != want->last ||
            s.failures != want->failures || s.max_calls != want->max_calls ||
            s.next_call_ms != want->next_call_ms || s.last_call_ms != want->last_call_ms ||
            s.idle != want->idle || s.wishes != want->wishes || s.anew != want->anew)
            fail_msg("row %zu: status %d, open %d, %s, %d failures, %d idle, %d wishes, next %d, "
                     "called %d",
                     i, status, s.open, callback_result_name(s.last), (int)s.failures, (int)s.idle,
                     (int)s.wishes, (int)s.next_call_ms, (int)s.last_call_ms);
        assert_true((status == 0) == (f.text[0] == '\0'));
    }
}
#define CHECK(rows) check((rows), sizeof(rows) / sizeof((rows)[0]))

/* {open, last, failures, max_calls, next_call_ms, last_call_ms, idle, wishes, anew} */
static void a_failed_call_leads_to_the_next_until_there_were_enough(void **state)
{
    static const struct row rows[] = {
        {{true, CALLBACK_ADDED, 0, 3, 500, -1, 0, 0, 0},
         {CALLBACK_BUSY, false, 0, 0, false},
         0,
         {true, CALLBACK_BUSY, 1, 3, NOW + DELAY, NOW, 0, 0, 0}},
        {{true, CALLBACK_BUSY, 1, 3, 500, 400, 0, 0, 0},
         {CALLBACK_NO_ANSWER, false, 0, 0, false},
         0,
         {true, CALLBACK_NO_ANSWER, 2, 3, NOW + DELAY, NOW, 0, 0, 0}},
        {{true, CALLBACK_BUSY, 2, 3, 500, 400, 0, 0, 0},
         {CALLBACK_VOICEMAIL, false, 0, 0, false},
         0,
         {false, CALLBACK_VOICEMAIL, 3, 3, 500, NOW, 0, 0, 0}},
        {{true, CALLBACK_ADDED, 0, 1, 500, -1, 0, 0, 0},
         {CALLBACK_OTHER, false, 0, 0, false},
         0,
         {false, CALLBACK_OTHER, 1, 1, 500, NOW, 0, 0, 0}},
    };

    (void)state;
    CHECK(rows);
}

static void success_and_handling_close_it(void **state)
{
    static const struct row rows[] = {
        {{true, CALLBACK_BUSY, 1, 3, 500, 400, 0, 0, 0},
         {CALLBACK_SUCCESSFUL, false, 0, 0, false},
         0,
         {false, CALLBACK_SUCCESSFUL, 1, 3, 500, NOW, 0, 0, 0}},
        {{true, CALLBACK_ADDED, 0, 3, 500, -1, 0, 0, 0},
         {CALLBACK_HANDLED, false, 0, 0, false},
         0,
         {false, CALLBACK_HANDLED, 0, 3, 500, -1, 0, 0, 0}},
    };

    (void)state;
    CHECK(rows);
}

static void a_wished_time_is_taken_without_a_failure(void **state)
{
    static const struct row rows[] = {
        {{true, CALLBACK_BUSY, 1, 3, 500, 400, 0, 0, 0},
         {CALLBACK_CUSTOM_TIME, true, 7000000, 0, false},
         0,
         {true, CALLBACK_CUSTOM_TIME, 1, 3, 7000000, 400, 0, 0, 0}},
        {{true, CALLBACK_BUSY, 1, 3, 500, 400, 0, 0, 0},
         {CALLBACK_RESCHEDULE, true, 7, 0, false},
         0,
         {true, CALLBACK_RESCHEDULE, 1, 3, 7, 400, 0, 0, 0}},
        /* none given: the stored one … */
        {{true, CALLBACK_BUSY, 1, 3, NOW + 1, 400, 0, 0, 0},
         {CALLBACK_RESCHEDULE, false, 0, 0, false},
         0,
         {true, CALLBACK_RESCHEDULE, 1, 3, NOW + 1, 400, 0, 0, 0}},
        /* … unless that is past */
        {{true, CALLBACK_BUSY, 1, 3, NOW, 400, 0, 0, 0},
         {CALLBACK_RESCHEDULE, false, 0, 0, false},
         0,
         {true, CALLBACK_RESCHEDULE, 1, 3, NOW + DELAY, 400, 0, 0, 0}},
    };

    (void)state;
    CHECK(rows);
}

/* One that errs makes no calls without a pause, nor without an end. */
static void a_dialler_s_wish_comes_no_sooner_than_a_retry_and_not_for_ever(void **state)
{
    static const struct row rows[] = {
        {{true, CALLBACK_BUSY, 1, 3, 500, 400, 0, 0, 0},
         {.result = CALLBACK_CUSTOM_TIME, .has_next_call = true, .next_call_ms = 7, .call = 1},
         0,
         {true, CALLBACK_CUSTOM_TIME, 1, 3, NOW + DELAY, 400, 1, 1, 0}},
        {{true, CALLBACK_ADDED, 0, 3, 500, -1, 0, 0, 0},
         {.result = CALLBACK_RESCHEDULE,
          .has_next_call = true,
          .next_call_ms = NOW + DELAY - 1,
          .call = 1},
         0,
         {true, CALLBACK_RESCHEDULE, 0, 3, NOW + DELAY, -1, 0, 1, 0}},
        {{true, CALLBACK_ADDED, 0, 3, NOW + 1, -1, 0, 59, 0},
         {.result = CALLBACK_RESCHEDULE, .call = 60},
         0,
         {true, CALLBACK_RESCHEDULE, 0, 3, NOW + DELAY, -1, 1, 60, 0}},
        {{true, CALLBACK_ADDED, 0, 3, 500, -1, 0, 59, 0},
         {.result = CALLBACK_CUSTOM_TIME,
          .has_next_call = true,
          .next_call_ms = 7000000,
          .call = 60},
         0,
         {true, CALLBACK_CUSTOM_TIME, 0, 3, 7000000, -1, 0, 60, 0}},
        /* Of most requests no call has come. */
        {{true, CALLBACK_ADDED, 0, 3, 500, -1, 0, 0, 0},
         {.result = CALLBACK_CUSTOM_TIME,
          .has_next_call = true,
          .next_call_ms = 7000000,
          .call = 1000},
         0,
         {true, CALLBACK_CUSTOM_TIME, 0, 3, 7000000, -1, 0, 1, 0}},
        {{true, CALLBACK_RESCHEDULE, 0, 3, 500, -1, 0, 60, 0},
         {.result = CALLBACK_CUSTOM_TIME,
          .has_next_call = true,
          .next_call_ms = 7000000,
          .call = 60},
         409,
         {false, CALLBACK_ADDED, 0, 0, 0, 0, 0, 0, 0}},
    };

    (void)state;
    CHECK(rows);
}

/* It says RESCHEDULE and no time, again and again: that uses max_calls up, and is no failure. */
static void a_call_that_brings_nothing_is_one_of_those_that_may_be_made(void **state)
{
    static const struct row rows[] = {
        {{true, CALLBACK_RESCHEDULE, 0, 3, 500, -1, 1, 0, 0},
         {.result = CALLBACK_RESCHEDULE, .call = 2},
         0,
         {true, CALLBACK_RESCHEDULE, 0, 3, NOW + DELAY, -1, 2, 1, 0}},
        {{true, CALLBACK_RESCHEDULE, 0, 3, 500, -1, 2, 0, 0},
         {.result = CALLBACK_RESCHEDULE, .call = 3},
         0,
         {false, CALLBACK_RESCHEDULE, 0, 3, 500, -1, 3, 1, 0}},
        {{true, CALLBACK_BUSY, 2, 3, 500, 400, 0, 0, 0},
         {.result = CALLBACK_CUSTOM_TIME, .has_next_call = true, .next_call_ms = NOW, .call = 3},
         0,
         {false, CALLBACK_CUSTOM_TIME, 2, 3, 500, 400, 1, 1, 0}},
        /* Together with failures. */
        {{true, CALLBACK_BUSY, 1, 3, 500, 400, 1, 0, 0},
         {CALLBACK_BUSY, false, 0, 3, false},
         0,
         {false, CALLBACK_BUSY, 2, 3, 500, NOW, 1, 0, 0}},
        /* A time is somebody's wish, which is met; so is what a person puts. */
        {{true, CALLBACK_BUSY, 2, 3, 500, 400, 0, 0, 0},
         {.result = CALLBACK_CUSTOM_TIME,
          .has_next_call = true,
          .next_call_ms = 7000000,
          .call = 3},
         0,
         {true, CALLBACK_CUSTOM_TIME, 2, 3, 7000000, 400, 0, 1, 0}},
        {{false, CALLBACK_RESCHEDULE, 0, 3, 500, -1, 3, 0, 0},
         {CALLBACK_RESCHEDULE, false, 0, 0, false},
         0,
         {true, CALLBACK_RESCHEDULE, 0, 3, NOW + DELAY, -1, 3, 0, 1}},
    };

    (void)state;
    CHECK(rows);
}

static void a_time_with_another_result_must_be_the_stored_one(void **state)
{
    static const struct row rows[] = {
        {{true, CALLBACK_ADDED, 0, 3, 500, -1, 0, 0, 0},
         {CALLBACK_BUSY, true, 501, 0, false},
         400,
         {false, CALLBACK_ADDED, 0, 0, 0, 0, 0, 0, 0}},
        {{true, CALLBACK_ADDED, 0, 3, 500, -1, 0, 0, 0},
         {CALLBACK_BUSY, true, 500, 0, false},
         0,
         {true, CALLBACK_BUSY, 1, 3, NOW + DELAY, NOW, 0, 0, 0}},
        {{true, CALLBACK_ADDED, 0, 3, 500, -1, 0, 0, 0},
         {CALLBACK_HANDLED, true, 499, 0, false},
         400,
         {false, CALLBACK_ADDED, 0, 0, 0, 0, 0, 0, 0}},
    };

    (void)state;
    CHECK(rows);
}

static void a_closed_one_is_opened_by_a_wish_only(void **state)
{
    static const struct row rows[] = {
        {{false, CALLBACK_SUCCESSFUL, 2, 3, 500, 400, 0, 0, 0},
         {CALLBACK_CUSTOM_TIME, true, 7000000, 0, false},
         0,
         {true, CALLBACK_CUSTOM_TIME, 2, 3, 7000000, 400, 0, 0, 1}},
        {{false, CALLBACK_SUCCESSFUL, 0, 3, 500, 400, 0, 0, 0},
         {CALLBACK_RESCHEDULE, false, 0, 0, false},
         0,
         {true, CALLBACK_RESCHEDULE, 0, 3, NOW + DELAY, 400, 0, 0, 1}},
        {{false, CALLBACK_BUSY, 3, 3, 500, 400, 0, 0, 0},
         {CALLBACK_RESCHEDULE, false, 0, 0, false},
         409,
         {false, CALLBACK_ADDED, 0, 0, 0, 0, 0, 0, 0}},
        {{false, CALLBACK_HANDLED, 1, 3, 500, 400, 0, 0, 0},
         {CALLBACK_BUSY, false, 0, 0, false},
         0,
         {false, CALLBACK_BUSY, 1, 3, 500, 400, 0, 0, 0}},
        {{false, CALLBACK_HANDLED, 1, 3, 500, 400, 0, 0, 0},
         {CALLBACK_SUCCESSFUL, false, 0, 0, false},
         0,
         {false, CALLBACK_SUCCESSFUL, 1, 3, 500, 400, 0, 0, 0}},
    };

    (void)state;
    CHECK(rows);
}

static void results_have_the_interface_s_names(void **state)
{
    static const char *const names[] = {"ADDED",     "SUCCESSFUL", "BUSY",
                                        "NO_ANSWER", "VOICEMAIL",  "CUSTOM_TIME",
                                        "OTHER",     "HANDLED",    "RESCHEDULE"};
    enum callback_result r = CALLBACK_ADDED;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_true(callback_result_parse(view_of(names[i]), &r));
        assert_string_equal(callback_result_name(r), names[i]);
        assert_int_equal(r, i);
    }
    assert_false(callback_result_parse(VIEW("busy"), &r));
    assert_false(callback_result_parse(VIEW(""), &r));
}

/* Another callback to whoever has taken the one before: opened again, or to another number. */
static void what_a_person_asks_for_anew_is_counted(void **state)
{
    static const struct {
        bool open;
        enum callback_result put;
        bool other_number;
        int64_t anew;
    } rows[] = {
        {true, CALLBACK_RESCHEDULE, false, 2},  {true, CALLBACK_BUSY, false, 2},
        {true, CALLBACK_RESCHEDULE, true, 3},   {true, CALLBACK_BUSY, true, 3},
        {false, CALLBACK_RESCHEDULE, false, 3}, {false, CALLBACK_RESCHEDULE, true, 3},
        {false, CALLBACK_BUSY, true, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct callback_state s = {.open = rows[i].open, .max_calls = 3, .anew = 2};
        struct callback_put put = {.result = rows[i].put, .other_number = rows[i].other_number};
        struct fault f = {0};

        assert_int_equal(callback_put(&s, &put, NOW, DELAY, &f), 0);
        if (s.anew != rows[i].anew)
            fail_msg("row %zu: %d", i, (int)s.anew);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_call_leads_to_the_next_until_there_were_enough),
        cmocka_unit_test(success_and_handling_close_it),
        cmocka_unit_test(a_wished_time_is_taken_without_a_failure),
        cmocka_unit_test(a_dialler_s_wish_comes_no_sooner_than_a_retry_and_not_for_ever),
        cmocka_unit_test(a_call_that_brings_nothing_is_one_of_those_that_may_be_made),
        cmocka_unit_test(a_time_with_another_result_must_be_the_stored_one),
        cmocka_unit_test(a_closed_one_is_opened_by_a_wish_only),
        cmocka_unit_test(results_have_the_interface_s_names),
        cmocka_unit_test(what_a_person_asks_for_anew_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
