/* What processes do to the store and to its model: claims, writes, the outbox. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bridge/core/address_list.h"
#include "bridge/core/utf8.h"
#include "bridge/io/redis_schedule_scripts.h"
#include "tests/fakes/schedule_model_in.h"

#include <stdio.h>
#include <string.h>

#define LEASE_MS_MAX 25
#define CLOSED_MS    5

static const uint8_t nobody[SLICE_HOLDER_BYTES];

/* What has ended is put off no more. */
static void forget_put_off(struct slice *is, size_t i)
{
    size_t left = 0;
    struct slice was = *is;

    memset(is->put_off_at, 0, sizeof is->put_off_at);
    memset(is->put_off_ms, 0, sizeof is->put_off_ms);
    for (size_t n = 0; n < was.put_off; n++)
        if (was.put_off_at[n] != i) {
            is->put_off_at[left] = was.put_off_at[n];
            is->put_off_ms[left++] = was.put_off_ms[n];
        }
    is->put_off = (uint8_t)left;
}

void model_heard(struct schedule_model *m, struct model_thing *t, struct model_slice *s,
                 struct slice *is, size_t i)
{
    if (model_has(s->late, i)) /* it is said to have failed, too, and has arrived */
        model_flip(s->late, i);
    model_flip(is->pending, i);
    forget_put_off(is, i);
    is->ok++;
    t->ok++;
    m->settled++;
    m->did[DID_HEARD]++;
}

/* ---- claims ---- */

static bool tells(const struct model_thing *t, const struct model_slice *s)
{
    return t->st == STORE_LIVE || (t->st == STORE_DELETED && slice_out(&s->is) > 0);
}

static void reap(struct schedule_model *m)
{
    for (size_t i = 0; i < MODEL_THINGS; i++)
        for (unsigned k = 0; m->things[i].used && k < m->things[i].slices; k++) {
            struct model_slice *s = &m->things[i].slice[k];

            if (!s->leased || s->ends_ms > m->now_ms)
                continue;
            m->things[i].changed = true;
            s->leased = false;
            if (s->is.crashes < 255)
                s->is.crashes++;
            for (size_t d = 0; m->things[i].st == STORE_LIVE && d < s->is.count; d++)
                if (model_has(s->is.pending, d) && model_has(s->delivered, d))
                    model_heard(m, &m->things[i], s, &s->is, d);
            memcpy(s->is.holder, nobody, sizeof nobody);
            s->waits = tells(&m->things[i], s);
            s->due_ms = m->now_ms;
        }
}

static bool is_closed(const struct schedule_claim *c, const struct model_thing *t)
{
    return t->st == STORE_LIVE && t->of.kind == STORE_MESSAGE && c->closed_count > 0 &&
           utf8_eq_nocase(c->closed[0].source, view_trim(view_of(t->of.source)));
}

/* A call that is still to be begun, by a claim that begins none. */
static bool is_apart(const struct schedule_claim *c, const struct model_thing *t)
{
    return t->st == STORE_LIVE && t->of.kind == STORE_CALLBACK && !c->calls &&
           t->slice[0].is.watermark == 0;
}

/* It may be claimed now (I7: not before its time, but for what the claim is ahead). */
static bool is_due(const struct schedule_model *m, const struct schedule_claim *c,
                   const struct model_thing *t, unsigned k)
{
    int64_t soon_ms = m->now_ms + c->ahead_ms;

    return t->used && t->slice[k].waits && t->slice[k].due_ms <= soon_ms &&
           t->parked_ms <= soon_ms && !(t->st == STORE_LIVE && t->paused) && !is_closed(c, t) &&
           !is_apart(c, t);
}

static void hand_over(const struct model_thing *t, struct model_slice *s, const struct slice *is)
{
    for (size_t i = 0; i < is->watermark; i++)
        if (model_has(is->pending, i) && !model_has(is->settled, i)) {
            assert_true(is->attempt >= s->attempts[i]);
            assert_true(is->attempt <= t->of.retries + 1); /* I8 */
            s->attempts[i] = is->attempt;
        }
}

static void keep_hold(struct schedule_model *m, const struct schedule_claimed_slice *c,
                      unsigned thing, unsigned owner)
{
    for (size_t i = 0; i < MODEL_HOLDS; i++)
        if (!m->holds[i].used) {
            m->holds[i] = (struct model_hold){.used = true,
                                              .owner = owner,
                                              .thing = thing,
                                              .slice = c->lease.slice,
                                              .cancelled = c->cancelled,
                                              .timed_out = c->timed_out,
                                              .is = c->slice,
                                              .lease = c->lease};
            return;
        }
    fail_msg("no room for what was claimed");
}

static void expect_addresses(const struct model_thing *t, unsigned k, struct view list)
{
    struct view first = VIEW_NONE;
    char text[24];
    size_t count = 0;

    if (t->of.kind == STORE_CALLBACK)
        return;
    snprintf(text, sizeof text, "+%u", k * SLICE_DESTINATIONS_MAX + 1);
    assert_true(address_list_open(&list, &count) && count == model_size(t, k));
    assert_true(address_list_next(&list, &first) && view_is(first, text));
}

/* Does to the model what the claim must have done, and compares what came. */
static void take(struct schedule_model *m, const struct schedule_claim *c,
                 const struct schedule_claimed_slice *got, unsigned owner)
{
    struct model_thing *t = NULL;
    struct model_slice *s = NULL;
    struct slice is;
    unsigned thing = 0;

    while (thing < MODEL_THINGS && strcmp(m->things[thing].of.id, got->lease.id) != 0)
        thing++;
    assert_true(thing < MODEL_THINGS);
    t = &m->things[thing];
    s = &t->slice[got->lease.slice];
    assert_true(is_due(m, c, t, got->lease.slice));
    assert_int_equal(got->cancelled, t->st == STORE_DELETED);
    assert_int_equal(got->timed_out, t->of.kind == STORE_CALLBACK && s->is.watermark > 0);
    assert_int_equal(got->due_ms, s->due_ms);
    assert_true(got->due_ms <= m->now_ms + c->ahead_ms);
    assert_int_equal(got->expires_ms, m->now_ms + c->lease_ms);
    expect_addresses(t, got->lease.slice, got->addresses);
    assert_true(memcmp(got->slice.holder, m->fence, sizeof m->fence) > 0); /* I5 */
    memcpy(m->fence, got->slice.holder, sizeof m->fence);
    if (s->is.crashes > 0)
        m->did[DID_TAKE_OVER]++;
    m->did[got->timed_out ? DID_TIME_OUT : DID_LEASE]++;

    is = s->is;
    slice_claim(&is, got->slice.holder);
    if (t->st == STORE_LIVE && t->of.kind == STORE_MESSAGE && strcmp(t->of.sub_type, "sms") == 0 &&
        c->head_start > is.watermark)
        slice_hand_over(&is, c->head_start < is.count ? c->head_start : is.count);
    assert_memory_equal(&is, &got->slice, sizeof is);
    hand_over(t, s, &is);
    t->changed = true;
    s->is = is;
    s->waits = s->unlisted = false;
    s->leased = true;
    s->ends_ms = got->expires_ms;
    keep_hold(m, got, thing, owner);
}

static void earlier(int64_t *first_ms, int64_t ms)
{
    if (*first_ms == 0 || ms < *first_ms)
        *first_ms = ms;
}

/* When something is due next: of what is stored now. */
static int64_t next_of(const struct schedule_model *m, const struct schedule_claim *c)
{
    int64_t first_ms = 0;

    for (size_t i = 0; i < MODEL_THINGS; i++) {
        const struct model_thing *t = &m->things[i];

        for (unsigned k = 0; t->used && k < t->slices; k++) {
            const struct model_slice *s = &t->slice[k];

            if (s->leased)
                earlier(&first_ms, s->ends_ms);
            else if (s->waits && !(t->st == STORE_LIVE && t->paused) && !is_apart(c, t))
                earlier(&first_ms,
                        (s->due_ms > t->parked_ms ? s->due_ms : t->parked_ms) - c->ahead_ms);
        }
    }
    return first_ms != 0 && first_ms < m->now_ms ? m->now_ms : first_ms;
}

static size_t free_holds(const struct schedule_model *m)
{
    size_t n = 0;

    for (size_t i = 0; i < MODEL_HOLDS; i++)
        n += !m->holds[i].used;
    return n;
}

void model_claim(struct schedule_model *m, bool greedy)
{
    static const unsigned starts[] = {0, 0, 1, 50, 1000};
    static const unsigned rooms[] = {1, 600, 3000, 1000000};
    static const int64_t aheads[] = {0, 0, 1, 3, 25};
    struct schedule_closed closed = {.source = VIEW("s1")};
    struct schedule_claim c = {.shard = MODEL_SHARD,
                               .slices = greedy ? 24 : (unsigned)model_pick(6),
                               .destinations = greedy ? 1000000 : rooms[model_pick(4)],
                               .quantum = 1 + (unsigned)model_pick(3),
                               .lease_ms = greedy ? 1000 : 1 + (int64_t)model_pick(LEASE_MS_MAX),
                               .ahead_ms = aheads[model_pick(5)],
                               .calls = greedy || model_pick(4) > 0,
                               .head_start = starts[model_pick(5)],
                               .gated = VIEW("WHATSAPP"),
                               .closed = &closed,
                               .closed_count = !greedy && model_pick(5) == 0};
    unsigned owner = (unsigned)model_pick(SCHEDULE_RIG_OWNERS);
    int64_t room = c.destinations;

    if (c.slices > free_holds(m))
        c.slices = (unsigned)free_holds(m);
    closed.until_ms = m->now_ms + CLOSED_MS + c.ahead_ms;
    schedule_rig_claim(&m->rig, owner, &c);
    assert_int_equal(m->rig.claimed.state, SCHEDULE_DONE);
    assert_true(m->rig.claimed.slice_count <= c.slices);
    m->now_ms = m->rig.claimed.now_ms;
    c.closed_count = closed.until_ms > m->now_ms + c.ahead_ms ? c.closed_count : 0;
    m->did[DID_CLAIM]++;
    reap(m);
    for (size_t i = 0; i < m->rig.claimed.slice_count; i++) {
        const struct schedule_claimed_slice *got = &m->rig.slices[i].claimed;

        take(m, &c, got, owner);
        room -= (int64_t)(got->slice.count - slice_ended(&got->slice));
    }
    for (size_t i = 0; i < MODEL_THINGS; i++)
        if (is_closed(&c, &m->things[i])) {
            m->things[i].may_park_ms = closed.until_ms;
            m->things[i].changed = true;
        }
    if (m->rig.claimed.slice_count < c.slices && room > 0)
        for (size_t i = 0; i < MODEL_THINGS; i++)
            for (unsigned k = 0; m->things[i].used && k < m->things[i].slices; k++)
                assert_false(is_due(m, &c, &m->things[i], k)); /* all that was due has come */
    model_compare_all(m, m->now_ms);
    if (m->rig.claimed.slice_count < c.slices && room > 0)
        assert_int_equal(m->rig.claimed.next_ms, next_of(m, &c)); /* exact */
}

/* ---- writes ---- */

struct writing {
    struct schedule_model *m;
    struct model_hold *h;
    struct model_thing *t;
    struct model_slice *s;
    bool holds; /* else it has lost the lease */
    struct slice is;
    struct schedule_write w;
    struct settlement *settled;
};

static void begin(struct writing *w, struct schedule_model *m, struct model_hold *h)
{
    static struct settlement settled[SLICE_DESTINATIONS_MAX];

    memset(w, 0, sizeof *w);
    w->settled = settled;
    w->m = m;
    w->h = h;
    w->t = &m->things[h->thing];
    w->s = &w->t->slice[h->slice];
    w->holds = w->t->used && strcmp(w->t->of.id, h->lease.id) == 0 && w->s->leased &&
               memcmp(w->s->is.holder, h->is.holder, SLICE_HOLDER_BYTES) == 0;
    w->is = h->is;
    w->w = (struct schedule_write){.lease = &h->lease,
                                   .slice = &w->is,
                                   .settled = w->settled,
                                   .lease_ms = 1 + (int64_t)model_pick(LEASE_MS_MAX)};
}

static void settle(struct writing *w, size_t i)
{
    bool last = w->t->used && w->is.attempt > w->t->of.retries;
    size_t what = model_pick(10);
    enum slice_outcome outcome = what < 6 ? SLICE_OK : what < 9 ? SLICE_AGAIN : SLICE_DEAD;

    if (outcome == SLICE_AGAIN && last && !w->h->cancelled)
        outcome = SLICE_DEAD;
    if (i >= w->is.watermark) /* never handed over */
        outcome = w->h->cancelled ? SLICE_AGAIN : SLICE_DEAD;
    slice_settle(&w->is, i, outcome);
    if (outcome == SLICE_AGAIN && model_pick(4) == 0 &&
        slice_put_off(&w->is, i, (int64_t)model_pick(1000)))
        w->m->did[DID_PUT_OFF]++;
    w->settled[w->w.settled_count++] = (struct settlement){.index = (uint16_t)i,
                                                           .attempt = w->is.attempt,
                                                           .state = SETTLEMENT_HANDLED,
                                                           .address = VIEW("+1")};
}

static enum schedule_state state_of(const struct writing *w)
{
    if (!w->holds)
        return SCHEDULE_FENCED;
    if (w->t->st == STORE_DELETED)
        return SCHEDULE_CANCELLED;
    if (w->t->paused || memcmp(w->h->is.holder, w->t->erased, sizeof w->t->erased) <= 0)
        return SCHEDULE_PAUSED;
    return SCHEDULE_DONE;
}

/* What settle.lua must have done to counts, and to receipts that came early. */
static void count(struct writing *w, bool ends)
{
    const struct slice *old = &w->s->is;
    const struct slice *new = &w->is;
    int64_t ok = new->ok - old->ok;
    int64_t dead = new->dead - old->dead;
    int64_t out = (int64_t)slice_out(new) - (int64_t)slice_out(old);

    for (size_t i = 0; i < new->count; i++) {
        if (!model_has(w->s->late, i))
            continue;
        if (model_has(old->pending, i) && !model_has(new->pending, i) &&
            !model_has(new->failed, i)) {
            w->t->ok--;
            w->t->dead++;
        }
        if (model_has(new->pending, i) && (ends || model_has(new->settled, i)))
            model_flip(w->s->late, i);
    }
    w->t->ok += ok;
    w->t->dead += dead;
    if (w->t->st == STORE_DELETED) {
        w->t->out += out;
        w->t->can += -out - ok - dead;
    }
    w->m->settled += w->w.settled_count;
}

static bool requests(const struct writing *w)
{
    return w->t->used && strcmp(w->t->of.id, w->h->lease.id) == 0 && w->t->requested &&
           memcmp(w->t->requester, w->h->is.holder, SLICE_HOLDER_BYTES) == 0;
}

/* It says that its call's request is not out. */
static void request_back(struct writing *w)
{
    if (requests(w))
        w->t->requested = w->t->resulted = false;
}

static enum schedule_state send_it(struct writing *w, schedule_rig_writer *how)
{
    enum schedule_state state = schedule_rig_write(&w->m->rig, w->h->owner, how, w->w);

    assert_int_equal(state, state_of(w));
    if (state == SCHEDULE_FENCED) {
        request_back(w);
        w->h->used = false;
        w->m->did[DID_FENCED]++;
    } else if (state != SCHEDULE_DONE) {
        w->m->did[state == SCHEDULE_CANCELLED ? DID_CANCELLED : DID_PAUSED]++;
    }
    return state;
}

static void compare_after(struct writing *w, int64_t least_ms)
{
    if (w->t->used)
        model_compare(w->m, w->t, least_ms);
}

static enum schedule_state progress(struct writing *w)
{
    schedule_rig_writer *how = w->m->rig.ports[w->h->owner].progress;
    bool raised = w->is.watermark > w->h->is.watermark;
    enum schedule_state state;

    w->is.sequence++;
    w->w.out_ms = (int64_t)model_pick(10);
    state = send_it(w, how);
    w->m->did[DID_PROGRESS]++;
    if (state == SCHEDULE_FENCED || (state != SCHEDULE_DONE && raised)) {
        w->h->cancelled |= state == SCHEDULE_CANCELLED;
        compare_after(w, 0); /* nothing was written (I9) */
        return state;
    }
    count(w, false);
    hand_over(w->t, w->s, &w->is);
    if (w->t->of.kind == STORE_CALLBACK && w->s->is.watermark == 0 && w->is.watermark == 1)
        w->t->calls++;
    if (w->t->of.kind == STORE_CALLBACK && w->is.watermark == 1) {
        w->t->requested = true;
        w->t->resulted = false;
        w->t->requested_to_ms = w->m->now_ms + w->w.out_ms;
        memcpy(w->t->requester, w->is.holder, SLICE_HOLDER_BYTES);
    }
    w->s->is = w->h->is = w->is;
    if (model_pick(6) == 0) { /* its reply was lost */
        assert_int_equal(schedule_rig_write(&w->m->rig, w->h->owner, how, w->w), SCHEDULE_DONE);
        w->m->did[DID_REPEAT]++;
    }
    compare_after(w, 0);
    return state;
}

void model_complete(struct schedule_model *m, struct model_thing *t)
{
    if (t->ok + t->dead != (int64_t)t->of.count)
        return;
    t->st = STORE_CLOSED;
    t->paused = false;
    for (unsigned k = 0; k < t->slices; k++)
        t->slice[k].waits = false; /* nothing of it is left, only nobody had ended its pass */
    m->ended++;
    m->did[DID_COMPLETE]++;
}

/* It is no longer leased: waits again, or has ended. */
static void put_back(struct writing *w)
{
    bool live = w->t->st == STORE_LIVE && w->t->of.kind == STORE_MESSAGE;
    bool pending;

    for (size_t i = 0; live && i < w->is.count; i++)
        if (model_has(w->is.pending, i) && model_has(w->s->delivered, i))
            model_heard(w->m, w->t, w->s, &w->is, i);
    pending = slice_ended(&w->is) < w->is.count;
    if (!pending && w->is.open)
        slice_end_pass(&w->is);
    memcpy(w->is.holder, nobody, sizeof nobody);
    w->s->is = w->is;
    w->s->leased = false;
    w->s->waits = pending && tells(w->t, w->s);
    w->s->due_ms = 0;
    if (live && !pending)
        model_complete(w->m, w->t);
    w->h->used = false;
}

static void release(struct writing *w)
{
    int64_t at_ms = model_pick(2) == 0 ? 0 : w->m->now_ms + (int64_t)model_pick(10);

    slice_take_back(&w->is, model_pick((size_t)w->is.watermark + 1));
    w->is.sequence++;
    w->w.at_ms = at_ms;
    w->w.park = model_pick(3) == 0;
    w->m->did[DID_RELEASE]++;
    if (send_it(w, w->m->rig.ports[w->h->owner].release) != SCHEDULE_FENCED) {
        bool untouched = w->is.watermark == 0 && w->is.attempt == 1 && w->t->st == STORE_LIVE;

        for (size_t i = 0; i < SLICE_BITMAP_BYTES; i++)
            untouched &= w->is.settled[i] == 0;
        count(w, false);
        if (w->w.park)
            w->t->may_park_ms = at_ms > w->m->now_ms ? at_ms : w->m->now_ms;
        put_back(w);
        if (untouched && w->s->is.ok == 0) {
            if (w->t->of.kind == STORE_CALLBACK) /* a message's stays claimed (contract 17) */
                assert_true(slice_read(&w->s->is, VIEW_NONE, 1));
            memset(w->s->late, 0, sizeof w->s->late);
            memset(w->s->delivered, 0, sizeof w->s->delivered);
            memset(w->s->copies, 0, sizeof w->s->copies);
        }
        request_back(w);
    }
    compare_after(w, at_ms > w->m->now_ms ? at_ms : w->m->now_ms);
}

void model_write(struct schedule_model *m, struct model_hold *h)
{
    struct writing w;
    size_t one_in = 1 + model_pick(4);

    begin(&w, m, h);
    for (size_t i = slice_next(&w.is, 0); i < h->is.watermark; i = slice_next(&w.is, i + 1))
        if (model_pick(one_in) == 0)
            settle(&w, i);
    if (model_pick(10) == 0) {
        release(&w);
        return;
    }
    if (!h->cancelled && model_pick(3) > 0) {
        size_t to = h->is.watermark + model_pick(300);

        slice_hand_over(&w.is, to < w.is.count ? to : w.is.count);
    }
    (void)progress(&w);
}

void model_finish(struct schedule_model *m, struct model_hold *h)
{
    struct writing w;

    begin(&w, m, h);
    if (!h->cancelled && h->is.watermark < h->is.count && model_pick(8) > 0) {
        slice_hand_over(&w.is, w.is.count);
        if (progress(&w) != SCHEDULE_DONE)
            return;
        begin(&w, m, h);
    }
    for (size_t i = slice_next(&w.is, 0); i < w.is.count; i = slice_next(&w.is, i))
        settle(&w, i);
    slice_end_pass(&w.is);
    w.is.sequence++;
    w.w.at_ms = m->now_ms + (int64_t)model_pick(10);
    m->did[DID_FINISH]++;
    if (send_it(&w, m->rig.ports[h->owner].finish) != SCHEDULE_FENCED) {
        count(&w, true);
        put_back(&w);
    }
    compare_after(&w, w.w.at_ms);
}

/* ---- callbacks ---- */

static void end_call(struct writing *w)
{
    static const enum callback_result results[] = {CALLBACK_BUSY, CALLBACK_OTHER,
                                                   CALLBACK_SUCCESSFUL};
    struct callback_state after = {.open = model_pick(3) > 0,
                                   .last = results[model_pick(3)],
                                   .failures = 1,
                                   .next_call_ms = w->m->now_ms + (int64_t)model_pick(10),
                                   .last_call_ms = w->m->now_ms};
    struct schedule_call_end e = {
        .lease = &w->h->lease, .slice = &w->is, .state = &after, .retention_ms = SCHEDULE_RIG_KEEP};
    enum schedule_state state;
    bool counts =
        w->holds || (requests(w) && w->t->st == STORE_LIVE && !w->t->resulted); /* a wish came */

    w->is.sequence++;
    state = schedule_rig_end_call(&w->m->rig, w->h->owner, e);
    assert_int_equal(state, counts ? SCHEDULE_DONE : SCHEDULE_FENCED);
    w->m->did[counts ? DID_CALL : DID_FENCED]++;
    w->h->used = false;
    request_back(w);
    if (counts) {
        w->t->resulted = w->t->requested;
        w->t->may_park_ms = w->t->requested ? w->t->requested_to_ms : 0;
        w->t->version++;
        w->t->st = after.open ? STORE_LIVE : STORE_CLOSED;
        assert_true(slice_read(&w->s->is, VIEW_NONE, 1));
        w->s->leased = false;
        w->s->unlisted = false;
        w->s->waits = after.open;
        w->s->due_ms = w->holds ? after.next_call_ms : w->t->wished_ms;
        w->m->ended++;
    }
    compare_after(w, 0);
}

void model_work_callback(struct schedule_model *m, struct model_hold *h)
{
    struct writing w;

    begin(&w, m, h);
    if (h->timed_out || h->is.watermark == 1) {
        end_call(&w);
    } else if (model_pick(5) == 0) {
        release(&w);
    } else {
        slice_hand_over(&w.is, 1);
        (void)progress(&w); /* never two at once: who has lost it is fenced before it calls */
    }
}

/* ---- the outbox ---- */

void model_drain(struct schedule_model *m)
{
    schedule_rig_read_outbox(&m->rig, 0, MODEL_SHARD);
    assert_int_equal(m->rig.outbox.state, SCHEDULE_DONE);
    for (size_t i = 0; i < m->rig.outbox.count; i++) {
        struct view blob = m->rig.events[i].blob;
        struct settlement s;

        m->did[DID_EVENT]++;
        if (m->rig.events[i].type == SCHEDULE_EVENT_SETTLED)
            while (settlement_next_event(&blob, &s))
                m->settled_seen++;
        if (m->rig.events[i].type != SCHEDULE_EVENT_SETTLED || m->rig.events[i].completes)
            m->ended_seen++;
    }
    if (m->rig.outbox.count > 0)
        assert_int_equal(schedule_rig_sent(&m->rig, 0, MODEL_SHARD), SCHEDULE_DONE);
}
