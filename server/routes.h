/*
 * routes: which path and method is served by whom.
 */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "bridge/core/buf.h"
#include "bridge/core/stats.h"
#include "server/exchange.h"
#include "server/rights.h"

#define ROUTES_MAX          64
#define ROUTES_STATUSES_MAX 24 /* different statuses counted of one route */

struct route_entry {
    struct view base; /* "/RI/cmi", or "" */
    struct view path; /* the route's */
    size_t lead;      /* bytes of it in front of its first {…} */
    const struct route *route;
    enum rights_resource resource;
    unsigned method; /* of enum rights_method */
    struct {
        int status;
        struct stat *count;
    } counts[ROUTES_STATUSES_MAX];
    struct stat *seconds;
};

struct routes {
    struct route_entry entries[ROUTES_MAX];
    size_t count;
};

/* rows are ended by one with method NULL, and outlive the routes, as does base. */
void routes_add(struct routes *r, const char *base, const struct route *rows);

enum routes_found { ROUTES_FOUND, ROUTES_NO_PATH, ROUTES_NO_METHOD };

/* path as sent, still encoded. ROUTES_FOUND: *entry serves the method ("HEAD" as "GET") and *id is
 * the {…}, still encoded. ROUTES_NO_METHOD: *entry is some row of the path. */
enum routes_found routes_find(struct routes *r, struct view method, struct view path,
                              struct route_entry **entry, struct view *id);
/* The value of Allow for that path: "GET, HEAD, OPTIONS, POST". */
void routes_allow(struct routes *r, struct view path, struct buf *to);

#endif
