#include "bridge/core/mem.h"
#include "bridge/io/http_accept.h"
#include "bridge/io/http_handshake.h"
#include "bridge/io/http_server_in.h"
#include "bridge/io/listen.h"
#include "bridge/io/tls.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>
#include <uv.h>

/* libmicrohttpd's memory of one connection: the largest head that is taken fits in, and one a
 * little larger, so that it is we who refuse it. */
#define POOL_BYTES(head_bytes) ((head_bytes) + 16384)
#define POOL_STEP              4096

/* ---- deadlines ---- */

static void on_deadline(uv_timer_t *timer);

void http_connection_limit(struct http_connection *c, int64_t time_ms)
{
    struct http_server *s = c->server;

    heap_remove(&s->deadlines, &c->deadline);
    heap_put(&s->deadlines, &c->deadline, (int64_t)uv_now(s->loop) + time_ms);
    if (heap_first(&s->deadlines) == &c->deadline)
        uv_timer_start(&s->timer, on_deadline, (uint64_t)time_ms, 0);
}

void http_connection_limit_none(struct http_connection *c)
{
    heap_remove(&c->server->deadlines, &c->deadline);
}

static void on_deadline(uv_timer_t *timer)
{
    struct http_server *s = timer->data;
    int64_t now_ms = (int64_t)uv_now(s->loop);
    struct heap_item *first = NULL;

    while ((first = heap_first(&s->deadlines)) != NULL && first->at_ms <= now_ms) {
        heap_remove(&s->deadlines, first);
        http_connection_cut((struct http_connection *)(void *)first);
    }
    if (first != NULL)
        uv_timer_start(&s->timer, on_deadline, (uint64_t)(first->at_ms - now_ms), 0);
}

/* ---- the loop ---- */

static void on_run_again(uv_idle_t *idle);

/* libmicrohttpd has no timeouts of its own here: what it has to do later it has to do at once. All
 * else on the loop has its turn before: a timer of no time would not let it, as libuv 1.44 runs one
 * that is started anew as often as it is. */
void http_server_run_soon(struct http_server *s)
{
    uv_idle_start(&s->run_again, on_run_again);
}

static void run(struct http_server *s)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;

    MHD_run(s->daemon);
    if (s->handshakes != NULL)
        http_handshakes_rest(s->handshakes);
    if (MHD_get_timeout(s->daemon, &wait_ms) == MHD_YES)
        http_server_run_soon(s);
    if (s->draining && s->connections == 0 && s->drained != NULL) {
        void (*drained)(void *ctx) = s->drained;

        s->drained = NULL;
        drained(s->drained_ctx);
    }
}

static void on_run_again(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    run(idle->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

/* ---- what libmicrohttpd calls ---- */

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_n, void **request)
{
    (void)cls;
    (void)mhd;
    (void)url;
    return *request != NULL ? http_visit_go_on(*request, method, version, data, data_n) : MHD_NO;
}

static struct http_connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

/* The only call that sees the target as it was sent, and when the request line came. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct http_server *s = cls;
    struct http_connection *c = connection_of(mhd);

    if (c == NULL)
        return NULL;
    http_visit_free(c->visit);
    if (!c->cut)
        http_connection_limit(c, s->conf.request_time_ms);
    return http_visit_new(c, (char *)(uintptr_t)target);
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *s = cls;
    struct http_connection *c = connection_of(mhd);

    (void)why;
    if (*request != NULL && c != NULL && c->visit == *request) {
        http_visit_free(c->visit);
        if (!c->cut)
            http_connection_limit(c, s->draining ? 0 : s->conf.request_time_ms);
    }
    *request = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = cls;
    struct http_connection *c = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        c = mem_zeroed(1, sizeof *c);
        c->server = s;
        c->mhd = mhd;
        c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        http_source_of(
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
            c->source);
        if (s->handshakes != NULL) {
            tls_name_authorities(
                s->conf.tls,
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
            c->handshake = http_handshake_new(s->handshakes, mhd);
        }
        *context = c;
        s->connections++;
        http_connection_limit(c, s->conf.request_time_ms);
    } else if (c != NULL) {
        http_visit_free(c->visit);
        http_connection_limit_none(c);
        http_handshake_free(c->handshake);
        s->connections--;
        if (s->accept != NULL)
            http_accept_look(s->accept);
        *context = NULL;
        mem_free(c->certificate);
        mem_free(c);
    }
}

static const struct tls *tls_of(void *mhd)
{
    struct http_connection *c = mhd != NULL ? connection_of(mhd) : NULL;

    return c != NULL ? c->server->conf.tls : NULL;
}

/* ---- connections that come ---- */

static bool has_room(void *ctx)
{
    const struct http_server *s = ctx;

    return s->connections < s->conf.connections_max;
}

/* libmicrohttpd takes them like this: where it accepts by itself and no descriptor is left, it
 * spins, or accepts no more until another connection has ended. */
static void take(void *ctx, int fd, const struct sockaddr *from, socklen_t from_len)
{
    const struct http_server *s = ctx;

    (void)MHD_add_connection(s->daemon, fd, from, from_len); /* fails: it has closed it */
}

static void on_taken(void *ctx)
{
    run(ctx);
}

static void on_resumed(void *ctx)
{
    http_server_run_soon(ctx);
}

/* ---- birth and death ---- */

/* What is special of TLS. */
static void tls_options(const struct tls *tls, struct MHD_OptionItem out[4])
{
    size_t n = 0;

    if (tls != NULL) {
        union { /* the library takes the function as an object's pointer */
            tls_function *function;
            void *object;
        } retrieve = {.function = tls_retrieve(tls_of)};
        const char *client_ca = tls_client_ca(tls);

        out[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, retrieve.object};
        out[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                           (void *)(uintptr_t)TLS_PRIORITIES};
        if (client_ca != NULL)
            out[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0,
                                               (void *)(uintptr_t)client_ca};
    }
    out[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

struct http_server *http_server_new(struct uv_loop_s *loop, const struct http_server_conf *conf,
                                    struct http_server_owner owner, struct fault *f)
{
    struct http_server *s = NULL;
    int listen_fd = -1;
    unsigned port = 0;
    int error = 0;
    struct MHD_OptionItem more[4];

    tls_options(conf->tls, more);
    if ((listen_fd = listen_open(conf->address, HTTP_SERVER_BACKLOG, &port, f)) < 0)
        return NULL;
    s = mem_zeroed(1, sizeof *s);
    s->loop = loop;
    s->conf = *conf;
    s->conf.address = NULL; /* not ours, and needed no more */
    s->owner = owner;
    s->port = port;
    heap_init(&s->deadlines);
    if (conf->tls != NULL)
        s->handshakes = http_handshakes_new(loop, on_resumed, s);
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
            (conf->tls != NULL ? MHD_USE_TLS : 0u),
        0, NULL, NULL, on_request, s, MHD_OPTION_CONNECTION_LIMIT, (unsigned)conf->connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES(conf->head_max_bytes),
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)POOL_STEP, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        s, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (s->daemon == NULL) {
        close(listen_fd);
        http_handshakes_free(s->handshakes);
        heap_done(&s->deadlines);
        mem_free(s);
        fault_set(f, FAULT_STOP, "the HTTP server did not start");
        return NULL;
    }
    s->poll.data = s->run_again.data = s->timer.data = s;
    error = uv_poll_init(loop, &s->poll,
                         MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
    assert(error == 0);
    (void)error;
    uv_idle_init(loop, &s->run_again);
    uv_timer_init(loop, &s->timer);
    s->open_handles = 3;
    uv_poll_start(&s->poll, UV_READABLE, on_readable);
    s->accept = http_accept_new(loop, listen_fd, conf->log,
                                (struct http_accept_owner){s, has_room, take, on_taken});
    return s;
}

unsigned http_server_port(const struct http_server *s)
{
    return s->port;
}

size_t http_server_connections(const struct http_server *s)
{
    return s->connections;
}

static void stop_listening(struct http_server *s)
{
    if (s->accept == NULL)
        return;
    http_accept_close(s->accept);
    s->accept = NULL;
}

void http_server_drain(struct http_server *s, void (*drained)(void *ctx), void *ctx)
{
    s->draining = true;
    s->drained = drained;
    s->drained_ctx = ctx;
    stop_listening(s);
    for (size_t i = 1; i <= s->deadlines.count; i++) {
        struct http_connection *c = (struct http_connection *)(void *)s->deadlines.items[i];

        if (c->visit == NULL)
            http_connection_cut(c);
    }
    http_server_run_soon(s);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_server *s = handle->data;

    if (--s->open_handles > 0)
        return;
    heap_done(&s->deadlines);
    mem_free(s);
}

void http_server_free(struct http_server *s)
{
    if (s == NULL)
        return;
    uv_poll_stop(&s->poll);
    stop_listening(s);
    if (s->handshakes != NULL)
        http_handshakes_wake(s->handshakes);
    /* What was resumed must be run once, or libmicrohttpd finds it suspended and gives up. */
    MHD_run(s->daemon);
    MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
    http_handshakes_free(s->handshakes);
    uv_close((uv_handle_t *)&s->poll, on_closed);
    uv_close((uv_handle_t *)&s->run_again, on_closed);
    uv_close((uv_handle_t *)&s->timer, on_closed);
}
