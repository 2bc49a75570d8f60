/*
 * erase_thing: one message or callback, and what of it is the person's. For erase_store.c only.
 */
#ifndef SERVER_ERASE_THING_H
#define SERVER_ERASE_THING_H

#include "server/erase_store.h"

#include <uv.h>

#define ERASE_CURSOR_MAX 64 /* a SCAN's, or a member of a list */

struct erase_store {
    struct server *server;
    const struct person *person;
    bool dry;
    unsigned shard;
    unsigned list;
    char cursor[ERASE_CURSOR_MAX];
    unsigned stream;
    char entry[ERASE_CURSOR_MAX]; /* of the stream, from where on; "-": its first */
    struct redis_servers servers; /* searched for names; those of this pass */
    size_t server_at;
    size_t name; /* of these */
    size_t owed; /* replies, and one while a page is being asked for */
    bool page_more;
    int64_t changed; /* in this pass */
    int64_t lists;   /* of these, lists of destinations: a `schedule` may hold one as it was */
    unsigned pass;
    bool waits;       /* the next one begins when nothing that was handed over is begun any more */
    bool waited;      /* one did */
    uv_timer_t timer; /* until the next one */
    struct erase_store_counts counts;
    bool failed;
    struct fault fault;
    void (*next)(struct erase_store *e); /* when nothing is owed */
    erase_store_done *done;
    void *owner;
};

/* A reply has come; after the last one e->next goes on, or the whole ends. */
void erase_store_less(struct erase_store *e);
/* Is the reply none? Then the pass fails. */
bool erase_store_bad(struct erase_store *e, const struct redis_value *v);
/* Looks at the thing of that id, and takes out of it what there is; owes replies until that is
 * done. */
void erase_thing(struct erase_store *e, struct view id);

#endif
