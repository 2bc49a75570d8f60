/*
 * erased_kin: what belongs to a thing of somebody who was erased goes with it, in whatever order
 * the two became known: the group that a leg says it is of, and with a group all its legs, its
 * transcript, remarks and emails; the legs that were transferred from one, since they show what
 * they have from it, with their groups; recordings and script results of any of them.
 *
 * Never the leg that one was transferred from: it shows nothing of the one after it, and whatever
 * else came from it is somebody else's. A leg that has its group from there leaves that alone,
 * since it may still say another one. (person_sweep, which takes what is stored as it is, takes the
 * group.)
 *
 * A thing that is found to be such is known by its hash from then on (erased_store_thing), so that
 * nothing new comes to it, and stands in a list in the file (`erased_rest`) until what the file has
 * of it is gone. Steps work that list off; what they find to be kin joins it. Stopped anywhere, the
 * next one goes on.
 *
 * All of it on the history's writer, in a transaction.
 */
#ifndef SERVER_ERASED_KIN_H
#define SERVER_ERASED_KIN_H

#include "server/history_remove.h"

struct erased;
struct sqlite;

#define ERASED_KIN_ROWS_MAX 500 /* rows that a step takes, give or take a piece of a transcript */
#define ERASED_KIN_STEP_MS  10  /* that one between two writes works */

/* SQL: what goes with a thing beside its recordings and script results; each statement has the
 * thing as its one parameter, and gives identifiers. Ended by NULL. */
extern const char *const erased_kin_of[];
/* Recordings, script results of a thing; likewise. */
#define ERASED_KIN_RECORDINGS "SELECT id FROM call_recordings WHERE contact_id = ?1 OR call_id = ?1"
#define ERASED_KIN_SCRIPTS                                                                         \
    "SELECT id FROM script_results WHERE contact_id = ?1 OR originalcontact_id = ?1"

/* It is somebody's who was erased. Of what was known to be so the file has nothing. */
void erased_kin_add(struct erased *e, struct sqlite *db, const struct guid *id);
/* The same of what the file does have, whatever was known of it. */
void erased_kin_take(struct erased *e, struct sqlite *db, const struct guid *id);
/* Takes, until the allowance is over. false: the list is empty. */
bool erased_kin_step(struct erased *e, struct sqlite *db, struct allowance *left,
                     struct history_removed *n);

#endif
