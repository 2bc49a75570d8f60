/*
 * http_server: HTTP/1.1 in (libmicrohttpd), as bytes and values, on the process's loop.
 *
 * A request becomes a `visit`. When its headers are in, `admit` may answer it at once or say how
 * long its body may be; when it is whole, `serve` gets it. Each visit admitted is answered exactly
 * once with http_visit_answer, from inside `admit` or `serve` or at any later time, on the loop's
 * thread; until then everything in its request holds.
 *
 * A head that breaks core/http_rules.h is refused before the owner sees it, and the connection
 * closed. In a chunked body libmicrohttpd still takes a bare LF for CRLF; a proxy in front is the
 * remedy (docs/OPERATIONS).
 *
 * Time: a connection may idle (in its TLS handshake, too), a request may take from its first line
 * to its last byte, and an answer may take to be read, `request_time_ms` each, however busily the
 * bytes drip (an answer also what its size takes at HTTP_SERVER_SLOWEST_BYTES_S). Then the socket
 * is shut down; a request half read gets the answer that is known, or 408.
 */
#ifndef BRIDGE_IO_HTTP_SERVER_H
#define BRIDGE_IO_HTTP_SERVER_H

#include "bridge/core/http_rules.h"

#define HTTP_SERVER_READ_OVER_MAX       (1 << 20) /* bytes of a refused body, then it is cut */
#define HTTP_SERVER_SLOWEST_BYTES_S     16384
#define HTTP_SERVER_FULL                "the server holds too much already; try again"
#define HTTP_SERVER_ANSWER_SMALL        65536
#define HTTP_SERVER_BACKLOG             1024 /* connections that wait to be accepted */
#define HTTP_SERVER_ANSWER_HEADERS_MAX  16
#define HTTP_SERVER_REFUSAL_HEADERS_MAX 4

struct notice;
struct tls;
struct uv_loop_s;
struct http_server;
struct http_visit;

struct http_request {
    struct view method;
    struct view path;                 /* as sent, up to '?'; begins with '/' or is "*" */
    struct view query;                /* as sent, after '?' */
    const struct http_field *headers; /* values without the blanks around them */
    size_t header_count;
    struct view body;        /* empty in `admit` */
    const uint8_t *source;   /* whom the connection is from: http_source.h */
    const char *certificate; /* subject of the client's certificate (tls_peer); NULL: none */
};

struct http_server_conf {
    const char *address;      /* "127.0.0.1:8080", "[::1]:0"; port 0 takes a free one */
    size_t connections_max;   /* further ones wait unaccepted */
    size_t head_max_bytes;    /* of a request's target and header fields; else 414, 431 */
    size_t bodies_max_bytes;  /* of all requests under way; else 503 */
    size_t bodies_kept_bytes; /* of these, what is for visits that may fill them (see below) */
    size_t answers_max_bytes; /* of all answers that are made or sent; 0: no limit. See
                                 http_visit_holds */
    int64_t request_time_ms;  /* see above */
    struct tls *tls;          /* outlives the server; NULL: plain HTTP */
    const struct notice *log; /* says when no descriptor is left for a connection; NULL: nobody */
};

struct http_server_owner {
    void *ctx;
    /* Answers the visit, or leaves it and returns the most bytes its body may have (else 413). Must
     * keep nothing: the client may be gone before `serve`. */
    size_t (*admit)(void *ctx, struct http_visit *v, const struct http_request *r);
    void (*serve)(void *ctx, struct http_visit *v, const struct http_request *r);
    /* A request was refused, or cut at its deadline (408), without the owner. May be NULL. */
    void (*refused)(void *ctx, int status);
    /* What a refusal without the owner is to carry beside its own: fills at most
     * HTTP_SERVER_REFUSAL_HEADERS_MAX fields, whose values hold as long as the request's, and
     * returns how many. The request's may be more or other than the rules allow. May be NULL. */
    size_t (*refusal)(void *ctx, const struct http_field *headers, size_t header_count,
                      struct http_field *out);
};

/* From inside `admit`: the visit's body may have what bodies_kept_bytes keeps from the others. */
void http_visit_may_fill(struct http_visit *v);

/* Listens. NULL with a fault if the address makes no sense or can't be had. */
struct http_server *http_server_new(struct uv_loop_s *loop, const struct http_server_conf *conf,
                                    struct http_server_owner owner, struct fault *f);
unsigned http_server_port(const struct http_server *s);
size_t http_server_connections(const struct http_server *s);
/* Accepts no more, closes what idles, lets requests under way end. `drained` is called once, from
 * the loop, when no connection is left. */
void http_server_drain(struct http_server *s, void (*drained)(void *ctx), void *ctx);
/* Closes what is left. Every visit must have been answered. The memory goes when the loop has
 * closed the handles: run the loop once more. */
void http_server_free(struct http_server *s);

/* The visit's answer has so many bytes by now, made or in the making. false: it would be too much
 * together with those of the others, so it should be 503 instead. A small one
 * (HTTP_SERVER_ANSWER_SMALL) is always allowed, and any where the others have no more than that. */
bool http_visit_holds(struct http_visit *v, size_t bytes);

/* Headers and body are copied; Content-Length, Date and Connection are added. */
void http_visit_answer(struct http_visit *v, int status, const struct http_field *headers,
                       size_t header_count, struct view body);
#endif
