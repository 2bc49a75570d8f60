/*
 * http_client: ports/http.h on libcurl: one multi handle on a thread of its own (http_worker.h),
 * and for each destination as many easy handles as it may have requests under way. The functions
 * here are called, and replies come, on the process's loop.
 *
 * libcurl sends a POST again by itself when a reused connection turns out dead. That is prevented:
 * one call sends its request at most once (docs/decisions/0014). TLS is always verified, redirects
 * are never followed, no proxy is used, and what a reply may hold is limited while it arrives
 * (http_head.h, a destination's reply_max).
 *
 * HTTP_NOT_SENT is said only where no connection was had, or not one byte of the request has left;
 * also of a call that was cancelled, HTTP_UNKNOWN is said.
 */
#ifndef BRIDGE_IO_HTTP_CLIENT_H
#define BRIDGE_IO_HTTP_CLIENT_H

#include "bridge/ports/http.h"

#define HTTP_CLIENT_SLOTS_MAX  4096 /* of one destination */
#define HTTP_CLIENT_LIFETIME_S 300  /* of a connection: spreads load behind a balancer */
#define HTTP_CLIENT_IDLE_S     60   /* a connection idle for longer is not used again */
#define HTTP_CLIENT_SECRET_MAX 8192 /* bytes of a token or a key */

struct uv_loop_s;
struct http_client;

enum http_auth {
    HTTP_AUTH_NONE,
    HTTP_AUTH_BASIC,
    HTTP_AUTH_BEARER,
    HTTP_AUTH_API_KEY,
    HTTP_AUTH_CERTIFICATE,
};

/* Texts are borrowed and read during http_client_new. */
struct http_destination {
    const char *url;            /* base: scheme, host, port and a path; no '?', '#' or user in it */
    int slots;                  /* 1 … HTTP_CLIENT_SLOTS_MAX */
    size_t reply_max;           /* bytes kept of a reply's body; 0: HTTP_REPLY_BODY_MAX */
    int64_t timeout_ms;         /* a request, from its begin to the end of its reply */
    int64_t connect_timeout_ms; /* TLS included */
    /* Fewer bytes a second than the first for as long as the second ends a call. 0: no such limit;
     * a server that thinks before it answers counts as slow, too. */
    int64_t low_speed_bytes;
    int64_t low_speed_ms;
    enum http_auth auth;
    const char *user;        /* BASIC; no ':' in it */
    const char *secret;      /* BASIC: password; BEARER: token; API_KEY: key */
    const char *key_header;  /* API_KEY: the header's name */
    const char *certificate; /* CERTIFICATE: PEM file, with `key` */
    const char *key;
    const char *ca; /* PEM file of authorities instead of the system's; NULL: the system's */
};

/* NULL with a fault that names the destination's setting. The files are read at each connection,
 * not here. The process ignores SIGPIPE from here on. */
struct http_client *http_client_new(struct uv_loop_s *loop, const struct http_destination *to,
                                    size_t count, http_on_reply *on_reply, void *owner,
                                    struct fault *f);
/* submit fails with FAULT_RETRY while all of the destination's slots are in use, and with
 * FAULT_REJECT for a call that can't be sent as it is. */
struct http_port http_client_port(struct http_client *h);
/* Ends what is under way (each call gets its reply, HTTP_UNKNOWN), then frees all; `closed` is
 * called on the loop when that is done. May be NULL. May be called from a reply's function; h is
 * not to be used after it. */
void http_client_close(struct http_client *h, void (*closed)(void *owner), void *owner);

#endif
