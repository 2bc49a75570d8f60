/*
 * idempotency: writes to the history, remembered by their Idempotency-Key in the transaction of
 * their effect (D2), so that a key is for one request, whatever it names. Only what was done is
 * remembered. What a POST makes is also a record of its own, for as long as it is there.
 */
#ifndef SERVER_IDEMPOTENCY_H
#define SERVER_IDEMPOTENCY_H

#include "bridge/core/fault.h"
#include "server/exchange.h"

#define IDEMPOTENCY_KEPT_MS   (8LL * 24 * 3600 * 1000) /* at least 7 days */
#define IDEMPOTENCY_PURGE_MAX 100                      /* old keys that go with each new one */

struct sqlite;

enum idempotency {
    IDEMPOTENCY_NEW,   /* not seen, or the request has no key */
    IDEMPOTENCY_DONE,  /* done before: the first answer again */
    IDEMPOTENCY_OTHER, /* the key was used for another request: 422 */
};

enum idempotency idempotency_look(struct sqlite *db, const struct exchange *x);
void idempotency_keep(struct sqlite *db, const struct exchange *x); /* nothing without a key */

/* A body is refused (why). What the server takes changes: a queue leaves the configuration, a
 * person is erased. So a request whose key is done gets the first answer all the same, by `again`,
 * and another one under it 422. */
void idempotency_refuse(struct exchange *x, const struct fault *why,
                        void (*again)(struct exchange *x));

#endif
