#include "tests/fakes/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "tests/fakes/openapi_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_MAX (256u << 20)

int probe_connect(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr *name = (struct sockaddr *)(void *)&at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, name, sizeof at), 0);
    return fd;
}

void probe_send(int fd, struct view bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* the server has closed: the answer will show */
        bytes = view_skip(bytes, (size_t)n);
    }
}

static void await_bytes(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int n;

    do
        n = poll(&p, 1, PROBE_PATIENCE_MS);
    while (n < 0 && errno == EINTR); /* a child was stopped, or ended */
    assert_int_equal(n, 1);
}

/* false: the stream has ended. */
static bool more(int fd, struct buf *to)
{
    char bytes[16384];
    ssize_t n = 0;

    await_bytes(fd);
    n = recv(fd, bytes, sizeof bytes, 0);
    if (n <= 0)
        return false;
    assert_true(buf_put(to, (struct view){bytes, (size_t)n}));
    return true;
}

static const char *find(struct buf *in, const char *text)
{
    return strstr(buf_text(in), text);
}

struct probe_reply probe_read(int fd, bool to_head)
{
    struct probe_reply r = {.status = 0};
    struct buf all;
    const char *end = NULL;
    int64_t length = 0;
    int64_t status = 0;
    size_t head_n = 0;

    buf_init(&all, REPLY_MAX);
    while ((end = find(&all, "\r\n\r\n")) == NULL && more(fd, &all))
        continue;
    if (end != NULL) {
        head_n = (size_t)(end - buf_text(&all)) + 4;
        assert_true(all.n >= 12 && num_int((struct view){all.p + 9, 3}, &status));
        r.status = (int)status;
    }
    r.n = all.n;
    r.all = mem_text(all.p, all.n);
    r.head = (struct view){r.all, head_n};
    if (end != NULL && !to_head && num_int(view_of(probe_header(&r, "Content-Length")), &length))
        while (all.n < head_n + (size_t)length && more(fd, &all))
            continue;
    mem_free(r.all);
    r.n = all.n;
    r.all = mem_text(all.p, all.n);
    r.head.p = r.all;
    r.body = (struct view){r.all + head_n, all.n - head_n};
    buf_done(&all);
    return r;
}

bool probe_is_closed(int fd)
{
    struct buf all;
    bool nothing = false;

    buf_init(&all, REPLY_MAX);
    while (more(fd, &all))
        continue;
    nothing = all.n == 0;
    buf_done(&all);
    return nothing;
}

void probe_close(int fd)
{
    close(fd);
}

void probe_done(struct probe_reply *r)
{
    mem_free(r->all);
    r->all = NULL;
}

const char *probe_header(struct probe_reply *r, const char *name)
{
    static char value[65536];
    struct view rest = r->head;

    while (rest.n > 0) {
        struct view line = view_cut(&rest, '\n');
        struct view line_name = view_cut(&line, ':');

        if (view_eq_nocase(line_name, view_of(name))) {
            struct view v = view_trim(line);

            v.n -= v.n > 0 && v.p[v.n - 1] == '\r' ? 1 : 0;
            assert_true(v.n < sizeof value);
            memcpy(value, v.p, v.n);
            value[v.n] = '\0';
            return value;
        }
    }
    return "";
}

struct probe_reply probe_ask(unsigned port, const char *method, const char *target,
                             const char *headers, const char *body)
{
    struct probe_reply r;
    struct buf request;
    int fd = probe_connect(port);

    buf_init(&request, REPLY_MAX);
    buf_put_text(&request, method);
    buf_put_char(&request, ' ');
    buf_put_text(&request, target);
    buf_put_text(&request, " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    buf_put_text(&request, headers);
    if (body != NULL)
        buf_printf(&request, "Content-Length: %zu\r\n", strlen(body));
    buf_put_text(&request, "\r\n");
    if (body != NULL)
        buf_put_text(&request, body);
    assert_false(request.full);
    probe_send(fd, buf_view(&request));
    r = probe_read(fd, strcmp(method, "HEAD") == 0);
    buf_done(&request);
    probe_close(fd);
    openapi_check(method, target, r.status, probe_header(&r, "Content-Type"), r.body);
    return r;
}

int probe_raw(unsigned port, const char *bytes)
{
    int fd = probe_connect(port);
    struct probe_reply r;
    int status = 0;

    probe_send(fd, view_of(bytes));
    r = probe_read(fd, false);
    status = r.status;
    probe_done(&r);
    probe_close(fd);
    return status;
}
