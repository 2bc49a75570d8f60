/*
 * gate: back-pressure: how much may be held at once, in records and bytes. Shuts at the limit,
 * opens again an eighth below it: most of what is held waits for Redis or a delivery report, and
 * what is ready to be sent must not run dry meanwhile.
 */
#ifndef BRIDGE_CORE_GATE_H
#define BRIDGE_CORE_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct gate {
    int64_t records_max;
    int64_t bytes_max;
    int64_t records;
    int64_t bytes;
    bool shut;
};

void gate_init(struct gate *g, int64_t records_max, int64_t bytes_max);
/* Both return whether `shut` changed. */
bool gate_enter(struct gate *g, int64_t bytes);
bool gate_leave(struct gate *g, int64_t bytes);

#endif
