/* Writes of slices (settle.lua), those of a shard together, and the ends of calls (call.lua). */
#include "bridge/core/mem.h"
#include "bridge/io/redis_schedule_in.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WRITE_ARGS 10
#define GROUP_MAX  64          /* writes of one call; settle.lua is bounded by it */
#define GROUP_TEXT (64u << 10) /* bytes of their arguments, unless it is one write */
#define TEXT_MAX   (256u << 20)

struct write {
    uint64_t token;
    size_t ends[WRITE_ARGS]; /* where each argument ends; it begins where the one before does */
};

/* ---- answers ---- */

static bool is_bug(struct view text)
{
    return view_starts(text, VIEW("BUG "));
}

static enum schedule_state state_of(struct redis_schedule *s, const struct redis_value *v)
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
    schedule_unexpected(s, "write", &error);
    /* The same again would be refused again: the lease runs out. */
    return error.kind == REDIS_ERROR && is_bug(error.text) ? SCHEDULE_FENCED : SCHEDULE_FAILED;
}

static void on_written(struct schedule_call *c, const struct redis_value *v)
{
    c->of->answers.written(c->of->answers.owner, c->token, state_of(c->of, v));
}

/* ---- one call for several writes ---- */

struct group {
    struct redis_schedule *of;
    unsigned shard;
    size_t count;
    uint64_t tokens[];
};

static void send_all(struct redis_schedule *s, unsigned shard);

static void on_group(void *owner, const struct redis_value *v)
{
    struct group *g = owner;
    struct redis_schedule *s = g->of;
    bool each = v->kind == REDIS_ARRAY && v->count == g->count;

    s->writes[g->shard].out--;
    if (!each)
        schedule_unexpected(s, "write", v);
    for (size_t i = 0; i < g->count; i++)
        s->answers.written(s->answers.owner, g->tokens[i],
                           each ? state_of(s, &v->items[i]) : SCHEDULE_FAILED);
    if (s->writes[g->shard].out == 0)
        send_all(s, g->shard);
    mem_free(g);
}

/* Those from `from` to `to`, whose text begins at `at`. */
static void send_group(struct redis_schedule *s, unsigned shard, size_t from, size_t to, size_t at)
{
    struct writes *w = &s->writes[shard];
    struct group *g = mem_zeroed(1, sizeof *g + (to - from) * sizeof g->tokens[0]);
    struct view args[GROUP_MAX * WRITE_ARGS];
    char prefix[SHARD_KEY_MAX];
    struct view keys[1] = {shard_key(shard, "", VIEW_NONE, prefix)};
    size_t n = 0;

    *g = (struct group){.of = s, .shard = shard, .count = to - from};
    for (size_t i = from; i < to; i++) {
        g->tokens[i - from] = w->items[i].token;
        for (size_t k = 0; k < WRITE_ARGS; k++) {
            args[n++] = (struct view){w->text.p + at, w->items[i].ends[k] - at};
            at = w->items[i].ends[k];
        }
    }
    w->out++;
    redis_run(s->redis, schedule_script(SCHEDULE_SCRIPT_SETTLE), keys, 1, args, n, on_group, g);
}

static void send_all(struct redis_schedule *s, unsigned shard)
{
    struct writes *w = &s->writes[shard];
    size_t from = 0;
    size_t at = 0;

    while (from < w->count) {
        size_t to = from + 1;

        while (to < w->count && to - from < GROUP_MAX &&
               w->items[to].ends[WRITE_ARGS - 1] - at <= GROUP_TEXT)
            to++;
        send_group(s, shard, from, to, at);
        at = w->items[to - 1].ends[WRITE_ARGS - 1];
        from = to;
    }
    w->count = 0;
    w->urgent = false;
    buf_clear(&w->text);
}

void schedule_flush(void *ctx)
{
    struct redis_schedule *s = ctx;

    for (unsigned i = 0; i < SHARD_COUNT; i++)
        if (s->writes[i].out == 0 || s->writes[i].urgent)
            send_all(s, i);
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
    struct writes *to = &s->writes[w->lease->shard];
    size_t arg = 0;

    assert(w->settled_count <= SCHEDULE_SETTLED_MAX);
    if (to->count == to->cap) {
        to->cap = to->cap == 0 ? 16 : 2 * to->cap;
        to->items = mem_resize(to->items, to->cap, sizeof *to->items);
    }
    to->items[to->count++] = (struct write){.token = w->token};
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
    put_number(to, &arg, w->at_ms);
    put_arg(to, &arg, w->park ? VIEW("1") : VIEW(""));
    put_number(to, &arg, s->conf.retention_ms);
    assert(!to->text.full && arg == WRITE_ARGS);
}

void schedule_progress(void *ctx, const struct schedule_write *w)
{
    struct redis_schedule *s = ctx;

    write_slice(s, w, "p");
    s->writes[w->lease->shard].urgent = true;
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
    for (unsigned i = 0; i < SHARD_COUNT; i++)
        buf_init(&s->writes[i].text, TEXT_MAX);
}

void schedule_writes_done(struct redis_schedule *s)
{
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        buf_done(&s->writes[i].text);
        mem_free(s->writes[i].items);
    }
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
    struct view args[10];
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
    schedule_call_run(schedule_call_new(s, e->token, e->lease->shard, on_written),
                      SCHEDULE_SCRIPT_CALL, NULL, args, 10);
    buf_done(&record);
}
