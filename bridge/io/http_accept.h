/*
 * http_accept: takes connections in from a listening socket, on the process's loop. Where the
 * process has no descriptor left for one it says so, leaves it waiting, and looks again until it
 * has. Where the owner has no room for more it says so, too.
 */
#ifndef BRIDGE_IO_HTTP_ACCEPT_H
#define BRIDGE_IO_HTTP_ACCEPT_H

#include "bridge/ports/notice.h"

#include <stdbool.h>
#include <sys/socket.h>

#define HTTP_ACCEPT_AGAIN_MS 100   /* between two looks for a descriptor */
#define HTTP_ACCEPT_SAY_MS   10000 /* at least, between two times that it says there is no room */

struct http_accept;
struct uv_loop_s;

struct http_accept_owner {
    void *ctx;
    bool (*has_room)(void *ctx); /* for one more; while there is none it waits unaccepted */
    /* fd (non-blocking, closed on exec) is the owner's. */
    void (*take)(void *ctx, int fd, const struct sockaddr *from, socklen_t from_len);
    void (*taken)(void *ctx); /* after one or several of them */
};

/* listen_fd is its own from here on. log may be NULL. */
struct http_accept *http_accept_new(struct uv_loop_s *loop, int listen_fd, const struct notice *log,
                                    struct http_accept_owner owner);
/* There may be room again. Nothing is taken from inside this call. */
void http_accept_look(struct http_accept *a);
/* Closes the socket; the memory goes when the loop has closed the handles. */
void http_accept_close(struct http_accept *a);

#endif
