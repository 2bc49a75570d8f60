#include "bridge/core/buf.h"

#include "bridge/core/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_FIRST 64 /* bytes of the first allocation */

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_done(struct buf *b)
{
    mem_free(b->p);
    *b = (struct buf){.max = b->max};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    b->full = false;
}

/* One byte beyond the maximum is kept for the NUL of buf_text. */
static bool reserve(struct buf *b, size_t more)
{
    size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;

    if (b->full || more > b->max || b->n > b->max - more) {
        b->full = true;
        return false;
    }
    while (cap < b->n + more + 1)
        cap *= 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    if (cap > b->cap) {
        b->p = mem_resize(b->p, cap, 1);
        b->cap = cap;
    }
    return true;
}

char *buf_room_growing(struct buf *b, size_t n)
{
    return reserve(b, n) ? b->p + b->n : NULL;
}

bool buf_put_growing(struct buf *b, struct view v)
{
    if (!reserve(b, v.n))
        return false;
    if (v.n > 0)
        memcpy(b->p + b->n, v.p, v.n);
    b->n += v.n;
    return true;
}

bool buf_put_int(struct buf *b, int64_t n)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;

    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0)
        digits[--at] = '-';
    return buf_put(b, (struct view){digits + at, sizeof digits - at});
}

bool buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_list again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || !reserve(b, (size_t)len)) {
        va_end(again);
        b->full = true;
        return false;
    }
    (void)vsnprintf(b->p + b->n, (size_t)len + 1, format, again);
    va_end(again);
    b->n += (size_t)len;
    return true;
}

void buf_drop(struct buf *b, size_t n)
{
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

struct view buf_view(const struct buf *b)
{
    return (struct view){b->p, b->n};
}

const char *buf_text(struct buf *b)
{
    bool full = b->full;

    b->full = false;
    (void)reserve(b, 0);
    b->full = full;
    b->p[b->n] = '\0';
    return b->p;
}
