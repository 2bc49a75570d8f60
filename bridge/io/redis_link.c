#include "bridge/io/redis_link.h"

#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/redis_reply.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

#define READ_BYTES  65536
#define SLICE_BYTES 8192 /* fed to the reader at once: it moves its rest at every reply */
#define IDLE_BYTES  (1u << 20)
#define KEEPALIVE_S 15

struct redis_link {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    uv_getaddrinfo_t resolve;
    uv_connect_t connect;
    uv_write_t write;
    struct redis_link_owner owner;
    unsigned attempt;
    bool resolving;
    bool writing;
    bool closing;
    bool handle_gone;
    struct buf unsent;
    struct buf leaving; /* what the write under way refers to */
    struct redis_reply *reader;
    void (*closed)(void *owner);
    void *closed_owner;
    char in[READ_BYTES];
};

static bool no_address(const char *text, struct fault *f)
{
    return fault_set(f, FAULT_STOP,
                     "'%s' is no address of Redis; write host:port or unix:/path, the path at most "
                     "%d bytes long",
                     text, REDIS_PATH_MAX - 1);
}

bool redis_address_parse(const char *text, struct redis_address *out, struct fault *f)
{
    struct redis_address a = {.host = ""};
    struct view all = view_of(text);
    struct view host = all;
    struct view port;
    int64_t n;

    if (view_starts(all, VIEW("unix:"))) {
        struct view path = view_skip(all, 5);

        if (path.n == 0 || path.n >= sizeof a.path)
            return no_address(text, f);
        memcpy(a.path, path.p, path.n);
        *out = a;
        return true;
    }
    while (host.n > 0 && host.p[host.n - 1] != ':')
        host.n--;
    port = view_skip(all, host.n);
    if (host.n > 0)
        host.n--;
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct view){host.p + 1, host.n - 2};
    else if (view_has(host, ':') || view_has(host, '['))
        return no_address(text, f);
    if (host.n == 0 || host.n >= sizeof a.host || port.n == 0 || port.n >= sizeof a.port ||
        !num_in(port, 1, 65535, &n))
        return no_address(text, f);
    memcpy(a.host, host.p, host.n);
    memcpy(a.port, port.p, port.n);
    *out = a;
    return true;
}

static void lose(struct redis_link *l, const char *why)
{
    if (!l->closing)
        l->owner.lost(l->owner.ctx, why);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct redis_link *l = handle->data;

    (void)suggested;
    *out = uv_buf_init(l->in, sizeof l->in);
}

/* Hands on every whole reply. false: the link was closed or lost meanwhile. */
static bool hand_on(struct redis_link *l)
{
    const struct redis_value *value;
    struct fault f = {0};

    for (;;) {
        switch (redis_reply_next(l->reader, &value, &f)) {
        case REDIS_REPLY_WHOLE:
            l->owner.reply(l->owner.ctx, value);
            if (l->closing)
                return false;
            break;
        case REDIS_REPLY_MORE:
            return true;
        case REDIS_REPLY_BROKEN:
            lose(l, f.text);
            return false;
        }
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *into)
{
    struct redis_link *l = stream->data;
    struct view rest = {into->base, n > 0 ? (size_t)n : 0};

    if (l->closing)
        return;
    if (n < 0) {
        lose(l, n == UV_EOF ? "the server closed the connection" : uv_strerror((int)n));
        return;
    }
    while (rest.n > 0) {
        size_t slice = rest.n < SLICE_BYTES ? rest.n : SLICE_BYTES;

        redis_reply_feed(l->reader, rest.p, slice);
        rest = view_skip(rest, slice);
        if (!hand_on(l))
            return;
    }
}

static void on_connected(uv_connect_t *request, int status)
{
    struct redis_link *l = request->data;

    if (l->closing)
        return;
    if (status == 0)
        status = uv_read_start(&l->io.stream, on_alloc, on_read);
    if (status != 0) {
        lose(l, uv_strerror(status));
        return;
    }
    l->owner.opened(l->owner.ctx);
}

static void end_if_gone(struct redis_link *l)
{
    if (!l->handle_gone || l->resolving)
        return;
    buf_done(&l->unsent);
    buf_done(&l->leaving);
    redis_reply_free(l->reader);
    if (l->closed != NULL)
        l->closed(l->closed_owner);
    mem_free(l);
}

static const struct addrinfo *one_of(const struct addrinfo *list, unsigned attempt)
{
    const struct addrinfo *at = list;
    unsigned count = 0;

    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
        count++;
    assert(count > 0); /* getaddrinfo gives no empty list */
    for (unsigned i = 0; i < attempt % count; i++)
        at = at->ai_next;
    return at;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct redis_link *l = request->data;

    l->resolving = false;
    if (l->closing) {
        uv_freeaddrinfo(list);
        end_if_gone(l);
        return;
    }
    if (status == 0)
        status = uv_tcp_connect(&l->connect, &l->io.tcp, one_of(list, l->attempt)->ai_addr,
                                on_connected);
    uv_freeaddrinfo(list);
    if (status == 0) {
        (void)uv_tcp_nodelay(&l->io.tcp, 1); /* both only make it faster or notice sooner */
        (void)uv_tcp_keepalive(&l->io.tcp, 1, KEEPALIVE_S);
        return;
    }
    lose(l, uv_strerror(status));
}

struct redis_link *redis_link_open(struct uv_loop_s *loop, const struct redis_address *to,
                                   unsigned attempt, struct redis_link_owner owner)
{
    struct redis_link *l = mem_zeroed(1, sizeof *l);

    l->owner = owner;
    l->attempt = attempt;
    l->reader = redis_reply_new();
    buf_init(&l->unsent, REDIS_LINK_UNSENT_MAX);
    buf_init(&l->leaving, REDIS_LINK_UNSENT_MAX);
    l->resolve.data = l->connect.data = l->write.data = l;
    if (to->path[0] != '\0') {
        (void)uv_pipe_init(loop, &l->io.pipe, 0); /* never fails on Unix */
        uv_pipe_connect(&l->connect, &l->io.pipe, to->path, on_connected);
    } else {
        const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

        (void)uv_tcp_init(loop, &l->io.tcp); /* never fails without flags */
        /* Fails at once only without memory for its request: then the process is ending anyway,
         * and the owner's deadline for connecting says so. */
        l->resolving =
            uv_getaddrinfo(loop, &l->resolve, on_resolved, to->host, to->port, &hints) == 0;
    }
    l->io.handle.data = l;
    return l;
}

struct buf *redis_link_out(struct redis_link *l)
{
    return &l->unsent;
}

static void on_written(uv_write_t *request, int status)
{
    struct redis_link *l = request->data;

    l->writing = false;
    if (l->closing)
        return;
    if (status != 0) {
        lose(l, uv_strerror(status));
        return;
    }
    if (l->leaving.cap > IDLE_BYTES)
        buf_done(&l->leaving);
    redis_link_flush(l);
}

/* One write at a time, so what comes meanwhile leaves together. */
void redis_link_flush(struct redis_link *l)
{
    struct buf b = l->unsent;
    uv_buf_t out;

    if (l->writing || l->closing || b.n == 0)
        return;
    l->unsent = l->leaving;
    buf_clear(&l->unsent);
    l->leaving = b;
    out = uv_buf_init(b.p, (unsigned)b.n);
    l->writing = true;
    /* Fails at once only if the stream is no longer one: the reader is told of that. */
    if (uv_write(&l->write, &l->io.stream, &out, 1, on_written) != 0)
        l->writing = false;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct redis_link *l = handle->data;

    l->handle_gone = true;
    end_if_gone(l);
}

void redis_link_close(struct redis_link *l, void (*closed)(void *owner), void *owner)
{
    l->closing = true;
    l->closed = closed;
    l->closed_owner = owner;
    if (l->resolving)
        (void)uv_cancel(
            (uv_req_t *)&l->resolve); /* too late: its function is called all the same */
    uv_close(&l->io.handle, on_handle_closed);
}
