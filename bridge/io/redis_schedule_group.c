/* Calls for several shards, or several slices, at once: a script, and the pipeline, the append-only
 * file and the fsync behind it, cost about as much for one as for some.
 *
 * A script may use the keys of several shards where one server has them all. In a cluster each
 * shard has a call of its own: its hash tag is what says where it lies. A server that is part of a
 * cluster though the settings don't say so refuses (CROSSSLOT): from then on it is the same there.
 */
#include "bridge/core/mem.h"
#include "bridge/io/redis_schedule_in.h"

#include <assert.h>

size_t schedule_together(const struct redis_schedule *s)
{
    return s->apart ? 1 : SCHEDULE_TOGETHER;
}

struct schedule_group *schedule_group_new(struct redis_schedule *s, const char *what, size_t count,
                                          void (*answer_it)(struct redis_schedule *s,
                                                            const struct schedule_thing *of,
                                                            const struct redis_value *v))
{
    struct schedule_group *g = mem_zeroed(1, sizeof *g + count * sizeof g->things[0]);

    *g = (struct schedule_group){.of = s, .what = what, .answer = answer_it, .count = count};
    return g;
}

static bool is_refused(const struct redis_value *v)
{
    return v->kind == REDIS_ERROR && view_starts(v->text, VIEW("CROSSSLOT"));
}

static void on_reply(void *owner, const struct redis_value *v)
{
    struct schedule_group *g = owner;
    struct redis_schedule *s = g->of;
    bool each = v->kind == REDIS_ARRAY && v->count == g->count;
    struct redis_value none = {.kind = REDIS_LOST, .text = VIEW("no reply for it")};

    if (is_refused(v) && !s->apart) {
        s->apart = true; /* and what has failed is asked again, soon */
        notice_say(s->log, NOTICE_WARN, "schedule_store_apart",
                   NOTICE_TEXT("reason", "this Redis is part of a cluster: set redis.cluster"));
    } else if (!each) {
        schedule_unexpected(s, g->what, NULL, v);
    }
    for (size_t i = 0; i < g->count; i++)
        g->answer(s, &g->things[i], each ? &v->items[i] : &none);
    mem_free(g);
}

void schedule_group_run(struct schedule_group *g, enum schedule_script which,
                        const unsigned *shards, size_t key_count, const struct view *args,
                        size_t arg_count)
{
    char texts[SCHEDULE_TOGETHER][SHARD_KEY_MAX];
    struct view keys[SCHEDULE_TOGETHER];

    assert(key_count > 0 && key_count <= schedule_together(g->of));
    for (size_t i = 0; i < key_count; i++)
        keys[i] = shard_key(shards[i], "", VIEW_NONE, texts[i]);
    redis_run(g->of->redis, schedule_script(which), keys, key_count, args, arg_count, on_reply, g);
}

void schedule_flush(void *ctx)
{
    struct redis_schedule *s = ctx;

    schedule_claims_send(s);
    schedule_writes_send(s);
    schedule_readings_send(s);
}
