/*
 * messages: what of server/messages.c others take part in: GET (message_list.c), and the end of a
 * message (producers/campaign.c).
 */
#ifndef SERVER_MESSAGES_H
#define SERVER_MESSAGES_H

#include "server/effect.h"

void message_get(struct exchange *x);
void message_list(struct exchange *x);

/* The effect of a DELETE; hash is the reply to HGETALL m:<id>, of a message that is not deleted.
 * The tombstone keeps what says that it was done, how far sending had come, of whom, and through
 * which channel, as receipts still come in: it all goes after the retention. */
void message_tombstone(struct effect *e, struct exchange *x, const char *id_hex,
                       const struct redis_value *hash);

#endif
