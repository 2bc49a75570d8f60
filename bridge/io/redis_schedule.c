#include "bridge/io/redis_schedule.h"

#include "bridge/core/mask.h"
#include "bridge/core/mem.h"
#include "bridge/io/redis_schedule_in.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEPT_MAX (1u << 20) /* of the settlements of one write */

/* ---- calls ---- */

static void on_reply(void *owner, const struct redis_value *v)
{
    struct schedule_call *c = owner;

    c->answer(c, v);
    schedule_call_free(c);
}

struct schedule_call *schedule_call_new(struct redis_schedule *s, uint64_t token, unsigned shard,
                                        void (*answer_it)(struct schedule_call *c,
                                                          const struct redis_value *v))
{
    struct schedule_call *c = mem_zeroed(1, sizeof *c);

    c->of = s;
    c->token = token;
    c->shard = shard;
    c->answer = answer_it;
    return c;
}

void schedule_call_free(struct schedule_call *c)
{
    mem_free(c);
}

void schedule_call_run(struct schedule_call *c, enum schedule_script which, const char *key,
                       const struct view *args, size_t count)
{
    char prefix[SHARD_KEY_MAX];
    struct view keys[1] = {key != NULL ? view_of(key) : shard_key(c->shard, "", VIEW_NONE, prefix)};

    redis_run(c->of->redis, schedule_script(which), keys, 1, args, count, on_reply, c);
}

void schedule_unexpected(struct redis_schedule *s, const char *what, const struct redis_value *v)
{
    char text[FAULT_TEXT_MAX];

    if (v->kind != REDIS_LOST)
        notice_say(s->log, NOTICE_ERROR, "schedule_store_failed", NOTICE_TEXT("call", what),
                   NOTICE_TEXT("error", v->kind == REDIS_ERROR
                                            ? mask_sentence(v->text, text, sizeof text)
                                            : "a reply that is none of the script's"));
}

struct view schedule_number(char out[24], int64_t n)
{
    snprintf(out, 24, "%" PRId64, n);
    return view_of(out);
}

/* ---- writes ---- */

static bool is_bug(const struct redis_value *v)
{
    return v->kind == REDIS_ERROR && view_starts(v->text, VIEW("BUG "));
}

static void on_written(struct schedule_call *c, const struct redis_value *v)
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
    struct redis_schedule *s = c->of;
    enum schedule_state state = SCHEDULE_FAILED;

    for (size_t i = 0; v->kind == REDIS_TEXT && i < sizeof words / sizeof words[0]; i++)
        if (view_is(v->text, words[i].word)) {
            s->answers.written(s->answers.owner, c->token, words[i].state);
            return;
        }
    schedule_unexpected(s, "write", v);
    if (is_bug(v))
        state = SCHEDULE_FENCED; /* the same again would be refused again: the lease runs out */
    s->answers.written(s->answers.owner, c->token, state);
}

static void write_slice(struct redis_schedule *s, const struct schedule_write *w, const char *mode)
{
    char slice[24];
    char lease_ms[24];
    char at_ms[24];
    char keep_ms[24];
    struct view args[10];

    assert(w->settled_count <= SCHEDULE_SETTLED_MAX);
    buf_clear(&s->record);
    buf_clear(&s->kept);
    buf_clear(&s->event);
    slice_write(w->slice, &s->record);
    for (size_t i = 0; i < w->settled_count; i++) {
        settlement_put_kept(&s->kept, &w->settled[i]);
        if (!w->quiet)
            settlement_put_event(&s->event, &w->settled[i]);
    }
    assert(!s->record.full && !s->kept.full && !s->event.full);
    args[0] = view_of(mode);
    args[1] = view_of(w->lease->id);
    args[2] = schedule_number(slice, w->lease->slice);
    args[3] = buf_view(&s->record);
    args[4] = buf_view(&s->kept);
    args[5] = buf_view(&s->event);
    args[6] = schedule_number(lease_ms, w->lease_ms);
    args[7] = schedule_number(at_ms, w->at_ms);
    args[8] = w->park ? VIEW("1") : VIEW("");
    args[9] = schedule_number(keep_ms, s->conf.retention_ms);
    schedule_call_run(schedule_call_new(s, w->token, w->lease->shard, on_written),
                      SCHEDULE_SCRIPT_SETTLE, NULL, args, 10);
}

static void progress(void *ctx, const struct schedule_write *w)
{
    write_slice(ctx, w, "p");
}

static void finish(void *ctx, const struct schedule_write *w)
{
    assert(!w->slice->open);
    write_slice(ctx, w, "f");
}

static void release(void *ctx, const struct schedule_write *w)
{
    write_slice(ctx, w, "r");
}

static void end_call(void *ctx, const struct schedule_call_end *e)
{
    struct redis_schedule *s = ctx;
    const struct callback_state *now = e->state;
    char failures[24];
    char next_ms[24];
    char last_ms[24];
    char keep_ms[24];
    struct view args[10];

    buf_clear(&s->record);
    slice_write(e->slice, &s->record);
    args[0] = view_of(e->lease->id);
    args[1] = buf_view(&s->record);
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
}

/* ---- life ---- */

static bool up(void *ctx)
{
    const struct redis_schedule *s = ctx;

    return redis_up(s->redis);
}

struct redis_schedule *redis_schedule_new(struct redis *r, const struct redis_schedule_conf *conf,
                                          const struct schedule_answers *answers,
                                          const struct notice *log)
{
    struct redis_schedule *s = mem_zeroed(1, sizeof *s);

    s->redis = r;
    s->conf = *conf;
    s->answers = *answers;
    s->log = log;
    buf_init(&s->record, SLICE_RECORD_MAX);
    buf_init(&s->kept, KEPT_MAX);
    buf_init(&s->event, 256 * KEPT_MAX);
    return s;
}

struct schedule_port redis_schedule_port(struct redis_schedule *s)
{
    return (struct schedule_port){.ctx = s,
                                  .up = up,
                                  .claim = schedule_claim,
                                  .progress = progress,
                                  .finish = finish,
                                  .release = release,
                                  .end_call = end_call,
                                  .ask = schedule_ask,
                                  .shut = schedule_shut,
                                  .open = schedule_open,
                                  .recipients = schedule_recipients,
                                  .let_go = schedule_let_go,
                                  .read_outbox = schedule_read_outbox,
                                  .sent = schedule_sent};
}

void redis_schedule_free(struct redis_schedule *s)
{
    if (s == NULL)
        return;
    buf_done(&s->record);
    buf_done(&s->kept);
    buf_done(&s->event);
    mem_free(s);
}
