/*
 * queues: the chat queues (address, id, name, channel) and callback queues of the configuration.
 */
#ifndef SERVER_QUEUES_H
#define SERVER_QUEUES_H

#include "bridge/core/guid.h"
#include "bridge/core/view.h"

struct chat_queue {
    const char *entry;   /* its name in the configuration (chats.queues.<entry>), or NULL */
    const char *address; /* "12345678@sms.social365.com"; "" where there is none */
    struct guid id;
    const char *name;
    const char *channel; /* "sms", "whatsapp", "text": the subType that goes with it */
    const char *via; /* the channel (channels.<via>) that its messages go out through, or NULL */
};

struct callback_queue {
    const char *number;          /* "153" */
    const char *original_number; /* "152"; the callback queue's own where none is configured */
    const char *original_name;   /* "Sales", or NULL */
};

struct queues;

struct queues *queues_new(void);
void queues_free(struct queues *q);
void queues_add_chat(struct queues *q, const struct chat_queue *one);         /* copied */
void queues_add_callback(struct queues *q, const struct callback_queue *one); /* copied */
/* Addresses are compared without surrounding blanks and case (contract 13). NULL: none such. */
const struct chat_queue *queues_chat_by_address(const struct queues *q, struct view address);
const struct chat_queue *queues_chat_by_id(const struct queues *q, const struct guid *id);
const struct chat_queue *queues_chat_by_entry(const struct queues *q, struct view entry);
const struct callback_queue *queues_callback(const struct queues *q, struct view number);
/* Is it one of any of them? normal: in the normal form (phone.h). */
bool queues_has_address(const struct queues *q, struct view normal);

#endif
