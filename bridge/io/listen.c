#include "bridge/io/listen.h"

#include "bridge/core/num.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESS_MAX 256

static bool split_address(const char *address, char host[ADDRESS_MAX], const char **port,
                          struct fault *f)
{
    const char *colon = strrchr(address, ':');
    size_t n = colon != NULL ? (size_t)(colon - address) : 0;
    int64_t number = 0;
    bool bracketed = n >= 2 && address[0] == '[' && address[n - 1] == ']';

    if (colon == NULL || n == 0 || n >= ADDRESS_MAX ||
        !num_in(view_of(colon + 1), 0, 65535, &number))
        return fault_set(f, FAULT_REJECT, "'%s' is no address; write it like 127.0.0.1:8080",
                         address);
    memcpy(host, address + (bracketed ? 1 : 0), n - (bracketed ? 2 : 0));
    host[n - (bracketed ? 2 : 0)] = '\0';
    *port = colon + 1;
    return true;
}

static int listen_at(const struct addrinfo *at, int backlog)
{
    int on = 1;
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool port_of(int fd, unsigned *port)
{
    struct sockaddr_storage name;
    socklen_t name_n = sizeof name;
    char number[8] = "";
    int64_t n = 0;

    if (getsockname(fd, (struct sockaddr *)&name, &name_n) != 0 ||
        getnameinfo((struct sockaddr *)&name, name_n, NULL, 0, number, sizeof number,
                    NI_NUMERICSERV) != 0 ||
        !num_in(view_of(number), 0, 65535, &n))
        return false;
    *port = (unsigned)n;
    return true;
}

int listen_open(const char *address, int backlog, unsigned *port, struct fault *f)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char host[ADDRESS_MAX];
    const char *service = NULL;
    int fd = -1;
    int error = 0;

    if (!split_address(address, host, &service, f))
        return -1;
    if ((error = getaddrinfo(host, service, &hints, &found)) != 0) {
        fault_set(f, FAULT_REJECT, "%s: %s", address, gai_strerror(error));
        return -1;
    }
    fd = listen_at(found, backlog);
    error = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        fault_set(f, FAULT_STOP, "can't listen on %s: %s", address, strerror(error));
        return -1;
    }
    if (!port_of(fd, port)) {
        close(fd);
        fault_set(f, FAULT_BUG, "%s: the port can't be told", address);
        return -1;
    }
    return fd;
}
