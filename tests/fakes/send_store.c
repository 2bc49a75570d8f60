#include "tests/fakes/send_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/address_list.h"
#include "bridge/core/mem.h"
#include "bridge/core/num.h"

#include <stdio.h>
#include <string.h>

#define RETENTION_MS 3600000

void send_store_init(struct send_store *m)
{
    memset(m, 0, sizeof *m);
}

void send_store_done(struct send_store *m)
{
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < m->messages[i].slices; k++)
            buf_done(&m->messages[i].slice[k].addresses);
    for (size_t i = 0; i < m->event_count; i++)
        mem_free(m->events[i].blob);
}

struct send_store_message *send_store_add(struct send_store *m, enum schedule_kind kind,
                                          size_t count)
{
    struct send_store_message *to = &m->messages[m->count];
    char address[32];

    assert_true(m->count < SEND_STORE_MESSAGES_MAX && count <= SEND_STORE_DEST_MAX);
    memset(to, 0, sizeof *to);
    (void)snprintf(to->id, sizeof to->id, "%032zX", m->count * 7 + 1);
    to->shard = shard_of(view_of(to->id));
    to->kind = kind;
    to->count = count;
    to->slices = (count + SEND_STORE_SLICE - 1) / SEND_STORE_SLICE;
    to->live = true;
    to->body = "Hello";
    to->callback = (struct callback_state){.open = true, .max_calls = 3, .last_call_ms = -1};
    for (size_t k = 0; k < to->slices; k++) {
        struct send_store_slice *s = &to->slice[k];
        size_t n = count - k * SEND_STORE_SLICE < SEND_STORE_SLICE ? count - k * SEND_STORE_SLICE
                                                                   : SEND_STORE_SLICE;

        assert_true(slice_read(&s->slice, VIEW_NONE, n));
        s->queued = true;
        buf_init(&s->addresses, 4096);
        address_list_begin(&s->addresses);
        for (size_t i = 0; i < n; i++) {
            (void)snprintf(address, sizeof address, "+358400%02zu%02zu", m->count,
                           k * SEND_STORE_SLICE + i);
            address_list_add(&s->addresses, view_of(address));
        }
        address_list_end(&s->addresses, n);
    }
    m->count++;
    return to;
}

struct send_store_message *send_store_find(struct send_store *m, const char *id)
{
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->messages[i].id, id) == 0)
            return &m->messages[i];
    fail_msg("no message has the id %s", id);
    return &m->messages[0];
}

struct send_store_message *send_store_of_address(struct send_store *m, struct view address,
                                                 size_t *dest)
{
    struct view number = view_skip(address, 7);
    int64_t n = 0;

    if (number.p[0] == '0')
        number = view_skip(number, 1);
    while (number.n > 1 && number.p[0] == '0')
        number = view_skip(number, 1);
    assert_true(num_in(number, 0, 9999, &n) && (size_t)n / 100 < m->count);
    *dest = (size_t)n % 100;
    return &m->messages[n / 100];
}

/* ---- the outbox ---- */

static struct schedule_event *event(struct send_store *m, const struct send_store_message *message,
                                    enum schedule_event_type type, int64_t now_ms)
{
    struct send_store_event *e = &m->events[m->event_count];

    assert_true(m->event_count < SEND_STORE_EVENTS_MAX);
    *e = (struct send_store_event){.shard = message->shard};
    (void)snprintf(e->event.id, sizeof e->event.id, "%zu-0", m->event_count++);
    e->event.type = type;
    e->event.at_ms = now_ms;
    view_copy(view_of(message->id), e->event.message, sizeof e->event.message);
    return &e->event;
}

static void settled_event(struct send_store *m, const struct send_store_message *message,
                          const struct schedule_write *w, int64_t now_ms)
{
    struct schedule_event *e;
    struct buf blob;

    if (w->settled_count == 0 || w->quiet)
        return;
    e = event(m, message, SCHEDULE_EVENT_SETTLED, now_ms);
    buf_init(&blob, 1 << 20);
    for (size_t i = 0; i < w->settled_count; i++)
        settlement_put_event(&blob, &w->settled[i]);
    e->slice = w->lease->slice;
    e->overtaken = message->deleted;
    m->events[m->event_count - 1].blob = mem_text(blob.p, blob.n);
    e->blob = (struct view){m->events[m->event_count - 1].blob, blob.n};
    buf_done(&blob);
}

/* ---- claim ---- */

static void reap(struct send_store_message *message, int64_t now_ms)
{
    for (size_t k = 0; k < message->slices; k++) {
        struct send_store_slice *s = &message->slice[k];

        if (!s->leased || s->lease_ends_ms > now_ms)
            continue;
        s->leased = false;
        memset(s->slice.holder, 0, sizeof s->slice.holder);
        s->queued = message->live || (message->deleted && slice_out(&s->slice) > 0);
        s->due_ms = now_ms;
    }
}

#define OWN_MS 250 /* claim.lua's REST */

/* What one claim's closed sources have left. */
struct room {
    int64_t more, room, head_start;
};

static const struct schedule_closed *
closed_of(const struct schedule_claim *c, const struct send_store_message *message, int64_t now_ms)
{
    for (size_t i = 0; i < c->closed_count; i++)
        if (view_is(c->closed[i].source, message->source) && !message->deleted &&
            c->closed[i].until_ms > now_ms + c->ahead_ms)
            return &c->closed[i];
    return NULL;
}

/* As claim.lua's rests. */
static bool is_closed(const struct schedule_closed *from, const struct room *left,
                      const struct send_store_message *message, unsigned by, int64_t fresh_ms)
{
    bool mine = false;
    bool others = false;

    if (from == NULL)
        return false;
    for (size_t k = 0; k < message->slices; k++) {
        const struct send_store_slice *s = &message->slice[k];

        mine |= s->leased && s->by == by;
        others |= s->leased && s->by != by && s->lease_ends_ms > fresh_ms;
    }
    if ((others && from->alone) || (mine && left->more <= 0))
        return true;
    return !mine && 2 * (int64_t)message->slice[0].slice.count > left->room;
}

static void describe(const struct send_store_message *message, struct schedule_message *out)
{
    *out = (struct schedule_message){
        .kind = message->kind,
        .destinations = (int64_t)message->count,
        .slices = (int64_t)message->slices,
        .at_ms = message->at_ms,
        .not_before_ms = message->park_ms,
        .retry_delay_ms = message->retry_delay_ms,
        .attempts_max = message->attempts_max,
        .weight = 1,
        .source = view_of(message->source),
        .sub_type = view_of(message->sub_type),
        .body = view_of(message->body),
        .callback = message->callback,
        .calls = message->calls,
        .customer = view_of(message->id),
    };
    view_copy(view_of(message->id), out->id, sizeof out->id);
}

static void take(struct send_store *m, const struct schedule_claim *c, unsigned by,
                 struct send_store_message *message, size_t k, int64_t now_ms, struct room *left,
                 struct schedule_claimed_slice *out)
{
    struct send_store_slice *s = &message->slice[k];
    uint8_t holder[SLICE_HOLDER_BYTES] = {0};
    uint64_t fence = ++m->fences;
    uint16_t mark = s->slice.watermark;
    size_t most = c->head_start < s->slice.count ? c->head_start : s->slice.count;

    memcpy(holder, &fence, sizeof fence);
    slice_claim(&s->slice, holder);
    *out = (struct schedule_claimed_slice){
        .lease = {.shard = c->shard, .slice = (unsigned)k},
        .due_ms = s->due_ms,
        .expires_ms = now_ms + c->lease_ms,
        .addresses = message->kind == SCHEDULE_MESSAGE ? buf_view(&s->addresses) : VIEW_NONE,
        .cancelled = message->deleted,
        .timed_out = message->kind == SCHEDULE_CALLBACK && mark > 0,
    };
    view_copy(view_of(message->id), out->lease.id, sizeof out->lease.id);
    if (left != NULL && (int64_t)most > mark + left->head_start)
        most = mark + (size_t)left->head_start;
    if (!message->deleted && message->kind == SCHEDULE_MESSAGE && most > mark &&
        !view_is(c->gated, message->sub_type)) {
        slice_hand_over(&s->slice, most);
        if (left != NULL)
            left->head_start -= (int64_t)(most - mark);
    }
    out->slice = s->slice;
    s->queued = false;
    s->leased = true;
    s->by = by;
    s->lease_ends_ms = now_ms + c->lease_ms;
}

static void next_is(int64_t *next, int64_t at)
{
    if (*next == 0 || at < *next)
        *next = at;
}

void send_store_claim(struct send_store *m, const struct schedule_claim *c, unsigned by,
                      int64_t now_ms, struct send_store_claimed *out)
{
    struct schedule_claimed *a = &out->answer;
    size_t used = 0;
    size_t messages = 0;
    int64_t next = 0;
    struct room rooms[SCHEDULE_CLOSED_MAX];

    for (size_t i = 0; i < c->closed_count; i++)
        rooms[i] = (struct room){c->closed[i].more, c->closed[i].room, c->closed[i].head_start};
    *a = (struct schedule_claimed){
        .shard = c->shard, .now_ms = now_ms, .messages = out->messages, .slices = out->slices};
    for (size_t i = 0; i < m->count; i++) {
        struct send_store_message *message = &m->messages[i];
        size_t before = a->slice_count;
        int64_t soon = now_ms + c->ahead_ms;
        const struct schedule_closed *from = closed_of(c, message, now_ms);
        struct room *left = from == NULL ? NULL : &rooms[from - c->closed];

        if (message->shard != c->shard)
            continue;
        reap(message, now_ms);
        for (size_t k = 0; k < message->slices; k++) {
            struct send_store_slice *s = &message->slice[k];

            if (s->leased)
                next_is(&next, s->lease_ends_ms);
            if (!s->queued || (message->paused && !message->deleted) ||
                (message->kind == SCHEDULE_CALLBACK && !c->calls && s->slice.watermark == 0))
                continue;
            if (s->due_ms > soon || message->park_ms > soon) {
                next_is(&next, (s->due_ms > message->park_ms ? s->due_ms : message->park_ms) -
                                   c->ahead_ms);
            } else if (is_closed(from, left, message, by, now_ms + c->lease_ms / 2)) {
                next_is(&next, from->own ? now_ms + OWN_MS : from->until_ms - c->ahead_ms);
            } else if (a->slice_count >= c->slices || used >= c->destinations) {
                next_is(&next, now_ms);
            } else {
                take(m, c, by, message, k, now_ms, left, &out->slices[a->slice_count]);
                out->slices[a->slice_count++].message = messages;
                used += s->slice.count;
                if (left != NULL) {
                    left->more -= s->slice.count;
                    left->room -= s->slice.count;
                }
                next_is(&next, s->lease_ends_ms);
            }
        }
        if (a->slice_count > before)
            describe(message, &out->messages[messages++]);
    }
    a->next_ms = next;
}

/* ---- writes ---- */

static bool is_holder(const struct send_store_slice *s, const struct slice *by)
{
    return memcmp(s->slice.holder, by->holder, sizeof by->holder) == 0;
}

static bool is_requester(const struct send_store_message *message, const struct slice *by)
{
    return message->requested &&
           memcmp(message->requester, by->holder, sizeof message->requester) == 0;
}

static void completed(struct send_store *m, struct send_store_message *message, int64_t now_ms)
{
    struct schedule_event *e;
    int64_t ok = 0;
    int64_t dead = 0;

    for (size_t k = 0; k < message->slices; k++) {
        ok += message->slice[k].slice.ok;
        dead += message->slice[k].slice.dead;
    }
    if (!message->live || ok + dead != (int64_t)message->count)
        return;
    message->live = false;
    e = event(m, message, SCHEDULE_EVENT_COMPLETED, now_ms);
    e->added = (int64_t)message->count;
    e->ok = ok;
    e->dead = dead;
}

static void check_write(const struct send_store_slice *s, const struct slice *is, char mode)
{
    const struct slice *was = &s->slice;

    if (is->sequence == was->sequence)
        return;
    assert_int_equal(is->sequence, was->sequence + 1);
    assert_int_equal(is->attempt, was->attempt);
    assert_true(is->ok >= was->ok && is->dead >= was->dead);
    assert_true(is->ok + is->dead <= is->count); /* D9 */
    assert_true(mode == 'p' || is->watermark <= was->watermark);
    for (size_t i = 0; i < sizeof is->pending; i++) /* what has ended stays so */
        assert_int_equal(is->pending[i] & ~was->pending[i], 0);
}

/* The next call waits while one may be out. */
static void request_back(struct send_store_message *message, const struct slice *by)
{
    if (!is_requester(message, by))
        return;
    message->requested = false;
    if (message->park_ms == message->requested_to_ms)
        message->park_ms = 0;
}

enum schedule_state send_store_write(struct send_store *m, const struct schedule_write *w,
                                     char mode, int64_t now_ms)
{
    struct send_store_message *message = send_store_find(m, w->lease->id);
    struct send_store_slice *s = &message->slice[w->lease->slice];
    enum schedule_state state = message->deleted  ? SCHEDULE_CANCELLED
                                : message->paused ? SCHEDULE_PAUSED
                                                  : SCHEDULE_DONE;
    bool new = w->slice->sequence != s->slice.sequence;

    if (!is_holder(s, w->slice)) {
        request_back(message, w->slice);
        return SCHEDULE_FENCED;
    }
    if (mode == 'p' && w->slice->watermark > s->slice.watermark && state != SCHEDULE_DONE)
        return state;
    check_write(s, w->slice, mode);
    if (new) {
        if (message->kind == SCHEDULE_CALLBACK && s->slice.watermark == 0 &&
            w->slice->watermark == 1)
            message->calls++;
        settled_event(m, message, w, now_ms);
    }
    s->slice = *w->slice;
    if (mode == 'p' && message->kind == SCHEDULE_CALLBACK && w->slice->watermark == 1) {
        message->requested = true;
        message->resulted = false;
        message->requested_to_ms = now_ms + w->out_ms;
        memcpy(message->requester, w->slice->holder, sizeof message->requester);
    }
    if (mode == 'p') {
        s->lease_ends_ms = now_ms + w->lease_ms;
        return new ? state : SCHEDULE_DONE;
    }
    assert_true(mode == 'r' || !w->slice->open);
    s->leased = false;
    memset(s->slice.holder, 0, sizeof s->slice.holder);
    s->queued = message->live ? slice_ended(&s->slice) < s->slice.count : slice_out(&s->slice) > 0;
    s->due_ms = w->at_ms > now_ms ? w->at_ms : now_ms;
    if (w->park)
        message->park_ms = s->due_ms;
    if (mode == 'r' && s->slice.watermark == 0 && message->kind == SCHEDULE_CALLBACK &&
        message->live)
        assert_true(slice_read(&s->slice, VIEW_NONE, 1));
    if (message->kind == SCHEDULE_MESSAGE)
        completed(m, message, now_ms);
    request_back(message, w->slice);
    return state;
}

static void end_attempt(struct send_store *m, struct send_store_message *message,
                        const struct callback_state *state, int64_t now_ms)
{
    struct send_store_slice *s = &message->slice[0];
    struct schedule_event *e;

    message->callback = *state;
    message->live = state->open;
    if (message->requested && message->requested_to_ms > now_ms)
        message->park_ms = message->requested_to_ms;
    s->leased = false;
    s->queued = state->open;
    s->due_ms = state->next_call_ms;
    assert_true(slice_read(&s->slice, VIEW_NONE, 1));
    e = event(m, message, state->open ? SCHEDULE_EVENT_CALLED : SCHEDULE_EVENT_CALLED_LAST, now_ms);
    e->result = state->last;
    e->failures = state->failures;
    e->max_calls = state->max_calls;
}

enum schedule_state send_store_end_call(struct send_store *m, const struct schedule_call_end *e,
                                        int64_t now_ms)
{
    struct send_store_message *message = send_store_find(m, e->lease->id);
    struct send_store_slice *s = &message->slice[0];

    bool wished = message->live && is_requester(message, e->slice) && !message->resulted;
    struct callback_state state = *e->state;

    request_back(message, e->slice);
    if (!is_holder(s, e->slice) && !wished)
        return SCHEDULE_FENCED;
    if (!is_holder(s, e->slice))
        state.next_call_ms = message->callback.next_call_ms;
    end_attempt(m, message, &state, now_ms);
    message->resulted = true;
    return SCHEDULE_DONE;
}

void send_store_call_back(struct send_store *m, const struct schedule_lease *lease,
                          const struct slice *slice)
{
    request_back(send_store_find(m, lease->id), slice);
}

void send_store_put_result(struct send_store *m, struct send_store_message *message,
                           const struct callback_put *put, int64_t now_ms, int64_t retry_ms)
{
    bool wish = put->result == CALLBACK_CUSTOM_TIME || put->result == CALLBACK_RESCHEDULE;
    struct callback_state state = message->callback;
    struct fault f = {0};

    if (!message->live)
        return;
    assert_int_equal(callback_put(&state, put, now_ms, retry_ms, &f), 0);
    end_attempt(m, message, &state, now_ms);
    message->resulted = message->resulted || !wish;
}

void send_store_delete(struct send_store *m, struct send_store_message *message, int64_t now_ms)
{
    if (!message->live || message->deleted)
        return;
    (void)event(m, message, SCHEDULE_EVENT_CANCELLED, now_ms);
    message->live = false;
    message->deleted = true;
    for (size_t k = 0; k < message->slices; k++) {
        struct send_store_slice *s = &message->slice[k];

        s->queued = s->queued && slice_out(&s->slice) > 0;
        s->due_ms = now_ms;
    }
}

int64_t send_store_next_ms(const struct send_store *m)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < m->messages[i].slices; k++) {
            const struct send_store_slice *s = &m->messages[i].slice[k];
            int64_t at = s->leased ? s->lease_ends_ms : s->due_ms;

            if ((s->leased || s->queued) && at < next)
                next = at;
        }
    return next;
}

bool send_store_all_ended(const struct send_store *m)
{
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = 0; k < m->messages[i].slices; k++)
            if (m->messages[i].live || m->messages[i].slice[k].queued ||
                m->messages[i].slice[k].leased)
                return false;
    for (size_t i = 0; i < m->event_count; i++)
        if (!m->events[i].gone)
            return false;
    return true;
}
