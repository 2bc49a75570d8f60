#include "bridge/io/http_handshake.h"

#include "bridge/core/mem.h"
#include "bridge/io/tls.h"

#include <assert.h>
#include <stddef.h>
#include <sys/socket.h>

#include <microhttpd.h>
#include <uv.h>

enum handshake_state {
    HANDSHAKE_STEPS, /* libmicrohttpd has it */
    HANDSHAKE_RESTS, /* suspended; its socket is watched */
    HANDSHAKE_OVER,  /* and in no list */
    HANDSHAKE_STATES = HANDSHAKE_OVER,
};

struct http_handshake {
    uv_poll_t socket;
    struct http_handshakes *all;
    struct MHD_Connection *mhd;
    void *session;
    enum handshake_state state;
    struct http_handshake *before;
    struct http_handshake *after;
};

struct http_handshakes {
    struct uv_loop_s *loop;
    void (*resumed)(void *ctx);
    void *ctx;
    struct http_handshake *in[HANDSHAKE_STATES];
};

static void enter(struct http_handshake *h, enum handshake_state state)
{
    struct http_handshake **first = NULL;

    h->state = state;
    if (state == HANDSHAKE_OVER)
        return;
    first = &h->all->in[state];
    h->before = NULL;
    h->after = *first;
    if (h->after != NULL)
        h->after->before = h;
    *first = h;
}

static void move(struct http_handshake *h, enum handshake_state state)
{
    if (h->state != HANDSHAKE_OVER) {
        if (h->before != NULL)
            h->before->after = h->after;
        else
            h->all->in[h->state] = h->after;
        if (h->after != NULL)
            h->after->before = h->before;
    }
    enter(h, state);
}

static void resume(struct http_handshake *h)
{
    uv_poll_stop(&h->socket);
    move(h, HANDSHAKE_STEPS);
    MHD_resume_connection(h->mhd);
}

/* Ready, at its end, or broken: libmicrohttpd will see which. */
static void on_ready(uv_poll_t *socket, int status, int events)
{
    struct http_handshake *h = socket->data;

    (void)status;
    (void)events;
    resume(h);
    h->all->resumed(h->all->ctx);
}

static void rest(struct http_handshake *h)
{
    if (tls_is_established(h->session)) {
        move(h, HANDSHAKE_OVER);
        return;
    }
    MHD_suspend_connection(h->mhd);
    move(h, HANDSHAKE_RESTS);
    uv_poll_start(&h->socket, tls_is_writing(h->session) ? UV_WRITABLE : UV_READABLE, on_ready);
}

void http_handshakes_rest(struct http_handshakes *all)
{
    while (all->in[HANDSHAKE_STEPS] != NULL)
        rest(all->in[HANDSHAKE_STEPS]);
}

void http_handshakes_wake(struct http_handshakes *all)
{
    while (all->in[HANDSHAKE_RESTS] != NULL)
        resume(all->in[HANDSHAKE_RESTS]);
}

struct http_handshake *http_handshake_new(struct http_handshakes *all, struct MHD_Connection *mhd)
{
    struct http_handshake *h = mem_zeroed(1, sizeof *h);
    int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

    if (uv_poll_init(all->loop, &h->socket, fd) != 0) {
        shutdown(fd, SHUT_RDWR);
        mem_free(h);
        return NULL;
    }
    h->socket.data = h;
    h->all = all;
    h->mhd = mhd;
    h->session = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    enter(h, HANDSHAKE_STEPS);
    return h;
}

static void on_closed(uv_handle_t *handle)
{
    mem_free(handle->data);
}

void http_handshake_free(struct http_handshake *h)
{
    if (h == NULL)
        return;
    move(h, HANDSHAKE_OVER);
    uv_close((uv_handle_t *)&h->socket, on_closed);
}

struct http_handshakes *http_handshakes_new(struct uv_loop_s *loop, void (*resumed)(void *ctx),
                                            void *ctx)
{
    struct http_handshakes *all = mem_zeroed(1, sizeof *all);

    all->loop = loop;
    all->resumed = resumed;
    all->ctx = ctx;
    return all;
}

void http_handshakes_free(struct http_handshakes *all)
{
    if (all == NULL)
        return;
    assert(all->in[HANDSHAKE_STEPS] == NULL && all->in[HANDSHAKE_RESTS] == NULL);
    mem_free(all);
}
