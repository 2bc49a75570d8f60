#include "standalone/carrier_log.h"

#include "bridge/core/mem.h"
#include "standalone/file.h"

#include <assert.h>
#include <stdio.h>
#include <uv.h>

#define LINES_MAX (64u << 20) /* bytes of one turn */

struct waiting {
    carrier_log_kept *kept;
    void *ctx;
};

struct carrier_log {
    const char *path;
    uv_timer_t timer; /* runs where lines wait */
    struct buf lines;
    struct waiting *waiting;
    size_t count;
    size_t cap;
};

static bool write_lines(struct carrier_log *l)
{
    struct fault f = {0};
    bool ok = !l->lines.full && file_append(l->path, buf_view(&l->lines), &f);

    if (!ok)
        fprintf(stderr, "cmibridge carrier: %s\n",
                l->lines.full ? "too much at once for its log" : f.text);
    buf_clear(&l->lines);
    return ok;
}

/* Whoever hears may add more: to the next turn's. */
static void on_turn(uv_timer_t *timer)
{
    struct carrier_log *l = timer->data;
    struct waiting *waiting = l->waiting;
    size_t count = l->count;
    bool ok = write_lines(l);

    l->waiting = NULL;
    l->count = l->cap = 0;
    for (size_t i = 0; i < count; i++)
        waiting[i].kept(waiting[i].ctx, ok);
    mem_free(waiting);
}

struct carrier_log *carrier_log_new(struct uv_loop_s *loop, const char *path)
{
    struct carrier_log *l = mem_zeroed(1, sizeof *l);

    l->path = path;
    buf_init(&l->lines, LINES_MAX);
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    return l;
}

void carrier_log_add(struct carrier_log *l, struct view line, carrier_log_kept *kept, void *ctx)
{
    (void)buf_put(&l->lines, line);
    if (l->count == l->cap) {
        l->cap = l->cap > 0 ? 2 * l->cap : 64;
        l->waiting = mem_resize(l->waiting, l->cap, sizeof *l->waiting);
    }
    l->waiting[l->count++] = (struct waiting){kept, ctx};
    uv_timer_start(&l->timer, on_turn, 0, 0);
}

static void on_closed(uv_handle_t *handle)
{
    struct carrier_log *l = handle->data;

    buf_done(&l->lines);
    mem_free(l->waiting);
    mem_free(l);
}

void carrier_log_close(struct carrier_log *l)
{
    if (l == NULL)
        return;
    assert(l->count == 0);
    uv_close((uv_handle_t *)&l->timer, on_closed);
}
