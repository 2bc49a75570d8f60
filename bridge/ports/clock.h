/*
 * clock: the two clocks and the random bits, as the loops see them. Timeouts and waits go by the
 * monotonic one; what is written into a record or compared with one goes by the wall clock.
 */
#ifndef BRIDGE_PORTS_CLOCK_H
#define BRIDGE_PORTS_CLOCK_H

#include <stdint.h>

struct clock_port {
    void *ctx;
    int64_t (*mono_ms)(void *ctx);
    int64_t (*wall_ms)(void *ctx);
    uint64_t (*random)(void *ctx); /* 64 bits; good enough for jitter and span ids */
};

#endif
