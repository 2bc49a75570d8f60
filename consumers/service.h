/*
 * service: what a program that works by turns of a loop until it is told to stop has beside its
 * work: arguments, configuration, log, figures, clock, signals, the address for operators, the
 * exit code. `consume` and `schedule` are its two kinds.
 *
 * Life: service_main reads the configuration and calls make, then start; then turn at every
 * iteration of the loop, until end has been called by stop's doing and everything on the loop has
 * closed; then done. What has not closed SERVICE_END_MS after it (a thread that a library does not
 * end) goes with the process, without done. All calls come on the one thread.
 */
#ifndef CONSUMERS_SERVICE_H
#define CONSUMERS_SERVICE_H

#include "bridge/core/fault.h"
#include "bridge/core/rng.h"
#include "bridge/core/stats.h"
#include "bridge/ports/clock.h"
#include "bridge/ports/notice.h"
#include "config/reload.h"

#include <uv.h>

#define SERVICE_END_MS 500 /* for what has not closed when service_end is called */

struct service;

struct service_kind {
    const char *name; /* of the command */
    const char *help;
    unsigned users;       /* whose settings must be there: enum setting_user */
    const char *repeated; /* what becomes of work under way when it is stopped at once */
    bool clock_in_turn;   /* the clock may change within a turn: it is read anew each time */
    bool (*make)(struct service *s, struct fault *f); /* the plan, from s->conf */
    bool (*start)(struct service *s, struct fault *f);
    void (*started)(struct service *s); /* says what runs */
    int64_t (*turn)(struct service *s); /* does what is due; ms until the next, -1: until woken */
    void (*stop)(struct service *s);    /* once; ends with service_end, now or later */
    void (*retune)(struct service *s, const struct conf *fresh);
    bool (*ready)(struct service *s, struct buf *why);
    void (*refresh)(struct service *s); /* gauges; may be NULL */
    void (*done)(struct service *s);    /* frees what start and make made */
};

/* The first member of a program's own struct. What is public is for the kind to read. */
struct service {
    const struct service_kind *kind;
    uv_loop_t loop;
    struct conf *conf; /* the one that was started with, and runs; a reload only retunes */
    struct stats *stats;
    bool stopping;
    int exit_code; /* enum command_exit; the kind may set it */

    struct reload reload; /* private from here on */
    uv_prepare_t prepare;
    uv_timer_t wake;
    struct rng rng;
    struct notice_log *log;
    struct admin *admin;
    struct signals *signals;
    char why[FAULT_TEXT_MAX]; /* it stops; "" until then */
    bool ended;
};

/* The command's exit code. `s` is zeroed. */
int service_main(struct service *s, const struct service_kind *kind, int argc, char **argv);

/* Stops it: once, whoever asks. The reason is for the log. */
void service_stop(struct service *s, const char *why);
/* Nothing is left to do: no turn comes any more, and the loop's end comes when the kind's own
 * handles have closed. */
void service_end(struct service *s);

const struct notice *service_log(const struct service *s);
struct clock_port service_clock(struct service *s);
unsigned service_admin_port(const struct service *s);

#endif
