/*
 * zone_load: a time zone by its name ("Europe/Helsinki"), from the system's tz database (glibc).
 *
 * Reads and sets the process's TZ while it works: call it before there are other threads.
 */
#ifndef BRIDGE_IO_ZONE_LOAD_H
#define BRIDGE_IO_ZONE_LOAD_H

#include "bridge/core/fault.h"
#include "bridge/core/zone.h"

#define ZONE_LOAD_YEARS                                                                            \
    30 /* that the table goes on from now_ms; behind them the last offset holds */

/* Fills *out with the changes from the year before now_ms on. REJECT with a sentence without the
 * field's name if the system knows no such zone. */
bool zone_load(const char *name, int64_t now_ms, struct zone *out, struct fault *f) MUST_CHECK;

#endif
