#include "tests/fakes/sim_seeds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bridge/core/num.h"

#include <inttypes.h>
#include <stdlib.h>

static uint64_t now;

static int64_t setting(const char *name, int64_t otherwise)
{
    int64_t n;

    return getenv(name) != NULL && num_int(view_of(getenv(name)), &n) ? n : otherwise;
}

void sim_seeds_now(uint64_t seed)
{
    now = seed;
}

void sim_seeds_run(void (*run)(uint64_t seed), int64_t otherwise, int64_t most)
{
    int64_t runs = setting("SIM_RUNS", otherwise);
    int64_t first = setting("SIM_SEED", -1);

    if (first >= 0) {
        sim_seeds_now((uint64_t)first);
        run((uint64_t)first);
        return;
    }
    runs = runs < most ? runs : most;
    for (int64_t i = 0; i < runs; i++) {
        sim_seeds_now((uint64_t)i + 1);
        run((uint64_t)i + 1);
    }
    print_message("%" PRId64 " runs\n", runs);
}

int sim_seeds_say(void **state)
{
    (void)state;
    print_message("last seed: %" PRIu64 " (SIM_SEED=%" PRIu64 " repeats it)\n", now, now);
    return 0;
}
