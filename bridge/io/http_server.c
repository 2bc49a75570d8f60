#include "bridge/io/http_server.h"

#include "bridge/core/buf.h"
#include "bridge/core/heap.h"
#include "bridge/core/mem.h"
#include "bridge/io/http_accept.h"
#include "bridge/io/http_handshake.h"
#include "bridge/io/http_last_word.h"
#include "bridge/io/http_source.h"
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

/* A header field that was not sent: see hide_parts. */
static const char no_cookies_name[] = "Cookie";
static const char no_cookies[] = "-";

/* One socket. Its deadline is what limits the phase it is in. */
struct connection {
    struct heap_item deadline; /* first member; in no heap: waits for the owner's answer */
    struct http_server *server;
    struct MHD_Connection *mhd;
    int fd;
    struct http_handshake *handshake; /* NULL: plain HTTP */
    struct http_visit *visit;         /* under way, or NULL */
    bool cut;                         /* shut down by us; libmicrohttpd will notice */
    bool looked_at;                   /* `certificate` is known */
    char *certificate;                /* subject of the client's, or NULL */
    uint8_t source[HTTP_SOURCE_LEN];
};

enum visit_phase {
    VISIT_HEAD,     /* the request line is in */
    VISIT_READING,  /* the head was taken; the body comes */
    VISIT_WHOLE,    /* the owner has it */
    VISIT_ANSWERED, /* `answer` holds; rest of the body is read over */
};

struct http_visit {
    struct connection *connection;
    enum visit_phase phase;
    char *target;
    struct http_framing framing;
    struct http_field *headers; /* owned; at most HTTP_RULES_HEADERS_MAX + 1 */
    size_t headers_max;
    size_t header_count;
    struct http_request request;
    struct buf body;
    bool may_fill; /* what is kept of the room for bodies is for it, too */
    size_t read_over_bytes;
    bool suspended;
    bool queued; /* libmicrohttpd has the answer */
    struct MHD_Response *answer;
    int status;
    struct view answer_body; /* the answer's own */
};

struct http_server {
    struct uv_loop_s *loop;
    struct http_server_owner owner;
    struct http_server_conf conf;
    struct MHD_Daemon *daemon;
    struct http_accept *accept;         /* NULL: no more */
    struct http_handshakes *handshakes; /* NULL: plain HTTP */
    unsigned port;
    uv_poll_t poll;
    uv_idle_t run_again; /* libmicrohttpd has more to do at once */
    uv_timer_t timer;    /* of the first deadline */
    unsigned open_handles;
    struct heap deadlines;
    size_t connections;
    size_t bodies_bytes;
    bool draining;
    void (*drained)(void *ctx);
    void *drained_ctx;
};

/* ---- deadlines ---- */

static void on_deadline(uv_timer_t *timer);

static void limit(struct connection *c, int64_t time_ms)
{
    struct http_server *s = c->server;

    heap_remove(&s->deadlines, &c->deadline);
    heap_put(&s->deadlines, &c->deadline, (int64_t)uv_now(s->loop) + time_ms);
    if (heap_first(&s->deadlines) == &c->deadline)
        uv_timer_start(&s->timer, on_deadline, (uint64_t)time_ms, 0);
}

static void limit_none(struct connection *c)
{
    heap_remove(&c->server->deadlines, &c->deadline);
}

static void refused(struct http_server *s, int status)
{
    if (s->owner.refused != NULL)
        s->owner.refused(s->owner.ctx, status);
}

static void cut(struct connection *c);

static void on_deadline(uv_timer_t *timer)
{
    struct http_server *s = timer->data;
    int64_t now_ms = (int64_t)uv_now(s->loop);
    struct heap_item *first = NULL;

    while ((first = heap_first(&s->deadlines)) != NULL && first->at_ms <= now_ms) {
        heap_remove(&s->deadlines, first);
        cut((struct connection *)(void *)first);
    }
    if (first != NULL)
        uv_timer_start(&s->timer, on_deadline, (uint64_t)(first->at_ms - now_ms), 0);
}

/* ---- the loop ---- */

static void on_run_again(uv_idle_t *idle);

/* libmicrohttpd has no timeouts of its own here: what it has to do later it has to do at once. All
 * else on the loop has its turn before: a timer of no time would not let it, as libuv 1.44 runs one
 * that is started anew as often as it is. */
static void run_soon(struct http_server *s)
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
        run_soon(s);
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

/* ---- a visit ---- */

static void visit_free(struct http_visit *v)
{
    struct http_server *s = v->connection->server;

    s->bodies_bytes -= v->body.n;
    buf_done(&v->body);
    mem_free(v->target);
    mem_free(v->headers);
    if (v->answer != NULL)
        MHD_destroy_response(v->answer);
    v->connection->visit = NULL;
    mem_free(v);
}

static void visit_drop_body(struct http_visit *v)
{
    v->connection->server->bodies_bytes -= v->body.n;
    buf_done(&v->body);
}

void http_visit_answer(struct http_visit *v, int status, const struct http_field *headers,
                       size_t header_count, struct view body)
{
    struct http_server *s = v->connection->server;

    assert(v->answer == NULL && header_count <= HTTP_SERVER_ANSWER_HEADERS_MAX);
    v->answer_body = (struct view){mem_copy(body.p, body.n), body.n};
    v->answer = MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)v->answer_body.p,
                                                MHD_RESPMEM_MUST_FREE);
    assert(v->answer != NULL);
    for (size_t i = 0; i < header_count; i++) {
        char *name = mem_text(headers[i].name.p, headers[i].name.n);
        char *value = mem_text(headers[i].value.p, headers[i].value.n);
        enum MHD_Result ok = MHD_add_response_header(v->answer, name, value);

        assert(ok == MHD_YES); /* else it holds a line break: the owner's defect */
        (void)ok;
        mem_free(name);
        mem_free(value);
    }
    if (s->draining)
        (void)MHD_add_response_header(v->answer, "Connection", "close");
    v->status = status;
    v->phase = VISIT_ANSWERED;
    if (v->suspended) {
        v->suspended = false;
        MHD_resume_connection(v->connection->mhd);
        /* All that is answered in one turn of the loop goes out in one run. */
        run_soon(s);
    }
}

static void visit_refuse(struct http_visit *v, int status, const char *why)
{
    const struct http_server_owner *owner = &v->connection->server->owner;
    struct http_field headers[2 + HTTP_SERVER_REFUSAL_HEADERS_MAX] = {
        {VIEW("Content-Type"), VIEW("text/plain")}, {VIEW("Retry-After"), VIEW("1")}};
    size_t count = status == 503 ? 2 : 1;
    struct buf text;

    buf_init(&text, FAULT_TEXT_MAX + 2);
    buf_printf(&text, "%s\n", why);
    if (owner->refusal != NULL)
        count += owner->refusal(owner->ctx, v->headers, v->header_count, headers + count);
    http_visit_answer(v, status, headers, count, buf_view(&text));
    buf_done(&text);
    refused(v->connection->server, status);
}

static void refuse_long_body(struct http_visit *v)
{
    char why[80];

    (void)snprintf(why, sizeof why, "the body is too large; %zu bytes are allowed", v->body.max);
    visit_refuse(v, 413, why);
}

/* What is known of a request that is not read to its end, or that it took too long. */
static void visit_last_word(struct http_visit *v)
{
    struct view body = view_is(v->request.method, "HEAD") ? VIEW_NONE : v->answer_body;

    http_last_word(v->connection->mhd, v->status, v->answer, body);
}

/* libmicrohttpd sees the end of the stream and closes. */
static void cut(struct connection *c)
{
    struct http_visit *v = c->visit;

    if (c->cut)
        return;
    c->cut = true;
    if (v != NULL && v->answer == NULL)
        visit_refuse(v, 408, "the request did not arrive in time");
    if (v != NULL && !v->queued)
        visit_last_word(v);
    shutdown(c->fd, SHUT_RDWR);
}

static enum MHD_Result visit_queue(struct http_visit *v)
{
    struct http_server *s = v->connection->server;

    visit_drop_body(v);
    v->queued = true;
    limit(v->connection, s->conf.request_time_ms +
                             (int64_t)(v->answer_body.n * 1000 / HTTP_SERVER_SLOWEST_BYTES_S));
    return MHD_queue_response(v->connection->mhd, (unsigned)v->status, v->answer);
}

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_n, const char *value, size_t value_n)
{
    struct http_visit *v = cls;

    (void)kind;
    if (value == no_cookies)
        return MHD_YES;
    if (v->header_count == v->headers_max)
        return MHD_NO;
    v->headers[v->header_count++] = (struct http_field){{name, name_n}, {value, value_n}};
    return MHD_YES;
}

/* What http_head's came_bytes asks for; libmicrohttpd 0.9 hands its texts out where they came. */
static size_t came_bytes(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info != NULL && MHD_VERSION < 0x01000000 ? info->header_size : 0;
}

/* Once a connection, when its handshake is over. */
static const char *certificate_of(struct connection *c)
{
    const union MHD_ConnectionInfo *info = NULL;
    char subject[TLS_SUBJECT_MAX];

    if (c->looked_at || c->server->conf.tls == NULL)
        return c->certificate;
    c->looked_at = true;
    info = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (info != NULL && tls_peer(c->server->conf.tls, info->tls_session, subject))
        c->certificate = mem_text(subject, strlen(subject));
    return c->certificate;
}

/* A refusal before the body can be sent only now or after the body, so a short body is read over
 * and the connection lives on; anything else ends with the answer. */
static bool worth_reading_over(const struct http_visit *v)
{
    return !v->framing.expects_continue &&
           (!v->framing.has_length || v->framing.length <= HTTP_SERVER_READ_OVER_MAX);
}

static enum MHD_Result visit_begin(struct http_visit *v, const char *method, const char *version)
{
    struct http_server *s = v->connection->server;
    struct http_head head = {.method = view_of(method),
                             .target = view_of(v->target),
                             .version = view_of(version),
                             .max_bytes = s->conf.head_max_bytes,
                             .came_bytes = came_bytes(v->connection->mhd)};
    struct MHD_Connection *mhd = v->connection->mhd;
    struct fault f = {0};
    size_t body_max = 0;
    int headers = MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, NULL, NULL);
    int status = 0;

    v->phase = VISIT_READING;
    if (headers > HTTP_RULES_HEADERS_MAX + 1)
        headers = HTTP_RULES_HEADERS_MAX + 1; /* one too many is enough to know */
    head.headers = v->headers = mem_zeroed((size_t)headers + 1, sizeof *v->headers);
    v->headers_max = (size_t)headers;
    MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, add_header, v);
    head.header_count = v->header_count;
    status = http_rules_check(&head, &v->framing, &f);
    /* Not before: length and coding are taken only as libmicrohttpd reads them. */
    for (size_t i = 0; i < v->header_count; i++)
        v->headers[i].value = view_trim(v->headers[i].value);
    if (status != 0) {
        visit_refuse(v, status, f.text);
        return visit_queue(v);
    }
    v->request = (struct http_request){.method = head.method,
                                       .path = v->framing.path,
                                       .query = v->framing.query,
                                       .headers = v->headers,
                                       .header_count = v->header_count,
                                       .source = v->connection->source,
                                       .certificate = certificate_of(v->connection)};
    body_max = s->owner.admit(s->owner.ctx, v, &v->request);
    if (v->answer == NULL) {
        v->body.max = body_max;
        if (v->framing.has_length && (uint64_t)v->framing.length > body_max)
            refuse_long_body(v);
    }
    return v->answer != NULL && !worth_reading_over(v) ? visit_queue(v) : MHD_YES;
}

void http_visit_may_fill(struct http_visit *v)
{
    v->may_fill = true;
}

static enum MHD_Result visit_take(struct http_visit *v, const char *data, size_t *n)
{
    struct http_server *s = v->connection->server;
    size_t came = *n;
    size_t room = s->conf.bodies_max_bytes - (v->may_fill ? 0 : s->conf.bodies_kept_bytes);

    *n = 0;
    if (v->answer != NULL) {
        v->read_over_bytes += came;
        if (v->read_over_bytes > HTTP_SERVER_READ_OVER_MAX)
            cut(v->connection);
        return v->connection->cut ? MHD_NO : MHD_YES;
    }
    if (s->bodies_bytes + came > room) {
        visit_drop_body(v);
        visit_refuse(v, 503, "the server holds too much already; try again");
    } else if (!buf_put(&v->body, (struct view){data, came})) {
        visit_drop_body(v);
        refuse_long_body(v);
    } else {
        s->bodies_bytes += came;
    }
    return MHD_YES;
}

static enum MHD_Result visit_serve(struct http_visit *v)
{
    struct http_server *s = v->connection->server;

    v->phase = VISIT_WHOLE;
    v->request.body = buf_view(&v->body);
    limit_none(v->connection);
    s->owner.serve(s->owner.ctx, v, &v->request);
    if (v->answer != NULL)
        return visit_queue(v);
    v->suspended = true;
    MHD_suspend_connection(v->connection->mhd);
    return MHD_YES;
}

/* ---- what libmicrohttpd calls ---- */

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_n, void **request)
{
    struct http_visit *v = *request;

    (void)cls;
    (void)mhd;
    (void)url;
    if (v == NULL || v->connection->cut)
        return MHD_NO;
    if (v->phase == VISIT_HEAD)
        return visit_begin(v, method, version);
    if (*data_n > 0)
        return visit_take(v, data, data_n);
    if (v->answer != NULL)
        return visit_queue(v);
    return v->phase == VISIT_READING ? visit_serve(v) : MHD_YES;
}

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info != NULL ? info->socket_context : NULL;
}

/* libmicrohttpd makes a record of each of the query's parameters and of each cookie in its memory
 * of the connection; where they are too many for that it answers nothing at all. Nobody reads them
 * there. So it is shown an end of the text where the query begins (`target` is its copy, which it
 * changes itself next), and, before those that come, a Cookie field that has nothing to take apart,
 * since it looks at the first one only. */
static void hide_parts(char *target, struct MHD_Connection *mhd)
{
    char *query = strchr(target, '?');

    if (query != NULL && query[1] != '\0')
        query[1] = '\0';
    (void)MHD_set_connection_value_n(mhd, MHD_HEADER_KIND, no_cookies_name,
                                     sizeof no_cookies_name - 1, no_cookies, sizeof no_cookies - 1);
}

/* The only call that sees the target as it was sent, and when the request line came. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct http_server *s = cls;
    struct connection *c = connection_of(mhd);
    struct http_visit *v = NULL;

    if (c == NULL)
        return NULL;
    if (c->visit != NULL)
        visit_free(c->visit);
    v = mem_zeroed(1, sizeof *v);
    v->connection = c;
    v->target = mem_text(target, strlen(target));
    hide_parts((char *)(uintptr_t)target, mhd);
    c->visit = v;
    if (!c->cut)
        limit(c, s->conf.request_time_ms);
    return v;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **request,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *s = cls;
    struct connection *c = connection_of(mhd);

    (void)why;
    if (*request != NULL && c != NULL && c->visit == *request) {
        visit_free(c->visit);
        if (!c->cut)
            limit(c, s->draining ? 0 : s->conf.request_time_ms);
    }
    *request = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = cls;
    struct connection *c = *context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        c = mem_zeroed(1, sizeof *c);
        c->server = s;
        c->mhd = mhd;
        c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        http_source_of(
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
            c->source);
        if (s->handshakes != NULL)
            c->handshake = http_handshake_new(s->handshakes, mhd);
        *context = c;
        s->connections++;
        limit(c, s->conf.request_time_ms);
    } else if (c != NULL) {
        if (c->visit != NULL)
            visit_free(c->visit);
        limit_none(c);
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
    struct connection *c = mhd != NULL ? connection_of(mhd) : NULL;

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
    run_soon(ctx);
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
        struct connection *c = (struct connection *)(void *)s->deadlines.items[i];

        if (c->visit == NULL)
            cut(c);
    }
    run_soon(s);
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
