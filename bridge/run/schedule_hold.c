#include "bridge/run/schedule_state.h"

#include "bridge/core/address_list.h"
#include "bridge/core/mem.h"

#include <assert.h>
#include <string.h>

/* ---- one holding ---- */

uint64_t schedule_hold_token(const struct holding *h)
{
    return TOKEN(TOKEN_HOLDING, (uint64_t)h->generation << 32 | h->index);
}

struct holding *schedule_hold_find(const struct schedule *s, uint64_t token_rest)
{
    uint32_t index = (uint32_t)token_rest;
    struct holding *h;

    assert(index < s->holding_count);
    h = s->holdings[index];
    return h->content != NULL && h->generation == token_rest >> 32 ? h : NULL;
}

static struct holding *of_timer(struct heap_item *item)
{
    return (void *)((char *)item - offsetof(struct holding, timer));
}

struct view schedule_address(const struct holding *h, size_t i)
{
    return (struct view){h->addresses + h->address_at[i], h->address_at[i + 1] - h->address_at[i]};
}

enum handover_state schedule_state_of(const struct holding *h, size_t i)
{
    return (enum handover_state)(h->states[i] & ~(DEFERRED | HANDED | RESERVED));
}

static void read_addresses(struct holding *h, struct view list)
{
    size_t n = 0;
    size_t count = 0;
    uint32_t at = 0;
    struct view address;

    h->addresses = mem_zeroed(list.n + 1, 1);
    h->address_at = mem_zeroed((size_t)h->slice.count + 1, sizeof *h->address_at);
    if (!address_list_open(&list, &count))
        count = 0; /* a callback has none */
    while (n < h->slice.count && n < count && address_list_next(&list, &address)) {
        memcpy(h->addresses + at, address.p, address.n);
        at += (uint32_t)address.n;
        h->address_at[++n] = at;
    }
    while (n < h->slice.count)
        h->address_at[++n] = at;
}

static struct holding *unused(struct schedule *s)
{
    struct holding *h = s->unused;

    if (h != NULL) {
        s->unused = h->next;
        h->next = NULL;
        return h;
    }
    assert(s->holding_count < SCHEDULE_HOLDINGS_MAX);
    h = mem_zeroed(1, sizeof *h);
    h->index = (uint32_t)s->holding_count;
    s->holdings[s->holding_count++] = h;
    return h;
}

/* An earlier holder of this pass has put off some to the next one. When its attempts ended is not
 * known; before now. */
static bool has_put_off(const struct slice *s)
{
    unsigned any = 0;

    for (size_t i = 0; i < sizeof s->pending; i++)
        any |= (unsigned)(s->pending[i] & s->settled[i]);
    return any != 0;
}

void schedule_hold_count(struct schedule *s, const struct holding *h, int64_t more)
{
    struct shard *sh = &s->shards[h->lease.shard];

    s->held += more;
    sh->held += more;
    if (h->slow) {
        s->slow += more;
        sh->slow += more;
    }
    stat_set(s->stat_held, s->held);
}

void schedule_hold_slow(struct schedule *s, struct holding *h)
{
    int64_t left = (int64_t)slice_left(&h->slice);

    assert(!h->slow);
    schedule_hold_count(s, h, -left);
    h->slow = true;
    s->slow_count++;
    schedule_hold_count(s, h, left);
    schedule_claim_room(s);
}

struct holding *schedule_hold_new(struct schedule *s, struct content *content,
                                  const struct schedule_claimed_slice *slice)
{
    struct holding *h = unused(s);

    h->content = content;
    content->users++;
    h->lease = slice->lease;
    h->slice = slice->slice;
    h->acknowledged = h->slice.watermark;
    buf_init(&h->fresh.text, 2 * SETTLEMENT_TEXT_MAX * SCHEDULE_SETTLED_MAX);
    buf_init(&h->gone.text, 2 * SETTLEMENT_TEXT_MAX * SCHEDULE_SETTLED_MAX);
    read_addresses(h, slice->addresses);
    h->states = mem_zeroed(h->slice.count, 1);
    for (size_t i = 0; i < h->slice.count; i++)
        h->states[i] = HANDOVER_STOPPED;
    for (size_t i = slice_next(&h->slice, 0); i < h->slice.count;
         i = slice_next(&h->slice, i + 1)) {
        h->states[i] = HANDOVER_WAITING;
        h->count[HANDOVER_WAITING]++;
    }
    if (has_put_off(&h->slice))
        h->retry_at_ms = schedule_store_most_ms(s) + content->message.retry_delay_ms;
    s->holdings_used++;
    schedule_hold_count(s, h, h->count[HANDOVER_WAITING]);
    return h;
}

static void content_drop(struct content *c)
{
    if (--c->users > 0)
        return;
    if (c->usable)
        channel_content_done(&c->body);
    mem_free(c->text);
    mem_free(c);
}

/* What was held and neither settled nor given up yet. */
static void uncount(struct schedule *s, struct holding *h)
{
    schedule_hold_count(s, h, -(int64_t)slice_left(&h->slice));
    s->slow_count -= h->slow;
    if (h->sender == NULL)
        return;
    h->sender->held -=
        h->count[HANDOVER_WAITING] + h->count[HANDOVER_MARKING] + h->count[HANDOVER_MARKED];
    h->sender->ready -=
        (int64_t)(h->count[HANDOVER_MARKING] + h->count[HANDOVER_MARKED]) * schedule_parts_of(h);
}

void schedule_hold_free(struct schedule *s, struct holding *h)
{
    uint32_t index = h->index;
    uint32_t generation = h->generation;
    bool dirty = h->dirty;
    struct holding *next_dirty = h->next_dirty;

    assert(h->count[HANDOVER_SENDING] == 0);
    heap_remove(&s->timers, &h->timer);
    schedule_ring_take(h);
    schedule_window_forget(h);
    schedule_call_forget(s, h);
    uncount(s, h);
    content_drop(h->content);
    schedule_unrecorded(h, -(int64_t)(h->fresh.count + h->gone.count));
    schedule_batch_done(&h->fresh);
    schedule_batch_done(&h->gone);
    schedule_sender_part(h);
    mem_free(h->addresses);
    mem_free(h->address_at);
    mem_free(h->states);
    *h = (struct holding){.index = index,
                          .generation = (generation + 1) & TOKEN_GENERATIONS,
                          .dirty = dirty,
                          .next_dirty = next_dirty};
    h->next = s->unused;
    s->unused = h;
    s->holdings_used--;
    schedule_claim_room(s);
}

/* ---- states ---- */

static bool is_before(enum handover_state state)
{
    return state == HANDOVER_WAITING || state == HANDOVER_MARKING || state == HANDOVER_MARKED;
}

static bool is_ready(enum handover_state state)
{
    return state == HANDOVER_MARKING || state == HANDOVER_MARKED;
}

static void count_sender(const struct holding *h, enum handover_state from, enum handover_state to)
{
    if (is_before(from) != is_before(to))
        h->sender->held += is_before(to) ? 1 : -1;
    if (is_ready(from) != is_ready(to))
        h->sender->ready += is_ready(to) ? schedule_parts_of(h) : -schedule_parts_of(h);
}

void schedule_move(struct schedule *s, struct holding *h, size_t i, enum handover_event event)
{
    enum handover_state from = schedule_state_of(h, i);
    enum handover_state to = handover_next(from, event);
    unsigned kept = HANDED | RESERVED;

    if (from == HANDOVER_SENDING && event != HANDOVER_ON_BACK)
        kept = HANDED; /* it was sent: nobody gets that gap back */
    if ((h->states[i] & DEFERRED) != 0 && --h->deferred == 0)
        h->deferred_ms = 0;
    h->states[i] = (uint8_t)((h->states[i] & kept) | to);
    h->count[from]--;
    h->count[to]++;
    if (h->sender != NULL)
        count_sender(h, from, to);
    if (to == HANDOVER_MARKED && i < h->cursor)
        h->cursor = i;
    if (h->count[HANDOVER_MARKED] == 0)
        schedule_ring_take(h);
    if (h->count[HANDOVER_WAITING] == 0)
        schedule_window_forget(h);
    if (from == HANDOVER_WAITING)
        schedule_window_taken(s, h);
    schedule_hold_dirty(s, h);
}

void schedule_hold_dirty(struct schedule *s, struct holding *h)
{
    if (h->dirty)
        return;
    h->dirty = true;
    h->next_dirty = s->dirty;
    s->dirty = h;
}

void schedule_move_all(struct schedule *s, struct holding *h, enum handover_state from,
                       enum handover_event event)
{
    for (size_t i = 0; h->count[from] > 0 && i < h->slice.count; i++)
        if (schedule_state_of(h, i) == from)
            schedule_move(s, h, i, event);
}

void schedule_hold_unmark(struct schedule *s, struct holding *h)
{
    schedule_move_all(s, h, HANDOVER_MARKING, HANDOVER_ON_UNMARKED);
}

void schedule_hold_put_down(struct schedule *s, struct holding *h)
{
    if (h->sender == NULL) {
        schedule_call_put_down(s, h);
        return;
    }
    if (h->recipients_asked)
        schedule_recipients_give_up(s, h);
    schedule_hold_unmark(s, h);
    schedule_move_all(s, h, HANDOVER_MARKED, HANDOVER_ON_STALE);
    schedule_window_forget(h);
}

void schedule_hold_fail(struct schedule *s, struct holding *h, const char *reason)
{
    for (size_t i = 0; i < h->slice.count; i++) {
        if (schedule_state_of(h, i) != HANDOVER_WAITING)
            continue;
        schedule_move(s, h, i, HANDOVER_ON_REFUSE);
        schedule_settle(s, h, i,
                        &(struct settle){
                            .state = SETTLEMENT_FAILED,
                            .reason = view_of(reason),
                            .possible_duplicate = slice_doubtful(&h->slice, i),
                            .unasked = true,
                        });
    }
}

void schedule_hold_marked(struct schedule *s, struct holding *h, int64_t asked_ms)
{
    int64_t last_ms;

    h->fence_ms = asked_ms + s->conf.lease_ms - SCHEDULE_FENCE_MS;
    if (h->sender != NULL)
        h->fence_ms -= h->sender->channel->conf->timeout_ms;
    h->held_ms = h->fence_ms;
    if (h->sender != NULL && (last_ms = schedule_last_ms(s, h, asked_ms)) < h->fence_ms)
        h->fence_ms = last_ms;
    h->renew_ms = asked_ms + s->conf.lease_ms / SCHEDULE_RENEWALS;
    if (h->count[HANDOVER_MARKING] == 0)
        return;
    if (h->leaving != LEAVING_NOT)
        schedule_hold_unmark(s, h);
    else if (schedule_needs_recipients(h))
        schedule_recipients_ask(s, h);
    else
        schedule_window_marked(s, h, asked_ms);
}

/* ---- the way out ---- */

/* Nothing from there on is out: what is neither settled nor being sent was certainly not sent by
 * this process, and by another only where the claim said that it may have been. */
static size_t out_to(const struct holding *h)
{
    size_t to = 0;

    for (size_t i = slice_next(&h->slice, 0); i < h->slice.watermark;
         i = slice_next(&h->slice, i + 1))
        if (slice_doubtful(&h->slice, i) || schedule_state_of(h, i) == HANDOVER_SENDING)
            to = i + 1;
    return to;
}

static void take_back(struct holding *h)
{
    if (h->slice.open && h->slice.watermark > 0)
        slice_take_back(&h->slice, out_to(h));
}

void schedule_hold_leave(struct schedule *s, struct holding *h, enum leaving why, int64_t at_ms,
                         bool park)
{
    schedule_hold_dirty(s, h);
    if (why == LEAVING_LOST) {
        stat_add(s->stat_fenced, 1);
        schedule_unrecorded(h, -(int64_t)h->fresh.count);
        schedule_batch_done(&h->fresh);
        buf_init(&h->fresh.text, 2 * SETTLEMENT_TEXT_MAX * SCHEDULE_SETTLED_MAX);
        h->settled_ms = 0;
    } else if (h->leaving != LEAVING_NOT) {
        return;
    }
    h->leaving = why;
    h->leave_at_ms = at_ms;
    h->leave_park = park;
    schedule_ring_take(h);
    schedule_window_forget(h);
    schedule_call_forget(s, h);
}

static void stop_rest(struct schedule *s, struct holding *h)
{
    if (h->count[HANDOVER_WAITING] + h->count[HANDOVER_MARKING] + h->count[HANDOVER_MARKED] == 0)
        return;
    schedule_move_all(s, h, HANDOVER_WAITING, HANDOVER_ON_STOP);
    schedule_move_all(s, h, HANDOVER_MARKING, HANDOVER_ON_STOP);
    schedule_move_all(s, h, HANDOVER_MARKED, HANDOVER_ON_STOP);
    take_back(h);
}

/* Of a cancelled message, what another process may have sent is told of, and the slice has ended.
 */
static void tell_doubtful(struct schedule *s, struct holding *h)
{
    for (size_t i = slice_next(&h->slice, 0); i < h->slice.watermark;
         i = slice_next(&h->slice, i + 1))
        schedule_tell_unknown(s, h, i);
    if (h->slice.watermark > 0)
        slice_take_back(&h->slice, 0);
}

/* ---- looking at one ---- */

/* When they are written; those of all slices that have some are at once. */
static int64_t settle_ms(const struct holding *h)
{
    int64_t at = h->settled_ms + SCHEDULE_SETTLE_MS - 1;

    return at - at % SCHEDULE_SETTLE_MS;
}

static bool settlements_due(const struct holding *h, int64_t now)
{
    const struct channel_of *c = h->sender != NULL ? h->sender->channel : NULL;
    bool many = c != NULL && c->unrecorded >= c->conf->slots;

    return h->fresh.count >= SCHEDULE_SETTLE_COUNT ||
           (h->fresh.count > 0 && (many || now >= settle_ms(h)));
}

static void wake_at(struct schedule *s, struct holding *h, int64_t at, int64_t now)
{
    int64_t end_ms;

    if (h->renew_ms < at)
        at = h->renew_ms;
    if (h->fresh.count > 0 && settle_ms(h) < at)
        at = settle_ms(h);
    if (h->count[HANDOVER_MARKED] > 0 && h->marked_ms + SCHEDULE_MARKED_MS < at)
        at = h->marked_ms + SCHEDULE_MARKED_MS;
    if (h->leaving == LEAVING_NOT && h->deferred_ms > 0 && h->deferred_ms < at)
        at = h->deferred_ms;
    if (h->sender != NULL && (end_ms = schedule_end_ms(s, h, now)) < INT64_MAX) {
        end_ms = schedule_mono_of(s, end_ms);
        if (end_ms > now && end_ms < at)
            at = end_ms;
    }
    heap_remove(&s->timers, &h->timer);
    heap_put(&s->timers, &h->timer, at);
}

static void look_leaving(struct schedule *s, struct holding *h, int64_t now)
{
    stop_rest(s, h);
    if (h->leaving == LEAVING_LOST) {
        if (h->count[HANDOVER_SENDING] == 0) {
            schedule_give_back(s, h);
            schedule_hold_free(s, h);
        }
        return;
    }
    if (h->count[HANDOVER_SENDING] > 0) {
        if (settlements_due(h, now) || now >= h->renew_ms)
            schedule_write(s, h, WRITE_PROGRESS);
        else
            wake_at(s, h, INT64_MAX, now);
        return;
    }
    take_back(h);
    if (h->leaving == LEAVING_CANCELLED)
        tell_doubtful(s, h);
    schedule_write(s, h, slice_left(&h->slice) == 0 ? WRITE_FINISH : WRITE_RELEASE);
}

/* All that is left waits by itself. */
static bool has_deferred_all(const struct holding *h)
{
    return h->deferred > 0 && h->deferred == slice_left(&h->slice);
}

/* And longer than is worth a lease, and room. What is put off is known to the store; who waits for
 * a gap has to ask for it anew. Of a stopped channel others may try it, of its message a slice. */
static bool has_put_off_all(const struct holding *h, int64_t now)
{
    int64_t worth_ms = h->sender->channel->stopped ? 0
                       : h->slice.put_off > 0      ? SCHEDULE_POLL_MS
                                                   : SCHEDULE_GAP_WORTH_MS;

    return has_deferred_all(h) && h->deferred_ms > now + worth_ms;
}

/* For every process where it can be sent by none; else this one leaves it to the others, until it
 * may try again, or knows what came of that. */
static void leave_shut(struct schedule *s, struct holding *h, int64_t now, int64_t shut_ms)
{
    int64_t to_all_ms = schedule_sender_shut_to_all_ms(s, h->sender, now);
    int64_t for_ms = shut_ms > now ? shut_ms - now : SCHEDULE_STRANGER_MOST_MS;

    if (to_all_ms > now + SCHEDULE_POLL_MS && has_deferred_all(h) && h->deferred_ms > to_all_ms)
        schedule_hold_leave(s, h, LEAVING_RELEASED, schedule_store_at(s, h->deferred_ms), false);
    else if (to_all_ms > now + SCHEDULE_POLL_MS)
        schedule_hold_leave(s, h, LEAVING_RELEASED, schedule_store_at(s, to_all_ms), true);
    else
        schedule_hold_leave(s, h, LEAVING_RELEASED,
                            schedule_store_at(s, now) + schedule_closed_own_ms(s, h, for_ms),
                            false);
}

static void look_message(struct schedule *s, struct holding *h, int64_t now)
{
    int64_t shut_ms;

    if (h->count[HANDOVER_MARKED] > 0 &&
        (now >= h->marked_ms + SCHEDULE_MARKED_MS || now >= h->fence_ms))
        schedule_window_stale(s, h);
    if (h->count[HANDOVER_WAITING] > 0 && schedule_is_over(s, h, now))
        schedule_hold_fail(s, h, "expired");
    if (slice_left(&h->slice) == 0) {
        if (h->fresh.count == 0 || settlements_due(h, now) || now >= h->renew_ms || s->ending)
            schedule_write(s, h, WRITE_FINISH);
        else
            wake_at(s, h, INT64_MAX, now);
        return;
    }
    if (h->deferred_ms > 0 && now >= h->deferred_ms)
        schedule_window_end_deferral(s, h);
    schedule_window_defer_stoppers(s, h);
    shut_ms = schedule_sender_shut_ms(s, h->sender, now);
    if (shut_ms > now + SCHEDULE_POLL_MS ||
        (schedule_channel_fails_here(h->sender->channel, now) &&
         (shut_ms > now || schedule_channel_tries(h->sender->channel, now)) &&
         h->count[HANDOVER_SENDING] == 0)) {
        leave_shut(s, h, now, shut_ms);
        look_leaving(s, h, now);
        return;
    }
    if (shut_ms <= now && now < schedule_last_ms(s, h, now) && schedule_window_want(s, h))
        return;
    if (has_put_off_all(h, now)) {
        schedule_hold_leave(s, h, LEAVING_RELEASED, schedule_store_at(s, h->deferred_ms), false);
        look_leaving(s, h, now);
        return;
    }
    if (settlements_due(h, now) || now >= h->renew_ms)
        schedule_write(s, h, WRITE_PROGRESS);
    else
        wake_at(s, h, shut_ms > now ? shut_ms : INT64_MAX, now);
}

/* The store's answer is awaited; it is worth waiting for only as long as a mark is. */
static void look_busy(struct schedule *s, struct holding *h, int64_t now)
{
    int64_t worth_ms = h->write_asked_ms + SCHEDULE_MARKED_MS;

    if (h->write_failed && now >= h->write_again_ms)
        schedule_write_again(s, h);
    else if (h->write_failed)
        heap_put(&s->timers, &h->timer, h->write_again_ms);
    else if (now < worth_ms)
        heap_put(&s->timers, &h->timer, worth_ms);
    else
        schedule_hold_put_down(s, h);
}

void schedule_hold_look_at(struct schedule *s, const struct channel_of *c)
{
    for (size_t i = 0; i < s->holding_count; i++)
        if (s->holdings[i]->sender != NULL && s->holdings[i]->sender->channel == c)
            schedule_hold_dirty(s, s->holdings[i]);
}

static void look(struct schedule *s, struct holding *h)
{
    int64_t now = schedule_now(s);
    int64_t store = schedule_store_at(s, now);

    heap_remove(&s->timers, &h->timer);
    if (h->write != WRITE_NONE || h->recipients_asked) {
        look_busy(s, h, now);
        return;
    }
    if (s->ending && h->leaving == LEAVING_NOT && !h->call_begun) /* it may be claimed ahead */
        schedule_hold_leave(s, h, LEAVING_RELEASED, store > h->begin_ms ? store : h->begin_ms,
                            false);
    if (h->leaving != LEAVING_NOT)
        look_leaving(s, h, now);
    else if (h->begin_ms > store)
        heap_put(&s->timers, &h->timer, schedule_mono_of(s, h->begin_ms));
    else if (h->begin_ms > 0)
        schedule_claim_begin(s, h);
    else if (h->content->message.kind == SCHEDULE_CALLBACK)
        schedule_call_look(s, h, now);
    else
        look_message(s, h, now);
}

void schedule_hold_look_all(struct schedule *s)
{
    struct heap_item *item;
    int64_t now = schedule_now(s);

    while ((item = heap_first(&s->timers)) != NULL && item->at_ms <= now) {
        heap_remove(&s->timers, item);
        schedule_hold_dirty(s, of_timer(item));
    }
    do {
        while (s->dirty != NULL) {
            struct holding *h = s->dirty;

            s->dirty = h->next_dirty;
            h->next_dirty = NULL;
            h->dirty = false;
            if (h->content != NULL)
                look(s, h);
        }
    } while (schedule_window_due(s));
}
