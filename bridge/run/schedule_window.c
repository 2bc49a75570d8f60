#include "bridge/run/schedule_state.h"

#include <assert.h>
#include <string.h>

/*
 * How much of a sender is marked and not begun: as much as it can begin soon, by its rate and by
 * how it has gone so far, over all that this process holds of it. More would only grow stale, keep
 * its recipients from others meanwhile, and have to be marked again. What wants to be marked beyond
 * that waits in the sender's line, holding after holding.
 *
 * Counted in message parts, as rates are.
 */

#define AHEAD_MS 500 /* what a rate lets through in so long is marked ahead */

int64_t schedule_parts_of(const struct holding *h)
{
    return h->content->body.parts > 0 ? h->content->body.parts : 1;
}

int64_t schedule_window_most(const struct sender *from)
{
    int64_t paced = from->conf->rate * AHEAD_MS / 1000;

    if (from->conf->rate == 0 || from->window <= paced)
        return from->window;
    return paced > 0 ? paced : 1;
}

/* What one holding marks at once, in destinations: its share among those that have something
 * marked and those that wait, and room for one more to come. */
static unsigned share(const struct holding *h)
{
    const struct sender *from = h->sender;
    int64_t parts = schedule_window_most(from) / (int64_t)(from->ring_count + from->line_count + 1);
    int64_t n = parts / schedule_parts_of(h);

    return n > 0 ? (unsigned)n : 1;
}

static unsigned chunk(const struct holding *h)
{
    unsigned waiting = h->count[HANDOVER_WAITING] - h->deferred;

    return waiting < share(h) ? waiting : share(h);
}

/* One is always marked, even where it has more parts than that. */
static bool has_room(const struct holding *h)
{
    const struct sender *from = h->sender;

    int64_t left = schedule_window_most(from) - from->ready;

    return from->ready == 0 || left >= chunk(h) * schedule_parts_of(h);
}

/* ---- the line ---- */

static void take(struct holding *h)
{
    struct sender *from = h->sender;

    h->ahead = false;
    if (!h->wants)
        return;
    h->wants = false;
    from->line_count--;
    if (h->before != NULL)
        h->before->after = h->after;
    else
        from->line = h->after;
    if (h->after != NULL)
        h->after->before = h->before;
    else
        from->line_last = h->before;
    h->before = h->after = NULL;
}

void schedule_window_forget(struct holding *h)
{
    take(h);
    if (h->stale)
        h->sender->stale--;
    h->stale = false;
}

static void put(struct holding *h)
{
    struct sender *from = h->sender;

    h->wants = true;
    from->line_count++;
    if (h->ahead) {
        h->after = from->line;
        from->line = h;
    } else {
        h->before = from->line_last;
        from->line_last = h;
    }
    if (h->after != NULL)
        h->after->before = h;
    else
        from->line_last = h;
    if (h->before != NULL)
        h->before->after = h;
    else
        from->line = h;
    h->ahead = false;
}

/* Its turn has come while a write of it is under way: it comes first when that has ended. */
static void put_off(struct holding *h)
{
    take(h);
    h->ahead = true;
}

static bool is_busy(const struct holding *h)
{
    return h->write != WRITE_NONE || h->recipients_asked;
}

static bool has_waiting(const struct holding *h)
{
    return h->count[HANDOVER_WAITING] > h->deferred;
}

static bool is_of_same(const struct holding *one, const struct holding *other)
{
    return memcmp(one->lease.id, other->lease.id, sizeof one->lease.id) == 0;
}

/* A rate is shared out among messages (D8), so of each one slice after the other is marked. */
static bool is_its_turn(const struct holding *h)
{
    const struct holding *one = h->sender->several;

    if (h->sender->conf->rate == 0 || h->content->message.slices <= 1)
        return true;
    while (one != h && !(has_waiting(one) && is_of_same(one, h)))
        one = one->later;
    return one == h;
}

void schedule_window_taken(struct schedule *s, const struct holding *h)
{
    if (h->sender == NULL || h->sender->conf->rate == 0 || has_waiting(h))
        return;
    for (struct holding *one = h->sender->several; one != NULL; one = one->later)
        if (one != h && is_of_same(one, h))
            schedule_hold_dirty(s, one);
}

unsigned schedule_window_head_start(const struct holding *h)
{
    if (h->sender->stale > 0 || !is_its_turn(h))
        return 0;
    return h->sender->conf->rate > 0 ? share(h) : SLICE_DESTINATIONS_MAX;
}

/* A mark renews what is marked already, but does not ask for its consent again: there the window is
 * used up first. */
static bool wants_mark(const struct holding *h)
{
    unsigned left = schedule_needs_recipients(h) ? 0 : share(h) / 2;

    return has_waiting(h) && h->count[HANDOVER_MARKED] <= left && is_its_turn(h);
}

/* ---- marking ---- */

/* Hands over its next destinations. */
static void mark(struct schedule *s, struct holding *h)
{
    unsigned want = chunk(h);
    size_t top = h->slice.watermark;

    schedule_window_forget(h);
    for (size_t i = 0; i < h->slice.count && want > 0; i++) {
        if ((h->states[i] & ~(HANDED | RESERVED)) != HANDOVER_WAITING)
            continue; /* those that are DEFERRED are not taken */
        schedule_move(s, h, i, HANDOVER_ON_MARK);
        want--;
        if (i >= top)
            top = i + 1;
    }
    assert(want == 0);
    if (top > h->slice.watermark)
        slice_hand_over(&h->slice, top);
    schedule_write(s, h, WRITE_PROGRESS);
}

bool schedule_window_want(struct schedule *s, struct holding *h)
{
    if (!h->wants && wants_mark(h))
        put(h);
    if (h->sender->line != h || !has_room(h))
        return false;
    mark(s, h);
    return true;
}

/* The sender can't send for a while: those in line leave. */
static void dismiss(struct schedule *s, struct sender *from)
{
    while (from->line != NULL) {
        schedule_hold_dirty(s, from->line);
        take(from->line);
    }
}

static bool mark_line(struct schedule *s, struct sender *from)
{
    int64_t now = schedule_now(s);
    int64_t shut_ms = schedule_sender_shut_ms(s, from, now);
    bool any = false;

    if (shut_ms > now + SCHEDULE_POLL_MS) {
        dismiss(s, from);
        return true;
    }
    while (shut_ms <= now && from->line != NULL && has_room(from->line)) {
        struct holding *h = from->line;

        any = true;
        if (is_busy(h)) {
            put_off(h);
        } else if (now < schedule_last_ms(s, h, now)) {
            mark(s, h);
        } else {
            take(h);
            schedule_hold_dirty(s, h);
        }
    }
    return any;
}

bool schedule_window_due(struct schedule *s)
{
    bool any = false;

    for (size_t i = 0; i < s->conf.channel_count; i++) {
        struct sender *from = s->channels[i].busy;

        for (size_t k = 0; k < s->channels[i].busy_count; k++, from = from->next)
            if (from->line != NULL && has_room(from->line))
                any = mark_line(s, from) || any;
    }
    return any;
}

int64_t schedule_window_wake_ms(struct schedule *s, struct sender *from, int64_t now_ms)
{
    if (from->line == NULL || !has_room(from->line))
        return INT64_MAX;
    return schedule_sender_shut_ms(s, from, now_ms);
}

void schedule_window_marked(struct schedule *s, struct holding *h, int64_t asked_ms)
{
    schedule_move_all(s, h, HANDOVER_MARKING, HANDOVER_ON_MARKED);
    h->marked_ms = asked_ms;
    if (h->count[HANDOVER_MARKED] > 0)
        schedule_ring_put(h);
}

void schedule_window_defer(struct schedule *s, struct holding *h, size_t i, int64_t until_ms)
{
    assert(schedule_state_of(h, i) == HANDOVER_WAITING && (h->states[i] & DEFERRED) == 0);
    h->states[i] = (uint8_t)(h->states[i] | DEFERRED);
    h->deferred++;
    if (h->deferred_ms == 0 || until_ms < h->deferred_ms)
        h->deferred_ms = until_ms;
    schedule_window_taken(s, h);
}

/* Else the one by which the channel has stopped, being the first of its slice, would be what tries
 * it each time, whoever waits behind it. */
void schedule_window_defer_stoppers(struct schedule *s, struct holding *h)
{
    const struct channel_of *c = h->sender->channel;
    int64_t until = c->breaker.until_ms + SCHEDULE_LAST_MS;
    struct channel_ref first = {.destination = h->lease.slice * SLICE_DESTINATIONS_MAX};

    if (!c->stopped || until <= schedule_now(s) ||
        !guid_parse(view_of(h->lease.id), &first.message))
        return;
    for (unsigned k = 0; k < STOPPERS_MAX && k < c->stopper_count; k++) {
        const struct channel_ref *who = &c->stoppers[k].who;
        uint32_t i = who->destination - first.destination;

        if (!guid_eq(&who->message, &first.message) || who->destination < first.destination ||
            i >= h->slice.count)
            continue;
        if (schedule_state_of(h, i) == HANDOVER_MARKED)
            schedule_move(s, h, i, HANDOVER_ON_STALE);
        if (schedule_state_of(h, i) == HANDOVER_WAITING && (h->states[i] & DEFERRED) == 0)
            schedule_window_defer(s, h, i, until);
    }
}

static void defer_put_off(struct schedule *s, struct holding *h)
{
    int64_t now = schedule_now(s);

    for (size_t i = 0; i < h->slice.put_off; i++) {
        int64_t until = schedule_mono_of(s, h->slice.put_off_ms[i]);
        size_t destination = h->slice.put_off_at[i];

        if (until > now && schedule_state_of(h, destination) == HANDOVER_WAITING)
            schedule_window_defer(s, h, destination, until);
    }
}

void schedule_window_defer_put_off(struct schedule *s, struct holding *h)
{
    defer_put_off(s, h);
    schedule_window_defer_stoppers(s, h);
}

void schedule_window_end_deferral(struct schedule *s, struct holding *h)
{
    for (size_t i = 0; i < h->slice.count; i++)
        h->states[i] = (uint8_t)(h->states[i] & ~DEFERRED);
    h->deferred_ms = 0;
    h->deferred = 0;
    defer_put_off(s, h);
}

/* ---- its size ---- */

/* Too much was marked for what can be begun in a second. Those marked with it say the same. */
static void narrow(struct sender *from, int64_t now_ms)
{
    int64_t most = schedule_window_most(from);
    int64_t was = most < from->ready ? most : from->ready;

    if (now_ms < from->narrowed_ms + SCHEDULE_MARKED_MS)
        return;
    from->narrowed_ms = now_ms;
    from->window = was / 2 > 1 ? was / 2 : 1;
}

void schedule_window_stale(struct schedule *s, struct holding *h)
{
    int64_t now = schedule_now(s);

    if (now >= h->marked_ms + SCHEDULE_MARKED_MS)
        narrow(h->sender, now);
    schedule_move_all(s, h, HANDOVER_MARKED, HANDOVER_ON_STALE);
    if (!h->stale)
        h->sender->stale++;
    h->stale = true;
}

/* It may be larger, where what was marked went quickly and was not much less. */
void schedule_window_begun(struct holding *h, int64_t now_ms)
{
    struct sender *from = h->sender;
    int64_t parts = schedule_parts_of(h);

    from->begun += parts;
    if (from->window < SCHEDULE_WINDOW_MAX && now_ms < h->marked_ms + SCHEDULE_MARKED_MS / 4 &&
        4 * (from->ready + parts) >= from->window)
        from->window += parts;
}
