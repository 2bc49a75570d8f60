/*
 * retention: takes away what the history has kept long enough: a pass (server/sweep.h) a second
 * after the start and each hour, in steps of a transaction each, with a pause after every one, so
 * that requests go in between.
 */
#ifndef SERVER_RETENTION_H
#define SERVER_RETENTION_H

#include "server/server.h"

#define RETENTION_FIRST_MS 1000
#define RETENTION_PASS_MS  3600000
#define RETENTION_PAUSE_MS 10 /* between two steps */
#define RETENTION_MERGE_MS                                                                         \
    (24LL * RETENTION_PASS_MS) /* indexes are written anew at most so often */

struct retention;

/* By server->ages; NULL where all is kept for ever. The server has its history. */
struct retention *retention_new(struct server *server);
/* Before history_close; the memory goes when its handle is closed and its job is answered. NULL is
 * a no-op. */
void retention_free(struct retention *r);

#endif
