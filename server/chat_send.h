/*
 * chat_send: the messages of an outbound chat go out through its queue's channel, each as a message
 * to one destination (contract 19), the oldest first: by their timestamps, where they have any.
 *
 * Each has its id from the chat's and its place, so the chat repeated under its Idempotency-Key
 * sends nothing twice. The first is due at once, each of the others when the one before it has been
 * handled, has failed for good or was deleted (decisions/0023). They are no part of GET /messages
 * (but each of GET /messages/{id}).
 */
#ifndef SERVER_CHAT_SEND_H
#define SERVER_CHAT_SEND_H

#include "server/effect.h"
#include "server/exchange.h"
#include "server/queues.h"
#include "server/transcript.h"

#define CHAT_SEND_MAX      100  /* messages of one chat */
#define CHAT_SEND_TEXT_MAX 2000 /* characters of one, as of every message (L1841) */

/* May what the chat has be sent? REJECT: the sentence names the field. */
bool chat_send_check(const struct transcript *t, struct view destination,
                     struct fault *f) MUST_CHECK;

/* done is called once, later. EFFECT_DONE: all of them are durable, whenever that was; else some
 * may be, and the request repeated under its key puts the others there (f as of effect_done). The
 * transcript must hold until then. */
typedef void chat_send_done(void *owner, enum effect_outcome outcome, const struct fault *f);
void chat_send(struct exchange *x, const struct chat_queue *queue, struct view destination,
               const struct transcript *t, chat_send_done *done, void *owner);

#endif
