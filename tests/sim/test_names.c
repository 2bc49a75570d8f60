/*
 * For how long an event waits for a name that another will create, and how often it is asked for:
 * the consume loop in virtual time (fakes/quiet_world.h; decisions/0036).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "bridge/run/consume_state.h" /* how long a chain of names may be */
#include "tests/fakes/quiet_world.h"

#include <stdio.h>
#include <string.h>

#define LONG_MS 600000 /* in virtual time: all that may end has ended */

static struct world world;

/* Of what is not given up since its target is down. */
static void a_name_is_not_asked_for_without_a_pause(void **state)
{
    struct world *w = &world;
    size_t last;

    (void)state;
    quiet_world_begin(w, 6);
    w->conf.refs_wait_ms = 0;
    last = w->event_count - 1;
    world_remake_event(w, last, WORLD_PUT);
    (void)snprintf(w->events[last].subject, sizeof w->events[last].subject, "callbacks/never");
    w->events[last].headers[4].value = view_of(w->events[last].subject);
    w->down[0] = true;
    w->partitions[w->events[last].partition].count--; /* it is published in the outage */
    world_boot(w);
    quiet_world_until(w, LONG_MS);
    assert_int_equal(w->consumer->destinations[0].breaker.state, BREAKER_OPEN);
    w->partitions[w->events[last].partition].count++;
    quiet_world_until(w, 2 * LONG_MS);
    assert_in_range(w->asked, LONG_MS / 4000, LONG_MS / 500 + 10);
    assert_int_equal(w->events[last].dead_letters, 0);
    world_done(w);
}

/* All in one partition, in their order; each has the key and the subject that it is told. */
static void line_up(struct world *w, size_t i, enum world_kind kind, int key, const char *subject)
{
    struct world_event *e = &w->events[i];

    for (unsigned p = 0; i == 0 && p < WORLD_PARTITIONS; p++)
        w->partitions[p].count = 0;
    e->partition = 0;
    e->offset = w->partitions[0].count;
    w->partitions[0].events[w->partitions[0].count++] = i;
    e->key = key;
    world_remake_event(w, i, kind);
    (void)snprintf(e->subject, sizeof e->subject, "%s", subject);
    e->headers[4].value = view_of(e->subject);
}

/* Of another target than what creates and changes callbacks, which is well. */
static void line_up_cancellation(struct world *w, size_t i, int key, const char *subject)
{
    struct world_event *e = &w->events[i];

    line_up(w, i, WORLD_PUT, key, subject);
    (void)snprintf(e->type, sizeof e->type, "message.cancelled");
    e->headers[3].value = view_of(e->type);
    e->body[0] = '\0';
    e->destination = 1;
}

/* In an outage of that target. */
static void line_up_what_waits(struct world *w)
{
    w->routes[0] = (struct route_rule){"message.*", 1};
    w->down[1] = true;
    line_up_cancellation(w, 0, 0, "messages/00000000000000000000000000000001");
}

static void line_up_thing(struct world *w, size_t i, enum world_kind kind, int key, int thing)
{
    char subject[32];

    (void)snprintf(subject, sizeof subject, "callbacks/thing%d", thing);
    line_up(w, i, kind, key, subject);
}

/* Though the target of what names it is well: what creates it stands behind an event of another
 * target, which is down, or behind one that waits for such a name itself, and so on. */
static void a_name_is_waited_for_while_its_creator_waits_its_turn(void **state)
{
    struct world *w = &world;

    (void)state;
    for (int links = 0; links < CONSUME_REF_CHAIN_MAX; links++) {
        quiet_world_begin(w, 3 + 2 * (size_t)links);
        line_up_what_waits(w);
        line_up_thing(w, 1, WORLD_POST, 0, 0);
        for (int n = 1; n <= links; n++) {
            line_up_thing(w, 2 * (size_t)n, WORLD_PUT, n, n - 1);
            line_up_thing(w, 2 * (size_t)n + 1, WORLD_POST, n, n);
        }
        line_up_thing(w, w->event_count - 1, WORLD_PUT, links + 1, links);
        world_boot(w);
        quiet_world_until(w, LONG_MS);
        for (size_t i = 0; i < w->event_count; i++)
            assert_int_equal(w->events[i].effects + w->events[i].dead_letters, 0);
        w->down[1] = false;
        quiet_world_end(w);
        for (size_t i = 0; i < w->event_count; i++) {
            assert_int_equal(w->events[i].effects, 1);
            assert_true(i == 0 || w->events[i - 1].effect_order < w->events[i].effect_order);
        }
        world_done(w);
    }
}

/* Each stands in front of what creates the next one's. */
static void names_in_a_ring_do_not_wait_for_each_other(void **state)
{
    struct world *w = &world;

    (void)state;
    for (int ring = 1; ring <= 12; ring++) {
        quiet_world_begin(w, 2 * (size_t)ring);
        for (int n = 0; n < ring; n++) {
            line_up_thing(w, 2 * (size_t)n, WORLD_PUT, n, (n + 1) % ring);
            line_up_thing(w, 2 * (size_t)n + 1, WORLD_POST, n, n);
        }
        world_boot(w);
        quiet_world_until(w, 2 * w->conf.refs_wait_ms);
        assert_true(world_finished(w));
        for (int n = 0; n < ring; n++)
            assert_int_equal(w->events[2 * n + 1].effects, 1);
        world_done(w);
    }
}

/* As before, and what creates one of them stands behind another target's event, too, which is down:
 * they wait for that, and go on when it has, or end when it is refused. */
static void names_in_a_ring_wait_no_longer_than_the_outage(void **state)
{
    static const enum world_kind kinds[] = {WORLD_POST, WORLD_REFUSED};
    struct world *w = &world;

    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        quiet_world_begin(w, 6);
        line_up_what_waits(w);
        line_up_thing(w, 1, kinds[k], 0, 0);
        line_up_thing(w, 2, WORLD_PUT, 1, 0);
        line_up_thing(w, 3, WORLD_POST, 1, 1);
        line_up_thing(w, 4, WORLD_PUT, 2, 1);
        line_up_thing(w, 5, WORLD_POST, 2, 0);
        world_boot(w);
        quiet_world_until(w, LONG_MS);
        assert_int_equal(w->events[2].dead_letters + w->events[4].dead_letters, 0);
        w->down[1] = false;
        quiet_world_until(w, w->now_ms + 10000 +
                                 3 * w->conf.refs_wait_ms); /* its breaker's wait, too */
        assert_true(world_finished(w));
        assert_int_equal(w->events[3].effects, 1);
        assert_int_equal(w->events[5].effects, 1);
        assert_int_equal(w->events[2].effects, kinds[k] == WORLD_POST);
        world_done(w);
    }
}

/* It waits for a name that nobody creates, of a target that is down, so its wait begins anew; what
 * stands behind it, and whoever waits for that, wait with it. */
static void a_name_is_waited_for_behind_one_whose_target_is_down(void **state)
{
    struct world *w = &world;

    (void)state;
    quiet_world_begin(w, 4);
    line_up_what_waits(w);
    line_up_cancellation(w, 1, 1, "messages/nobodys");
    line_up_thing(w, 2, WORLD_POST, 1, 0);
    line_up_thing(w, 3, WORLD_PUT, 2, 0);
    world_boot(w);
    quiet_world_until(w, LONG_MS);
    assert_int_equal(w->events[1].dead_letters + w->events[3].dead_letters, 0);
    w->down[1] = false;
    quiet_world_end(w);
    assert_int_equal(w->events[1].dead_letters, 1);
    assert_int_equal(w->events[3].effects, 1);
    world_done(w);
}

/* The one in front was read later, and ends later than the one that waits for what is behind. */
static void a_name_is_waited_for_behind_one_that_came_later(void **state)
{
    struct world *w = &world;

    (void)state;
    for (int64_t later_ms = 100; later_ms < w->conf.refs_wait_ms; later_ms += 4900) {
        quiet_world_begin(w, 3);
        line_up_thing(w, 0, WORLD_PUT, 2, 0);
        line_up_thing(w, 1, WORLD_PUT, 1, 77);
        line_up_thing(w, 2, WORLD_POST, 1, 0);
        w->partitions[0].count -= 2;
        world_boot(w);
        quiet_world_until(w, w->now_ms + later_ms);
        w->partitions[0].count += 2;
        quiet_world_end(w);
        assert_int_equal(w->events[0].effects, 1);
        assert_int_equal(w->events[1].dead_letters, 1);
        world_done(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_not_asked_for_without_a_pause),
        cmocka_unit_test(a_name_is_waited_for_while_its_creator_waits_its_turn),
        cmocka_unit_test(names_in_a_ring_do_not_wait_for_each_other),
        cmocka_unit_test(names_in_a_ring_wait_no_longer_than_the_outage),
        cmocka_unit_test(a_name_is_waited_for_behind_one_whose_target_is_down),
        cmocka_unit_test(a_name_is_waited_for_behind_one_that_came_later),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
