/*
 * message_view: one message read from the store page by page and shown with the status of each of
 * its destinations.
 */
#ifndef SERVER_MESSAGE_VIEW_H
#define SERVER_MESSAGE_VIEW_H

#include "server/server.h"
#include "server/show.h"
#include "server/store.h"

#define MESSAGE_VIEW_PAGE 8 /* slices of one page */

struct message_view;

enum message_viewed {
    MESSAGE_MORE,   /* a part was shown; message_view_read shows the next */
    MESSAGE_WHOLE,  /* all was shown */
    MESSAGE_NONE,   /* there is no such message, or it is not wanted; nothing was shown */
    MESSAGE_FAILED, /* the store did not answer (it was logged) */
};

typedef void message_on_view(void *owner, enum message_viewed what);

/* Shows into `to`, which it owns while at it (cleared where the message changes between two pages).
 * wanted: may leave a message out by its fields; NULL: none. */
struct message_view *message_view_new(struct exchange *x, struct view id_hex, struct buf *to,
                                      bool (*wanted)(void *ctx, const struct redis_value *hash),
                                      void *ctx);
/* The next page; `done` is called once, later. */
void message_view_read(struct message_view *v, message_on_view *done, void *owner);
void message_view_free(struct message_view *v); /* not between read and done; NULL is a no-op */

#endif
