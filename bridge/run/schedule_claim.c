#include "bridge/run/schedule_state.h"

#include "bridge/core/mem.h"
#include "bridge/ports/fault_point.h"

#include <assert.h>
#include <string.h>

/* ---- when ---- */

static struct shard *of_timer(struct heap_item *item)
{
    return (void *)((char *)item - offsetof(struct shard, claim_timer));
}

/* For one claim more than those that are out, each of which may bring all it asked for. */
static bool has_room(const struct schedule *s, const struct shard *sh)
{
    return sh->held - sh->slow < SCHEDULE_HELD_SHARD && s->held - s->slow < SCHEDULE_HELD_MAX &&
           s->holdings_used + (s->claims_out + 1) * SCHEDULE_SLICES_MORE <= SCHEDULE_HOLDINGS_MAX;
}

static int64_t claim_ms(const struct shard *sh)
{
    int64_t poll = sh->looked_ms + SCHEDULE_POLL_MS;

    return sh->due_ms < poll ? sh->due_ms : poll;
}

/* The one place that says when a shard is claimed from. */
static void arm(struct schedule *s, struct shard *sh)
{
    int64_t at = claim_ms(sh);

    if (at > schedule_now(s)) /* what is due is claimed ahead by more than this delays it */
        at += SCHEDULE_TOGETHER_MS - 1 - (at + SCHEDULE_TOGETHER_MS - 1) % SCHEDULE_TOGETHER_MS;
    heap_remove(&s->claims, &sh->claim_timer);
    if (!sh->claiming && !sh->blocked)
        heap_put(&s->claims, &sh->claim_timer, at);
}

void schedule_claim_init(struct schedule *s)
{
    heap_init(&s->claims);
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        s->shards[i].due_ms = schedule_now(s);
        s->shards[i].slices = SCHEDULE_SLICES_FIRST;
        arm(s, &s->shards[i]);
    }
}

void schedule_claim_done(struct schedule *s)
{
    heap_done(&s->claims);
}

static int64_t first_ms(const struct schedule *s)
{
    const struct heap_item *first = heap_first(&s->claims);

    return s->ending || first == NULL || !schedule_up(s) ? INT64_MAX : first->at_ms;
}

int64_t schedule_claim_wake_ms(const struct schedule *s)
{
    int64_t room = schedule_pace_wake_ms(s);

    return first_ms(s) < room ? first_ms(s) : room;
}

/* Of all of them: what blocks a shard may be what is held of the others. */
void schedule_claim_room(struct schedule *s)
{
    for (unsigned i = 0; i < SHARD_COUNT && s->blocked > 0; i++) {
        struct shard *sh = &s->shards[i];

        if (!sh->blocked || !has_room(s, sh))
            continue;
        sh->blocked = false;
        s->blocked--;
        arm(s, sh);
    }
}

void schedule_claim_all(struct schedule *s)
{
    int64_t now = schedule_now(s);

    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        if (s->shards[i].claiming)
            s->shards[i].woken_ms = now;
        s->shards[i].due_ms = now;
        arm(s, &s->shards[i]);
    }
}

/* ---- a claim ---- */

static void claim(struct schedule *s, unsigned number)
{
    struct shard *sh = &s->shards[number];
    struct schedule_claim c = {
        .shard = number,
        .slices = s->clock.known ? sh->slices : 0, /* what is closed is so by the store's clock */
        .destinations = (unsigned)(SCHEDULE_HELD_SHARD - (sh->held - sh->slow)),
        .quantum = SCHEDULE_QUANTUM,
        .lease_ms = s->conf.lease_ms,
        .ahead_ms = SCHEDULE_AHEAD_MS,
        .calls = s->conf.dialler >= 0 && !s->calls_shut,
        .head_start = SCHEDULE_HEAD_START,
        .gated = VIEW("whatsapp"),
        .closed = s->closed,
        .closed_count = s->closed_count,
        .others = s->has_others ? &s->others : NULL,
    };

    sh->claiming = true;
    sh->woken_ms = INT64_MAX;
    s->claims_out++;
    sh->asked_ms = schedule_now(s);
    s->port.schedule.claim(s->port.schedule.ctx, &c);
}

static size_t count_due(const struct schedule *s, int64_t now)
{
    size_t n = 0;

    for (unsigned i = 0; i < SHARD_COUNT; i++)
        n += s->shards[i].claim_timer.place != 0 && s->shards[i].claim_timer.at_ms <= now;
    return n;
}

void schedule_claim_due(struct schedule *s)
{
    int64_t now = schedule_now(s);

    schedule_pace_look(s);
    if (first_ms(s) <= now) {
        s->claims_due = count_due(s, now);
        schedule_closed_look(s);
    }
    while (first_ms(s) <= now) {
        struct shard *sh = of_timer(heap_first(&s->claims));

        heap_remove(&s->claims, &sh->claim_timer);
        if (has_room(s, sh)) {
            claim(s, (unsigned)(sh - s->shards));
        } else {
            sh->blocked = true;
            s->blocked++;
        }
    }
}

void schedule_woken(void *schedule, unsigned shard, int64_t due_ms)
{
    struct schedule *s = schedule;
    int64_t at = schedule_mono_of(s, due_ms) - SCHEDULE_AHEAD_MS;
    struct shard *sh = shard < SHARD_COUNT ? &s->shards[shard] : NULL;

    if (sh == NULL)
        return;
    if (sh->claiming && at < sh->woken_ms)
        sh->woken_ms = at;
    if (at >= sh->due_ms)
        return;
    sh->due_ms = at;
    arm(s, sh);
}

/* ---- what ---- */

static struct view keep(char **at, struct view v)
{
    struct view kept = {*at, v.n};

    if (v.n > 0)
        memcpy(*at, v.p, v.n);
    *at += v.n;
    return kept;
}

/* The kind of the channel that it goes out through; NULL: none. */
static const struct channel *kind_of(const struct schedule *s, const struct schedule_message *m)
{
    const struct sender *from = schedule_sender_find(s, m->source);

    return from != NULL ? from->channel->conf->setup.kind : NULL;
}

static struct content *content_new(const struct schedule *s, const struct schedule_message *m)
{
    struct content *c = mem_zeroed(1, sizeof *c);
    const struct view texts[] = {
        m->source,     m->sub_type,  m->content_type,   m->body,
        m->customer,   m->queue,     m->original_queue, m->original_queue_name,
        m->extra_data, m->gw_prefix, m->notes};
    size_t n = 0;
    char *at;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        n += texts[i].n;
    c->text = at = mem_zeroed(n + 1, 1);
    c->message = *m;
    c->message.source = keep(&at, m->source);
    c->message.sub_type = keep(&at, m->sub_type);
    c->message.content_type = keep(&at, m->content_type);
    c->message.body = keep(&at, m->body);
    c->message.customer = keep(&at, m->customer);
    c->message.queue = keep(&at, m->queue);
    c->message.original_queue = keep(&at, m->original_queue);
    c->message.original_queue_name = keep(&at, m->original_queue_name);
    c->message.extra_data = keep(&at, m->extra_data);
    c->message.gw_prefix = keep(&at, m->gw_prefix);
    c->message.notes = keep(&at, m->notes);
    if (m->kind == SCHEDULE_MESSAGE)
        c->usable = channel_content_init(&c->body, c->message.body,
                                         view_eq_nocase(c->message.content_type, VIEW("template")),
                                         kind_of(s, &c->message), c->message.sub_type, &c->fault);
    return c;
}

/* The claim itself has recorded the first of them. */
static void use_head_start(struct schedule *s, struct holding *h)
{
    unsigned left = schedule_needs_recipients(h) ? 0 : schedule_window_head_start(h);

    for (size_t i = 0; left > 0 && i < h->slice.watermark; i++)
        if ((h->states[i] & ~(HANDED | RESERVED)) == HANDOVER_WAITING) {
            schedule_move(s, h, i, HANDOVER_ON_MARK);
            left--;
        }
    schedule_hold_marked(s, h, h->marked_ms);
}

static void say_stranger(struct schedule *s, struct view source)
{
    char shown[MASK_TEXT_MAX];
    char small[SCHEDULE_SOURCE_MAX];
    int64_t now = schedule_now(s);
    struct stranger *to = &s->strangers[0]; /* the one known for longest */

    schedule_source_small(source, small);
    for (size_t i = 0; i < SCHEDULE_STRANGERS_MAX; i++) {
        if (s->strangers[i].until_ms > now && strcmp(small, s->strangers[i].source) == 0)
            return; /* other slices of the same claim */
        if (s->strangers[i].until_ms < to->until_ms)
            to = &s->strangers[i];
    }
    if (to->until_ms <= now || strcmp(small, to->source) != 0)
        notice_say(s->port.log, NOTICE_WARN, "no_sender",
                   NOTICE_TEXT("source", mask_address(source, shown)),
                   NOTICE_TEXT("reason", "no chat queue with a channel has this address; its "
                                         "messages wait"));
    view_copy(view_of(small), to->source, sizeof to->source);
    to->until_ms = now + SCHEDULE_SHUT_MS;
}

/* Later it is claims that leave it (struct schedule_closed, unknown and own). */
int64_t schedule_claim_rest_ms(const struct schedule *s, const struct holding *h, int64_t most_ms)
{
    const struct schedule_message *m = &h->content->message;
    int64_t since_ms = m->at_ms > m->created_ms ? m->at_ms : m->created_ms;
    int64_t rest = (schedule_store_ms(s) - since_ms) / 4;

    if (rest < SCHEDULE_STRANGER_MS)
        return SCHEDULE_STRANGER_MS;
    return rest < most_ms ? rest : most_ms;
}

static void take_message(struct schedule *s, struct holding *h)
{
    struct sender *from = schedule_sender_find(s, h->content->message.source);
    int64_t now = schedule_now(s);
    int64_t store = schedule_store_at(s, now);
    int64_t full_ms;
    int64_t open_ms;

    if (from == NULL) {
        say_stranger(s, h->content->message.source);
        schedule_hold_leave(s, h, LEAVING_RELEASED,
                            store + schedule_claim_rest_ms(s, h, SCHEDULE_STRANGER_MOST_MS), true);
        return;
    }
    schedule_sender_join(h, from);
    full_ms = schedule_closed_full_ms(s, from);
    from->held += h->count[HANDOVER_WAITING];
    if (schedule_is_slow(s, from))
        schedule_hold_slow(s, h);
    schedule_window_defer_put_off(s, h);
    open_ms = hours_open_ms(&from->conf->hours, from->conf->zone, store);
    if (!h->content->usable)
        schedule_hold_fail(s, h, h->content->fault.text);
    else if (schedule_is_over(s, h, now))
        schedule_hold_fail(s, h, "expired");
    else if (open_ms > store)
        schedule_hold_leave(s, h, LEAVING_RELEASED, open_ms, true);
    else if (full_ms > 0)
        schedule_hold_leave(s, h, LEAVING_RELEASED, store + full_ms,
                            !schedule_channel_fails_here(from->channel, now));
    else if (schedule_sender_shut_ms(s, from, now) <= now)
        use_head_start(s, h);
    h->renew_ms = h->marked_ms + s->conf.lease_ms / SCHEDULE_RENEWALS;
}

void schedule_claim_begin(struct schedule *s, struct holding *h)
{
    h->begin_ms = 0;
    schedule_hold_dirty(s, h);
    if (h->content->message.kind == SCHEDULE_CALLBACK)
        schedule_call_take(s, h);
    else
        take_message(s, h);
}

static void take_one(struct schedule *s, struct holding *h,
                     const struct schedule_claimed_slice *slice, int64_t store_ms)
{
    const struct schedule_message *m = &h->content->message;
    struct sender *from = schedule_sender_find(s, m->source);

    h->begin_ms = slice->due_ms > m->not_before_ms ? slice->due_ms : m->not_before_ms;
    /* What was asked for in the past is late since it was asked for; what had to rest, since it
     * need not any more, whoever has put it down or left it. */
    h->due_ms = h->begin_ms > m->created_ms ? h->begin_ms : m->created_ms;
    schedule_hold_dirty(s, h);
    if (from != NULL) /* so that it is known when its time has come */
        schedule_gate_look(s, from, schedule_now(s));
    if (slice->cancelled)
        schedule_hold_leave(s, h, LEAVING_CANCELLED, store_ms, false);
    else if (slice->timed_out)
        schedule_call_timed_out(s, h);
    else if (h->begin_ms <= store_ms)
        schedule_claim_begin(s, h);
}

static void take(struct schedule *s, const struct schedule_claimed *c, int64_t asked_ms)
{
    struct content *contents[SCHEDULE_CLAIM_MAX] = {NULL};

    assert(c->slice_count <= SCHEDULE_CLAIM_MAX);
    for (size_t i = 0; i < c->slice_count; i++) {
        const struct schedule_claimed_slice *slice = &c->slices[i];
        struct holding *h;

        assert(slice->message < SCHEDULE_CLAIM_MAX);
        if (contents[slice->message] == NULL)
            contents[slice->message] = content_new(s, &c->messages[slice->message]);
        h = schedule_hold_new(s, contents[slice->message], slice);
        h->marked_ms = asked_ms;
        h->renew_ms = asked_ms + s->conf.lease_ms / SCHEDULE_RENEWALS;
        take_one(s, h, slice, c->now_ms);
    }
}

/* Each shard has its own: of the others more may be sent. */
void schedule_outbox_full(struct schedule *s, unsigned shard, bool full)
{
    struct shard *sh = &s->shards[shard];
    bool some = s->outboxes_full > 0;

    if (sh->outbox_full == full)
        return;
    sh->outbox_full = full;
    s->outboxes_full = full ? s->outboxes_full + 1 : s->outboxes_full - 1;
    if (some == (s->outboxes_full > 0))
        return;
    stat_set(s->stat_outbox_full, some ? 0 : 1);
    notice_say(s->port.log, some ? NOTICE_INFO : NOTICE_WARN, "outbox",
               NOTICE_TEXT("state", some ? "has room" : "full"), NOTICE_INT("shard", shard));
}

void schedule_claimed(void *schedule, const struct schedule_claimed *c)
{
    struct schedule *s = schedule;
    struct shard *sh = &s->shards[c->shard];
    int64_t now = schedule_now(s);

    assert(sh->claiming);
    sh->claiming = false;
    s->claims_out--;
    sh->looked_ms = now;
    if (c->state != SCHEDULE_DONE) {
        sh->due_ms = now + SCHEDULE_AGAIN_MS;
        arm(s, sh);
        schedule_claim_room(s);
        return;
    }
    stat_add(s->stat_damaged, (int64_t)c->damaged);
    sh->slices = c->slice_count < sh->slices ? SCHEDULE_SLICES_FIRST : SCHEDULE_SLICES_MORE;
    far_clock_heard(&s->clock, sh->asked_ms, now, c->now_ms);
    schedule_outbox_full(s, c->shard, c->outbox_full);
    sh->due_ms = c->next_ms == 0 ? INT64_MAX : schedule_mono_of(s, c->next_ms);
    if (sh->woken_ms < sh->due_ms) /* the claim may have looked before that came */
        sh->due_ms = sh->woken_ms;
    if (c->outbox_full)
        sh->due_ms = now + SCHEDULE_AGAIN_MS;
    if (c->slice_count > 0)
        FAULT_POINT(CLAIMED);
    take(s, c, sh->asked_ms);
    arm(s, sh);
    schedule_claim_room(s);
}
