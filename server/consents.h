/*
 * consents: what others than the interface's users do to consents (contract 18).
 */
#ifndef SERVER_CONSENTS_H
#define SERVER_CONSENTS_H

#include "server/exchange.h"

/* done: it is durable; else the store can't say (logged). Called once, later. */
typedef void consent_done(void *owner, bool done);

/* Puts on record that the person refuses, whatever was there before. The address is copied. false:
 * it has nothing to match by, and `done` is not called. */
bool consent_withdraw(struct exchange *x, struct view usage, struct view address,
                      consent_done *done, void *owner);

#endif
