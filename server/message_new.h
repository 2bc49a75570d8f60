/*
 * message_new: what a message is in the store (server/store.h), whoever puts it there.
 */
#ifndef SERVER_MESSAGE_NEW_H
#define SERVER_MESSAGE_NEW_H

#include "server/effect.h"

struct message_new { /* borrowed until effect_apply returns */
    int64_t at_ms;   /* when it is due */
    bool from_now;   /* so long after now instead, by the store's clock */
    int64_t count;   /* destinations, without repeats */
    int64_t max_retry_count;
    int64_t retry_delay_s;
    struct view body;
    struct view source;
    struct view sub_type;
    struct view content_type; /* empty: text */
};

/* Sets what the effect does to when and where it is due, and its fields; e->slices is set. */
void message_new_fill(struct effect *e, const struct message_new *m);

#endif
