/* The outbox: what outbox.lua gives, as events. */
#include "bridge/core/num.h"
#include "bridge/io/redis_schedule_in.h"

#include <assert.h>
#include <string.h>

#define COUNTS_MAX 5

static const struct {
    const char *word;
    enum schedule_event_type type;
    bool overtaken;
    bool completes;
    size_t counts;
} types[] = {
    {"ended", SCHEDULE_EVENT_SETTLED, false, true, COUNTS_MAX},
    {"settled", SCHEDULE_EVENT_SETTLED, false, false, 0},
    {"overtaken", SCHEDULE_EVENT_SETTLED, true, false, 0},
    {"receipt", SCHEDULE_EVENT_RECEIPT, false, false, 0},
    {"completed", SCHEDULE_EVENT_COMPLETED, false, false, COUNTS_MAX},
    {"cancelled", SCHEDULE_EVENT_CANCELLED, false, false, COUNTS_MAX},
    {"consent", SCHEDULE_EVENT_WITHDRAWN, false, false, 0},
    {"called", SCHEDULE_EVENT_CALLED, false, false, 3},
    {"called-last", SCHEDULE_EVENT_CALLED_LAST, false, false, 3},
};

static struct view field_of(const struct redis_value *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->count; i += 2)
        if (view_is(fields->items[i].text, name))
            return fields->items[i + 1].text;
    return VIEW_NONE;
}

static bool read_counts(struct view text, int64_t counts[COUNTS_MAX], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!num_int(view_cut(&text, ' '), &counts[i]))
            return false;
    return true;
}

static bool read_event(const struct redis_value *v, struct schedule_event *e)
{
    const struct redis_value *fields = NULL;
    struct view word = VIEW_NONE;
    int64_t slice = 0;
    int64_t counts[COUNTS_MAX] = {0};
    size_t row = 0;

    if (v->kind != REDIS_ARRAY || v->count != 2 || v->items[1].kind != REDIS_ARRAY ||
        v->items[0].text.n >= sizeof e->id)
        return false;
    fields = &v->items[1];
    word = field_of(fields, "t");
    while (row < sizeof types / sizeof types[0] && !view_is(word, types[row].word))
        row++;
    if (row == sizeof types / sizeof types[0])
        return false;
    memset(e, 0, sizeof *e);
    view_copy(v->items[0].text, e->id, sizeof e->id);
    view_copy(field_of(fields, "m"), e->message, sizeof e->message);
    e->type = types[row].type;
    e->overtaken = types[row].overtaken;
    e->completes = types[row].completes;
    e->blob = field_of(fields, "b");
    e->possible_duplicate = view_is(field_of(fields, "d"), "1");
    if (num_int(field_of(fields, "k"), &slice))
        e->slice = (unsigned)slice;
    if (!num_int(field_of(fields, "at"), &e->at_ms) ||
        !read_counts(field_of(fields, "c"), counts, types[row].counts))
        return false;
    if (types[row].counts == COUNTS_MAX) {
        e->added = counts[0];
        e->ok = counts[1];
        e->dead = counts[2];
        e->cancelled = counts[3];
        e->out = counts[4];
    } else if (types[row].counts > 0) {
        e->failures = counts[0];
        e->max_calls = counts[1];
        e->next_call_ms = counts[2];
        return callback_result_parse(field_of(fields, "r"), &e->result);
    }
    return true;
}

static bool read_outbox(struct redis_schedule *s, const struct redis_value *v,
                        struct schedule_outbox *o)
{
    if (v->kind != REDIS_ARRAY || v->count == 0)
        return false;
    o->other = v->items[0].integer == 0;
    if (o->other)
        return true;
    if (v->count != 3 || v->items[2].count > SCHEDULE_OUTBOX_MAX)
        return false;
    o->more = v->items[1].integer != 0;
    for (size_t i = 0; i < v->items[2].count; i++)
        /* Of a later release, perhaps, and for it: what comes before can go. */
        if (!read_event(&v->items[2].items[i], &s->events[o->count++])) {
            o->count--;
            return i > 0;
        }
    return true;
}

static void on_outbox(struct schedule_call *c, const struct redis_value *v)
{
    struct redis_schedule *s = c->of;
    struct schedule_outbox o = {.shard = c->shard, .state = SCHEDULE_DONE, .events = s->events};

    if (!read_outbox(s, v, &o)) {
        schedule_unexpected(s, "outbox", v);
        o.state = SCHEDULE_FAILED;
        o.count = 0;
    }
    s->answers.outbox(s->answers.owner, &o);
}

void schedule_read_outbox(void *ctx, unsigned shard)
{
    struct redis_schedule *s = ctx;
    char most[24];
    char stays_ms[24];
    struct view args[] = {{(const char *)s->conf.owner, sizeof s->conf.owner},
                          schedule_number(most, SCHEDULE_OUTBOX_MAX),
                          schedule_number(stays_ms, REDIS_SCHEDULE_READER_MS)};

    schedule_call_run(schedule_call_new(s, 0, shard, on_outbox), SCHEDULE_SCRIPT_OUTBOX, NULL, args,
                      3);
}

static void on_sent(struct schedule_call *c, const struct redis_value *v)
{
    struct redis_schedule *s = c->of;

    if (v->kind != REDIS_INTEGER)
        schedule_unexpected(s, "sent", v);
    s->answers.written(s->answers.owner, c->token,
                       v->kind == REDIS_INTEGER ? SCHEDULE_DONE : SCHEDULE_FAILED);
}

static void on_deleted(void *owner, const struct redis_value *v)
{
    struct schedule_call *c = owner;

    on_sent(c, v);
    schedule_call_free(c);
}

void schedule_sent(void *ctx, uint64_t token, unsigned shard, const char *const *ids, size_t count)
{
    struct redis_schedule *s = ctx;
    char key[SHARD_KEY_MAX];
    struct view args[2 + SCHEDULE_OUTBOX_MAX] = {VIEW("XDEL"),
                                                 shard_key(shard, "out", VIEW_NONE, key)};

    assert(count > 0 && count <= SCHEDULE_OUTBOX_MAX);
    for (size_t i = 0; i < count; i++)
        args[2 + i] = view_of(ids[i]);
    redis_command(s->redis, args, 2 + count, on_deleted, schedule_call_new(s, token, shard, NULL));
}
