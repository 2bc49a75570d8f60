#include "bridge/core/settlement.h"

#include <assert.h>
#include <string.h>

#define HEAD_BYTES  6
#define TAIL_BYTES  18
#define OVERTAKEN   64
#define DUPLICATE   128
#define ADDRESS_MAX 65535

static void put_int(uint8_t *to, size_t bytes, uint64_t n)
{
    for (size_t i = bytes; i > 0; i--, n >>= 8)
        to[i - 1] = (uint8_t)n;
}

static uint64_t read_int(const char *from, size_t bytes)
{
    uint64_t n = 0;

    assert(from != NULL);
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | (uint8_t)from[i];
    return n;
}

static struct view cut(struct view v, size_t max)
{
    return (struct view){v.p, v.n < max ? v.n : max};
}

static struct view bytes_of(const uint8_t *p, size_t n)
{
    return (struct view){(const char *)p, n};
}

void settlement_put_kept(struct buf *to, const struct settlement *s)
{
    struct view reason = cut(s->reason, SETTLEMENT_TEXT_MAX);
    struct view id = cut(s->provider_id, SETTLEMENT_TEXT_MAX);
    uint8_t head[HEAD_BYTES];

    put_int(head, 2, s->index);
    head[2] = s->attempt;
    head[3] = (uint8_t)((int)s->state | (s->possible_duplicate ? DUPLICATE : 0) |
                        (s->overtaken ? OVERTAKEN : 0));
    head[4] = (uint8_t)reason.n;
    head[5] = (uint8_t)id.n;
    buf_put(to, bytes_of(head, sizeof head));
    buf_put(to, reason);
    buf_put(to, id);
}

void settlement_put_event(struct buf *to, const struct settlement *s)
{
    struct view address = cut(s->address, ADDRESS_MAX);
    uint8_t tail[TAIL_BYTES];

    settlement_put_kept(to, s);
    put_int(tail, 8, (uint64_t)s->at_ms);
    put_int(tail + 8, 8, (uint64_t)s->retry_at_ms);
    put_int(tail + 16, 2, address.n);
    buf_put(to, bytes_of(tail, sizeof tail));
    buf_put(to, address);
}

static bool take(struct view *from, size_t n, struct view *out)
{
    if (from->n < n)
        return false;
    *out = (struct view){from->p, n};
    *from = view_skip(*from, n);
    return true;
}

bool settlement_next_kept(struct view *from, struct settlement *s)
{
    struct view rest = *from;
    struct view head = VIEW_NONE;
    unsigned what = 0;

    if (!take(&rest, HEAD_BYTES, &head))
        return false;
    memset(s, 0, sizeof *s);
    what = (unsigned char)head.p[3];
    s->index = (uint16_t)read_int(head.p, 2);
    s->attempt = (uint8_t)head.p[2];
    s->possible_duplicate = (what & DUPLICATE) != 0;
    s->overtaken = (what & OVERTAKEN) != 0;
    what &= OVERTAKEN - 1;
    if (what < SETTLEMENT_HANDLED || what > SETTLEMENT_LATE)
        return false;
    s->state = (enum settlement_state)what;
    if (!take(&rest, (unsigned char)head.p[4], &s->reason) ||
        !take(&rest, (unsigned char)head.p[5], &s->provider_id))
        return false;
    *from = rest;
    return true;
}

bool settlement_next_event(struct view *from, struct settlement *s)
{
    struct view rest = *from;
    struct view tail = VIEW_NONE;

    if (!settlement_next_kept(&rest, s) || !take(&rest, TAIL_BYTES, &tail))
        return false;
    s->at_ms = (int64_t)read_int(tail.p, 8);
    s->retry_at_ms = (int64_t)read_int(tail.p + 8, 8);
    if (!take(&rest, (size_t)read_int(tail.p + 16, 2), &s->address))
        return false;
    *from = rest;
    return true;
}

const char *settlement_state_name(enum settlement_state state)
{
    static const char *const names[] = {
        [SETTLEMENT_HANDLED] = "handled",     [SETTLEMENT_FAILED] = "failed",
        [SETTLEMENT_AGAIN] = "again",         [SETTLEMENT_UNKNOWN] = "unknown",
        [SETTLEMENT_DELIVERED] = "delivered", [SETTLEMENT_LATE] = "late",
    };

    return names[state];
}
