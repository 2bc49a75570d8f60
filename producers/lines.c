#include "producers/lines.h"

#include <errno.h>
#include <string.h>

#define PIECE 65536

void lines_init(struct lines *l, FILE *file, size_t max_bytes)
{
    *l = (struct lines){.file = file, .max = max_bytes};
    buf_init(&l->buf, max_bytes + 2 * PIECE);
}

void lines_done(struct lines *l)
{
    buf_done(&l->buf);
}

static bool read_more(struct lines *l, struct fault *f)
{
    char *room = buf_room(&l->buf, PIECE);
    size_t n = room == NULL ? 0 : fread(room, 1, PIECE, l->file);

    if (room == NULL)
        return fault_set(f, FAULT_REJECT, "the line is longer than %zu bytes", l->max);
    if (n == 0 && ferror(l->file))
        return fault_set(f, FAULT_RETRY, "it can't be read: %s", strerror(errno));
    l->ended = n == 0;
    buf_grew(&l->buf, n);
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
        if (line->n > 0 && line->p[line->n - 1] == '\r')
            line->n--;
        if (view_trim(*line).n > 0)
            return true;
    }
    return false;
}
