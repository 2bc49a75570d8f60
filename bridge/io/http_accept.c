/* accept4 is GNU's. */
#define _GNU_SOURCE
#include "bridge/io/http_accept.h"

#include "bridge/core/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define BATCH 256 /* connections, before others on the loop have their turn */

struct http_accept {
    struct http_accept_owner owner;
    const struct notice *log;
    int fd;
    bool full; /* it was said that there is no room */
    int64_t said_ms;
    bool starved; /* no descriptor was left: `again` runs, `poll` does not */
    uv_poll_t poll;
    uv_timer_t again;
    unsigned open_handles;
};

static void on_again(uv_timer_t *timer);

/* Of the process, of the machine, or memory for one. */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void starve(struct http_accept *a, int error)
{
    if (!a->starved && a->log != NULL)
        notice_say(a->log, NOTICE_WARN, "descriptors_out", NOTICE_TEXT("why", strerror(error)));
    a->starved = true;
    uv_poll_stop(&a->poll); /* else it would say without end that somebody waits */
    uv_timer_start(&a->again, on_again, HTTP_ACCEPT_AGAIN_MS, 0);
}

static void recover(struct http_accept *a)
{
    if (a->starved && a->log != NULL)
        notice_say(a->log, NOTICE_INFO, "descriptors_back", NOTICE_TEXT("why", "one was accepted"));
    a->starved = false;
}

static void take_all(struct http_accept *a)
{
    int taken = 0;
    int error = 0;

    while (taken < BATCH && a->owner.has_room(a->owner.ctx)) {
        struct sockaddr_storage from;
        socklen_t length = sizeof from;
        int fd = accept4(a->fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
            error = errno;
            break;
        }
        recover(a);
        a->owner.take(a->owner.ctx, fd, (const struct sockaddr *)&from, length);
        taken++;
    }
    if (is_shortage(error))
        starve(a, error);
    else
        http_accept_look(a); /* any other error is of the one that went away, or nobody waits */
    if (taken > 0)
        a->owner.taken(a->owner.ctx);
}

static void on_again(uv_timer_t *timer)
{
    take_all(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    take_all(poll->data);
}

/* One line for a change, and no flood where it changes all the time. */
static void say_room(struct http_accept *a, bool has_room)
{
    int64_t now = (int64_t)uv_now(a->again.loop);

    if (a->log == NULL || a->full == !has_room ||
        (!has_room && a->said_ms != 0 && now < a->said_ms + HTTP_ACCEPT_SAY_MS))
        return;
    a->full = !has_room;
    if (has_room) {
        notice_say(a->log, NOTICE_INFO, "connections_back", NOTICE_TEXT("why", "one has ended"));
        return;
    }
    a->said_ms = now;
    notice_say(a->log, NOTICE_WARN, "connections_out",
               NOTICE_TEXT("why", "limits.connections are open; others wait until one ends"));
}

void http_accept_look(struct http_accept *a)
{
    bool has_room = a->owner.has_room(a->owner.ctx);

    say_room(a, has_room);
    if (!has_room)
        uv_poll_stop(&a->poll);
    else if (!uv_is_active((uv_handle_t *)&a->again) && !uv_is_active((uv_handle_t *)&a->poll))
        uv_poll_start(&a->poll, UV_READABLE, on_readable);
}

struct http_accept *http_accept_new(struct uv_loop_s *loop, int listen_fd, const struct notice *log,
                                    struct http_accept_owner owner)
{
    struct http_accept *a = mem_zeroed(1, sizeof *a);

    a->owner = owner;
    a->log = log;
    a->fd = listen_fd;
    a->poll.data = a->again.data = a;
    (void)uv_poll_init(loop, &a->poll, listen_fd); /* of a socket that listens it never fails */
    uv_timer_init(loop, &a->again);
    a->open_handles = 2;
    http_accept_look(a);
    return a;
}

static void on_closed(uv_handle_t *handle)
{
    struct http_accept *a = handle->data;

    if (--a->open_handles == 0)
        mem_free(a);
}

void http_accept_close(struct http_accept *a)
{
    uv_close((uv_handle_t *)&a->poll, on_closed);
    uv_close((uv_handle_t *)&a->again, on_closed);
    close(a->fd);
}
