/*
 * What moves, on fakes in virtual time. A CMI without idempotency keys that gets another address:
 * what was sent to the old one is sent to the new one again, which may be the same CMI, and the
 * result says so (D2). References that stand for something else: few lines tell of many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "bridge/run/consume_state.h" /* how many have moved */
#include "tests/fakes/world.h"

#include <stdio.h>

#define STEPS_MAX 10000

static struct world world;

static void begin(struct world *w)
{
    world_init(w, 1);
    w->faults = (struct world_faults){.latency_ms = 1};
    w->honours_key[0] = false;
    w->destinations[0].honours_key = false;
    w->routes[0].destination = 0;
    world_make_events(w, 1);
    world_remake_event(w, 0, WORLD_POST);
    world_boot(w);
}

static void run_to_the_end(struct world *w)
{
    for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++)
        world_step(w);
    assert_true(world_finished(w));
}

/* Its address is another at the next start, which reads the event again. */
static void start_again(struct world *w, const char *url)
{
    world_kill(w);
    w->destinations[0].url = url;
    w->partitions[w->events[0].partition].committed = 0;
    world_boot(w);
    run_to_the_end(w);
}

static void what_was_begun_elsewhere_may_be_a_duplicate(void **state)
{
    struct world *w = &world;

    (void)state;
    begin(w);
    for (size_t i = 0; i < STEPS_MAX && w->events[0].effects == 0; i++)
        world_step(w);
    assert_int_equal(w->events[0].results, 0);
    start_again(w, "https://ours");
    assert_int_equal(w->events[0].effects, 2);
    assert_int_equal(w->events[0].results, 1);
    assert_true(w->events[0].said_duplicate);
    world_done(w);
}

static void what_was_written_elsewhere_is_written_again_and_said(void **state)
{
    struct world *w = &world;

    (void)state;
    begin(w);
    run_to_the_end(w);
    start_again(w, "http://ours"); /* the same, so it is known to be written */
    assert_int_equal(w->events[0].effects, 1);
    assert_false(w->events[0].said_duplicate);
    start_again(w, "https://ours");
    assert_int_equal(w->events[0].effects, 2);
    assert_true(w->events[0].said_duplicate);
    start_again(w, "https://ours"); /* from now on this is where it was written */
    assert_int_equal(w->events[0].effects, 2);
    world_done(w);
}

#define SAME 100

static void names_that_move_by_the_hundred_are_no_flood_of_lines(void **state)
{
    struct world *w = &world;

    (void)state;
    world_init(w, 1);
    w->faults = (struct world_faults){.latency_ms = 1};
    w->routes[0].destination = 0;
    w->watched = "reference_moved";
    world_make_events(w, SAME);
    for (size_t i = 0; i < SAME; i++) {
        world_remake_event(w, i, WORLD_POST);
        (void)snprintf(w->events[i].subject, sizeof w->events[i].subject, "callbacks/same");
        w->events[i].headers[4].value = view_of(w->events[i].subject);
    }
    world_boot(w);
    run_to_the_end(w);
    assert_in_range(stat_value(w->consumer->stat_moved), SAME / 2, SAME - 1);
    assert_in_range(w->said, 1, 1 + 5 * (1 + w->now_ms / 10000));
    world_done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_begun_elsewhere_may_be_a_duplicate),
        cmocka_unit_test(what_was_written_elsewhere_is_written_again_and_said),
        cmocka_unit_test(names_that_move_by_the_hundred_are_no_flood_of_lines),
    };

    crypto_init();
    return cmocka_run_group_tests_name("moved", tests, NULL, NULL);
}
