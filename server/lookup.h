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

#define LOOKUP_BODY_MAX (64 << 20) /* bytes of one answer */

struct lookup;

/* On the thread: writes the answer to l->body, sets l->found or leaves it (404). Reads of l->x what
 * does not change: id, params, wall_ms, user. */
typedef void lookup_fill(struct lookup *l, struct sqlite *db);

struct lookup {
    struct history_job job;
    struct exchange *x;
    lookup_fill *fill;
    const char *content_type;
    const char *path; /* the route's, of a list */
    struct guid id;   /* the path's, where there is one */
    struct page page; /* of a list */
    void *ctx;        /* the maker's, freed with the lookup; may be NULL */
    bool found;
    bool more;
    int64_t after;
    struct buf body;
    struct represent out; /* to body */
};

/* One thing: the path's id must be a GUID, else 400. */
void lookup_one(struct exchange *x, lookup_fill *fill, const char *content_type);
/* A collection; or, where the route's path has {id}, what of it belongs to that. ctx: of mem.h, is
 * freed when all is done; may be NULL. */
void lookup_list(struct exchange *x, const char *path, lookup_fill *fill, void *ctx);
/* For a fill: writes all rows of q as items of the collection. q gives one more than the page's
 * limit if there are more, and its first column is the place (server/place.h) of each. */
void lookup_write_list(struct lookup *l, const struct cmi_shape *shape, struct sqlite_query *q);
/* For a fill: writes the row of q, if there is one. plan has list and ctx set. */
void lookup_write_one(struct lookup *l, struct represent_plan *plan, const struct cmi_shape *shape,
                      struct sqlite_query *q);

/* Answers 400 as the specification does; false then. */
bool lookup_guid(struct exchange *x, struct view text, struct guid *out) MUST_CHECK;
/* 404 as the specification has it. */
void lookup_not_found(struct exchange *x);

#endif
