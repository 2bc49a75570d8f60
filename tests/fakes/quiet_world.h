/*
 * quiet_world: a world (world.h) in which nothing goes wrong but what a test asks for: one target
 * that takes everything at once, one request at a time; each event has a key of its own.
 */
#ifndef TESTS_FAKES_QUIET_WORLD_H
#define TESTS_FAKES_QUIET_WORLD_H

#include "tests/fakes/world.h"

void quiet_world_begin(struct world *w, size_t events);
void quiet_world_until(struct world *w, int64_t until_ms);
void quiet_world_end(struct world *w); /* until all is done; fails the test if it takes too long */

#endif
