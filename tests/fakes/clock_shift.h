/*
 * clock_shift: a wall clock that a test sets, for the processes that it starts, by a library that
 * is preloaded into them (tests/preload/clock_shift.c). Their monotonic clocks go on.
 */
#ifndef TESTS_FAKES_CLOCK_SHIFT_H
#define TESTS_FAKES_CLOCK_SHIFT_H

#include <stdint.h>

/* What is started from here on has the clock, off the real one as far as clock_shift_set says. */
void clock_shift_begin(void);
void clock_shift_set(int64_t off_ms); /* at once, for all that have it */
void clock_shift_end(void);           /* what is started from here on has the real one again */
void clock_shift_done(void);          /* all that have it are gone */

#endif
