/*
 * http_worker: the thread that libcurl runs on, with a loop and a multi handle of its own
 * (docs/decisions/0013). Transfers go to it and come back; all else stays with their owner.
 *
 * The functions below are the owner's, all on one thread.
 */
#ifndef BRIDGE_IO_HTTP_WORKER_H
#define BRIDGE_IO_HTTP_WORKER_H

#include "bridge/io/http_transfer.h"

/* So many come back at once at most; fewer, as soon as the worker has nothing else to do. */
#define HTTP_WORKER_BATCH 8

struct http_worker;

/* connections: how many are kept open for use again. `wake` is called on the worker's thread when
 * there is something to take. Where no thread can be had the process ends. */
struct http_worker *http_worker_start(unsigned connections, void (*wake)(void *owner), void *owner);
/* t is the worker's until it comes back. */
void http_worker_give(struct http_worker *w, struct http_transfer *t);
/* Ends it soon, if it is still under way; it comes back in any case. */
void http_worker_cancel(struct http_worker *w, struct http_transfer *t);
/* One that has ended, the oldest first; NULL: none now. */
struct http_transfer *http_worker_take(struct http_worker *w);
/* Ends what is under way, the connections and the thread, and waits for that. Afterwards each
 * transfer that was given can be taken. */
void http_worker_stop(struct http_worker *w);
void http_worker_free(struct http_worker *w); /* when it is stopped and nothing is left to take */

#endif
