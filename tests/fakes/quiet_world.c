#include "tests/fakes/quiet_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STEPS_MAX 200000

void quiet_world_begin(struct world *w, size_t events)
{
    world_init(w, 1);
    w->faults = (struct world_faults){.latency_ms = 1};
    w->honours_key[0] = true;
    w->routes[0].destination = 0;
    w->destinations[0].concurrency = 1;
    w->conf.in_flight = WORLD_EVENTS_MAX;
    w->conf.retry = (struct backoff){1, 1};
    world_make_events(w, events);
    for (size_t i = 0; i < events; i++) {
        w->events[i].key = (int)i;
        world_remake_event(w, i, WORLD_POST);
    }
}

void quiet_world_until(struct world *w, int64_t until_ms)
{
    while (w->now_ms < until_ms)
        world_step(w);
}

void quiet_world_end(struct world *w)
{
    for (size_t i = 0; i < STEPS_MAX && !world_finished(w); i++)
        world_step(w);
    assert_true(world_finished(w));
}
