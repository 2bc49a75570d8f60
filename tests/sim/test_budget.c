/*
 * What is given up, and when: the consume loop on fakes in virtual time (fakes/world.h), and events
 * that fail again and again, or are refused, among others that succeed (D4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "bridge/run/consume_state.h" /* what is left of a budget */
#include "tests/fakes/quiet_world.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX 200000
#define LONG_MS   600000 /* in virtual time: all that may end has ended */
#define FAILS     7      /* the event that does */
#define BURST     5

static struct world world;

static void retune_budget(struct world *w, int64_t burst)
{
    struct consume_conf fresh = w->conf;

    fresh.budget_burst = burst;
    consume_retune(w->consumer, &fresh);
}

static bool says(const struct world *w, const char *text)
{
    struct buf why;
    bool said;

    buf_init(&why, 4096);
    said = !consume_ready(w->consumer, &why) && strstr(buf_text(&why), text) != NULL;
    buf_done(&why);
    return said;
}

/* ---- what fails again and again ---- */

static void begin_with_one_that_fails(struct world *w, size_t events)
{
    quiet_world_begin(w, events);
    w->conf.in_flight =
        20; /* the others come bit by bit, so that some succeed after each failure */
    w->conf.budget_per_success_milli = 0;
    w->failing = &w->events[events > FAILS ? FAILS : 0];
}

static void expect_the_others_written(const struct world *w)
{
    for (size_t i = 0; i < w->event_count; i++)
        if (&w->events[i] != w->failing) {
            assert_int_equal(w->events[i].effects, 1);
            assert_int_equal(w->events[i].dead_letters, 0);
        }
}

/* Its first failure does not count: nobody else has succeeded since it was sent. */
static void what_fails_while_others_succeed_is_exhausted_at_its_number(void **state)
{
    static const int numbers[] = {1, 3, 10};
    struct world *w = &world;

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        begin_with_one_that_fails(w, WORLD_EVENTS_MAX);
        w->conf.attempts_max = numbers[i];
        w->conf.budget_burst = BURST;
        world_boot(w);
        quiet_world_end(w);
        assert_int_equal(w->failing_tries, numbers[i] + 1);
        assert_int_equal(w->failing->effects, 0);
        assert_int_equal(w->failing->dead_letters, 1);
        assert_string_equal(w->failing->disposition, "exhausted");
        assert_int_equal(w->consumer->destinations[0].budget.left_milli, (BURST - 1) * 1000);
        expect_the_others_written(w);
        world_done(w);
    }
}

static void what_fails_alone_is_tried_for_ever(void **state)
{
    struct world *w = &world;

    (void)state;
    begin_with_one_that_fails(w, 1);
    world_boot(w);
    quiet_world_until(w, 6 * LONG_MS);
    assert_true(w->failing_tries > 10 * w->conf.attempts_max);
    assert_int_equal(w->failing->dead_letters, 0);
    world_done(w);
}

static void what_is_exhausted_waits_for_the_budget(void **state)
{
    struct world *w = &world;

    (void)state;
    begin_with_one_that_fails(w, WORLD_EVENTS_MAX);
    w->conf.budget_burst = 0;
    world_boot(w);
    quiet_world_until(w, LONG_MS);
    assert_int_equal(w->failing->dead_letters, 0);
    assert_true(w->failing_tries > w->conf.attempts_max);
    expect_the_others_written(w);
    assert_true(says(w, "target ours: dead-lettering is held back (dead_letters.budget)"));
    retune_budget(w, 1);
    quiet_world_end(w);
    assert_int_equal(w->failing->dead_letters, 1);
    assert_string_equal(w->failing->disposition, "exhausted");
    world_done(w);
}

/* ---- what is refused ---- */

#define REFUSED     40
#define MANY        120
#define GOOD        10 /* of those */
#define OPEN_MAX_MS 60000

static size_t written(const struct world *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->event_count; i++)
        n += (size_t)w->events[i].effects;
    return n;
}

static size_t given_up(const struct world *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->event_count; i++)
        n += (size_t)w->events[i].dead_letters;
    return n;
}

static void begin_with_refused(struct world *w, size_t events, size_t refused)
{
    quiet_world_begin(w, events);
    w->conf.budget_burst = BURST;
    w->conf.budget_per_success_milli = 0;
    w->conf.retry = (struct backoff){500, 60000};
    w->conf.breaker = (struct breaker_policy){5, {1000, OPEN_MAX_MS}};
    for (size_t i = 0; i < refused; i++)
        world_remake_event(w, i, WORLD_REFUSED);
}

/* More than the budget allows, in front of all others: these are written all the same, and soon. */
static void what_is_refused_holds_up_nobody_else(void **state)
{
    struct world *w = &world;

    (void)state;
    begin_with_refused(w, WORLD_EVENTS_MAX, REFUSED);
    world_boot(w);
    quiet_world_until(w, LONG_MS / 10);
    assert_int_equal(written(w), WORLD_EVENTS_MAX - REFUSED);
    assert_int_equal(given_up(w), BURST);
    assert_int_equal(stat_value(w->consumer->destinations[0].stat_held), REFUSED - BURST);
    assert_true(says(w, "target ours: dead-lettering is held back (dead_letters.budget)"));
    retune_budget(w, REFUSED);
    quiet_world_until(w, w->now_ms + 1000); /* one after the other, at once */
    assert_int_equal(given_up(w), REFUSED);
    quiet_world_end(w);
    assert_int_equal(stat_value(w->consumer->destinations[0].stat_held), 0);
    assert_false(says(w, "target"));
    world_done(w);
}

/* Whoever is first in line is asked for again as soon as there is room. */
static void each_success_makes_room_for_one(void **state)
{
    struct world *w = &world;

    (void)state;
    begin_with_refused(w, WORLD_EVENTS_MAX, REFUSED);
    w->conf.budget_burst = 1;
    w->conf.budget_per_success_milli = 1000;
    world_boot(w);
    for (size_t i = 0; i < STEPS_MAX && written(w) < WORLD_EVENTS_MAX - REFUSED; i++)
        world_step(w);
    assert_int_equal(written(w), WORLD_EVENTS_MAX - REFUSED);
    assert_in_range(given_up(w), REFUSED - 1, REFUSED);
    world_done(w);
}

/* 403: three of them in a row look like a target that is shut, which no single event may keep so.
 */
static void what_is_forbidden_does_not_keep_its_target_shut(void **state)
{
    struct world *w = &world;

    (void)state;
    for (int seed = 0; seed < 20; seed++) {
        size_t forbidden = 0;

        begin_with_refused(w, WORLD_EVENTS_MAX, 0);
        w->rng = rng_of((uint64_t)seed);
        w->refusal = 403;
        w->faults.latency_ms = 20;
        w->destinations[0].concurrency = 64;
        w->conf.budget_burst = 20;
        w->conf.budget_per_success_milli = 100;
        for (size_t i = 0; i < w->event_count; i++)
            if (rng_below(&w->rng, 2) == 0) {
                world_remake_event(w, i, WORLD_REFUSED);
                forbidden++;
            }
        world_boot(w);
        quiet_world_until(w, 6 * LONG_MS);
        assert_int_equal(written(w), WORLD_EVENTS_MAX - forbidden);
        world_done(w);
    }
}

/* Every second one is forbidden, the others are bad. Forbidden ones alone keep a target shut in the
 * end, whatever the budget: no bad one and no good one waits for them. */
static void what_is_forbidden_does_not_keep_the_budget_from_others(void **state)
{
    struct world *w = &world;

    (void)state;
    for (int seed = 0; seed < 20; seed++) {
        begin_with_refused(w, MANY, MANY - GOOD);
        w->rng = rng_of((uint64_t)seed);
        w->refusal = 403;
        w->other_refusal = 400;
        w->faults.latency_ms = 20;
        w->destinations[0].concurrency = 4;
        w->conf.budget_burst = 2;
        world_boot(w);
        quiet_world_until(w, LONG_MS / 10);
        assert_int_equal(given_up(w), 2);
        retune_budget(w, 10 * MANY);
        quiet_world_until(w, 3 * LONG_MS);
        assert_int_equal(written(w), GOOD);
        for (size_t i = 1; i < MANY - GOOD; i += 2)
            assert_int_equal(w->events[i].dead_letters, 1);
        world_done(w);
    }
}

/* Nor does a budget that has room keep a good one waiting that comes later: who was never asked
 * comes first. */
static void what_is_forbidden_keeps_no_later_one_waiting(void **state)
{
    struct world *w = &world;
    size_t last;

    (void)state;
    for (int seed = 0; seed < 20; seed++) {
        begin_with_refused(w, WORLD_EVENTS_MAX, 0);
        w->rng = rng_of((uint64_t)seed);
        w->refusal = 403;
        w->faults.latency_ms = 20;
        w->conf.budget_burst = 2;
        last = w->event_count - 1;
        for (size_t i = 0; i < last; i += 2)
            world_remake_event(w, i, WORLD_REFUSED);
        w->partitions[w->events[last].partition].count--; /* it is published later */
        world_boot(w);
        quiet_world_until(w, 6 * LONG_MS);
        assert_in_range(written(w), WORLD_EVENTS_MAX / 2 - 2, WORLD_EVENTS_MAX / 2 - 1);
        retune_budget(w, 10 * MANY);
        quiet_world_until(w, 6 * LONG_MS + OPEN_MAX_MS);
        w->partitions[w->events[last].partition].count++;
        quiet_world_until(w, 6 * LONG_MS + 4 * OPEN_MAX_MS);
        assert_int_equal(w->events[last].effects, 1);
        world_done(w);
    }
}

/* However few others there are among them: each trial is soon, and of another one. */
static void the_few_among_many_refused_are_found_soon(void **state)
{
    static const size_t all[] = {120, WORLD_EVENTS_MAX};
    static const size_t others[] = {1, 20};
    struct world *w = &world;

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        begin_with_refused(w, all[i], all[i] - others[i]);
        w->destinations[0].concurrency = 64;
        world_boot(w);
        quiet_world_until(w, (int64_t)all[i] * 1000);
        assert_int_equal(written(w), others[i]);
        assert_int_equal(given_up(w), BURST);
        world_done(w);
    }
}

/* Nor what comes later, while nothing but what was refused waits. */
static void what_comes_after_the_refused_is_sent_at_once(void **state)
{
    struct world *w = &world;
    size_t last;

    (void)state;
    begin_with_refused(w, REFUSED, REFUSED - 1);
    last = w->event_count - 1;
    w->partitions[w->events[last].partition].count--; /* it is published later */
    world_boot(w);
    quiet_world_until(w, 60 * LONG_MS);
    assert_int_equal(w->consumer->destinations[0].held, REFUSED - 1 - BURST);
    w->partitions[w->events[last].partition].count++;
    quiet_world_until(w, 60 * LONG_MS + 5000);
    assert_int_equal(w->events[last].effects, 1);
    assert_int_equal(given_up(w), BURST);
    world_done(w);
}

/* It holds up all that is committed behind it, and asks seldom by now: no later one takes its place
 * in the budget. */
static void who_was_held_back_first_is_given_up_first(void **state)
{
    struct world *w = &world;
    size_t last;

    (void)state;
    begin_with_refused(w, REFUSED, 1);
    w->conf.budget_burst = 0;
    last = w->event_count - 1;
    world_remake_event(w, last, WORLD_REFUSED);
    w->partitions[w->events[last].partition].count--; /* it is published later */
    world_boot(w);
    quiet_world_until(w, LONG_MS);
    assert_int_equal(w->consumer->destinations[0].held, 1);
    w->partitions[w->events[last].partition].count++;
    for (size_t i = 0; i < STEPS_MAX && w->consumer->destinations[0].out == 0; i++) {
        world_step(w);
        (void)consume_turn(w->consumer);
    }
    assert_int_equal(w->consumer->destinations[0].out, 1); /* one of the two is being refused */
    retune_budget(w, 1);
    quiet_world_until(w, w->now_ms + 1000); /* at once */
    assert_int_equal(w->events[0].dead_letters, 1);
    assert_int_equal(w->events[last].dead_letters, 0);
    assert_int_equal(w->consumer->destinations[0].held, 1);
    world_done(w);
}

/* It is asked again with growing waits, however often others' successes make room for it. */
static void who_was_held_back_and_fails_now_waits_as_others_do(void **state)
{
    struct world *w = &world;

    (void)state;
    begin_with_refused(w, WORLD_EVENTS_MAX, 1);
    w->conf.budget_burst = 0;
    world_boot(w);
    for (size_t i = 0; i < STEPS_MAX && w->consumer->destinations[0].held == 0; i++)
        world_step(w);
    w->failing = &w->events[0];
    retune_budget(w, 1);
    for (size_t i = 0; i < STEPS_MAX && written(w) < WORLD_EVENTS_MAX - 1; i++)
        world_step(w);
    assert_int_equal(written(w), WORLD_EVENTS_MAX - 1);
    assert_in_range(w->failing_tries, 1, 4);
    assert_int_equal(w->events[0].dead_letters, 0);
    world_done(w);
}

/* Though most were never tried yet, since it is tried so seldom. */
static void what_may_be_given_up_goes_when_it_is_tried_again(void **state)
{
    struct world *w = &world;
    uint64_t asked;

    (void)state;
    begin_with_refused(w, REFUSED, REFUSED);
    w->destinations[0].concurrency = 8;
    world_boot(w);
    quiet_world_until(w, 5000);
    assert_int_equal(given_up(w), BURST);
    assert_in_range(w->consumer->destinations[0].held, 1, REFUSED / 2);
    retune_budget(w, BURST + 2); /* less than all */
    quiet_world_until(w, w->now_ms + 3000);
    assert_int_equal(given_up(w), BURST + 2);
    asked = w->consumer->destinations[0].breaker.sent;
    retune_budget(w, REFUSED);
    quiet_world_until(w, w->now_ms + OPEN_MAX_MS + 1000);
    assert_int_equal(given_up(w), REFUSED);
    assert_int_equal(w->consumer->destinations[0].breaker.sent - asked, REFUSED - (BURST + 2));
    world_done(w);
}

/* A target that takes nothing at all is left alone: about one request in a second. */
static void who_refuses_all_is_asked_seldom(void **state)
{
    struct world *w = &world;

    (void)state;
    begin_with_refused(w, WORLD_EVENTS_MAX, WORLD_EVENTS_MAX);
    world_boot(w);
    quiet_world_until(w, LONG_MS);
    assert_in_range(w->consumer->destinations[0].breaker.sent, BURST + 5, 2 * LONG_MS / 1000);
    quiet_world_until(w, 60 * LONG_MS);
    assert_in_range(w->consumer->destinations[0].breaker.sent, BURST + 5, 60 * LONG_MS / 1000);
    assert_int_equal(given_up(w), BURST);
    world_done(w);
}

/* ---- what names a thing that nobody knows ---- */

static void give_name(struct world_event *e, size_t n)
{
    (void)snprintf(e->subject, sizeof e->subject, "callbacks/never%zu", n);
    e->headers[4].value = view_of(e->subject);
}

/* However many they are (decisions/0036): no target has failed, so none waits, and nothing is left
 * less for what a target refuses. */
static void unknown_names_are_given_up_outside_the_budget(void **state)
{
    struct world *w = &world;

    (void)state;
    quiet_world_begin(w, 100);
    w->conf.budget_burst = BURST;
    w->conf.budget_per_success_milli = 0;
    for (size_t i = 0; i < w->event_count; i += 2) {
        world_remake_event(w, i, WORLD_PUT);
        give_name(&w->events[i], i);
    }
    world_boot(w);
    quiet_world_end(w);
    for (size_t i = 0; i < w->event_count; i++) {
        bool unknown = i % 2 == 0;

        assert_int_equal(w->events[i].effects, unknown ? 0 : 1);
        assert_int_equal(w->events[i].dead_letters, unknown ? 1 : 0);
        assert_string_equal(w->events[i].disposition, unknown ? "unknown-ref" : "");
    }
    assert_int_equal(w->consumer->destinations[0].budget.left_milli, BURST * 1000);
    assert_true(w->now_ms >= w->conf.refs_wait_ms);
    world_done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fails_while_others_succeed_is_exhausted_at_its_number),
        cmocka_unit_test(what_fails_alone_is_tried_for_ever),
        cmocka_unit_test(what_is_exhausted_waits_for_the_budget),
        cmocka_unit_test(what_is_refused_holds_up_nobody_else),
        cmocka_unit_test(each_success_makes_room_for_one),
        cmocka_unit_test(what_is_forbidden_does_not_keep_its_target_shut),
        cmocka_unit_test(what_is_forbidden_does_not_keep_the_budget_from_others),
        cmocka_unit_test(what_is_forbidden_keeps_no_later_one_waiting),
        cmocka_unit_test(the_few_among_many_refused_are_found_soon),
        cmocka_unit_test(what_comes_after_the_refused_is_sent_at_once),
        cmocka_unit_test(who_was_held_back_first_is_given_up_first),
        cmocka_unit_test(who_was_held_back_and_fails_now_waits_as_others_do),
        cmocka_unit_test(what_may_be_given_up_goes_when_it_is_tried_again),
        cmocka_unit_test(who_refuses_all_is_asked_seldom),
        cmocka_unit_test(unknown_names_are_given_up_outside_the_budget),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
