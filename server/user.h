/*
 * user: who a request is from. One door: authentication proper is added behind it.
 */
#ifndef SERVER_USER_H
#define SERVER_USER_H

#include "bridge/core/http_rules.h"
#include "server/exchange.h"

struct users;

/* Everyone is this user. Its texts are copied. */
struct users *users_new_anonymous(const struct exchange_user *anonymous);
void users_free(struct users *u);
/* The user that the request's headers prove, NULL where they prove none (401). Lives as long as
 * `u`. */
const struct exchange_user *users_find(const struct users *u, const struct http_field *headers,
                                       size_t header_count);

#endif
