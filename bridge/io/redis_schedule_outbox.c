/* The outbox: what outbox.lua gives, as events. */
#include "bridge/core/mem.h"
#include "bridge/core/num.h"
#include "bridge/io/redis_schedule_in.h"

#include <assert.h>
#include <string.h>

#define COUNTS_MAX 5
#define IDS_MAX    900 /* of one call, REDIS_ARGS_MAX */

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

/* Nothing else has such a blob: what is left of one that can't be read would be lost. */
static bool are_settlements(enum schedule_event_type type, struct view blob)
{
    struct settlement t;

    if (type != SCHEDULE_EVENT_SETTLED && type != SCHEDULE_EVENT_RECEIPT)
        return true;
    while (blob.n > 0)
        if (!settlement_next_event(&blob, &t))
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
        !read_counts(field_of(fields, "c"), counts, types[row].counts) ||
        !are_settlements(e->type, e->blob))
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

static void on_spoilt(struct schedule_call *c, const struct redis_value *v)
{
    const struct schedule_thing of = {.shard = c->shard};

    if (v->kind != REDIS_TEXT)
        schedule_unexpected(c->of, "spoilt", &of, v); /* read again, and found so again */
}

/* What can't be read leaves the outbox, so that what comes behind is told. */
static void put_aside(struct redis_schedule *s, const struct schedule_outbox *o,
                      const struct view *ids)
{
    notice_say(s->log, NOTICE_ERROR, "outcomes_unreadable", NOTICE_INT("shard", o->shard),
               NOTICE_INT("entries", (int64_t)o->unreadable), NOTICE_VIEW("first", ids[0]),
               NOTICE_TEXT("reason", "entries of the outbox are none of this release; they are "
                                     "kept apart, in the shard's stream `bad`"));
    schedule_call_run(schedule_call_new(s, 0, o->shard, on_spoilt), SCHEDULE_SCRIPT_SPOILT, NULL,
                      ids, o->unreadable);
}

static bool read_outbox(struct redis_schedule *s, const struct redis_value *v,
                        struct schedule_outbox *o)
{
    struct view unreadable[SCHEDULE_OUTBOX_MAX];

    if (v->kind != REDIS_ARRAY || v->count == 0)
        return false;
    o->other = v->items[0].integer == 0;
    if (o->other)
        return true;
    if (v->count != 3 || v->items[2].count > SCHEDULE_OUTBOX_MAX)
        return false;
    o->more = v->items[1].integer != 0;
    for (size_t i = 0; i < v->items[2].count; i++) {
        const struct redis_value *entry = &v->items[2].items[i];

        if (read_event(entry, &s->events[o->count]))
            o->count++;
        else if (entry->kind == REDIS_ARRAY && entry->count > 0)
            unreadable[o->unreadable++] = entry->items[0].text;
    }
    if (o->unreadable > 0)
        put_aside(s, o, unreadable);
    return true;
}

static void on_outbox(struct redis_schedule *s, const struct schedule_thing *of,
                      const struct redis_value *v)
{
    struct schedule_outbox o = {.shard = of->shard, .state = SCHEDULE_DONE, .events = s->events};

    if (!read_outbox(s, v, &o)) {
        schedule_unexpected(s, "outbox", of, v);
        o.state = SCHEDULE_FAILED;
        o.count = 0;
    }
    s->answers.outbox(s->answers.owner, &o);
}

/* So many of them as one call takes. Returns how many. */
static size_t send_some(struct redis_schedule *s, size_t from)
{
    const struct readings *q = &s->readings;
    struct view args[3 + SCHEDULE_TOGETHER + IDS_MAX];
    char numbers[2 + SCHEDULE_TOGETHER][24];
    unsigned shards[SCHEDULE_TOGETHER] = {0};
    struct schedule_group *g;
    size_t ids = 0;
    size_t taken = 0;
    size_t n = 0;

    args[n++] = (struct view){(const char *)s->conf.owner, sizeof s->conf.owner};
    args[n++] = schedule_number(numbers[0], SCHEDULE_OUTBOX_MAX);
    args[n++] = schedule_number(numbers[1], REDIS_SCHEDULE_READER_MS);
    for (; from + taken < q->count && taken < schedule_together(s); taken++) {
        size_t first = q->items[from + taken].first;
        size_t count = q->items[from + taken].count;

        ids += count;
        if (taken > 0 && ids > IDS_MAX)
            break;
        shards[taken] = q->items[from + taken].shard;
        args[n++] = schedule_number(numbers[2 + taken], (int64_t)count);
        for (size_t i = 0; i < count; i++)
            args[n++] = view_of(q->ids[first + i]);
    }
    g = schedule_group_new(s, "outbox", taken, on_outbox);
    for (size_t i = 0; i < taken; i++)
        g->things[i].shard = shards[i];
    schedule_group_run(g, SCHEDULE_SCRIPT_OUTBOX, shards, taken, args, n);
    return taken;
}

void schedule_readings_send(struct redis_schedule *s)
{
    for (size_t at = 0; at < s->readings.count;)
        at += send_some(s, at);
    s->readings.count = s->readings.id_count = 0;
}

void schedule_read_outbox(void *ctx, unsigned shard, const char *const *ids, size_t count)
{
    struct redis_schedule *s = ctx;
    struct readings *q = &s->readings;

    assert(count <= SCHEDULE_OUTBOX_MAX && q->count < SHARD_COUNT);
    if (q->ids == NULL)
        q->ids = mem_zeroed((size_t)SHARD_COUNT * SCHEDULE_OUTBOX_MAX, sizeof *q->ids);
    q->items[q->count].shard = shard;
    q->items[q->count].first = q->id_count;
    q->items[q->count++].count = count;
    for (size_t i = 0; i < count; i++)
        view_copy(view_of(ids[i]), q->ids[q->id_count++], sizeof *q->ids);
}
