/*
 * http_client: ports/http.h on libcurl: one multi handle on the process's loop, and for each
 * destination as many easy handles as it may have requests under way.
 *
 * libcurl sends a POST again by itself when a reused connection turns out dead. That is prevented:
 * one call sends its request at most once (docs/decisions/0005). TLS is always verified, redirects
 * are never followed, and what a reply may hold is limited while it arrives.
 */
#ifndef BRIDGE_IO_HTTP_CLIENT_H
#define BRIDGE_IO_HTTP_CLIENT_H

#include "bridge/ports/http.h"
#include "bridge/ports/notice.h"

#define HTTP_CLIENT_SLOTS_MAX        1024  /* of one destination */
#define HTTP_CLIENT_REPLY_HEADER_MAX 65536 /* bytes of a reply's header, 1xx replies included */
#define HTTP_CLIENT_LIFETIME_S       300   /* of a connection: spreads load behind a balancer */

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
    const char *url; /* base: scheme, host, port and a path without '/' at its end */
    int slots;
    int64_t timeout_ms;         /* a request, from its begin to the end of its reply */
    int64_t connect_timeout_ms; /* TLS included */
    enum http_auth auth;
    const char *user;        /* BASIC */
    const char *secret;      /* BASIC: password; BEARER: token; API_KEY: key */
    const char *key_header;  /* API_KEY: the header's name */
    const char *certificate; /* CERTIFICATE: PEM file, with `key` */
    const char *key;
    const char *ca; /* PEM file of authorities instead of the system's; NULL: the system's */
};

/* NULL with a fault that names the destination's setting. */
struct http_client *http_client_new(struct uv_loop_s *loop, const struct http_destination *to,
                                    size_t count, http_on_reply *on_reply, void *owner,
                                    struct fault *f);
struct http_port http_client_port(struct http_client *h);
/* Ends what is under way (each call gets its reply, HTTP_UNKNOWN), then frees all; `closed` is
 * called on the loop when that is done. May be NULL. */
void http_client_close(struct http_client *h, void (*closed)(void *owner), void *owner);

#endif
