/*
 * history_remove: takes things out of the history, with all that belongs to them and with their
 * part in the indexes of texts, in bounded steps: what is large goes in several.
 *
 * Between history_remove_begin and _end SQLite overwrites what it takes away (secure_delete).
 */
#ifndef SERVER_HISTORY_REMOVE_H
#define SERVER_HISTORY_REMOVE_H

#include "bridge/core/guid.h"
#include "server/allowance.h"

#include <stdint.h>

#define HISTORY_REMOVE_LEGS 64 /* that one call takes of a group, at most */

struct sqlite;

struct history_removed {
    int64_t contacts; /* legs */
    int64_t chats;
    int64_t emails;
    int64_t recordings;
    int64_t listen_logs;
    int64_t script_results;
    int64_t remarks;
    int hidden; /* by how many those that can't be shown became fewer, below zero */
};

void history_remove_begin(struct sqlite *db);
void history_remove_end(struct sqlite *db);

/* All legs of a group with their emails, its transcript, participants and remarks; the legs in the
 * order of their rows. Its rows are counted down; false: some are left, and the next call goes on.
 */
bool history_remove_group(struct sqlite *db, const struct guid *group, struct allowance *left,
                          struct history_removed *n);
/* One leg with its email, if there is one; its group stays. */
void history_remove_leg(struct sqlite *db, const struct guid *id, struct history_removed *n);
/* With its listen logs; contacts show that they have none any more. */
void history_remove_recording(struct sqlite *db, const struct guid *id, struct history_removed *n);
void history_remove_script(struct sqlite *db, const struct guid *id, struct history_removed *n);

/* One bounded step of writing the indexes of texts anew, without what has gone from them: *at
 * begins with 0 and says how far it has come. false: it has ended. */
bool history_remove_merge(struct sqlite *db, unsigned *at);

#endif
