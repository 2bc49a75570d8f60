/*
 * binding: which request an Idempotency-Key was used for, over all that lies in Redis (D2).
 *
 * What a POST makes has its id from user and key, and holds the request's digest: so it says by
 * itself what its key was used for. A PUT, a DELETE and a consent make nothing under that id; they
 * note their digest there, `dig` alone, once their effect is durable and before it is answered. So
 * whoever comes with the key finds it at one place, whatever it names.
 *
 * That an effect happens once is not this file's business: it keeps the key beside the thing it
 * changes, in its own transaction (effect.lua, consent.lua). docs/decisions/0009 says why both.
 */
#ifndef SERVER_BINDING_H
#define SERVER_BINDING_H

#include "bridge/core/fault.h"
#include "server/exchange.h"

enum binding {
    BINDING_FREE,  /* used for nothing yet */
    BINDING_OURS,  /* for this request */
    BINDING_OTHER, /* for another one: 422 */
    BINDING_LOST,  /* the store can't say; logged */
};

/* Called once, later. */
typedef void binding_done(void *owner, enum binding b);

/* For requests that have a key. */
void binding_look(struct exchange *x, binding_done *done, void *owner);
/* Notes it for this request. BINDING_OURS, or BINDING_LOST; BINDING_OTHER if another server took
 * another request under the key at the same moment: then both have had their effect. */
void binding_note(struct exchange *x, binding_done *done, void *owner);

/* A request is refused for its body (why; a copy is kept). What the server takes changes: a queue
 * leaves the configuration, a person is erased. So what was done under the key gets its first
 * answer all the same, by `again`, and another request under it 422. thing: the id of what a PUT
 * changes, else NULL. Answers, now or later. */
void binding_refuse(struct exchange *x, const struct fault *why, const char *thing,
                    void (*again)(struct exchange *x));

#endif
