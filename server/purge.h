/*
 * purge: what is deleted or closed for long enough goes from the store, shard after shard, little
 * by little.
 */
#ifndef SERVER_PURGE_H
#define SERVER_PURGE_H

#include "server/server.h"

#define PURGE_TICK_MS 100 /* one shard a tick, as long as nothing is due there */

struct purge;

struct purge *purge_new(struct server *server);
/* Before the server's redis is closed; the memory goes when its handle is closed. NULL is a no-op.
 */
void purge_free(struct purge *p);

#endif
