/*
 * supervisor: starts the parts one after the other, watches them, and ends them in reverse.
 *
 * Nothing is restarted: a part that ends by itself ends all, with a sentence that names its log. A
 * part that isn't ready in its time does the same. What a part says goes to DIR/log/NAME.log, that
 * of the last start to NAME.log.1. Parts end when this process does, however it ends (tether.h),
 * and a terminal's Ctrl-C reaches this process alone.
 */
#ifndef STANDALONE_SUPERVISOR_H
#define STANDALONE_SUPERVISOR_H

#include "standalone/parts.h"

struct supervisor;

struct supervisor_owner {
    void *ctx;
    void (*up)(void *ctx); /* all are ready */
    /* All have ended. why: what went wrong, or NULL: supervisor_end was asked for, and all ended in
     * their time. */
    void (*down)(void *ctx, const char *why);
};

/* Begins to start. plan is the caller's, and is filled in by what the parts tell. */
struct supervisor *supervisor_start(uv_loop_t *loop, struct plan *plan, const struct part *rows,
                                    size_t count, struct supervisor_owner owner);
void supervisor_end(struct supervisor *s);   /* consume first, redis last, each in its time */
void supervisor_hurry(struct supervisor *s); /* no more waiting: all are killed */
/* Ends one that went wrong outside: as if a part had failed with this sentence. */
void supervisor_fail(struct supervisor *s, const char *why);
/* After `down`; run the loop once more before it is closed. */
void supervisor_free(struct supervisor *s);

#endif
