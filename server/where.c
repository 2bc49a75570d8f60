#include "server/where.h"

#include "bridge/core/mem.h"
#include "server/sqlite.h"

#define WHERE_VALUES_STEP 32

void where_init(struct where *w)
{
    w->values = NULL;
    w->room = w->count = 0;
    w->full = false;
    buf_init(&w->sql, WHERE_TEXT_MAX);
    arena_init(&w->texts);
}

void where_done(struct where *w)
{
    buf_done(&w->sql);
    mem_free(w->values);
    w->values = NULL;
    w->room = w->count = 0;
    arena_done(&w->texts);
}

void where_clear(struct where *w)
{
    buf_clear(&w->sql);
    arena_done(&w->texts);
    arena_init(&w->texts);
    w->count = 0;
    w->full = false;
}

void where_put(struct where *w, const char *sql)
{
    buf_put_text(&w->sql, sql);
}

static void add(struct where *w, struct cell value)
{
    if (w->count == WHERE_VALUES_MAX) {
        w->full = true;
        return;
    }
    if (w->count == w->room) {
        w->room += WHERE_VALUES_STEP;
        w->values = mem_resize(w->values, w->room, sizeof *w->values);
    }
    if (value.kind == CELL_TEXT || value.kind == CELL_BLOB)
        value.bytes = arena_view(&w->texts, value.bytes);
    w->values[w->count++] = value;
}

void where_int(struct where *w, int64_t n)
{
    add(w, cell_int(n));
}

void where_text(struct where *w, struct view v)
{
    add(w, cell_text(v));
}

void where_guid(struct where *w, const struct guid *g)
{
    add(w, cell_guid(g));
}

void where_bytes(struct where *w, enum cell_kind kind, struct view v)
{
    add(w, (struct cell){kind, 0, v});
}

bool where_is_full(const struct where *w)
{
    return w->full || w->sql.full;
}

void where_bind(const struct where *w, struct sqlite_query *q)
{
    for (size_t i = 0; i < w->count; i++)
        cell_bind(&w->values[i], q);
}
