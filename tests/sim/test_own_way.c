/*
 * A process whose own way to the carrier is broken, beside one whose way is well, on fakes in
 * virtual time: its requests reach nobody, and take long to say so. While it tries with one, all
 * else is the other's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/send_world.h"

#define SEEDS     30
#define LOST_MS   1500
#define EACH_MS   400
#define NOTICE_MS 30 /* what is held is given back within so long */
#define STEPS_MAX 400000

static struct send_world world;

static size_t held_by(unsigned process)
{
    size_t n = 0;

    for (size_t i = 0; i < world.model.count; i++)
        for (size_t k = 0; k < world.model.messages[i].slices; k++)
            n += world.model.messages[i].slice[k].leased &&
                 world.model.messages[i].slice[k].by % 16 == process; /* after its life */
    return n;
}

/* Returns how often it was tried. */
static unsigned run(uint64_t seed)
{
    const struct world_process *broken = &world.process[0];
    int64_t since_ms = 0; /* it tries, and knew before that it fails; 0: it does not */
    int64_t until_ms = 0; /* the last of these has failed */
    bool knows = false;
    unsigned was = 0;
    unsigned tries = 0;

    send_world_init_empty(&world, seed);
    world.lost_ms[0] = LOST_MS;
    for (size_t i = 0; i < SEND_STORE_MESSAGES_MAX; i++)
        (void)send_world_add(&world, 0, 1 + i % 3 * 10, (int64_t)(1 + i) * EACH_MS);
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        send_world_boot(&world, i);
    for (size_t i = 0; i < STEPS_MAX && !send_world_finished(&world); i++) {
        send_world_step(&world);
        knows |= broken->out < was;
        if (broken->out == 0 && since_ms > 0) {
            since_ms = 0;
            until_ms = world.now_ms;
        }
        if (broken->out > 0 && was == 0 && knows) {
            since_ms = world.now_ms;
            until_ms = 0;
            tries++;
        }
        was = broken->out;
        if (until_ms > 0 && world.now_ms > until_ms + NOTICE_MS) {
            until_ms = 0; /* with what it claims later it tries next */
            if (held_by(0) > 0)
                fail_msg("seed %d: %zu are kept between two tries", (int)seed, held_by(0));
        }
        if (since_ms > 0 && world.now_ms > since_ms + NOTICE_MS && held_by(0) > 1) {
            send_world_print(&world);
            fail_msg("seed %d: %zu are held beside the one that is out", (int)seed, held_by(0));
        }
    }
    assert_true(send_world_finished(&world));
    send_world_check_end(&world);
    send_world_done(&world);
    return tries;
}

static void nothing_is_held_beside_what_tries(void **state)
{
    unsigned tries = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        tries += run(seed);
    print_message("tried %u times\n", tries);
    assert_true(tries > SEEDS); /* else it proves nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_held_beside_what_tries),
    };

    return cmocka_run_group_tests_name("own way", tests, NULL, NULL);
}
