/*
 * http_handshake: connections of libmicrohttpd whose TLS handshake is not over, on the process's
 * loop.
 *
 * libmicrohttpd 0.9 does not note that a handshake has read its socket empty: while one waits for
 * its client it asks to be run again at once, without end (docs/decisions/0027). So each is
 * suspended between two steps, and resumed when its socket has what it waits for. What ends one
 * that takes too long is the connection's deadline (http_server.h).
 */
#ifndef BRIDGE_IO_HTTP_HANDSHAKE_H
#define BRIDGE_IO_HTTP_HANDSHAKE_H

struct http_handshake;  /* of one connection */
struct http_handshakes; /* of a server */
struct MHD_Connection;
struct uv_loop_s;

/* `resumed` is called when libmicrohttpd is to be run for one or several of them. */
struct http_handshakes *http_handshakes_new(struct uv_loop_s *loop, void (*resumed)(void *ctx),
                                            void *ctx);
void http_handshakes_free(struct http_handshakes *all); /* none may be left. NULL is a no-op */

/* Of a connection that libmicrohttpd has just begun. NULL: its socket can't be watched, and was
 * shut down. */
struct http_handshake *http_handshake_new(struct http_handshakes *all, struct MHD_Connection *mhd);
/* The connection has ended; its socket is still open. The memory goes when the loop has closed the
 * handle. NULL is a no-op. */
void http_handshake_free(struct http_handshake *h);

/* libmicrohttpd was run: suspends those that wait for their clients. */
void http_handshakes_rest(struct http_handshakes *all);
/* Resumes all: libmicrohttpd is to be run once more, and then to end. */
void http_handshakes_wake(struct http_handshakes *all);

#endif
