/*
 * email: what an email has beside its contact: the contact has the same id, and all that a leg says
 * too (from, to, subject, queue, agent, times, status) is the leg's. Merged like it (server/leg.h).
 */
#ifndef SERVER_EMAIL_H
#define SERVER_EMAIL_H

#include "bridge/core/merge.h"
#include "server/row.h"

enum email_column {
    EMAIL_CHANNEL_TYPE,
    EMAIL_CHANNEL_SUB_TYPE,
    EMAIL_STATUS, /* as given: an open set (contract 8) */
    EMAIL_CASE_ID,
    EMAIL_CID,
    EMAIL_CONTENT,
    EMAIL_REMARKS,
    EMAIL_FROM_NAME,
    EMAIL_FROM_ADDRESS,
    EMAIL_STAMPS,
    EMAIL_COLUMNS
};

/* The numbers are stored in `stamps`: never give one a new meaning. */
enum email_property {
    EMAIL_SETS_CHANNEL_TYPE = 0,
    EMAIL_SETS_CHANNEL_SUB_TYPE = 1,
    EMAIL_SETS_STATUS = 2,
    EMAIL_SETS_CASE_ID = 3,
    EMAIL_SETS_CID = 4,
    EMAIL_SETS_CONTENT = 5,
    EMAIL_SETS_REMARKS = 6,
    EMAIL_SETS_FROM = 7, /* name and address */
    EMAIL_SETS_TO = 8,
    EMAIL_SETS_CC = 9,
    EMAIL_SETS_BCC = 10,
    EMAIL_SETS_ATTACHMENTS = 11,
    EMAIL_PROPERTIES
};

struct email_address {
    struct email_address *next;
    struct view name; /* p NULL: not given */
    struct view address;
};

struct email_attachment {
    struct email_attachment *next;
    struct guid id;
    struct view filename;
    struct view mime_type;
    struct view size;
    struct view originator; /* p NULL: not given */
};

/* What one event says of one email; all borrowed. */
struct email_change {
    uint32_t sets;
    struct cell cells[EMAIL_COLUMNS];
    struct email_address *addresses[3]; /* to, cc, bcc */
    struct email_attachment *attachments;
};

/* Stores of the change what its stamp wins. */
void email_apply(struct sqlite *db, const struct guid *id, const struct email_change *c,
                 const struct merge_stamp *stamp);
/* Stores all of it: what is told after everything that is stored. Where the stamp does not win, it
 * counts as the next one after the one that does, so that events still come before or after it. */
void email_overwrite(struct sqlite *db, const struct guid *id, const struct email_change *c,
                     const struct merge_stamp *stamp);

#endif
