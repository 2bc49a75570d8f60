/*
 * readers: those that read the history: threads, each with a connection of its own. Every job sees
 * one unchanging snapshot, not older than the moment it was handed in.
 *
 * Any thread takes any job, in the order they came, but for the first thread: a job that keeps it
 * longer than READERS_QUICK_MS while others wait is broken off and begun anew by one of the other
 * threads. So what walks a million rows, and were it a hundred of them, holds up nothing that is
 * quick. What has read for conf.read_time_ms is broken off for good (RETRY).
 *
 * The loop has a connection, too, for what is done sooner than handed over. How long a job takes
 * shows only when it runs, so it is tried: what is not done in READERS_TRY_US is broken off, and
 * the loop tries none of its kind for READERS_REST_TIMES as long as that took, doubled by each that
 * follows such.
 */
#ifndef SERVER_READERS_H
#define SERVER_READERS_H

#include "bridge/core/fault.h"
#include "server/history.h"

#define READERS_QUICK_MS 5
#define READERS_TRY_US   500
#define READERS_REST_TIMES                                                                         \
    10 /* so a kind that is too long has no more than an eleventh of the loop */
#define READERS_REST_MAX_MS 1000
#define READERS_KINDS       64 /* told apart; more of them share */

struct readers;

/* Where a job goes that has been run: called on its thread; job->failed and job->fault say how it
 * went. */
struct readers_owner {
    void *ctx;
    void (*ran)(void *ctx, struct history_job *job);
};

/* Opens conf->readers (HISTORY_READERS_MIN to _MAX) connections to the file, which must be a
 * history, and starts their threads. NULL with a fault. */
struct readers *readers_new(const struct history_conf *conf, struct readers_owner owner,
                            struct fault *f) MUST_CHECK;
/* False: as many wait already as may (HISTORY_QUEUE_MAX). */
bool readers_add(struct readers *r, struct history_job *job) MUST_CHECK;
/* On the loop's thread: runs the job at once. False: that took too long, or the loop has to rest
 * from such; add the job. */
bool readers_try(struct readers *r, struct history_job *job) MUST_CHECK;
size_t readers_waiting(struct readers *r); /* r may be NULL */
/* Runs what waits, breaks off what takes longer than READERS_QUICK_MS (RETRY), gives every job to
 * `ran`, ends the threads, frees. NULL does nothing. */
void readers_free(struct readers *r);

#endif
