/*
 * lookup: a GET that the history answers, from the loop to the reader's thread and back.
 */
#ifndef SERVER_LOOKUP_H
#define SERVER_LOOKUP_H

#include "server/exchange.h"
#include "server/history.h"
#include "server/page.h"
#include "server/represent.h"
#include "server/sqlite.h"

#define LOOKUP_BODY_MAX   (64 << 20) /* bytes of one answer */
#define LOOKUP_BODY_USUAL (12 << 10) /* and of most: twenty contacts */

struct lookup;

/* On the thread: writes the answer to l->body, sets l->found or leaves it (404). Reads of l->x what
 * does not change: id, params, wall_ms, user. May be called again, from the beginning, after it was
 * broken off: then what it changed in ctx must not be in its way. */
typedef void lookup_fill(struct lookup *l, struct sqlite *db);

struct lookup {
    struct history_job job;
    struct exchange *x;
    lookup_fill *fill;
    const char *content_type; /* of what is not in the form that was asked for; else NULL */
    const char *path;         /* the route's, of a list */
    struct guid id;           /* the path's, where there is one */
    struct page page;         /* of a list */
    void *ctx;                /* the maker's; may be NULL */
    void (*free_ctx)(void *ctx);
    bool found;
    bool more;
    bool too_long;   /* one thing: for an answer */
    struct buf next; /* if there is more: the token of the last thing shown */
    struct buf body;
    struct represent out; /* to body */
};

/* One thing: the path's id must be a GUID, else 400. content_type NULL: it is represented in the
 * form that was asked for. */
void lookup_one(struct exchange *x, lookup_fill *fill, const char *content_type);
/* A collection in the order of places; or, where the route's path has {id}, what of it belongs to
 * that. ctx is freed by free_ctx when all is done; both may be NULL. */
void lookup_list(struct exchange *x, const char *path, lookup_fill *fill, void *ctx,
                 void (*free_ctx)(void *ctx));
/* The same of a list whose page its maker has read. */
void lookup_page(struct exchange *x, const char *path, const struct page *page, lookup_fill *fill,
                 void *ctx, void (*free_ctx)(void *ctx));
/* For a fill that begins anew: what it has written is gone. */
void lookup_begin(struct lookup *l);
/* For a fill: where the page begins, in the table that places are of: what is left stands below
 * `above`, or where places go up, above `below`. */
struct place_gap lookup_behind(const struct lookup *l, struct sqlite *db, const char *table);
/* For a fill: writes all rows of q as items of the collection. q gives one more than the page's
 * limit if there are more, and its first two columns are the place (server/place.h) and the id of
 * each. plan: with list and ctx set where items have lists; else NULL. */
void lookup_write_list(struct lookup *l, struct represent_plan *plan, const struct cmi_shape *shape,
                       struct sqlite_query *q);
/* The same for another order: `token` is asked at the last row shown for its token. */
void lookup_write_page(struct lookup *l, struct represent_plan *plan, const struct cmi_shape *shape,
                       struct sqlite_query *q,
                       void (*token)(const struct lookup *l, const struct sqlite_query *q,
                                     struct buf *to));
/* For a fill: writes the row of q, if there is one. plan has list and ctx set. */
void lookup_write_one(struct lookup *l, struct represent_plan *plan, const struct cmi_shape *shape,
                      struct sqlite_query *q);

/* Answers 400 as the specification does; false then. */
bool lookup_guid(struct exchange *x, struct view text, struct guid *out) MUST_CHECK;
/* 404 as the specification has it. */
void lookup_not_found(struct exchange *x);

#endif
