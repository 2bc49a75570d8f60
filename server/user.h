/*
 * user: the users that one `serve` knows, found by what proves who they are; or the one anonymous
 * user that everybody is.
 *
 * What a user may do and see is asked of `user->rights` (server/rights.h): a resource that lists
 * things adds rights_where to its statement, or leaves out what rights_see says no to; `pickable`
 * asks rights_serves, or rights_where_served.
 *
 * A set does not change; a users file that was read again makes another one. Who keeps a pointer
 * into a set holds the set (users_keep).
 */
#ifndef SERVER_USER_H
#define SERVER_USER_H

#include "bridge/core/view.h"
#include "server/exchange.h"
#include "server/user_file.h"

struct users;

/* Everyone is this user. Its texts are copied. One hold is the caller's. */
struct users *users_new_anonymous(const struct exchange_user *anonymous);
/* These; takes what is in `file`, and leaves it empty. One hold is the caller's. */
struct users *users_new(struct user_file *file);
/* On the loop's thread only. */
struct users *users_keep(struct users *u); /* returns u */
void users_let_go(struct users *u);        /* the last one frees; NULL is a no-op */

/* NULL where users must sign on. */
const struct exchange_user *users_anonymous(const struct users *u);
size_t users_count(const struct users *u);
const struct user_record *users_by_login(const struct users *u, struct view login);
/* A bearer token or API key, by a keyed digest of it. */
const struct user_record *users_by_token(const struct users *u, struct view token);
/* subject: as dn_read makes it. */
const struct user_record *users_by_certificate(const struct users *u, struct view subject);

#endif
