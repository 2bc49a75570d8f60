/*
 * page: how much of a list is asked for, and where it goes on (contract 10, 11).
 */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include "bridge/core/buf.h"
#include "server/exchange.h"

#define PAGE_LIMIT_DEFAULT 100
#define PAGE_LIMIT_MAX     10000

struct page {
    int64_t limit;
    bool goes_on;  /* `after` was given */
    int64_t after; /* the place (server/place.h) of the last thing that was shown */
};

/* Reads `limit` and `after`. default_limit is at most PAGE_LIMIT_MAX. */
bool page_read(const struct exchange *x, int64_t default_limit, struct page *out,
               struct fault *f) MUST_CHECK;
/* Adds Link: <…>; rel="next": this request again, with `after` the given place. path is the
 * route's: "/chats", "/callRecordings/{id}/listenLog". */
void page_link(struct exchange *x, const char *path, int64_t after);

#endif
