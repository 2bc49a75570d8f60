/*
 * listing: a list out of the 64 shards' zsets: members merged in one order, each looked up, shown
 * if it matches, until the limit (contract 10, 11).
 *
 * Not one moment's picture: what changes while a long list is read may be in it or not; nothing
 * that stayed is missing or twice.
 */
#ifndef SERVER_LISTING_H
#define SERVER_LISTING_H

#include "bridge/core/buf.h"
#include "server/exchange.h"

#define LISTING_LIMIT_MAX  10000
#define LISTING_PAGE       32         /* members read of a shard at a time */
#define LISTING_BATCH      64         /* things looked up at a time */
#define LISTING_BYTES_MAX  (64 << 20) /* a longer list is cut as if by `limit` */
#define LISTING_MEMBER_MAX 1280       /* bytes */

struct listing;

/* One member on its way into the list. */
struct listing_item {
    struct listing *listing;
    void *ctx; /* the source's */
    struct view member;
    struct buf text; /* what is shown of it */
    enum { LISTING_WAITS, LISTING_SKIPPED, LISTING_SHOWN, LISTING_PARTLY } state;
    void *part; /* the source's, while LISTING_PARTLY */
};

/* What is listed. */
struct listing_source {
    const char *collection; /* "callbacks": the path, and the root in XML */
    const char *zset;       /* the zsets' name */
    bool paged;             /* they are in pages (server/redis/paged.lua) */
    bool descending;
    /* Members lie strictly between these; empty: no bound. */
    struct view above;
    struct view below;
    /* Looks the member up and ends, then or later, with one listing_item_done. What is large may be
     * shown in parts (LISTING_PARTLY): then it is called again, when the item's turn has come,
     * until another state. */
    void (*load)(struct listing_item *item);
    bool (*is_member)(struct view member);        /* could be one: what `after` must name */
    void (*free_part)(struct listing_item *item); /* of an item that is never finished; or NULL */
    void (*free_ctx)(void *ctx);
    void *ctx;
};

/* Reads `limit` and `after`, lists, answers. ctx is freed in every case. The source is copied, what
 * it points to is not, but for the bounds. */
void listing_start(struct exchange *x, const struct listing_source *source);
void listing_item_done(struct listing_item *item);
/* The whole list has failed (the store is away): answers 503 when what is under way has ended. */
void listing_item_failed(struct listing_item *item);
struct exchange *listing_exchange(const struct listing_item *item);

/* The parameter `limit`, `otherwise` where not given. Answers 400 and returns false if it is wrong.
 */
bool listing_limit(struct exchange *x, int64_t otherwise, int64_t *limit);

#endif
