/*
 * readers: the threads that read the history, each with a connection of its own. Every job sees one
 * unchanging snapshot, not older than the moment it was handed in.
 *
 * Any thread takes any job, in the order they came, but for the first thread: a job that keeps it
 * longer than READERS_QUICK_MS while others wait is broken off and begun anew by one of the other
 * threads. So what walks a million rows, and were it a hundred of them, holds up nothing that is
 * quick.
 */
#ifndef SERVER_READERS_H
#define SERVER_READERS_H

#include "bridge/core/fault.h"
#include "server/history.h"

#define READERS_QUICK_MS 5

struct readers;

/* Where a job goes that has been run: called on its thread; job->failed and job->fault say how it
 * went. */
struct readers_owner {
    void *ctx;
    void (*ran)(void *ctx, struct history_job *job);
};

/* Opens `count` (HISTORY_READERS_MIN to _MAX) connections to the file, which must be a history, and
 * starts their threads. NULL with a fault. */
struct readers *readers_new(const char *path, int count, struct readers_owner owner,
                            struct fault *f) MUST_CHECK;
/* False: as many wait already as may (HISTORY_QUEUE_MAX). */
bool readers_add(struct readers *r, struct history_job *job) MUST_CHECK;
size_t readers_waiting(struct readers *r); /* r may be NULL */
/* Runs what waits, breaks off what takes longer than READERS_QUICK_MS (RETRY), gives every job to
 * `ran`, ends the threads, frees. NULL does nothing. */
void readers_free(struct readers *r);

#endif
