#include "bridge/core/gate.h"

#include <assert.h>

void gate_init(struct gate *g, int64_t records_max, int64_t bytes_max)
{
    *g = (struct gate){.max = {records_max, bytes_max}};
    g->pool = g->max;
}

static int64_t one_at_least(int64_t n)
{
    return n > 0 ? n : 1;
}

static struct gate_amount eighth_below(struct gate_amount of)
{
    return (struct gate_amount){of.records - one_at_least(of.records / 8),
                                of.bytes - one_at_least(of.bytes / 8)};
}

/* Shut from `limit` on, until both are an eighth below. */
static bool is_shut(bool was, struct gate_amount is, struct gate_amount limit)
{
    struct gate_amount open = eighth_below(limit);

    if (!was)
        return is.records >= limit.records || is.bytes >= limit.bytes;
    return is.records > open.records || is.bytes > open.bytes;
}

static int64_t above(int64_t is, int64_t part)
{
    return is > part ? is - part : 0;
}

/* What of it comes out of the pool. */
static struct gate_amount drawn(const struct gate *g, const struct gate_share *s)
{
    return (struct gate_amount){above(s->held.records, g->part.records),
                                above(s->held.bytes, g->part.bytes)};
}

static void settle(struct gate *g, struct gate_share *s)
{
    s->full = is_shut(s->full, s->held, g->part);
    g->shut = is_shut(g->shut, g->used, g->pool);
    g->full = is_shut(g->full, (struct gate_amount){0, g->held.bytes},
                      (struct gate_amount){INT64_MAX, g->max.bytes});
    g->crowded = is_shut(g->crowded, (struct gate_amount){g->held.records - g->max.records, 0},
                         (struct gate_amount){GATE_LATE_RECORDS, INT64_MAX});
}

void gate_divide(struct gate *g, size_t shares)
{
    int64_t n = one_at_least((int64_t)shares);

    g->part = (struct gate_amount){one_at_least(g->max.records / 2 / n),
                                   one_at_least(g->max.bytes / 2 / n)};
    g->pool = (struct gate_amount){one_at_least(g->max.records - n * g->part.records),
                                   one_at_least(g->max.bytes - n * g->part.bytes)};
    g->used = (struct gate_amount){0};
    g->shut = false;
}

void gate_count(struct gate *g, struct gate_share *s)
{
    struct gate_amount more = drawn(g, s);

    g->used.records += more.records;
    g->used.bytes += more.bytes;
    s->full = false;
    settle(g, s);
}

static bool change(struct gate *g, struct gate_share *s, int64_t records, int64_t bytes)
{
    bool was_shut = g->shut;
    bool was_full = g->full;
    bool was_crowded = g->crowded;
    struct gate_amount before = drawn(g, s);
    struct gate_amount now;

    s->held.records += records;
    s->held.bytes += bytes;
    g->held.records += records;
    g->held.bytes += bytes;
    assert(s->held.records >= 0 && s->held.bytes >= 0);
    now = drawn(g, s);
    g->used.records += now.records - before.records;
    g->used.bytes += now.bytes - before.bytes;
    settle(g, s);
    return g->shut != was_shut || g->full != was_full || g->crowded != was_crowded;
}

bool gate_enter(struct gate *g, struct gate_share *s, int64_t bytes)
{
    return change(g, s, 1, bytes);
}

bool gate_grow(struct gate *g, struct gate_share *s, int64_t bytes)
{
    return change(g, s, 0, bytes);
}

bool gate_leave(struct gate *g, struct gate_share *s, int64_t bytes)
{
    return change(g, s, -1, -bytes);
}
