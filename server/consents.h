/*
 * consents: what others than the interface's users do to consents (contract 18).
 */
#ifndef SERVER_CONSENTS_H
#define SERVER_CONSENTS_H

#include "server/exchange.h"

enum consent_end {
    CONSENT_LOST,      /* the store can't say (logged) */
    CONSENT_WITHDRAWN, /* durably */
    CONSENT_REPEATED,  /* under that name already: whatever was put on record since stays */
};

/* Called once, later. */
typedef void consent_done(void *owner, enum consent_end end);

/* Puts on record that the person refuses, whatever was there before, once for each `once`: a hash
 * of what names the refusal, known for STORE_KEY_MS; "": as often as it is said. What is given is
 * copied. false: the address has nothing to match by, and `done` is not called. */
bool consent_withdraw(struct exchange *x, struct view usage, struct view address, struct view once,
                      consent_done *done, void *owner);

#endif
