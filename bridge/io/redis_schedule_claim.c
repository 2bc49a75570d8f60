/* Claims: what claim.lua is given, and what its answer means. */
#include "bridge/core/num.h"
#include "bridge/io/redis_schedule_in.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_TEXT_MAX  (1u << 20)
#define SLICES_TOGETHER 128 /* of all shards of one call; claim.lua is bounded by it */
#define CANCELLED       1
#define TIMED_OUT       2

/* As claim.lua has them. */
enum field {
    FIELD_ID,
    FIELD_ST,
    FIELD_KIND,
    FIELD_N,
    FIELD_SLICES,
    FIELD_RETRIES,
    FIELD_WEIGHT,
    FIELD_PAUSED,
    FIELD_SOURCE,
    FIELD_SUB_TYPE,
    FIELD_CONTENT_TYPE,
    FIELD_BODY,
    FIELD_RETRY_DELAY,
    FIELD_AT,
    FIELD_CREATED,
    FIELD_NOT_BEFORE,
    FIELD_OF_ALL, /* so many has a message */
    FIELD_LAST = FIELD_OF_ALL,
    FIELD_FAILURES,
    FIELD_NEXT,
    FIELD_LAST_CALL,
    FIELD_CALLS,
    FIELD_CUSTOMER,
    FIELD_QUEUE,
    FIELD_ORIGINAL_QUEUE,
    FIELD_ORIGINAL_QUEUE_NAME,
    FIELD_EXTRA_DATA,
    FIELD_GW_PREFIX,
    FIELD_NOTES,
    FIELD_IDLE,
    FIELD_WISHES,
    FIELD_ANEW,
    FIELD_COUNT /* so many a callback */
};

enum part {
    PART_MESSAGE,
    PART_SLICE,
    PART_DOUBT,
    PART_ENDS,
    PART_DUE,
    PART_FLAGS,
    PART_RECORD,
    PART_ADDRESSES,
    PART_COUNT
};

enum aside { ASIDE_ID, ASIDE_SLICE, ASIDE_WHY, ASIDE_COUNT };

enum whole {
    WHOLE_NOW,
    WHOLE_NEXT,
    WHOLE_FULL,
    WHOLE_MESSAGES,
    WHOLE_SLICES,
    WHOLE_ASIDE,
    WHOLE_COUNT
};

static int64_t number_of(const struct redis_value *m, enum field field, int64_t otherwise)
{
    int64_t n = 0;

    return num_int(m->items[field].text, &n) ? n : otherwise;
}

static void read_call(const struct redis_value *v, struct schedule_message *m)
{
    m->callback.open = number_of(v, FIELD_ST, 0) == 1;
    if (!callback_result_parse(v->items[FIELD_LAST].text, &m->callback.last))
        m->callback.last = CALLBACK_ADDED;
    m->callback.failures = number_of(v, FIELD_FAILURES, 0);
    m->callback.max_calls = m->attempts_max;
    m->callback.next_call_ms = number_of(v, FIELD_NEXT, 0);
    m->callback.last_call_ms = number_of(v, FIELD_LAST_CALL, -1);
    m->callback.idle = number_of(v, FIELD_IDLE, 0);
    m->callback.wishes = number_of(v, FIELD_WISHES, 0);
    m->callback.anew = number_of(v, FIELD_ANEW, 0);
    m->calls = (unsigned)number_of(v, FIELD_CALLS, 0);
    m->customer = v->items[FIELD_CUSTOMER].text;
    m->queue = v->items[FIELD_QUEUE].text;
    m->original_queue = v->items[FIELD_ORIGINAL_QUEUE].text;
    m->original_queue_name = v->items[FIELD_ORIGINAL_QUEUE_NAME].text;
    m->extra_data = v->items[FIELD_EXTRA_DATA].text;
    m->gw_prefix = v->items[FIELD_GW_PREFIX].text;
    m->notes = v->items[FIELD_NOTES].text;
}

static bool read_message(const struct redis_value *v, struct schedule_message *m)
{
    if (v->kind != REDIS_ARRAY || v->count < FIELD_OF_ALL ||
        v->items[FIELD_ID].text.n != GUID_HEX_LEN)
        return false;
    memset(m, 0, sizeof *m);
    view_copy(v->items[FIELD_ID].text, m->id, sizeof m->id);
    m->kind =
        number_of(v, FIELD_KIND, 0) == SCHEDULE_CALLBACK ? SCHEDULE_CALLBACK : SCHEDULE_MESSAGE;
    if (v->count != (m->kind == SCHEDULE_CALLBACK ? (size_t)FIELD_COUNT : (size_t)FIELD_OF_ALL))
        return false;
    m->destinations = number_of(v, FIELD_N, 0);
    m->slices = number_of(v, FIELD_SLICES, 0);
    m->at_ms = number_of(v, FIELD_AT, 0);
    m->not_before_ms = number_of(v, FIELD_NOT_BEFORE, 0);
    m->created_ms = number_of(v, FIELD_CREATED, 0);
    m->retry_delay_ms = 1000 * number_of(v, FIELD_RETRY_DELAY, 0);
    m->attempts_max = (unsigned)number_of(v, FIELD_RETRIES, 0) + 1;
    m->weight = (unsigned)number_of(v, FIELD_WEIGHT, 1);
    m->source = v->items[FIELD_SOURCE].text;
    m->sub_type = v->items[FIELD_SUB_TYPE].text;
    m->content_type = v->items[FIELD_CONTENT_TYPE].text;
    m->body = v->items[FIELD_BODY].text;
    if (m->kind == SCHEDULE_CALLBACK)
        read_call(v, m);
    return m->destinations > 0;
}

static size_t size_of(const struct schedule_message *m, unsigned slice)
{
    int64_t left = m->destinations - (int64_t)slice * SLICE_DESTINATIONS_MAX;

    return left < 0 ? 0 : left < SLICE_DESTINATIONS_MAX ? (size_t)left : SLICE_DESTINATIONS_MAX;
}

static bool read_slice(const struct redis_schedule *s, const struct redis_value *v, unsigned shard,
                       size_t messages, struct schedule_claimed_slice *out)
{
    const struct schedule_message *m = NULL;
    const struct redis_value *part = v->items;
    size_t size = 0;

    if (v->kind != REDIS_ARRAY || v->count != PART_COUNT || part[PART_MESSAGE].integer < 0 ||
        (size_t)part[PART_MESSAGE].integer >= messages || part[PART_SLICE].integer < 0)
        return false;
    memset(out, 0, sizeof *out);
    out->message = (size_t)part[PART_MESSAGE].integer;
    m = &s->messages[out->message];
    out->lease.shard = shard;
    out->lease.slice = (unsigned)part[PART_SLICE].integer;
    memcpy(out->lease.id, m->id, sizeof out->lease.id);
    out->due_ms = part[PART_DUE].integer;
    out->expires_ms = part[PART_ENDS].integer;
    out->cancelled = (part[PART_FLAGS].integer & CANCELLED) != 0;
    out->timed_out = (part[PART_FLAGS].integer & TIMED_OUT) != 0;
    out->addresses = part[PART_ADDRESSES].text;
    size = size_of(m, out->lease.slice);
    if (size == 0 || !slice_read(&out->slice, part[PART_RECORD].text, size))
        return false;
    out->slice.doubt = (uint16_t)part[PART_DOUBT].integer;
    return true;
}

/* What the script has put aside, or why it took no more. */
static bool read_aside(struct redis_schedule *s, const struct redis_value *v,
                       struct schedule_claimed *c)
{
    struct schedule_thing of = {.shard = c->shard};
    struct redis_value why = {.kind = REDIS_ERROR};

    if (v->kind != REDIS_ARRAY || v->count != ASIDE_COUNT)
        return false;
    view_copy(v->items[ASIDE_ID].text, of.id, sizeof of.id);
    why.text = v->items[ASIDE_WHY].text;
    if (of.id[0] == '\0') {
        schedule_unexpected(s, "claim", &of, &why);
        return true;
    }
    schedule_put_aside(s, &of, v->items[ASIDE_SLICE].integer, why.text, true);
    c->damaged++;
    return true;
}

/* One that is not understood here is none of the claim's, and put aside. */
static void refuse_slice(struct redis_schedule *s, const struct redis_value *v,
                         const struct redis_value *messages, struct schedule_claimed *c)
{
    struct schedule_thing of = {.shard = c->shard};
    const struct redis_value *part = v->items;
    int64_t at = v->kind == REDIS_ARRAY && v->count == PART_COUNT ? part[PART_MESSAGE].integer : -1;

    c->damaged++;
    if (at < 0 || (size_t)at >= messages->count || messages->items[at].kind != REDIS_ARRAY ||
        messages->items[at].count == 0)
        return; /* its lease ends */
    view_copy(messages->items[at].items[FIELD_ID].text, of.id, sizeof of.id);
    schedule_put_aside(s, &of, part[PART_SLICE].integer, VIEW("it can't be read"), false);
}

static bool read_claimed(struct redis_schedule *s, const struct redis_value *v,
                         struct schedule_claimed *c)
{
    const struct redis_value *messages = v->items + WHOLE_MESSAGES;
    const struct redis_value *slices = v->items + WHOLE_SLICES;
    const struct redis_value *aside = v->items + WHOLE_ASIDE;

    if (v->kind != REDIS_ARRAY || v->count != WHOLE_COUNT || messages->count > SCHEDULE_CLAIM_MAX ||
        slices->count > SCHEDULE_CLAIM_MAX)
        return false;
    c->now_ms = v->items[WHOLE_NOW].integer;
    c->next_ms = v->items[WHOLE_NEXT].integer;
    c->outbox_full = v->items[WHOLE_FULL].integer != 0;
    for (size_t i = 0; i < messages->count; i++)
        if (!read_message(&messages->items[i], &s->messages[i]))
            s->messages[i].destinations = 0; /* it has no slice that can be read */
    for (size_t i = 0; i < slices->count; i++)
        if (read_slice(s, &slices->items[i], c->shard, messages->count, &s->slices[c->slice_count]))
            c->slice_count++;
        else
            refuse_slice(s, &slices->items[i], messages, c);
    for (size_t i = 0; i < aside->count; i++)
        if (!read_aside(s, &aside->items[i], c))
            return false;
    return true;
}

static void on_claimed(struct redis_schedule *s, const struct schedule_thing *of,
                       const struct redis_value *v)
{
    struct schedule_claimed c = {
        .shard = of->shard, .state = SCHEDULE_DONE, .messages = s->messages, .slices = s->slices};

    if (v->kind != REDIS_ARRAY || !read_claimed(s, v, &c)) {
        schedule_unexpected(s, "claim", of, v);
        c.state = SCHEDULE_FAILED;
        c.slice_count = 0;
    }
    s->answers.claimed(s->answers.owner, &c);
}

static void send_some(struct redis_schedule *s, size_t from, size_t count)
{
    struct claims *q = &s->claims;
    struct schedule_group *g = schedule_group_new(s, "claim", count, on_claimed);
    struct view args[1 + CLAIM_ARGS_MAX + SCHEDULE_TOGETHER];
    char slices[24];
    char rooms[SCHEDULE_TOGETHER][24];
    unsigned shards[SCHEDULE_TOGETHER];
    size_t at = 0;
    size_t n = 0;

    args[n++] = schedule_number(slices, q->items[from].slices);
    for (size_t i = 0; i < q->args.count; i++) {
        args[n++] = (struct view){q->args.text.p + at, q->args.ends[i] - at};
        at = q->args.ends[i];
    }
    for (size_t i = 0; i < count; i++) {
        args[n++] = schedule_number(rooms[i], q->items[from + i].destinations);
        shards[i] = q->items[from + i].shard;
        g->things[i].shard = shards[i];
    }
    schedule_group_run(g, SCHEDULE_SCRIPT_CLAIM, shards, count, args, n);
}

static int by_slices(const void *a, const void *b)
{
    const struct claim_item *x = a;
    const struct claim_item *y = b;

    if (x->slices != y->slices)
        return x->slices < y->slices ? -1 : 1;
    return x->shard < y->shard ? -1 : 1;
}

/* From there on: how many of them one call takes. */
static size_t count_together(const struct redis_schedule *s, size_t from)
{
    const struct claims *q = &s->claims;
    size_t n = 1;

    while (from + n < q->count && n < schedule_together(s) &&
           q->items[from + n].slices == q->items[from].slices &&
           (n + 1) * q->items[from].slices <= SLICES_TOGETHER)
        n++;
    return n;
}

void schedule_claims_send(struct redis_schedule *s)
{
    struct claims *q = &s->claims;

    if (q->count > 1)
        qsort(q->items, q->count, sizeof *q->items, by_slices);
    for (size_t at = 0; at < q->count;) {
        size_t count = count_together(s, at);

        send_some(s, at, count);
        at += count;
    }
    q->count = 0;
}

static void put(struct claim_args *a, struct view arg)
{
    buf_put(&a->text, arg);
    a->ends[a->count++] = a->text.n;
}

static void put_number(struct claim_args *a, int64_t n)
{
    buf_put_int(&a->text, n);
    a->ends[a->count++] = a->text.n;
}

/* As claim.lua reads it. */
static void put_closed(struct claim_args *a, const struct schedule_closed *c)
{
    int64_t flag = c->own ? 3 : c->unknown ? 2 : c->alone;
    const int64_t numbers[] = {c->until_ms, c->more, c->room, flag, c->rate, c->head_start};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        buf_put_int(&a->text, numbers[i]);
        buf_put_text(&a->text, " ");
    }
    put(a, c->source);
}

static void put_args(struct redis_schedule *s, struct claim_args *a, const struct schedule_claim *c)
{
    char gated[64];

    buf_clear(&a->text);
    a->count = 0;
    put_number(a, c->quantum);
    put_number(a, c->lease_ms);
    put_number(a, c->head_start);
    view_copy(c->gated, gated, sizeof gated);
    for (char *p = gated; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    put(a, view_of(gated));
    put(a, (struct view){(const char *)s->conf.owner, sizeof s->conf.owner});
    put_number(a, s->conf.outbox_max);
    put(a, c->calls ? VIEW("1") : VIEW(""));
    put_number(a, c->ahead_ms);
    if (c->others != NULL)
        put_closed(a, c->others);
    else
        put(a, VIEW(""));
    put_number(a, (int64_t)c->closed_count);
    assert(a->count == CLAIM_ARGS);
    for (size_t i = 0; i < c->closed_count; i++)
        put_closed(a, &c->closed[i]);
    assert(!a->text.full);
}

static bool is_same(const struct claim_args *a, const struct claim_args *b)
{
    return a->count == b->count && a->text.n == b->text.n &&
           memcmp(a->ends, b->ends, a->count * sizeof a->ends[0]) == 0 &&
           memcmp(a->text.p, b->text.p, a->text.n) == 0;
}

void schedule_claim(void *ctx, const struct schedule_claim *c)
{
    struct redis_schedule *s = ctx;
    struct claims *q = &s->claims;

    assert(c->slices <= SCHEDULE_CLAIM_MAX && c->closed_count <= SCHEDULE_CLOSED_MAX &&
           c->quantum > 0 && c->lease_ms > 0);
    put_args(s, &q->fresh, c);
    if (q->count == 0 || !is_same(&q->args, &q->fresh)) {
        struct claim_args spare = q->args;

        schedule_claims_send(s);
        q->args = q->fresh;
        q->fresh = spare;
    }
    assert(q->count < SHARD_COUNT);
    q->items[q->count++] = (struct claim_item){c->shard, c->slices, c->destinations};
}

void schedule_claims_init(struct redis_schedule *s)
{
    buf_init(&s->claims.args.text, CLAIM_TEXT_MAX);
    buf_init(&s->claims.fresh.text, CLAIM_TEXT_MAX);
}

void schedule_claims_done(struct redis_schedule *s)
{
    buf_done(&s->claims.args.text);
    buf_done(&s->claims.fresh.text);
}
