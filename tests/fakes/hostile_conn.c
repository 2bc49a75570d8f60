#define _GNU_SOURCE /* POLLRDHUP */
#include "tests/fakes/hostile_conn.h"

#include "bridge/core/buf.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define READ_BYTES 16384
#define CRAWL_MS   1000

static ssize_t read_some(struct hostile_conn *c, char *to, size_t n)
{
    if (c->tls != NULL)
        return SSL_read(c->tls, to, (int)n);
    return recv(c->fd, to, n, 0);
}

bool hostile_conn_write(struct hostile_conn *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent =
            c->tls != NULL ? SSL_write(c->tls, p, (int)n) : send(c->fd, p, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool write_text(struct hostile_conn *c, const char *text)
{
    return hostile_conn_write(c, text, strlen(text));
}

static bool read_more(struct hostile_conn *c)
{
    ssize_t got;

    if (c->in_cap - c->in_n < READ_BYTES) {
        c->in_cap += READ_BYTES;
        c->in = mem_resize(c->in, c->in_cap, 1);
    }
    got = read_some(c, c->in + c->in_n, c->in_cap - c->in_n);
    if (got <= 0)
        return false;
    c->in_n += (size_t)got;
    return true;
}

static struct view take(struct hostile_conn *c, size_t n)
{
    struct view v = {mem_text(c->in, n), n};

    c->in_n -= n;
    memmove(c->in, c->in + n, c->in_n);
    return v;
}

static const char *end_of_head(const struct hostile_conn *c)
{
    for (size_t i = 0; i + 4 <= c->in_n; i++)
        if (memcmp(c->in + i, "\r\n\r\n", 4) == 0)
            return c->in + i + 4;
    return NULL;
}

bool hostile_conn_read(struct hostile_conn *c, struct view *head, struct view *body)
{
    struct hostile_request r = {.method = NULL};
    int64_t length = 0;
    struct view given;

    while (end_of_head(c) == NULL)
        if (c->in_n > HOSTILE_HEAD_MAX || !read_more(c))
            return false;
    r.head = *head = take(c, (size_t)(end_of_head(c) - c->in));
    given = hostile_request_header(&r, "Content-Length");
    if (given.p != NULL && !num_in(given, 0, HOSTILE_BODY_MAX, &length))
        length = -1;
    while (length >= 0 && c->in_n < (size_t)length)
        if (!read_more(c))
            length = -1;
    if (length < 0) {
        mem_free((void *)(uintptr_t)head->p);
        return false;
    }
    *body = take(c, (size_t)length);
    return true;
}

void hostile_conn_reset(struct hostile_conn *c)
{
    const struct linger at_once = {1, 0};

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/* Until the client goes, or the server is stopped. */
static void listen_only(struct hostile_conn *c)
{
    while (read_some(c, c->in, c->in_cap) > 0)
        continue;
}

/* What the client still sends is not read, as if the connection had been closed at once; but that
 * something came is seen. */
static void close_after_reply(struct hostile_conn *c)
{
    if (c->tls != NULL)
        (void)SSL_shutdown(c->tls);
    shutdown(c->fd, SHUT_WR);
    c->swallowed = read_some(c, c->in, c->in_cap) > 0;
    if (c->swallowed)
        hostile_conn_reset(c);
}

static void put_reply(struct buf *to, const struct hostile_reply *r, size_t length)
{
    buf_init(to, HOSTILE_BODY_MAX);
    buf_printf(to, "HTTP/1.1 %d x\r\n", r->status);
    if (r->status != 204)
        buf_printf(to, "Content-Length: %zu\r\n", length);
    buf_put_text(to, r->headers);
    buf_put(to, VIEW("\r\n"));
    buf_put(to, r->body);
}

/* The length that it says it has may be another than it has. */
static bool whole(struct hostile_conn *c, const struct hostile_reply *r, size_t length)
{
    struct buf text;
    bool ok;

    put_reply(&text, r, length);
    ok = hostile_conn_write(c, text.p, text.n);
    buf_done(&text);
    return ok;
}

/* One byte a packet, with a pause after each; the connection's Nagle is off. */
static bool byte_by_byte(struct hostile_conn *c, const struct hostile_reply *r, int pause_ms)
{
    struct pollfd gone = {.fd = c->fd, .events = POLLRDHUP};
    struct buf text;
    bool ok = true;

    put_reply(&text, r, r->body.n);
    for (size_t i = 0; ok && i < text.n; i++)
        ok = hostile_conn_write(c, text.p + i, 1) &&
             (pause_ms == 0 || poll(&gone, 1, pause_ms) == 0);
    buf_done(&text);
    return ok;
}

static void for_ever(struct hostile_conn *c, const char *begin, const char *again)
{
    char block[4096] = "";
    size_t n = 0;

    while (n + strlen(again) < sizeof block) {
        memcpy(block + n, again, strlen(again));
        n += strlen(again);
    }
    if (!write_text(c, begin))
        return;
    while (hostile_conn_write(c, block, n))
        continue;
}

bool hostile_conn_do(struct hostile_conn *c, enum hostile_act act, const struct hostile_reply *r)
{
    const struct hostile_reply created = {201, "Location: /made\r\n", VIEW("0123456789")};

    switch (act) {
    case HOSTILE_CMI:
    case HOSTILE_REPLY_TO_DONE: /* it comes as HOSTILE_REPLY */
    case HOSTILE_REPLY:
    case HOSTILE_HOLD:
        return whole(c, r, r->body.n);
    case HOSTILE_REPLY_AND_CLOSE:
        if (whole(c, r, r->body.n))
            close_after_reply(c);
        break;
    case HOSTILE_SILENCE:
        listen_only(c);
        break;
    case HOSTILE_HALF_CLOSE:
        shutdown(c->fd, SHUT_WR);
        listen_only(c);
        break;
    case HOSTILE_CLOSE:
        break;
    case HOSTILE_RESET:
        hostile_conn_reset(c);
        break;
    case HOSTILE_CUT_HEAD:
        (void)write_text(c, "HTTP/1.1 201 Created\r\nContent-Le");
        break;
    case HOSTILE_CUT_BODY:
    case HOSTILE_TOO_SHORT:
        (void)whole(c, &created, act == HOSTILE_CUT_BODY ? 20 : 11);
        break;
    case HOSTILE_TOO_LONG:
        return whole(c, &created, 5);
    case HOSTILE_BYTES:
        return byte_by_byte(c, r, 0);
    case HOSTILE_CRAWL:
        return byte_by_byte(c, r, CRAWL_MS);
    case HOSTILE_ENDLESS_HEADERS:
        for_ever(c, "HTTP/1.1 201 Created\r\n", "X-More: of the same\r\n");
        break;
    case HOSTILE_LONG_HEADER:
        for_ever(c, "HTTP/1.1 201 Created\r\nX-Long: ", "and so on ");
        break;
    case HOSTILE_1XX_FLOOD:
        for_ever(c, "", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n");
        break;
    case HOSTILE_HUGE_BODY:
        for_ever(c, "HTTP/1.1 201 Created\r\nContent-Length: 2147483648\r\n\r\n", "huge ");
        break;
    case HOSTILE_CHUNKS:
        for_ever(c, "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nhuge\r\n");
        break;
    case HOSTILE_TWO_LENGTHS:
        return write_text(c, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nContent-Length: 3\r\n"
                             "\r\nabc");
    case HOSTILE_CONTROL:
        return write_text(c, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nLocation: /a\x01z\r\n"
                             "\r\n");
    case HOSTILE_GARBAGE:
        return write_text(c, "\x16\x03\x01 what is this\r\n\r\n");
    case HOSTILE_ACTS:
        break;
    }
    return false;
}
