/*
 * lines: the lines of a file or pipe, one at a time, none longer than a maximum.
 */
#ifndef PRODUCERS_LINES_H
#define PRODUCERS_LINES_H

#include "bridge/core/buf.h"
#include "bridge/core/fault.h"

#include <stdint.h>

/* Called before each read. false: no more is read, and a line that has not come whole is not handed
 * out. */
typedef bool lines_await(void *ctx);

struct lines {
    int fd;             /* borrowed */
    lines_await *await; /* NULL: a read waits for its bytes itself */
    void *ctx;
    struct buf buf; /* what was read and not handed out, the current line in front */
    size_t used;    /* bytes of the current line with its newline */
    size_t max;     /* bytes of a line */
    int64_t number; /* of the current line, from 1 */
    int64_t bytes;  /* handed out so far */
    bool ended;     /* the file is read to its end */
};

void lines_init(struct lines *l, int fd, size_t max_bytes);
void lines_done(struct lines *l);
/* The next line that is not blank, without its end, as soon as it has come; it holds until the next
 * call. false at the end or what `await` says is one, or with a fault (f->cls) if a line is too
 * long or the file can't be read. */
bool lines_next(struct lines *l, struct view *line, struct fault *f) MUST_CHECK;

#endif
