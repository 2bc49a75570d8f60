/*
 * erase_store: one person out of Redis, by keys alone, so in a cluster too, pass after pass until
 * one finds nothing.
 *
 * What a `schedule` holds of a message when the person's destination goes is put down by it within
 * a second (server/redis/swap.lua). So the next pass begins after that, and a consent, which may
 * say that nothing is to be sent, goes in a pass that has found no destination, and after such a
 * wait: it may be another erasure that has just found them.
 *
 * A message keeps its place, its counts and its other destinations; that of the person becomes
 * empty (shown as ERASED_ADDRESS), and what has not gone ends as failed, reason `erased`. Of what
 * came of it, and of any that is empty, the gateway's id and reason go. A callback of the person
 * goes, and what is kept of the outbox since nobody could read it (the stream `bad`). So do
 * consents of any address that holds the person's, what is noted beside them, the gap between two
 * messages, and names under which `consume` remembers things, which mention the person. What texts
 * mention of the person becomes "…".
 */
#ifndef SERVER_ERASE_STORE_H
#define SERVER_ERASE_STORE_H

#include "bridge/core/person.h"
#include "server/server.h"

#define ERASE_STORE_PASSES_MAX 8

struct erase_store;

struct erase_store_counts { /* dry: of one pass, what there is */
    int64_t destinations;
    int64_t callbacks;
    int64_t consents;
    int64_t texts;      /* of messages and callbacks */
    int64_t references; /* and keys of the ledger */
    int64_t unreadable; /* entries of the outbox that nobody could read */
    int64_t outbox;     /* outcomes that wait for Kafka and hold the person; they are left */
};

typedef void erase_store_done(void *owner, const struct erase_store_counts *counts,
                              const struct fault *f);

/* person must outlive it. done is called once, never from inside; f says what failed (then begin
 * anew), else NULL. Holds until then. */
struct erase_store *erase_store_begin(struct server *server, const struct person *person, bool dry,
                                      erase_store_done *done, void *owner);
/* Fails soon: done may be called from inside. */
void erase_store_end(struct erase_store *e);

#endif
