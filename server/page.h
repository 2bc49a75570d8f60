/*
 * page: how much of a list is asked for, and where it goes on (contract 10, 11).
 */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include "bridge/core/buf.h"
#include "server/exchange.h"
#include "server/place.h"

#define PAGE_LIMIT_DEFAULT 100
#define PAGE_LIMIT_MAX     10000
#define PAGE_TOKEN_MAX     4096 /* bytes of `after` */

struct page {
    int64_t limit;
    bool goes_on;           /* `after` was given */
    struct view token;      /* as given: for lists that are not in the order of places */
    struct place_mark mark; /* in the order of places: the last thing shown */
};

/* Reads `limit` and `after`. default_limit is at most PAGE_LIMIT_MAX. places: `after` is a mark of
 * server/place.h.
 */
bool page_read(const struct exchange *x, int64_t default_limit, bool places, struct page *out,
               struct fault *f) MUST_CHECK;
/* `after` is no token of this list: what to answer. False. */
bool page_bad_token(struct fault *f);
/* Adds Link: <…>; rel="next": this request again, with `after` the given token. path is the
 * route's: "/chats", "/callRecordings/{id}/listenLog". A target so long that it would be refused is
 * none to give: answers 414 instead and returns false. */
bool page_link(struct exchange *x, const char *path, struct view token) MUST_CHECK;

#endif
