/*
 * buf: bytes that grow, with a maximum given at birth.
 *
 * An append that would pass the maximum changes nothing and marks the buffer `full`; so do all
 * after it. Check once, at the end: `if (b.full) …`. The text is not NUL-terminated; use buf_text.
 */
#ifndef BRIDGE_CORE_BUF_H
#define BRIDGE_CORE_BUF_H

#include "bridge/core/fault.h"
#include "bridge/core/view.h"

#include <stdint.h>

struct buf {
    char *p; /* owned; may move at every append */
    size_t n;
    size_t cap;
    size_t max;
    bool full; /* an append was refused */
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);  /* frees; may be called twice */
void buf_clear(struct buf *b); /* empties, keeps the memory and the maximum, clears `full` */
bool buf_put_growing(struct buf *b, struct view v); /* buf_put, where there is no room yet */

static inline bool buf_put(struct buf *b, struct view v)
{
    if (b->full || v.p == NULL || v.n == 0 || v.n >= b->cap - b->n)
        return buf_put_growing(b, v);
    memcpy(b->p + b->n, v.p, v.n);
    b->n += v.n;
    return true;
}

static inline bool buf_put_text(struct buf *b, const char *text)
{
    return buf_put(b, view_of(text));
}

static inline bool buf_put_char(struct buf *b, char c)
{
    return buf_put(b, (struct view){&c, 1});
}

bool buf_put_int(struct buf *b, int64_t n); /* decimal */
bool buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
char *buf_room_growing(struct buf *b, size_t n); /* buf_room, where there is none yet */

/* Room for n more bytes at p + n, NULL if past the maximum; buf_grew(n) then counts them in. */
static inline char *buf_room(struct buf *b, size_t n)
{
    return b->full || n >= b->cap - b->n ? buf_room_growing(b, n) : b->p + b->n;
}

static inline void buf_grew(struct buf *b, size_t n)
{
    b->n += n;
}

void buf_drop(struct buf *b, size_t n);    /* the first n bytes leave */
struct view buf_view(const struct buf *b); /* holds until the next change */
const char *buf_text(struct buf *b);       /* NUL-terminated, holds until the next change */

#endif
