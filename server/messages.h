/*
 * messages: GET of messages (message_list.c), for the routes in messages.c.
 */
#ifndef SERVER_MESSAGES_H
#define SERVER_MESSAGES_H

#include "server/exchange.h"

void message_get(struct exchange *x);
void message_list(struct exchange *x);

#endif
