/*
 * http_server_in: what http_server.c (connections and their loop) and http_visit.c (one request on
 * one of them) know of each other. For these two only.
 */
#ifndef BRIDGE_IO_HTTP_SERVER_IN_H
#define BRIDGE_IO_HTTP_SERVER_IN_H

#include "bridge/core/buf.h"
#include "bridge/core/heap.h"
#include "bridge/io/http_server.h"
#include "bridge/io/http_source.h"

#include <microhttpd.h>
#include <uv.h>

/* One socket. Its deadline is what limits the phase it is in. */
struct http_connection {
    struct heap_item deadline; /* first member; in no heap: waits for the owner's answer */
    struct http_server *server;
    struct MHD_Connection *mhd;
    int fd;
    struct http_handshake *handshake; /* NULL: plain HTTP */
    struct http_visit *visit;         /* under way, or NULL */
    bool cut;                         /* shut down by us; libmicrohttpd will notice */
    bool looked_at;                   /* `certificate` is known, */
    unsigned looked_by;               /* by this tls_generation */
    char *certificate;                /* subject of the client's, or NULL */
    uint8_t source[HTTP_SOURCE_LEN];
};

enum visit_phase {
    VISIT_HEAD,     /* the request line is in */
    VISIT_READING,  /* the head was taken; the body comes */
    VISIT_WHOLE,    /* the owner has it */
    VISIT_ANSWERED, /* `answer` holds; rest of the body is read over */
};

struct http_visit {
    struct http_connection *connection;
    enum visit_phase phase;
    char *target;
    struct http_framing framing;
    struct http_field *headers; /* owned; at most HTTP_RULES_HEADERS_MAX + 1 */
    size_t headers_max;
    size_t header_count;
    struct http_request request;
    struct buf body;
    size_t answer_bytes; /* counted in the server's answers_bytes */
    bool may_fill;       /* what is kept of the room for bodies is for it, too */
    size_t read_over_bytes;
    bool suspended;
    bool queued; /* libmicrohttpd has the answer */
    struct MHD_Response *answer;
    int status;
    struct view answer_body; /* the answer's own */
};

struct http_server {
    struct uv_loop_s *loop;
    struct http_server_owner owner;
    struct http_server_conf conf;
    struct MHD_Daemon *daemon;
    struct http_accept *accept;         /* NULL: no more */
    struct http_handshakes *handshakes; /* NULL: plain HTTP */
    unsigned port;
    uv_poll_t poll;
    uv_idle_t run_again; /* libmicrohttpd has more to do at once */
    uv_timer_t timer;    /* of the first deadline */
    unsigned open_handles;
    struct heap deadlines;
    size_t connections;
    size_t bodies_bytes;
    size_t answers_bytes;
    bool draining;
    void (*drained)(void *ctx);
    void *drained_ctx;
};

/* ---- http_server.c ---- */
/* From now on it has so long; what was said before holds no more. */
void http_connection_limit(struct http_connection *c, int64_t time_ms);
void http_connection_limit_none(struct http_connection *c);
/* libmicrohttpd has something to do that can be done at once. */
void http_server_run_soon(struct http_server *s);

/* ---- http_visit.c ---- */
/* target: libmicrohttpd's, as it was sent; it is copied, then changed. */
struct http_visit *http_visit_new(struct http_connection *c, char *target);
void http_visit_free(struct http_visit *v); /* NULL is a no-op */
/* What libmicrohttpd calls its access handler for. */
enum MHD_Result http_visit_go_on(struct http_visit *v, const char *method, const char *version,
                                 const char *data, size_t *data_n);
/* Its time is over: what can still be said is said, and it is shut down. */
void http_connection_cut(struct http_connection *c);

#endif
