/* Writes of slices (settle.lua), those of a turn together, and the ends of calls (call.lua). */
#include "bridge/core/mem.h"
#include "bridge/io/redis_schedule_in.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_ARGS 10          /* and before them the shard's place */
#define WRITE_ID   1           /* which of them is the message's */
#define GROUP_MAX  64          /* writes of one call; settle.lua is bounded by it */
#define GROUP_TEXT (64u << 10) /* bytes of their arguments, unless it is one write */
#define TEXT_MAX   (256u << 20)

struct write {
    uint64_t token;
    unsigned shard;
    size_t begins;           /* where its arguments begin in the text: so they are in order */
    size_t ends[WRITE_ARGS]; /* where each ends; it begins where the one before does */
};

/* ---- answers ---- */

static bool is_bug(struct view text)
{
    return view_starts(text, VIEW("BUG "));
}

static enum schedule_state state_of(struct redis_schedule *s, const struct schedule_thing *of,
                                    const struct redis_value *v)
{
    static const struct {
        const char *word;
        enum schedule_state state;
    } words[] = {
        {"done", SCHEDULE_DONE},
        {"fenced", SCHEDULE_FENCED},
        {"cancelled", SCHEDULE_CANCELLED},
        {"paused", SCHEDULE_PAUSED},
    };
    struct redis_value error = *v;

    for (size_t i = 0; v->kind == REDIS_TEXT && i < sizeof words / sizeof words[0]; i++)
        if (view_is(v->text, words[i].word))
            return words[i].state;
    if (v->kind == REDIS_TEXT)
        error.kind = REDIS_ERROR; /* of one write among others */
    schedule_unexpected(s, "write", of, &error);
    /* The same again would be refused again: the lease runs out. */
    return error.kind == REDIS_ERROR && is_bug(error.text) ? SCHEDULE_FENCED : SCHEDULE_FAILED;
}

static void on_written(struct schedule_call *c, const struct redis_value *v)
{
    const struct schedule_thing of = {.shard = c->shard};

    c->of->answers.written(c->of->answers.owner, c->token, state_of(c->of, &of, v));
}

/* ---- one call for several writes ---- */

static int by_shard(const void *a, const void *b)
{
    const struct write *x = a;
    const struct write *y = b;

    if (x->shard != y->shard)
        return x->shard < y->shard ? -1 : 1;
    return x->begins < y->begins ? -1 : 1;
}

static size_t size_of(const struct write *w)
{
    return w->ends[WRITE_ARGS - 1] - w->begins;
}

static void on_each(struct redis_schedule *s, const struct schedule_thing *of,
                    const struct redis_value *v)
{
    s->answers.written(s->answers.owner, of->token, state_of(s, of, v));
}

/* So many of them as one call takes. Returns how many. */
static size_t send_some(struct redis_schedule *s, const struct write *items, size_t count)
{
    static const char *const places[] = {"1", "2",  "3",  "4",  "5",  "6",  "7",  "8",
                                         "9", "10", "11", "12", "13", "14", "15", "16"};
    struct view args[GROUP_MAX * (1 + WRITE_ARGS)];
    unsigned shards[SCHEDULE_TOGETHER];
    size_t shard_count = 0;
    size_t bytes = 0;
    size_t taken = 0;
    size_t n = 0;
    struct schedule_group *g;

    for (; taken < count && taken < GROUP_MAX; taken++) {
        const struct write *w = &items[taken];
        bool next = shard_count == 0 || shards[shard_count - 1] != w->shard;
        size_t at = w->begins;

        if ((next && shard_count == schedule_together(s)) ||
            (taken > 0 && bytes + size_of(w) > GROUP_TEXT))
            break;
        if (next)
            shards[shard_count++] = w->shard;
        bytes += size_of(w);
        args[n++] = view_of(places[shard_count - 1]);
        for (size_t k = 0; k < WRITE_ARGS; k++) {
            args[n++] = (struct view){s->writes.text.p + at, w->ends[k] - at};
            at = w->ends[k];
        }
    }
    g = schedule_group_new(s, "write", taken, on_each);
    for (size_t i = 0; i < taken; i++) {
        const struct write *w = &items[i];
        size_t id = w->ends[WRITE_ID - 1];

        g->things[i].token = w->token;
        g->things[i].shard = w->shard;
        view_copy((struct view){s->writes.text.p + id, w->ends[WRITE_ID] - id}, g->things[i].id,
                  sizeof g->things[i].id);
    }
    schedule_group_run(g, SCHEDULE_SCRIPT_SETTLE, shards, shard_count, args, n);
    return taken;
}

void schedule_writes_send(struct redis_schedule *s)
{
    struct writes *w = &s->writes;

    if (w->count > 1)
        qsort(w->items, w->count, sizeof *w->items, by_shard);
    for (size_t at = 0; at < w->count;)
        at += send_some(s, w->items + at, w->count - at);
    w->count = 0;
    buf_clear(&w->text);
}

/* ---- a write ---- */

static void end_arg(struct writes *to, size_t *arg)
{
    to->items[to->count - 1].ends[(*arg)++] = to->text.n;
}

static void put_arg(struct writes *to, size_t *arg, struct view text)
{
    buf_put(&to->text, text);
    end_arg(to, arg);
}

static void put_number(struct writes *to, size_t *arg, int64_t n)
{
    buf_put_int(&to->text, n);
    end_arg(to, arg);
}

static void write_slice(struct redis_schedule *s, const struct schedule_write *w, const char *mode)
{
    struct writes *to = &s->writes;
    size_t arg = 0;

    assert(w->settled_count <= SCHEDULE_SETTLED_MAX);
    if (to->count == to->cap) {
        to->cap = to->cap == 0 ? 16 : 2 * to->cap;
        to->items = mem_resize(to->items, to->cap, sizeof *to->items);
    }
    to->items[to->count++] =
        (struct write){.token = w->token, .shard = w->lease->shard, .begins = to->text.n};
    put_arg(to, &arg, view_of(mode));
    put_arg(to, &arg, view_of(w->lease->id));
    put_number(to, &arg, w->lease->slice);
    slice_write(w->slice, &to->text);
    end_arg(to, &arg);
    for (size_t i = 0; i < w->settled_count; i++)
        settlement_put_kept(&to->text, &w->settled[i]);
    end_arg(to, &arg);
    for (size_t i = 0; i < w->settled_count && !w->quiet; i++)
        settlement_put_event(&to->text, &w->settled[i]);
    end_arg(to, &arg);
    put_number(to, &arg, w->lease_ms);
    put_number(to, &arg, view_is(view_of(mode), "p") ? w->out_ms : w->at_ms);
    put_arg(to, &arg, w->park ? VIEW("1") : VIEW(""));
    put_number(to, &arg, s->conf.retention_ms);
    assert(!to->text.full && arg == WRITE_ARGS);
}

void schedule_progress(void *ctx, const struct schedule_write *w)
{
    write_slice(ctx, w, "p");
}

void schedule_finish(void *ctx, const struct schedule_write *w)
{
    assert(!w->slice->open);
    write_slice(ctx, w, "f");
}

void schedule_release(void *ctx, const struct schedule_write *w)
{
    write_slice(ctx, w, "r");
}

void schedule_writes_init(struct redis_schedule *s)
{
    buf_init(&s->writes.text, TEXT_MAX);
}

void schedule_writes_done(struct redis_schedule *s)
{
    buf_done(&s->writes.text);
    mem_free(s->writes.items);
}

/* ---- the end of a call ---- */

void schedule_end_call(void *ctx, const struct schedule_call_end *e)
{
    struct redis_schedule *s = ctx;
    const struct callback_state *now = e->state;
    char failures[24];
    char next_ms[24];
    char last_ms[24];
    char keep_ms[24];
    char idle[24];
    char wishes[24];
    struct view args[13];
    struct buf record;

    buf_init(&record, SLICE_RECORD_MAX);
    slice_write(e->slice, &record);
    args[0] = view_of(e->lease->id);
    args[1] = buf_view(&record);
    args[2] = now->open ? VIEW("1") : VIEW("");
    args[3] = view_of(callback_result_name(now->last));
    args[4] = schedule_number(failures, now->failures);
    args[5] = schedule_number(next_ms, now->next_call_ms);
    args[6] = now->last_call_ms >= 0 ? schedule_number(last_ms, now->last_call_ms) : VIEW("");
    args[7] = schedule_number(keep_ms, s->conf.retention_ms);
    args[8] = e->reason;
    args[9] = e->possible_duplicate ? VIEW("1") : VIEW("");
    args[10] = VIEW("1");
    args[11] = now->idle > 0 ? schedule_number(idle, now->idle) : VIEW("");
    args[12] = now->wishes > 0 ? schedule_number(wishes, now->wishes) : VIEW("");
    schedule_call_run(schedule_call_new(s, e->token, e->lease->shard, on_written),
                      SCHEDULE_SCRIPT_CALL, NULL, args, 13);
    buf_done(&record);
}

static void on_back(struct schedule_call *c, const struct redis_value *v)
{
    const struct schedule_thing of = {.shard = c->shard};

    if (v->kind != REDIS_TEXT)
        schedule_unexpected(c->of, "back", &of, v); /* the next call waits until it can't be out */
}

void schedule_call_back(void *ctx, const struct schedule_lease *lease, const struct slice *slice)
{
    struct redis_schedule *s = ctx;
    struct view args[2] = {view_of(lease->id), VIEW_NONE};
    struct buf record;

    buf_init(&record, SLICE_RECORD_MAX);
    slice_write(slice, &record);
    args[1] = buf_view(&record);
    schedule_call_run(schedule_call_new(s, 0, lease->shard, on_back), SCHEDULE_SCRIPT_BACK, NULL,
                      args, 2);
    buf_done(&record);
}
