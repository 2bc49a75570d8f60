/*
 * erase: one person out of all that `cmibridge serve` and what shares its Redis hold, found by one
 * address. In this order, each durable before the next: the keyed hash that keeps what comes later
 * out; the history; Redis, once the requests that were under way then are answered; the remains of
 * both in their files. Stopped anywhere, asked again it goes on where it must.
 */
#ifndef SERVER_ERASE_H
#define SERVER_ERASE_H

#include "server/control.h"
#include "server/server.h"

struct erase;
struct front;

/* history: the path of its file. The front outlives it. */
struct erase *erase_new(struct server *server, struct front *front, const char *history);
/* Before history_close. One that is under way ends by itself. NULL is a no-op. */
void erase_free(struct erase *e);

/* Is the verb one of "erase", "erase-dry-run", "erase-lift"? The argument is the address. One at a
 * time: a further one fails. */
bool erase_takes(struct view verb);
void erase_ask(struct erase *e, struct control_call *call, struct view verb, struct view address);

#endif
