/*
 * A shard whose part of the store does not answer, on fakes in virtual time: its own work stops,
 * and nobody else's; when it answers again all of it ends, once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#include <string.h>

#define DUE_MS    1000
#define LATER_MS  3000
#define SEEDS     50
#define STEPS_MAX 40000
#define SMS       0
#define WHATSAPP  1
#define CALL      (-1)
/* What little is due then takes seconds; and no longer for what is stuck than for one mark. */
#define SOON_MS (LATER_MS + 16000 + SCHEDULE_MARKED_MS)
#define LONG_MS 60000 /* leases end */

static struct send_world world;

static bool has_ended(const struct send_store_message *m)
{
    return m->kind == SCHEDULE_CALLBACK ? !m->callback.open : !m->live;
}

static void until_held(const struct send_store_message *m)
{
    for (size_t i = 0; i < STEPS_MAX && !m->slice[0].leased; i++)
        send_world_step(&world);
    assert_true(m->slice[0].leased);
}

static void until_both_held(struct send_store_message *const two[2])
{
    for (size_t i = 0; i < 2; i++) {
        until_held(two[i]);
        world.stuck[two[i]->shard] = true;
    }
}

static void end(void)
{
    memset(world.stuck, 0, sizeof world.stuck);
    for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++)
        send_world_step(&world);
    if (!send_world_finished(&world))
        send_world_print(&world);
    assert_true(send_world_finished(&world));
    send_world_check_end(&world);
    for (size_t i = 0; i < world.model.count; i++)
        for (size_t k = 0; k < world.model.messages[i].count; k++)
            assert_true(world.seen[i][k].requests <= 1U + world.seen[i][k].said_duplicate);
    send_world_done(&world);
}

/* Messages that are due later, of shards that answer. */
static void add_others(int sender, size_t count, size_t destinations)
{
    for (size_t n = 0; n < count;) {
        struct send_store_message *m = send_world_add(&world, sender, destinations, LATER_MS);

        if (!world.stuck[m->shard])
            n++;
        m->callback.max_calls = 1;
    }
}

static void expect_others_end(size_t from)
{
    send_world_until(&world, SOON_MS);
    for (size_t i = from; i < world.model.count; i++)
        if (!world.stuck[world.model.messages[i].shard] && !has_ended(&world.model.messages[i])) {
            send_world_print(&world);
            fail_msg("message %zu waits for a shard that is none of its own", i);
        }
    send_world_until(&world, LONG_MS);
}

/* Its replies can't be recorded: they are at most a part of what a channel may have open. */
static void replies_that_cannot_be_recorded_leave_room_for_others(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct send_store_message *first;

        send_world_init_empty(&world, seed);
        world.channels[0].slots = 1 + (int)(seed % 4);
        first = send_world_add(&world, SMS, SEND_STORE_DEST_MAX, DUE_MS);
        send_world_boot(&world, 0);
        until_held(first);
        world.stuck[first->shard] = true;
        add_others(SMS, 2, SEND_STORE_DEST_MAX);
        expect_others_end(1);
        assert_false(has_ended(first));
        end();
    }
}

/* What of them is being marked keeps nothing of its sender's window. */
static void marks_that_cannot_be_recorded_leave_room_for_others(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct send_store_message *first[2];

        send_world_init_empty(&world, seed);
        world.senders[1].gap_ms = 0;
        world.senders[1].usage = NULL; /* whose consents might be in the stuck shards */
        for (size_t i = 0; i < 2; i++)
            first[i] = send_world_add(&world, WHATSAPP, SEND_STORE_SLICE, DUE_MS);
        send_world_boot(&world, 0);
        until_both_held(first);
        add_others(WHATSAPP, 3, SEND_STORE_SLICE);
        expect_others_end(2);
        for (size_t i = 0; i < 2; i++)
            assert_false(has_ended(first[i]));
        end();
    }
}

/* Nor a slot of the dialler. */
static void calls_that_cannot_be_begun_leave_room_for_others(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct send_store_message *first[2];

        send_world_init_empty(&world, seed);
        world.channels[2].slots = 2;
        for (size_t i = 0; i < 2; i++) {
            first[i] = send_world_add(&world, CALL, 1, DUE_MS);
            first[i]->callback.max_calls = 1;
        }
        send_world_boot(&world, 0);
        until_both_held(first);
        add_others(CALL, 6, 1);
        send_world_until(&world, LONG_MS);
        for (size_t i = 2; i < world.model.count; i++)
            if (!world.stuck[world.model.messages[i].shard])
                assert_true(world.calls[i].begun > 0);
        end();
    }
}

/* One recipient's consent can't be looked up: the message goes to the others. */
static void a_recipient_whose_consent_is_stuck_waits_alone(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct send_store_message *m;
        size_t waits = 0;

        send_world_init_empty(&world, seed);
        world.senders[1].gap_ms = 0;
        m = send_world_add(&world, WHATSAPP, SEND_STORE_SLICE, DUE_MS);
        world.stuck[shard_of(VIEW("+3584000002"))] = true; /* destination 2 */
        assert_false(world.stuck[m->shard]);
        send_world_boot(&world, 0);
        send_world_until(&world, SOON_MS);
        for (size_t i = 0; i < m->count; i++)
            waits += world.seen[0][i].requests == 0;
        assert_int_equal(waits, 1);
        assert_int_equal(world.seen[0][2].requests, 0);
        end();
        assert_int_equal(world.seen[0][2].requests, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_that_cannot_be_recorded_leave_room_for_others),
        cmocka_unit_test(marks_that_cannot_be_recorded_leave_room_for_others),
        cmocka_unit_test(calls_that_cannot_be_begun_leave_room_for_others),
        cmocka_unit_test(a_recipient_whose_consent_is_stuck_waits_alone),
    };

    return cmocka_run_group_tests_name("stuck", tests, NULL, NULL);
}
