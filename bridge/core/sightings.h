/*
 * sightings: of the names that come by, which to tell of: the first of each, and then, at
 * intervals, how many have come meanwhile.
 *
 * The names are others' and may be made up without end: SIGHTINGS_NAMES are told apart, by 64 bits
 * of each, and the rest are told of together. A name that was not told of for an interval gives up
 * its place to a new one, and what came of it since counts as the rest, of whom is told when there
 * are any; so no more than SIGHTINGS_NAMES + 1 are told of in one.
 */
#ifndef BRIDGE_CORE_SIGHTINGS_H
#define BRIDGE_CORE_SIGHTINGS_H

#include "bridge/core/view.h"

#include <stdint.h>

#define SIGHTINGS_NAMES    64
#define SIGHTINGS_EVERY_MS 3600000 /* between two times that one name is told of */

/* All zeros: nothing was seen. */
struct sightings {
    size_t count;
    struct sighting {
        uint64_t hash;
        int64_t untold;
        int64_t tell_ms; /* not before */
    } names[SIGHTINGS_NAMES], others;
};

/* One more of that name. Returns how many came since it was told of last, this one included, if it
 * is to be told of now; else 0. *others: it is one of the rest, all of which are counted. */
int64_t sightings_add(struct sightings *s, struct view name, int64_t now_ms, bool *others);

#endif
