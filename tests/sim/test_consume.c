/*
 * The consume loop on fakes in virtual time: random events, latencies, failures, outages, kills,
 * orderly ends, reloads and rebalances; after each run the promises D1 to D4 are checked.
 * SIM_SEED=n repeats one run, SIM_RUNS=n says how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/io/crypto.h"
#include "bridge/run/consume_state.h" /* to make a place as old as one is after weeks */
#include "tests/fakes/sim_seeds.h"
#include "tests/fakes/world.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX 200000 /* of one run: more means that it stands still */

static struct world world;

static void disturb(struct world *w)
{
    uint64_t dice = rng_below(&w->rng, 400);

    if (dice == 0) {
        if (w->consumer != NULL)
            world_kill(w);
        world_boot(w);
    } else if (dice == 1) {
        world_rebalance(w, false);
    } else if (dice == 2) {
        world_rebalance(w, true);
    } else if (dice == 3) {
        unsigned which = (unsigned)rng_below(&w->rng, 2);

        w->down[which] = !w->down[which];
    } else if (dice == 4) {
        w->unauthorised[0] = !w->unauthorised[0];
    } else if (dice == 5) {
        world_leave(w);
    } else if (dice == 6) {
        world_retune(w);
    } else if (dice >= 7 && dice < 7 + WORLD_ACTIONS) {
        enum world_action kind = (enum world_action)(dice - 7);

        world_silence(w, kind, !w->silent[kind]);
    }
    if (w->consumer == NULL && rng_below(&w->rng, 20) == 0)
        world_boot(w);
}

static void run(uint64_t seed)
{
    struct world *w = &world;
    size_t wild;

    world_init(w, seed);
    w->faults.reply_lost = (unsigned)rng_below(&w->rng, 100);
    w->faults.request_lost = (unsigned)rng_below(&w->rng, 100);
    w->faults.not_sent = (unsigned)rng_below(&w->rng, 100);
    w->faults.error_500 = (unsigned)rng_below(&w->rng, 100);
    w->faults.throttle = (unsigned)rng_below(&w->rng, 50);
    w->faults.report_failed = (unsigned)rng_below(&w->rng, 50);
    w->faults.memory_failed = (unsigned)rng_below(&w->rng, 50);
    w->conf.attempts_max = 1000;
    if (rng_below(&w->rng, 3) == 0) {
        w->conf.budget_burst = (int64_t)rng_below(&w->rng, 4);
        w->conf.budget_per_success_milli = (int64_t)rng_below(&w->rng, 300);
    }
    world_make_events(w, 20 + rng_below(&w->rng, 60));
    world_boot(w);
    wild = rng_below(&w->rng, 3000);
    for (size_t i = 0; i < STEPS_MAX && !(i > wild && world_finished(w)); i++) {
        if (i < wild)
            disturb(w);
        if (i == wild) { /* from here on all is well, so all must end */
            w->down[0] = w->down[1] = w->unauthorised[0] = false;
            w->faults = (struct world_faults){.latency_ms = w->faults.latency_ms};
            for (unsigned kind = 0; kind < WORLD_ACTIONS; kind++)
                world_silence(w, (enum world_action)kind, false);
            w->conf.budget_burst = 1000; /* an operator's */
            world_retune(w);
        }
        if (i >= wild && w->consumer == NULL)
            world_boot(w);
        world_step(w);
    }
    if (!world_finished(w))
        fail_msg("the run stands still");
    world_check_end(w);
    world_done(w);
}

static void promises_hold_whatever_happens(void **state)
{
    (void)state;
    sim_seeds_run(run, 10000, INT64_MAX);
}

/* An end in order, with time enough, owes nothing: what was begun has ended and is remembered, so
 * whoever comes next does nothing twice, at a CMI without keys neither. (The ledger has no end for
 * what was refused: that may be asked, and refused, again.) */
static void who_ends_in_order_leaves_nothing_to_be_done_twice(void **state)
{
    struct world *w = &world;
    int all_ends = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        int ends = 0;

        sim_seeds_now(seed);
        world_init(w, seed);
        w->conf.drain_ms = 3600000;
        world_make_events(w, 60);
        world_boot(w);
        for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++) {
            if (w->consumer == NULL)
                world_boot(w);
            else if (!w->leaving && ends < 10 && rng_below(&w->rng, 40) == 0) {
                world_leave(w);
                ends++;
            }
            world_step(w);
            assert_int_equal(w->left_over, 0);
        }
        assert_true(world_finished(w));
        all_ends += ends;
        world_check_end(w);
        for (size_t i = 0; i < w->event_count; i++) {
            const struct world_event *e = &w->events[i];

            if (e->effects > 1 || (e->said_duplicate && e->kind != WORLD_REFUSED))
                fail_msg("%s (%s): done %d times%s", e->id, e->type, e->effects,
                         e->said_duplicate ? ", and a result says so" : "");
        }
        world_done(w);
    }
    assert_true(all_ends > 150); /* a run may be over before */
}

/* D4: whatever comes back from a destination that is down for an hour, nothing is dead-lettered. */
static void an_outage_is_not_poison(void **state)
{
    struct world *w = &world;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        sim_seeds_now(seed);
        world_init(w, seed);
        world_make_events(w, 60);
        world_boot(w);
        w->down[0] = w->down[1] = true;
        while (w->now_ms < 3600000)
            world_step(w);
        w->down[0] = w->down[1] = false;
        for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++)
            world_step(w);
        assert_true(world_finished(w));
        world_check_end(w);
        world_done(w);
    }
}

/* A destination that refuses everything is not allowed to empty the topic into the dead letters. */
static void dead_letters_stop_when_the_budget_is_used_up(void **state)
{
    struct world *w = &world;
    int dead = 0;

    (void)state;
    world_init(w, 3);
    w->conf.budget_burst = 5;
    world_make_events(w, 100);
    for (size_t i = 0; i < w->event_count; i++)
        if (w->events[i].kind == WORLD_POST || w->events[i].kind == WORLD_PUT)
            w->events[i].kind = WORLD_REFUSED;
    world_boot(w);
    while (w->now_ms < 600000)
        world_step(w);
    for (size_t i = 0; i < w->event_count; i++)
        if (w->events[i].kind == WORLD_REFUSED)
            dead += w->events[i].dead_letters;
    assert_true(dead >= 5);
    assert_true(dead < 60);
    assert_false(world_finished(w));
    world_done(w);
}

/* Not one refs.wait after the other: what stands behind one that waits in vain has waited, too. */
static void unknown_references_of_one_key_wait_together(void **state)
{
    struct world *w = &world;
    size_t unknown = 0;

    (void)state;
    world_init(w, 5);
    w->faults = (struct world_faults){.latency_ms = 10};
    w->conf.in_flight = 60;
    world_make_events(w, 200);
    for (size_t i = 0; i < w->event_count; i++) {
        struct world_event *e = &w->events[i];

        if (e->kind == WORLD_INGEST_REFUSED)
            world_remake_event(w, i, WORLD_INGEST);
        if (e->kind != WORLD_PUT)
            continue;
        e->kind = WORLD_REFUSED;
        (void)snprintf(e->subject, sizeof e->subject, "callbacks/never%zu", i);
        e->headers[4].value = view_of(e->subject);
        unknown++;
    }
    assert_true(unknown > 5 * WORLD_KEYS);
    world_boot(w);
    while (!world_finished(w) && w->now_ms < 3600000)
        world_step(w);
    assert_true(world_finished(w));
    for (size_t i = 0; i < w->event_count; i++)
        assert_int_equal(w->events[i].dead_letters > 0,
                         w->events[i].kind == WORLD_REFUSED || w->events[i].kind == WORLD_POISON);
    /* once or twice for what is held at a time; one after the other it is twice as much */
    assert_true(w->now_ms < 5 * w->conf.refs_wait_ms);
    world_done(w);
}

/* Others are neither refused with it nor held up for good, and the budget pays for that one only:
 * whether one bad event or too long an answer is the reason. */
static void a_batch_s_end_is_each_event_s_own(void **state)
{
    struct world *w = &world;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        sim_seeds_now(seed);
        world_init(w, seed);
        w->faults = (struct world_faults){.latency_ms = 10};
        w->refuses_whole = seed % 2 == 0;
        w->conf.in_flight = 60;
        w->conf.budget_burst = 1;
        w->conf.budget_per_success_milli = 0;
        world_make_events(w, 60);
        for (size_t i = 0; i < w->event_count; i++)
            world_remake_event(w, i, i == 40 ? WORLD_INGEST_REFUSED : WORLD_INGEST);
        world_boot(w);
        for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++)
            world_step(w);
        assert_true(world_finished(w));
        world_check_end(w);
        world_done(w);
    }
}

/* By the configuration it is known what becomes of them: no destination's budget pays, and none of
 * its events wait. */
static void what_no_target_takes_ends_as_is_configured(void **state)
{
    struct world *w = &world;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        sim_seeds_now(seed);
        world_init(w, seed);
        w->destinations[0].takes_ingest = false;
        w->conf.unrouted_to_dead_letters = seed % 2 == 0;
        w->conf.budget_burst = 0;
        w->conf.budget_per_success_milli = 0;
        world_make_events(w, 60);
        for (size_t i = 0; i < w->event_count; i++)
            if (w->events[i].kind == WORLD_REFUSED)
                world_remake_event(w, i, WORLD_INGEST);
        world_boot(w);
        for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++)
            world_step(w);
        assert_true(world_finished(w));
        world_check_end(w);
        world_done(w);
    }
}

static size_t committed(const struct world *w)
{
    size_t n = 0;

    for (unsigned i = 0; i < WORLD_PARTITIONS; i++)
        n += (size_t)w->partitions[i].committed;
    return n;
}

/* A broker refuses the whole batch for the sake of one record, for as long as nobody mends its
 * topic. All others end soon; that one is tried now and then, and an operator hears which it is. */
static void what_a_topic_never_takes_holds_up_nothing_else(void **state)
{
    struct world *w = &world;
    struct buf why;

    (void)state;
    buf_init(&why, 4096);
    for (uint64_t seed = 1; seed <= 50; seed++) {
        size_t last;

        sim_seeds_now(seed);
        world_init(w, seed);
        w->faults = (struct world_faults){.latency_ms = 10};
        world_make_events(w, 60);
        for (size_t i = 0; i < w->event_count; i++)
            world_remake_event(w, i, WORLD_POISON);
        for (last = w->event_count - 1; w->events[last].partition != 0;)
            last--;
        w->unwritable = &w->events[last];
        world_boot(w);
        while (w->now_ms < 600000)
            world_step(w);
        assert_int_equal(committed(w), w->event_count - 1);
        assert_in_range(w->unwritable_tries, 60, 600);
        buf_clear(&why);
        assert_false(consume_ready(w->consumer, &why));
        assert_non_null(strstr(buf_text(&why), "topic cmi-dead-letters does not take 1 records, "
                                               "such as that of contact-events[0]@"));
        assert_non_null(strstr(buf_text(&why), ": refused\n"));
        w->unwritable = &world.events[WORLD_EVENTS_MAX - 1]; /* none: it is mended */
        for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++)
            world_step(w);
        assert_true(world_finished(w));
        assert_true(consume_ready(w->consumer, &why));
        world_done(w);
    }
    buf_done(&why);
}

/* Each of its own key, and so that it waits for an answer of the kind. */
static void make_events_that_wait_for(struct world *w, enum world_action kind)
{
    world_make_events(w, WORLD_EVENTS_MAX);
    for (size_t i = 0; i < w->event_count; i++) {
        struct world_event *e = &w->events[i];

        e->key = (int)i;
        world_remake_event(w, i,
                           kind == WORLD_REPLY    ? WORLD_INGEST
                           : kind == WORLD_REPORT ? WORLD_POISON
                                                  : WORLD_PUT);
        if (kind != WORLD_ANSWER)
            continue;
        (void)snprintf(e->subject, sizeof e->subject, "callbacks/%032zu", i);
        e->headers[4].value = view_of(e->subject);
    }
}

static bool all_is_fetched(const struct world *w)
{
    for (unsigned i = 0; i < WORLD_PARTITIONS; i++)
        if (!w->partitions[i].assigned || w->partitions[i].fetched < w->partitions[i].count)
            return false;
    return true;
}

/* What waits for Redis, for a topic or for a silent destination, and is somebody else's by then,
 * holds no record and no place; nor a place in the queue of a Redis that is not there. */
static void what_is_taken_away_in_an_outage_makes_room(void **state)
{
    struct world *w = &world;

    (void)state;
    for (unsigned kind = 0; kind < WORLD_ACTIONS; kind++) {
        sim_seeds_now(kind + 1);
        world_init(w, kind + 1);
        w->faults = (struct world_faults){.latency_ms = 10};
        w->conf.in_flight = WORLD_EVENTS_MAX;
        w->destinations[0].concurrency = 64;
        make_events_that_wait_for(w, (enum world_action)kind);
        world_boot(w);
        world_silence(w, (enum world_action)kind, true);
        for (int i = 0; i < 40; i++) {
            world_silence(w, WORLD_ANSWER, true); /* so that requests take many together */
            while (!all_is_fetched(w))
                world_step(w);
            world_silence(w, WORLD_ANSWER, kind == WORLD_ANSWER);
            world_step(w);
            assert_int_equal(w->asked_while_away, 0);
            assert_in_range(w->records_out, 1, w->conf.in_flight);
            world_rebalance(w, i % 2 == 0);
            while (w->revoking)
                world_step(w);
            world_step(w);
        }
        world_silence(w, (enum world_action)kind, false);
        for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++)
            world_step(w);
        assert_true(world_finished(w));
        world_check_end(w);
        world_done(w);
    }
}

static void hand_in(struct world *w, int64_t offset)
{
    struct source_owner owner = consume_source_owner(w->consumer);
    struct world_event *e = &w->events[0];
    struct record r = {.epoch = w->partitions[0].epoch,
                       .topic = VIEW("contact-events"),
                       .offset = offset,
                       .has_key = true,
                       .key = view_of(e->key_text),
                       .has_value = true,
                       .value = view_of(e->body),
                       .headers = e->headers,
                       .header_count = 7,
                       .owner = e};

    w->records_out++;
    owner.record(owner.ctx, &r);
}

/* A defect of the source's: more than was asked for, or what came before. */
static void who_fails_by_a_record_gives_it_back(void **state)
{
    struct world *w = &world;

    (void)state;
    for (int again = 0; again < 2; again++) {
        world_init(w, 1);
        world_make_events(w, 1);
        world_boot(w);
        world_silence(w, WORLD_ANSWER, true); /* nothing is sent */
        for (int64_t offset = 0; consume_failure(w->consumer) == NULL; offset++)
            hand_in(w, again ? offset % 2 : offset);
        consume_drain(w->consumer);
        assert_true(consume_drained(w->consumer));
        assert_int_equal(w->records_out, 0);
        world_done(w);
    }
}

/* What we give up says nothing of whom it was sent to: others still go there. */
static void what_is_given_up_is_no_failure_of_its_destination(void **state)
{
    struct world *w = &world;
    struct buf why;

    (void)state;
    buf_init(&why, 4096);
    sim_seeds_now(1);
    world_init(w, 1);
    w->faults = (struct world_faults){.latency_ms = 10};
    w->conf.in_flight = WORLD_EVENTS_MAX;
    w->destinations[0].concurrency = w->destinations[1].concurrency = 64;
    make_events_that_wait_for(w, WORLD_ANSWER);
    world_boot(w);
    world_silence(w, WORLD_REPLY, true);
    while (!all_is_fetched(w) || w->now_ms < 1000)
        world_step(w);
    world_silence(w, WORLD_REPLY, false);
    for (int i = 0; i < 20; i++) { /* each takes some */
        world_rebalance(w, true);
        world_step(w);
    }
    while (w->records_out == WORLD_EVENTS_MAX)
        world_step(w);
    assert_true(consume_ready(w->consumer, &why));
    for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++) {
        world_step(w);
        assert_true(consume_ready(w->consumer, &why));
    }
    assert_true(world_finished(w));
    world_check_end(w);
    world_done(w);
    buf_done(&why);
}

/* A batch is one request, however many events it has: what fails is that one. */
static void a_batch_that_is_not_taken_is_one_failure(void **state)
{
    struct world *w = &world;
    struct destination *to;
    size_t most = 0;
    int told = 0;

    (void)state;
    sim_seeds_now(1);
    world_init(w, 1);
    w->faults = (struct world_faults){.latency_ms = 10, .throttle = 1000};
    w->conf.in_flight = WORLD_EVENTS_MAX;
    make_events_that_wait_for(w, WORLD_REPLY);
    world_boot(w);
    to = &w->consumer->destinations[0];
    while (to->breaker.state == BREAKER_CLOSED) {
        int before = to->breaker.failures;

        for (size_t i = 0; i < w->consumer->batch_count; i++)
            if (w->consumer->batches[i].used && w->consumer->batches[i].count > most)
                most = w->consumer->batches[i].count;
        world_step(w);
        if (to->breaker.failures <= before)
            continue;
        assert_int_equal(to->breaker.failures, before + 1);
        assert_int_equal(to->breaker.until_ms, w->now_ms + 2000); /* its Retry-After */
        told++;
    }
    assert_int_equal(told, w->conf.breaker.failures - 1);
    assert_true(most > (size_t)w->conf.breaker.failures);
    assert_true(to->breaker.until_ms >= w->now_ms + 2000);
    world_done(w);
}

/* What is out to a destination, by whether its breaker has opened since it was sent. */
struct out {
    size_t since;
    size_t before;
};

static struct out look_at_out(const struct consume *c, const struct destination *to,
                              int64_t *sent_ms, int64_t opened_ms)
{
    struct out o = {0};

    for (size_t i = 0; i < c->delivery_count; i++) {
        const struct delivery *d = c->deliveries[i];

        if (!d->holds_slot || d->destination != to) {
            sent_ms[i] = -1;
            continue;
        }
        if (sent_ms[i] < 0)
            sent_ms[i] = world.now_ms;
        if (sent_ms[i] > opened_ms)
            o.since++;
        else
            o.before++;
    }
    return o;
}

/* A destination that answers nobody: requests that were sent before its breaker opened end one by
 * one, while others try it. */
static void only_the_trial_s_end_decides(void **state)
{
    static int64_t sent_ms[WORLD_EVENTS_MAX];
    struct world *w = &world;
    size_t crossed = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        const struct destination *to;
        struct out last = {0};
        int64_t opened_ms = INT64_MAX;
        unsigned opened = 0;

        for (size_t i = 0; i < WORLD_EVENTS_MAX; i++)
            sent_ms[i] = -1;
        sim_seeds_now(seed);
        world_init(w, seed);
        w->faults = (struct world_faults){.latency_ms = 3000, .request_lost = 1000};
        w->honours_key[0] = true;
        w->routes[0].destination = 0;
        w->destinations[0].concurrency = 8;
        w->conf.in_flight = WORLD_EVENTS_MAX / 2;
        w->conf.attempts_max = 1000;
        w->conf.breaker = (struct breaker_policy){2, {100, 800}};
        make_events_that_wait_for(w, WORLD_REPLY);
        for (size_t i = 0; i < w->event_count; i++)
            world_remake_event(w, i, WORLD_POST);
        world_boot(w);
        to = &w->consumer->destinations[0];
        while (w->now_ms < 60000) {
            struct out now;

            world_step(w);
            now = look_at_out(w->consumer, to, sent_ms, opened_ms);
            if (to->breaker.opened != opened) {
                /* Of those that were out, it was the trial that has ended. */
                assert_true(opened == 0 || last.since == 0 || now.since == last.since - 1);
                opened = to->breaker.opened;
                opened_ms = w->now_ms;
                now = look_at_out(w->consumer, to, sent_ms, opened_ms);
            }
            if (opened > 0)
                assert_true(now.since <= 1);
            crossed += now.since == 1 && last.since == 1 && now.before < last.before;
            last = now;
        }
        w->faults = (struct world_faults){.latency_ms = 10};
        for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++)
            world_step(w);
        assert_true(world_finished(w));
        world_check_end(w);
        world_done(w);
    }
    assert_true(crossed > 50);
}

/* A program runs for months; the place that is used first is used thousands of times a second. */
static void a_place_may_be_used_without_end(void **state)
{
    struct world *w = &world;

    (void)state;
    sim_seeds_now(1);
    world_init(w, 1);
    world_make_events(w, 100);
    world_boot(w);
    for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++) {
        for (size_t k = 0; k < w->consumer->delivery_count; k++) {
            struct delivery *d = w->consumer->deliveries[k];

            if (d->partition == NULL && d->generation > 0 && d->generation < 100)
                d->generation = INT32_MAX;
        }
        world_step(w);
    }
    assert_true(world_finished(w));
    world_check_end(w);
    world_done(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(promises_hold_whatever_happens, sim_seeds_say),
        cmocka_unit_test_teardown(who_ends_in_order_leaves_nothing_to_be_done_twice, sim_seeds_say),
        cmocka_unit_test_teardown(an_outage_is_not_poison, sim_seeds_say),
        cmocka_unit_test_teardown(dead_letters_stop_when_the_budget_is_used_up, sim_seeds_say),
        cmocka_unit_test_teardown(unknown_references_of_one_key_wait_together, sim_seeds_say),
        cmocka_unit_test_teardown(a_batch_s_end_is_each_event_s_own, sim_seeds_say),
        cmocka_unit_test_teardown(what_no_target_takes_ends_as_is_configured, sim_seeds_say),
        cmocka_unit_test_teardown(what_a_topic_never_takes_holds_up_nothing_else, sim_seeds_say),
        cmocka_unit_test_teardown(what_is_taken_away_in_an_outage_makes_room, sim_seeds_say),
        cmocka_unit_test_teardown(who_fails_by_a_record_gives_it_back, sim_seeds_say),
        cmocka_unit_test_teardown(what_is_given_up_is_no_failure_of_its_destination, sim_seeds_say),
        cmocka_unit_test_teardown(a_batch_that_is_not_taken_is_one_failure, sim_seeds_say),
        cmocka_unit_test_teardown(only_the_trial_s_end_decides, sim_seeds_say),
        cmocka_unit_test_teardown(a_place_may_be_used_without_end, sim_seeds_say),
    };

    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
