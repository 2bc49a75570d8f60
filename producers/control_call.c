#include "producers/control_call.h"

#include "bridge/core/json_pick.h"
#include "server/control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(const char *history, struct fault *f)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int n = snprintf(to.sun_path, sizeof to.sun_path, "%s" CONTROL_SUFFIX, history);
    int fd = -1;

    if (n < 0 || (size_t)n >= sizeof to.sun_path) {
        fault_set(f, FAULT_REJECT, "the path of the history is too long for the socket beside it");
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    fault_set(f, FAULT_RETRY, "no cmibridge serve of yours answers at %s: %s", to.sun_path,
              strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool send_all(int fd, struct view bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = view_skip(bytes, (size_t)n);
    }
    return true;
}

static void read_all(int fd, struct buf *to)
{
    char bytes[4096];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            buf_put(to, (struct view){bytes, (size_t)n});
}

bool control_call(const char *history, const char *verb, struct view argument, struct buf *answer,
                  struct fault *f)
{
    char error[FAULT_TEXT_MAX];
    struct buf line;
    bool sent;
    int fd;

    if (view_has(argument, '\n') || view_has(argument, '\0'))
        return fault_set(f, FAULT_REJECT, "a line's end is not allowed here");
    fd = open_socket(history, f);
    if (fd < 0)
        return false;
    buf_init(&line, CONTROL_LINE_MAX);
    buf_printf(&line, "%s\t%.*s\n", verb, VIEW_ARG(argument));
    if (line.full) {
        buf_done(&line);
        close(fd);
        return fault_set(f, FAULT_REJECT, "more than %d bytes", CONTROL_LINE_MAX);
    }
    sent = send_all(fd, buf_view(&line));
    buf_done(&line);
    if (sent)
        read_all(fd, answer);
    close(fd);
    if (json_pick_root(view_trim(buf_view(answer))).p == NULL)
        return fault_set(f, FAULT_RETRY, "cmibridge serve ended before it was done; ask again");
    if (json_pick_text(buf_view(answer), "error", error, sizeof error))
        return fault_set(f, FAULT_RETRY, "%s", error);
    return true;
}
