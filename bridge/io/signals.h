/*
 * signals: what an operator says to a running process, on its loop (libuv).
 *
 * SIGTERM or SIGINT: drain; a second one: stop at once. SIGHUP: read the configuration again.
 * SIGPIPE is ignored from then on: a peer that went away is an error of its own write.
 */
#ifndef BRIDGE_IO_SIGNALS_H
#define BRIDGE_IO_SIGNALS_H

#include "bridge/core/fault.h"

struct uv_loop_s;
struct signals;

/* Called on the loop. Any may be NULL: that signal is then taken without effect. */
struct signals_owner {
    void *ctx;
    void (*drain)(void *ctx);
    void (*stop)(void *ctx);
    void (*reload)(void *ctx);
};

/* First of all in a process that will watch them: a SIGHUP, which would end it, waits until
 * signals_new, and is heard then. */
void signals_hold(void);
/* The loop does not stay alive for its sake. NULL with a fault if the system has no handle left. */
struct signals *signals_new(struct uv_loop_s *loop, const struct signals_owner *owner,
                            struct fault *f);
/* From here on no call comes; the memory goes at the loop's next turn. NULL is a no-op. */
void signals_free(struct signals *s);

#endif
