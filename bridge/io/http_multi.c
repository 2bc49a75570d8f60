#include "bridge/io/http_multi.h"

#include "bridge/core/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

struct http_socket {
    uv_poll_t poll;
    struct http_multi *of;
    int fd;
    int active;  /* events polled for */
    int wanted;  /* events that libcurl asked for */
    bool opened; /* by us: then we are told when it closes */
};

struct http_multi {
    struct uv_loop_s *loop;
    CURLM *curl;
    uv_timer_t timer;
    struct http_socket **sockets; /* by file descriptor; NULL where there is none */
    size_t socket_cap;
    int socket_error; /* of the last one that was to be made; 0: it was */
    unsigned handles; /* of libuv, not yet gone */
    http_multi_on_done *done;
    void *owner;
    http_multi_on_listening *listening;
    void (*closed)(void *owner);
    void *closed_owner;
};

static _Noreturn void give_up(const char *what, const char *why)
{
    fprintf(stderr, "cmibridge: libcurl: %s: %s\n", what, why);
    abort();
}

void http_multi_must(CURLcode result, const char *what)
{
    if (result != CURLE_OK)
        give_up(what, curl_easy_strerror(result));
}

/* What a multi handle can say against us is a defect or want of memory, and leaves the state of
 * every transfer unknown. */
static void must(CURLMcode result, const char *what)
{
    if (result != CURLM_OK)
        give_up(what, curl_multi_strerror(result));
}

static void on_gone(uv_handle_t *handle)
{
    struct http_multi *m = handle->data;

    if (--m->handles > 0)
        return;
    if (m->closed != NULL)
        m->closed(m->closed_owner);
    mem_free(m->sockets);
    mem_free(m);
}

static void on_socket_gone(uv_handle_t *handle)
{
    struct http_socket *s = handle->data;

    handle->data = s->of;
    on_gone(handle);
    mem_free(s);
}

static void take_done(struct http_multi *m)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(m->curl, &left)) != NULL) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        must(curl_multi_remove_handle(m->curl, easy), "remove");
        m->done(m->owner, easy, result);
        if (m->curl == NULL) /* the owner closed us */
            return;
    }
}

static void act(struct http_multi *m, curl_socket_t fd, int events)
{
    int running;

    must(curl_multi_socket_action(m->curl, fd, events, &running), "action");
    take_done(m);
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int want_timer(CURLM *curl, long wait_ms, void *ctx)
{
    struct http_multi *m = ctx;

    (void)curl;
    if (wait_ms < 0)
        (void)uv_timer_stop(&m->timer);
    else
        (void)uv_timer_start(&m->timer, on_timer, (uint64_t)wait_ms, 0);
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void poll_for(struct http_socket *s, int events)
{
    if (s->active == events)
        return;
    s->active = events;
    if (events == 0)
        (void)uv_poll_stop(&s->poll);
    else
        (void)uv_poll_start(&s->poll, events, on_poll); /* fails on a closing handle only */
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_socket *s = poll->data;
    int ready = 0;

    if (s->wanted == 0) {
        poll_for(s, 0);
        return;
    }
    if (status < 0)
        ready = CURL_CSELECT_ERR;
    if ((events & UV_READABLE) != 0)
        ready |= CURL_CSELECT_IN;
    if ((events & UV_WRITABLE) != 0)
        ready |= CURL_CSELECT_OUT;
    act(s->of, s->fd, ready);
}

static struct http_socket *find(const struct http_multi *m, int fd)
{
    return (size_t)fd < m->socket_cap ? m->sockets[fd] : NULL;
}

static struct http_socket *watch(struct http_multi *m, int fd, bool opened)
{
    struct http_socket *s = mem_zeroed(1, sizeof *s);
    size_t cap = m->socket_cap;

    s->of = m;
    s->fd = fd;
    s->opened = opened;
    if (uv_poll_init(m->loop, &s->poll, fd) != 0)
        give_up("socket", "it can't be polled");
    s->poll.data = s;
    m->handles++;
    while (cap <= (size_t)fd)
        cap = cap > 0 ? 2 * cap : 64;
    if (cap > m->socket_cap) {
        m->sockets = mem_resize(m->sockets, cap, sizeof(struct http_socket *));
        for (size_t i = m->socket_cap; i < cap; i++)
            m->sockets[i] = NULL;
        m->socket_cap = cap;
    }
    m->sockets[fd] = s;
    return s;
}

static void unwatch(struct http_socket *s)
{
    s->of->sockets[s->fd] = NULL;
    uv_close((uv_handle_t *)&s->poll, on_socket_gone);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *unused)
{
    struct http_multi *m = ctx;
    struct http_socket *s = find(m, fd);

    (void)unused;
    if (what == CURL_POLL_REMOVE) {
        if (s == NULL)
            return 0;
        s->wanted = 0;
        if (!s->opened)
            unwatch(s);
        else if ((s->active & UV_WRITABLE) != 0) /* would be ready all the time */
            poll_for(s, 0);
        return 0;
    }
    if (s == NULL)
        s = watch(m, fd, false);
    s->wanted = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) |
                ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
    poll_for(s, s->wanted);
    if (what == CURL_POLL_IN)
        m->listening(easy);
    return 0;
}

static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct http_multi *m = ctx;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    struct http_socket *stale;

    (void)purpose;
    m->socket_error = fd < 0 ? errno : 0;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    stale = find(m, fd);
    if (stale != NULL) /* it was closed without us */
        unwatch(stale);
    (void)watch(m, fd, true);
    return fd;
}

const char *http_multi_trouble(const struct http_multi *m)
{
    return m->socket_error != 0 ? strerror(m->socket_error) : NULL;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
    struct http_socket *s = find(ctx, fd);

    if (s != NULL)
        unwatch(s);
    return close(fd);
}

struct http_multi *http_multi_new(struct uv_loop_s *loop, unsigned connections,
                                  http_multi_on_done *done, void *owner,
                                  http_multi_on_listening *listening)
{
    struct http_multi *m = mem_zeroed(1, sizeof *m);

    m->loop = loop;
    m->done = done;
    m->owner = owner;
    m->listening = listening;
    http_multi_must(curl_global_init(CURL_GLOBAL_DEFAULT), "start");
    m->curl = curl_multi_init();
    if (m->curl == NULL)
        give_up("start", "out of memory");
    must(curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, want_socket), "setopt");
    must(curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m), "setopt");
    must(curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, want_timer), "setopt");
    must(curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m), "setopt");
    must(curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, (long)connections), "setopt");
    must(curl_multi_setopt(m->curl, CURLMOPT_PIPELINING, CURLPIPE_NOTHING), "setopt");
    (void)uv_timer_init(loop, &m->timer); /* never fails */
    m->timer.data = m;
    m->handles = 1;
    return m;
}

void http_multi_close(struct http_multi *m, void (*closed)(void *owner), void *owner)
{
    CURLM *curl = m->curl;

    m->closed = closed;
    m->closed_owner = owner;
    must(curl_multi_cleanup(curl), "close"); /* closes the connections that were kept */
    m->curl = NULL;
    for (size_t i = 0; i < m->socket_cap; i++)
        if (m->sockets[i] != NULL)
            unwatch(m->sockets[i]);
    uv_close((uv_handle_t *)&m->timer, on_gone);
    curl_global_cleanup();
}

void http_multi_prepare(struct http_multi *m, CURL *easy)
{
    HTTP_SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    HTTP_SET(easy, CURLOPT_OPENSOCKETDATA, m);
    HTTP_SET(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    HTTP_SET(easy, CURLOPT_CLOSESOCKETDATA, m);
}

void http_multi_add(struct http_multi *m, CURL *easy)
{
    must(curl_multi_add_handle(m->curl, easy), "add");
}

void http_multi_remove(struct http_multi *m, CURL *easy)
{
    must(curl_multi_remove_handle(m->curl, easy), "remove");
}
