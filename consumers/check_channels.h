/*
 * check_channels: tries every channel and the dialler that `cmibridge schedule` would send through,
 * once, without sending anything: can the gateway be reached, is its certificate good, and, where
 * its interface has a question that changes nothing, are we known there?
 */
#ifndef CONSUMERS_CHECK_CHANNELS_H
#define CONSUMERS_CHECK_CHANNELS_H

#include "consumers/schedule_channels.h"

#include <stdio.h>

#define CHECK_CHANNELS_MS 10000 /* for any one, where its own time-outs are longer */

/* Appends a line for each channel whose zone the system does not know. */
void check_zones(const struct conf *c, struct buf *mistakes);
/* One line a channel to `to`: its name, "ok" or "FAILED", and what was found. Returns how many
 * failed. */
size_t check_channels(const struct schedule_channels *all, FILE *to);

#endif
