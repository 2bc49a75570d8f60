/*
 * A gateway that says 401 to a few destinations always, and takes all others, on fakes in virtual
 * time: a 401 stops the channel, but those few do not do so for ever. They end after their
 * attempts, and all others are sent to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#define DUE_MS    1000
#define SEEDS     50
#define STEPS_MAX 40000
#define FEW       3
#define LATER_MS  20000
/* One attempt each. The request that first stopped the channel is none, nor are those that try it
 * while it is stopped, until one of the others is due. */
#define REQUESTS_MAX 32

static struct send_world world;

static void who_is_never_welcome_ends_and_the_others_go(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        send_world_init_empty(&world, seed);
        world.shunned = 1 + seed % FEW;
        (void)send_world_add(&world, 0, SEND_STORE_DEST_MAX, DUE_MS);
        for (int i = 0; i <= FEW; i++) /* else the last of the few may be alone: then who knows */
            (void)send_world_add(&world, 0, SEND_STORE_DEST_MAX, DUE_MS + i * LATER_MS);
        send_world_boot(&world, 0);
        for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++)
            send_world_step(&world);
        if (!send_world_finished(&world)) {
            send_world_print(&world);
            fail_msg("seed %d: one that is shunned keeps the channel", (int)seed);
        }
        for (size_t i = 0; i < world.model.count; i++)
            for (size_t k = 0; k < world.model.messages[i].count; k++) {
                const struct world_seen *seen = &world.seen[i][k];
                bool shunned = i == 0 && k < world.shunned;

                assert_true(seen->said_failed == shunned && seen->said_handled == !shunned);
                assert_in_range(seen->requests, 1, shunned ? REQUESTS_MAX : 1);
            }
        send_world_done(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_never_welcome_ends_and_the_others_go),
    };

    return cmocka_run_group_tests_name("shunned", tests, NULL, NULL);
}
