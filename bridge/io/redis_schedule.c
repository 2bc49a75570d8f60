#include "bridge/io/redis_schedule.h"

#include "bridge/core/mask.h"
#include "bridge/core/mem.h"
#include "bridge/io/redis_schedule_in.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

void schedule_unexpected(struct redis_schedule *s, const char *what,
                         const struct schedule_thing *of, const struct redis_value *v)
{
    char text[FAULT_TEXT_MAX];
    const char *said = v->kind == REDIS_ERROR || v->kind == REDIS_TEXT
                           ? mask_sentence(v->text, text, sizeof text)
                           : "a reply that is none of the script's";

    if (v->kind == REDIS_LOST)
        return;
    notice_say(s->log, NOTICE_ERROR, "schedule_store_failed", NOTICE_TEXT("call", what),
               NOTICE_INT("shard", of != NULL ? (int64_t)of->shard : -1),
               NOTICE_TEXT("id", of != NULL ? of->id : ""), NOTICE_TEXT("error", said));
}

static void on_aside(struct schedule_call *c, const struct redis_value *v)
{
    const struct schedule_thing of = {.shard = c->shard};

    if (v->kind != REDIS_TEXT)
        schedule_unexpected(c->of, "aside", &of, v); /* found again when its lease has ended */
}

void schedule_put_aside(struct redis_schedule *s, const struct schedule_thing *of, int64_t slice,
                        struct view why, bool done)
{
    char text[FAULT_TEXT_MAX];
    char number[24];
    const struct view args[] = {view_of(of->id), schedule_number(number, slice), why};

    notice_say(s->log, NOTICE_ERROR, "schedule_damaged", NOTICE_INT("shard", of->shard),
               NOTICE_TEXT("id", of->id), NOTICE_INT("slice", slice),
               NOTICE_TEXT("reason", mask_sentence(why, text, sizeof text)));
    if (!done)
        schedule_call_run(schedule_call_new(s, 0, of->shard, on_aside), SCHEDULE_SCRIPT_ASIDE, NULL,
                          args, 3);
}

struct view schedule_number(char out[24], int64_t n)
{
    snprintf(out, 24, "%" PRId64, n);
    return view_of(out);
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
    s->apart = !redis_spans_tags(r);
    schedule_claims_init(s);
    schedule_writes_init(s);
    return s;
}

struct schedule_port redis_schedule_port(struct redis_schedule *s)
{
    return (struct schedule_port){.ctx = s,
                                  .up = up,
                                  .claim = schedule_claim,
                                  .progress = schedule_progress,
                                  .finish = schedule_finish,
                                  .release = schedule_release,
                                  .flush = schedule_flush,
                                  .end_call = schedule_end_call,
                                  .call_back = schedule_call_back,
                                  .ask = schedule_ask,
                                  .shut = schedule_shut,
                                  .open = schedule_open,
                                  .recipients = schedule_recipients,
                                  .let_go = schedule_let_go,
                                  .read_outbox = schedule_read_outbox};
}

void redis_schedule_free(struct redis_schedule *s)
{
    if (s == NULL)
        return;
    schedule_claims_done(s);
    schedule_writes_done(s);
    mem_free(s->readings.ids);
    mem_free(s);
}
