#include "bridge/core/gate.h"

#include <assert.h>

void gate_init(struct gate *g, int64_t records_max, int64_t bytes_max)
{
    *g = (struct gate){.records_max = records_max, .bytes_max = bytes_max};
}

bool gate_enter(struct gate *g, int64_t bytes)
{
    g->records++;
    g->bytes += bytes;
    if (g->shut || (g->records < g->records_max && g->bytes < g->bytes_max))
        return false;
    g->shut = true;
    return true;
}

static int64_t open_below(int64_t max)
{
    return max - max / 8;
}

bool gate_leave(struct gate *g, int64_t bytes)
{
    assert(g->records > 0 && g->bytes >= bytes);
    g->records--;
    g->bytes -= bytes;
    if (!g->shut || g->records > open_below(g->records_max) || g->bytes > open_below(g->bytes_max))
        return false;
    g->shut = false;
    return true;
}
