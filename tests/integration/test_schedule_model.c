/* The schedule's scripts on a real redis-server against a model of it in C (schedule_model.h):
 * random calls of several processes, some of which forget what they hold and some of which come
 * back too late; after each call what is stored must be what the model says. The seed is printed;
 * SIM_SEED and SIM_OPS set it and the number of calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fakes/schedule_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OPS 100000

static long setting(const char *name, long otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtol(text, NULL, 10) : otherwise;
}

static void what_is_stored_is_what_the_model_says(void **state)
{
    static const char *const extra[] = {"--appendfsync", "no", NULL};
    long seed = setting("SIM_SEED", (long)time(NULL));
    long ops = setting("SIM_OPS", OPS);
    struct schedule_model *m = NULL;

    (void)state;
    printf("seed %ld, %ld calls\n", seed, ops);
    fflush(stdout);
    m = schedule_model_new(extra, (unsigned)seed);
    for (long i = 0; i < ops; i++)
        schedule_model_step(m);
    schedule_model_end(m);
    schedule_model_print(m);
    schedule_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_stored_is_what_the_model_says)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
