#include "producers/lines.h"

#include "bridge/core/utf8.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536

void lines_init(struct lines *l, int fd, size_t max_bytes)
{
    *l = (struct lines){.fd = fd, .max = max_bytes};
    buf_init(&l->buf, max_bytes + 2 * PIECE);
}

void lines_done(struct lines *l)
{
    buf_done(&l->buf);
}

/* What is there of it, once something is. */
static ssize_t read_some(struct lines *l, char *room)
{
    struct pollfd some = {.fd = l->fd, .events = POLLIN};
    ssize_t n;

    while ((n = read(l->fd, room, PIECE)) < 0 && (errno == EINTR || errno == EAGAIN))
        if (errno == EAGAIN) /* whoever opened it did not want to wait */
            (void)poll(&some, 1, -1);
    return n;
}

static bool read_more(struct lines *l, struct fault *f)
{
    char *room = buf_room(&l->buf, PIECE);
    ssize_t n;

    if (room == NULL)
        return fault_set(f, FAULT_REJECT, "the line is longer than %zu bytes", l->max);
    if (l->await != NULL && !l->await(l->ctx))
        return false;
    n = read_some(l, room);
    if (n < 0)
        return fault_set(f, FAULT_RETRY, "it can't be read: %s", strerror(errno));
    l->ended = n == 0;
    buf_grew(&l->buf, (size_t)n);
    return true;
}

static bool next_line(struct lines *l, struct view *line, struct fault *f)
{
    size_t seen = 0;

    buf_drop(&l->buf, l->used);
    l->used = 0;
    l->number++;
    for (;;) {
        const char *end = l->buf.n > seen ? memchr(l->buf.p + seen, '\n', l->buf.n - seen) : NULL;
        size_t n = end != NULL ? (size_t)(end - l->buf.p) : l->buf.n;

        if (n > l->max)
            return fault_set(f, FAULT_REJECT, "the line is longer than %zu bytes", l->max);
        if (end != NULL || l->ended) {
            l->used = end != NULL ? n + 1 : n;
            l->bytes += (int64_t)l->used;
            *line = (struct view){l->buf.p, n};
            return l->used > 0;
        }
        seen = l->buf.n;
        if (!read_more(l, f))
            return false;
    }
}

bool lines_next(struct lines *l, struct view *line, struct fault *f)
{
    f->cls = FAULT_NONE;
    while (next_line(l, line, f)) {
        if (l->number == 1 && view_starts(*line, UTF8_ORDER_MARK))
            *line = view_skip(*line, UTF8_ORDER_MARK.n);
        if (line->n > 0 && line->p[line->n - 1] == '\r')
            line->n--;
        if (view_trim(*line).n > 0)
            return true;
    }
    return false;
}
