/*
 * Texts of three parts, each a request of its own, on fakes in virtual time: what happens between
 * two of them. The carrier checks that parts come in order, each after the one before was taken,
 * and under a lease (send_world_carrier.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#include <string.h>

#define PARTS        3
#define DUE_MS       1000
#define SEEDS        100
#define STEPS_MAX    40000
#define STOP_MS      30000
#define MANY         60 /* parts: at up to PART_MS each they take about two leases */
#define PART_MS      500
#define PART_LETTERS 153

static struct send_world world;
static struct world_seen *const seen = &world.seen[0][0];

static struct send_store_message *begin(uint64_t seed, int64_t due_ms)
{
    struct send_store_message *m;

    send_world_init_empty(&world, seed);
    m = send_world_add(&world, 0, 1, due_ms);
    m->attempts_max = 2;
    m->retry_delay_ms = 1000;
    send_world_lengthen(m, PARTS);
    send_world_boot(&world, 0);
    return m;
}

/* Until the process knows that the nth part is taken, and has begun the next one. */
static void go_to_part(unsigned n)
{
    for (size_t i = 0; i < STEPS_MAX && seen->going[0].taken < n; i++)
        send_world_step(&world);
    assert_int_equal(seen->going[0].taken, n);
}

static void go_to_end(void)
{
    for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++)
        send_world_step(&world);
    if (!send_world_finished(&world)) {
        send_world_print(&world);
        fail_msg("the text has not ended");
    }
    send_world_check_end(&world);
}

static void ended(unsigned attempts, unsigned started, unsigned whole, bool duplicate)
{
    assert_true(seen->said_handled);
    assert_int_equal(seen->attempts, attempts);
    assert_int_equal(seen->started, started);
    assert_int_equal(seen->accepted, whole);
    assert_int_equal(seen->said_duplicate, duplicate);
    send_world_done(&world);
}

static void all_goes_once_and_is_one_attempt(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        (void)begin(seed, DUE_MS);
        go_to_end();
        ended(1, 1, 1, false);
    }
}

/* For the first part, neither would be an attempt. */
static void a_gateway_that_goes_away_between_parts_has_had_an_attempt(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        (void)begin(seed, DUE_MS);
        go_to_part(1);
        if (seed % 2 == 0)
            world.down[0] = true;
        else
            world.unauthorised[0] = true;
        for (size_t i = 0; i < STEPS_MAX && !seen->said_duplicate; i++)
            send_world_step(&world);
        world.down[0] = world.unauthorised[0] = false;
        go_to_end();
        ended(2, 2, 1, true);
    }
}

static void one_that_stays_away_gets_the_beginning_no_more_often_than_attempts(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct send_store_message *m = begin(seed, DUE_MS);

        m->attempts_max = 1;
        go_to_part(1);
        world.unauthorised[0] = true;
        go_to_end();
        assert_true(seen->said_failed && seen->said_duplicate);
        assert_int_equal(seen->started, 1);
        send_world_done(&world);
    }
}

/* Its port is about to close. */
static void a_process_that_waits_no_longer_begins_no_further_part(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct send_store_message *m = begin(seed, DUE_MS);

        m->attempts_max = 1;
        go_to_part(1);
        schedule_give_up(world.process[0].loop);
        go_to_end();
        assert_true(seen->said_failed && seen->said_duplicate);
        assert_int_equal(seen->going[0].taken, 2); /* that request was out */
        assert_int_equal(seen->accepted, 0);
        send_world_done(&world);
    }
}

static void who_takes_over_sends_all_of_it_under_the_same_number(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        bool was_out = seed % 2 == 0; /* all of it */

        (void)begin(seed, DUE_MS);
        go_to_part(was_out ? 2 : 1);
        send_world_boot(&world, 1);
        if (seed % 3 == 0)
            send_world_stop(&world, 0, STOP_MS);
        else
            send_world_kill(&world, 0);
        go_to_end();
        while (seed % 3 == 0 && world.now_ms < STOP_MS + 2 * DUE_MS) /* it wakes */
            send_world_step(&world);
        ended(1, 2, was_out ? 2 : 1, true);
    }
}

static void what_is_deleted_or_closes_meanwhile_is_sent_to_its_end(void **state)
{
    struct fault f = {0};
    unsigned late = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        (void)begin(seed, DUE_MS);
        go_to_part(1);
        send_world_delete(&world, 0);
        go_to_end();
        assert_int_equal(seen->accepted, 1);
        send_world_done(&world);

        (void)begin(seed, 39900); /* at 40000 it is 22:14 */
        assert_true(hours_parse(VIEW("00:00-22:14, 23:00-24:00"), &world.senders[0].hours, &f));
        go_to_end();
        late += seen->known_ms[0] > WORLD_EPOCH_MS + 40000;
        ended(1, 1, 1, false);
    }
    assert_in_range(late, 1, SEEDS);
}

/* Its lease is renewed all the time, also where the answer says that the message is no more. */
static void what_is_deleted_is_sent_for_longer_than_a_lease(void **state)
{
    static char text[MANY * PART_LETTERS + 1];

    (void)state;
    memset(text, 'a', sizeof text - 1);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed, DUE_MS)->body = text;
        world.faults.carrier_ms = PART_MS;
        go_to_part(1);
        send_world_delete(&world, 0);
        go_to_end();
        assert_int_equal(seen->started, 1);
        assert_int_equal(seen->accepted, 1);
        send_world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_goes_once_and_is_one_attempt),
        cmocka_unit_test(a_gateway_that_goes_away_between_parts_has_had_an_attempt),
        cmocka_unit_test(one_that_stays_away_gets_the_beginning_no_more_often_than_attempts),
        cmocka_unit_test(a_process_that_waits_no_longer_begins_no_further_part),
        cmocka_unit_test(who_takes_over_sends_all_of_it_under_the_same_number),
        cmocka_unit_test(what_is_deleted_or_closes_meanwhile_is_sent_to_its_end),
        cmocka_unit_test(what_is_deleted_is_sent_for_longer_than_a_lease),
    };

    return cmocka_run_group_tests_name("long_texts", tests, NULL, NULL);
}
