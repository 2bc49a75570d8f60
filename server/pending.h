/*
 * pending: an exchange together with what the front keeps of it until it is answered. For front.c
 * and exchange.c only.
 */
#ifndef SERVER_PENDING_H
#define SERVER_PENDING_H

#include "bridge/core/buf.h"
#include "bridge/io/http_server.h"
#include "server/exchange.h"
#include "server/routes.h"

#define PENDING_HEADERS_MAX 12 /* of an answer; at most HTTP_SERVER_ANSWER_HEADERS_MAX */

struct front;
struct users;

struct pending {
    struct exchange x; /* first member: an exchange is a pending */
    struct front *front;
    struct http_visit *visit;
    const struct http_request *request;
    struct route_entry *route;                      /* NULL: no such path */
    struct users *users;                            /* held: x.user is theirs */
    struct view encoded_id;                         /* of the path */
    char *text;                                     /* decoded path and parameters */
    struct exchange_param *params;                  /* owned; NULL where there is no query */
    struct http_field headers[PENDING_HEADERS_MAX]; /* of the answer */
    size_t header_count;
    size_t headers_kept; /* the first ones are for every answer, whatever comes of it */
    struct buf values;   /* theirs */
    size_t value_ends[PENDING_HEADERS_MAX];
    int64_t begun_ms;             /* monotonic */
    char trace[33];               /* hex trace id; "" where there is none */
    struct pending *next_running; /* with the same bucket of keys */
    uint64_t number;              /* in the order they came */
};

/* front.c: the answer went out; counts, logs and frees. */
void pending_done(struct pending *p, int status);

#endif
