/*
 * consents_move: consents that were stored while a line end was no blank, or what is of full width
 * no digit (core/phone.h), lie under another normal form, where nobody looks for them. They are
 * moved, once at each start of a server: what an older one beside it still writes there is found at
 * the next. The log says when all are (consents_moved), for who upgrades.
 */
#ifndef SERVER_CONSENTS_MOVE_H
#define SERVER_CONSENTS_MOVE_H

#include "server/foundation.h"

#define CONSENTS_MOVE_RETRY_MS 1000  /* until it goes on where Redis did not answer */
#define CONSENTS_MOVE_AGAIN_MS 30000 /* until it looks once more at what Redis refused to move */

struct consents_move;

/* Begins when the foundation is sound. */
struct consents_move *consents_move_new(const struct foundation *f);
/* As purge_free. */
void consents_move_free(struct consents_move *m);

#endif
