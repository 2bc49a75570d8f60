#include "standalone/port.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool port_hold(struct port *p, unsigned number, struct fault *f)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((in_port_t)number)};
    socklen_t at_n = sizeof at;
    int on = 1;

    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->fd >= 0 && setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(p->fd, (struct sockaddr *)&at, at_n) == 0 &&
        getsockname(p->fd, (struct sockaddr *)&at, &at_n) == 0) {
        p->number = ntohs(at.sin_port);
        return true;
    }
    if (number == 0)
        fault_set(f, FAULT_RETRY, "no free port of 127.0.0.1 can be had: %s", strerror(errno));
    else
        fault_set(f, FAULT_RETRY, "port %u of 127.0.0.1 can't be had: %s", number, strerror(errno));
    port_let_go(p);
    return false;
}

void port_let_go(struct port *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}
