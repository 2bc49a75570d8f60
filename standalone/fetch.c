#include "standalone/fetch.h"

#include "bridge/core/num.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REPLY_MAX (8 << 20)

static bool ask(int fd, unsigned port, struct view path, struct buf *reply)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((in_port_t)port)};
    struct timeval patience = {.tv_sec = FETCH_TIME_S};
    char some[8192];
    ssize_t n;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    buf_printf(reply, "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
               VIEW_ARG(path));
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
        send(fd, reply->p, reply->n, MSG_NOSIGNAL) != (ssize_t)reply->n)
        return false;
    buf_clear(reply);
    while ((n = recv(fd, some, sizeof some, 0)) > 0)
        buf_put(reply, (struct view){some, (size_t)n});
    return n == 0 && !reply->full;
}

bool fetch(const char *url, struct buf *body, struct fault *f)
{
    struct view rest = view_of(url);
    struct view reply_view;
    struct buf reply;
    const char *end;
    int64_t port;
    int fd;
    bool ok;

    if (!view_starts(rest, VIEW("http://127.0.0.1:")))
        return fault_set(f, FAULT_REJECT, "%s is not on this machine", url);
    rest = view_skip(rest, strlen("http://127.0.0.1:"));
    if (!num_in(view_cut(&rest, '/'), 1, 65535, &port))
        return fault_set(f, FAULT_REJECT, "%s names no port", url);
    rest = (struct view){rest.p - 1, rest.n + 1}; /* with its '/' */
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fault_set(f, FAULT_RETRY, "no socket can be had: %s", strerror(errno));
    buf_init(&reply, REPLY_MAX);
    ok = ask(fd, (unsigned)port, rest, &reply);
    close(fd);
    reply_view = buf_view(&reply);
    end = ok ? strstr(buf_text(&reply), "\r\n\r\n") : NULL;
    if (end != NULL && view_starts(reply_view, VIEW("HTTP/1.1 200")))
        buf_put_text(body, end + 4);
    else
        ok = fault_set(f, FAULT_RETRY, "%s gives no answer that can be used", url);
    buf_done(&reply);
    return ok;
}
