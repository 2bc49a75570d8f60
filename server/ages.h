/*
 * ages: how long what the history holds is kept (`history.retention.*`), by resource.
 *
 * A chat's and an email's contacts go with it, so `contacts` speaks of all others. What is older,
 * by the time it arrived or was made, may go at any moment, and does within an hour
 * (server/retention.h); an event whose own time is older is not stored any more (server/ingest.c).
 */
#ifndef SERVER_AGES_H
#define SERVER_AGES_H

#include "bridge/core/view.h"

#include <stdint.h>

enum age_of {
    AGE_OF_CONTACTS,
    AGE_OF_CHATS,
    AGE_OF_EMAILS,
    AGE_OF_RECORDINGS,
    AGE_OF_SCRIPTS,
    AGE_KINDS,
    AGE_OF_ANY_CONTACT = AGE_KINDS, /* of a contact whose channel is not known: the longest */
};

struct ages {
    int64_t ms[AGE_KINDS]; /* 0: for ever */
};

/* Which one holds for a contact of that channel, which is known. */
enum age_of age_of_channel(struct view channel);
/* What is of before that time is too old; INT64_MIN: nothing is. */
int64_t age_cut(const struct ages *ages, enum age_of kind, int64_t now_ms);
const char *age_name(enum age_of kind); /* as in the configuration: "callRecordings" */

#endif
