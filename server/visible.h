/*
 * visible: the contacts that a user of limited rights sees, gathered by the indexes of queues and
 * agents where they are few.
 *
 * Who sees much finds a page of it among the newest, each of which is asked (rights_where). Who
 * sees little would so read all of the history. A statement that visible_are_few allows it has
 * visible_where (or visible_where_group) in the place of rights_where: the parameters are the
 * same, which rights_bind gives, and so is what it finds.
 */
#ifndef SERVER_VISIBLE_H
#define SERVER_VISIBLE_H

#include "server/rights.h"

#include <stdbool.h>
#include <stdint.h>

/* Contacts that are gathered at most. With so many of a million, a page of twenty of them is found
 * among the newest twenty thousand, if they lie there as anywhere else. */
#define VISIBLE_FEW       1024
#define VISIBLE_MANY_MS   60000 /* so long somebody's many are not counted again */
#define VISIBLE_REMEMBERS 64    /* that a connection knows to be many */

struct sqlite;

/* What was found to be many, until when. To forget one costs a counting. */
struct visible_memo {
    struct {
        uint64_t mark; /* of the sets of queues and agents (rights_mark) */
        int64_t until_ms;
    } items[VISIBLE_REMEMBERS];
};

/* false where the rights are not limited. db: with search_install. */
bool visible_are_few(const struct rights *r, enum rights_resource resource, struct sqlite *db,
                     int64_t now_ms);
/* Appends " AND <row> IN (…)", where row is a contact's. In a `+` before it, it is asked of rows
 * that something else leads to. */
void visible_where(const char *row, struct buf *sql);
/* The same of the rows of all groups one leg of which is seen. */
void visible_where_group(const char *row, struct buf *sql);

#endif
